"""Pictures of clips and library videos, as JPEG."""

from collections.abc import Sequence

import numpy as np

from visil_dash.framing.views import BY_KEY, QueryRef, box_in, cut
from visil_dash.media.decode import frames_at
from visil_dash.media.preview import jpeg
from visil_dash.proof.moments import is_shown
from visil_dash.proof.pictures import ProofPictures, boxed, masked, picture_difference, registered
from visil_dash.records import WHOLE, WHOLE_PICTURE, Array, Proof
from visil_dash.workbench.bench import Workbench
from visil_dash.workbench.clips import file_of


def pictures_of(
    bench: Workbench, query_id: str, times: Sequence[float], *, long_side: int = 640
) -> list[Array]:
    """Pictures of a clip, library video or view of one at the given times, uint8 RGB."""
    ref = QueryRef.parse(query_id)
    path = file_of(bench.clip(ref.base), bench.library)
    if ref.view == WHOLE:
        return frames_at(path, list(times), long_side=long_side, settings=bench.settings)
    view = BY_KEY[ref.view]
    box = box_in(bench.clip(ref.base).features.picture or WHOLE_PICTURE, view.box)
    finer = round(long_side / max(box[2:]))
    pictures = frames_at(path, list(times), long_side=finer, settings=bench.settings)
    return [np.ascontiguousarray(np.rot90(cut(picture, box), -view.turns)) for picture in pictures]


def jpegs(
    bench: Workbench, query_id: str, times: Sequence[float], *, long_side: int
) -> tuple[bytes, ...]:
    """Pictures at these times as JPEG. Raises MediaRefused, NotFound."""
    return tuple(jpeg(p) for p in pictures_of(bench, query_id, times, long_side=long_side))


def strip_times(timestamps: Array, count: int) -> list[float]:
    """At most `count` of the sampled times `[T]`, evenly spread, first and last frame included."""
    picked = np.unique(np.linspace(0, len(timestamps) - 1, min(count, len(timestamps))).round())
    return [float(t) for t in timestamps[picked.astype(int)]]


_COMMON, _OTHER = (20, 184, 166), (245, 158, 11)  # teal and amber, RGB


def proof_pictures(
    bench: Workbench, query_id: str, reference_id: str, proof: Proof, *, long_side: int = 640
) -> ProofPictures | None:
    """Pictures of a proof at its times; None where they do not lie on each other well enough.

    A proof is of the whole picture, also where a view of the query is named. Raises MediaRefused,
    NotFound.
    """
    registration, times = proof.registration, proof.times
    if registration is None or times is None or not is_shown(proof):
        return None
    ids = (QueryRef.parse(video).base for video in (query_id, reference_id))
    query, reference = (
        pictures_of(bench, video, [time], long_side=long_side)[0]
        for video, time in zip(ids, times, strict=True)
    )
    mask = masked(query, reference, registration)
    return ProofPictures(
        query=jpeg(query),
        registered=jpeg(registered(query, reference, registration)),
        difference=jpeg(picture_difference(query, reference, registration)),
        mask=jpeg(boxed(mask, registration.overlays, colour=_OTHER)),
        source=jpeg(boxed(reference, [registration.reference_box], colour=_COMMON)),
    )
