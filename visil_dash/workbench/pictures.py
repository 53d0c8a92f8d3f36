"""Pictures of clips and library videos, as JPEG."""

from collections.abc import Sequence

import numpy as np

from visil_dash.media.preview import jpeg
from visil_dash.records import Array
from visil_dash.workbench.bench import Workbench


def jpegs(
    bench: Workbench, query_id: str, times: Sequence[float], *, long_side: int
) -> tuple[bytes, ...]:
    """Pictures at these times as JPEG. Raises MediaRefused, NotFound."""
    return tuple(jpeg(p) for p in bench.frames(query_id, list(times), long_side=long_side))


def strip_times(timestamps: Array, count: int) -> list[float]:
    """At most `count` of the sampled times `[T]`, evenly spread, first and last frame included."""
    picked = np.unique(np.linspace(0, len(timestamps) - 1, min(count, len(timestamps))).round())
    return [float(t) for t in timestamps[picked.astype(int)]]
