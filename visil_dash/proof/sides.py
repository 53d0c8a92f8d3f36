"""The two videos of a verification: what was read of them, and the times that are looked at."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from visil_dash.progress import UNWATCHED, Watch
from visil_dash.proof.footage import FOOTAGE_SIDE, RATE, Footage, read_footage
from visil_dash.proof.inset import InsetFollower
from visil_dash.proof.registration import Features, local_features
from visil_dash.records import WHOLE_PICTURE, Box, Segment
from visil_dash.settings import Settings

_Spans = list[tuple[float, float]]

_WHOLE_SECONDS = 11.0  # a stretch up to this long is read whole
_FINER = 2  # pictures of which an inset is looked at are so many times larger
_NEAR_SECONDS = 0.3  # of a picture at hand to the moment that it stands for
_PIECE_SECONDS = 3.5  # of a longer one its start, middle and end


@dataclass(frozen=True)
class VideoFile:
    """A video to read: its path, and its duration in seconds."""

    path: Path
    duration: float


class Examined:
    """One video, read as far as it was needed; pictures and local features are kept.

    `inset`: of a video that shows something else in an inset that moves, only the inset is looked
    at.
    """

    def __init__(
        self,
        video: VideoFile,
        *,
        settings: Settings,
        inset: bool = False,
        watch: Watch = UNWATCHED,
    ) -> None:
        self.video = video
        self._settings, self._watch = settings, watch
        self._whole: Footage | None = None
        self._footage: Footage | None = None
        self._follower = InsetFollower() if inset else None
        self._features: dict[tuple[int, bool], Features] = {}

    @property
    def footage(self) -> Footage:
        if self._footage is None:
            raise RuntimeError("read something first")
        return self._footage

    def read(self, spans: Sequence[tuple[float, float]]) -> None:
        """Reads these spans (seconds) as well. Raises MediaRefused, Cancelled."""
        self._whole = read_footage(
            self.video.path,
            spans,
            duration=self.video.duration,
            settings=self._settings,
            known=self._whole,
            long_side=FOOTAGE_SIDE if self._follower is None else _FINER * FOOTAGE_SIDE,
            watch=self._watch,
        )
        self._footage = (
            self._whole if self._follower is None else self._follower.followed(self._whole)
        )

    def picture_at(self, seconds: float) -> tuple[Box, tuple[int, int]]:
        """Where the picture that is nearest to a time lies in the video's whole picture, as shares,
        and the whole one's width and height."""
        if self._whole is None or self._follower is None:
            return WHOLE_PICTURE, self.footage.size
        return self._follower.box_at(self.footage.nearest(seconds)), self._whole.size

    def features(self, seconds: float, *, mirrored: bool = False) -> Features:
        """Local features of the picture at hand that is nearest to a time."""
        key = self.footage.nearest(seconds), mirrored
        if key not in self._features:
            self._features[key] = local_features(self.footage.grey(key[0]), mirrored=mirrored)
        return self._features[key]


def seen_together(query: Examined, reference: Examined, times: tuple[float, float]) -> bool:
    """Whether pictures of both near these moments (seconds) are at hand."""
    return all(
        abs(one.footage.nearest(time) / RATE - time) <= _NEAR_SECONDS
        for one, time in zip((query, reference), times, strict=True)
    )


def paired_times(segment: Segment, count: int) -> list[tuple[float, float]]:
    """Moments spread over a segment, and those of the reference that it aligns with them."""
    length = segment.query_end - segment.query_start
    times = [segment.query_start + length * (k + 0.5) / count for k in range(count)]
    return [(time, segment.reference_at(time)) for time in times]


def spans_to_read(segment: Segment, *, margin: float) -> tuple[_Spans, _Spans]:
    """What to read of query and reference to verify a segment: all of a short one, the start, the
    middle and the end of a long one, with a margin (seconds) at both ends."""
    start, end = segment.query_start - margin, segment.query_end + margin
    pieces = [(start, end)]
    if end - start > _WHOLE_SECONDS:
        middle = (start + end) / 2
        half = _PIECE_SECONDS / 2
        pieces = [
            (start, start + _PIECE_SECONDS),
            (middle - half, middle + half),
            (end - _PIECE_SECONDS, end),
        ]
    return pieces, [_in_reference(segment, piece) for piece in pieces]


def _in_reference(segment: Segment, span: tuple[float, float]) -> tuple[float, float]:
    first, last = sorted(segment.reference_at(time) for time in span)
    return first, last


def window(middle: float, *, seconds: float, duration: float) -> tuple[float, float]:
    """A window of at most so many seconds around a moment, inside the video."""
    start = float(np.clip(middle - seconds / 2, 0, max(0.0, duration - seconds)))
    return start, min(duration, start + seconds)
