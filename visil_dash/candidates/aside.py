"""Frames that candidate generation passes over: blank slates, intros, logos that all videos share.

Which they are is kept in the library's settings, per extractor, as frame numbers of video ids.
Features and index stay as they are, so taking a frame back is as quick as setting it aside.
"""

from collections.abc import Iterable, Mapping

import numpy as np

from visil_dash.index.ids import frame_ids
from visil_dash.library.store import Library
from visil_dash.records import Array

_SETTING = "frames_aside"

Frames = Mapping[str, Iterable[int]]  # video id → frame numbers


def frames_aside(library: Library, extractor: str) -> dict[str, tuple[int, ...]]:
    """Frame numbers by video id, ascending."""
    stored = library.setting(f"{_SETTING}:{extractor}") or {}
    return {str(video): tuple(sorted({int(f) for f in frames})) for video, frames in stored.items()}


def aside_ids(library: Library, extractor: str, videos: Mapping[int, str]) -> Array:
    """Frame ids `[A]` int64 that do not count; `videos` maps ordinals to video ids."""
    stored = frames_aside(library, extractor)
    if not stored:
        return np.empty(0, np.int64)
    found = [
        frame_ids(ordinal, max(stored[video]) + 1)[list(stored[video])]
        for ordinal, video in videos.items()
        if stored.get(video)
    ]
    return np.concatenate([np.empty(0, np.int64), *found])


def set_frames_aside(library: Library, extractor: str, frames: Frames) -> None:
    """Adds `frames` to those set aside; committed on return. Raises StoreReadOnly."""
    now = frames_aside(library, extractor)
    for video, numbers in frames.items():
        now[video] = tuple(sorted({*now.get(video, ()), *numbers}))
    _keep(library, extractor, now)


def take_frames_back(library: Library, extractor: str, frames: Frames | None = None) -> None:
    """Lets `frames` (None: all of them) count again; committed on return. Raises StoreReadOnly."""
    now: dict[str, tuple[int, ...]] = {}
    if frames is not None:
        now = frames_aside(library, extractor)
        for video, numbers in frames.items():
            now[video] = tuple(sorted(set(now.get(video, ())) - set(numbers)))
    _keep(library, extractor, now)


def _keep(library: Library, extractor: str, frames: Mapping[str, tuple[int, ...]]) -> None:
    library.set_setting(f"{_SETTING}:{extractor}", {v: list(f) for v, f in frames.items() if f})
