"""Videos that nobody filmed, made of the frame vectors of real ones.

A video is taken to be a centre and a walk around it. New centres are drawn from the normal
distribution that the real centres have; walks are real ones.
"""

from collections.abc import Iterator

import numpy as np

from visil_dash.records import Array
from visil_dash.reduction.unit import unit_length

_VIDEOS = 256  # made at once


class MadeVideos:
    """Endless unrelated videos like those of `vectors` `[N, d]`, which begin at `starts` `[V]`."""

    def __init__(self, vectors: Array, starts: Array, *, seed: int = 0) -> None:
        ends = [*starts[1:].tolist(), len(vectors)]
        parts = [vectors[a:b] for a, b in zip(starts.tolist(), ends, strict=True)]
        self._centres = np.stack([part.mean(0) for part in parts])
        self._walks = [part - part.mean(0) for part in parts]
        self._random = np.random.default_rng(seed)

    @property
    def mean_frames(self) -> float:
        return float(np.mean([len(walk) for walk in self._walks]))

    def blocks(self, frames: int) -> Iterator[tuple[Array, Array]]:
        """About so many frames, some hundred videos at a time: vectors `[n, d]` float32 of unit
        length, and where each video begins in them."""
        mean = self._centres.mean(0)
        away = (self._centres - mean) / np.sqrt(len(self._centres) - 1)
        made = 0
        while made < frames:
            drawn = self._random.standard_normal((_VIDEOS, len(away))) @ away + mean
            walks = [self._walks[i] for i in self._random.integers(0, len(self._walks), _VIDEOS)]
            lengths = np.cumsum([0, *map(len, walks)])
            vectors = np.concatenate([c + w for c, w in zip(drawn, walks, strict=True)])
            kept = int(np.searchsorted(lengths, min(frames - made, lengths[-1])))
            yield np.asarray(unit_length(vectors[: lengths[kept]]), np.float32), lengths[:kept]
            made += int(lengths[kept])
