"""What an edit makes: a clip not yet encoded that knows what it shows when.

Time lives in shots, whole output frames that show given frames of the source or of another video
(a host), so the true segments are exact by construction.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from visil_dash.edits import pictures as pic
from visil_dash.edits.clip import Clip
from visil_dash.records import WHOLE_PICTURE, Array, Box, Segment

CRF = 27  # of every edit that is not about compression: a second encoding, as copies have

_Canvas = Callable[[Array, int], Array]  # picture of the source, number of the output frame


@dataclass(frozen=True)
class Shot:
    """Output frames in a row that show frames `shown` `[n]` of the source, or of host `host`.

    `speed`: source frames that go by with each output frame.
    """

    shown: Array
    host: int | None = None
    speed: float = 1.0


@dataclass(frozen=True)
class Edited:
    """An edited clip, not yet encoded.

    `box`: the part of the output picture that shows the source, as x, y, width and height in
    shares of its sides. `note`: the choices made, for people.
    """

    source: Clip
    hosts: tuple[Clip, ...]
    shots: tuple[Shot, ...]
    canvas: _Canvas
    box: Box = WHOLE_PICTURE
    crf: int = CRF
    note: str = ""

    @property
    def rate(self) -> int:
        return self.source.rate

    @property
    def segments(self) -> tuple[Segment, ...]:
        """What of the source is shown when, in seconds; the source's axis is its file's."""
        segments, at, rate = [], 0, self.source.rate
        for shot in self.shots:
            n = len(shot.shown)
            if shot.host is None:
                opens, length = int(shot.shown[0]), n * shot.speed
                backwards = bool(shot.shown[-1] < opens)
                first = opens + 1 - length if backwards else opens
                segments.append(
                    Segment(
                        query_start=at / rate,
                        query_end=(at + n) / rate,
                        reference_start=self.source.start + first / rate,
                        reference_end=self.source.start + (first + length) / rate,
                        score=1.0,
                        speed=shot.speed,
                        reversed=backwards,
                    )
                )
            at += n
        return tuple(segments)

    def __len__(self) -> int:
        """Output frames."""
        return sum(len(shot.shown) for shot in self.shots)

    def frames(self) -> Iterator[Array]:
        """Output pictures, all of one even size."""
        # The canvas decides the size, also of frames that show nothing but a host.
        height, width = pic.even(self.canvas(self.source.frames[0], 0)).shape[:2]
        at = 0
        for shot in self.shots:
            for index in shot.shown.tolist():
                if shot.host is None:
                    yield pic.even(self.canvas(self.source.frames[index], at))
                else:
                    host = self.hosts[shot.host].frames
                    yield pic.filled(host[index % len(host)], width, height)
                at += 1


# Source clip, clips of other videos to hide it in, strength 0..2, all other choices. The strengths
# 0, 1 and 2 are the benchmark's; graded kinds take any number from -1, where the edit begins.
Edit = Callable[[Clip, Sequence[Clip], float, Generator], Edited]


def along(none: float, steps: tuple[float, float, float], strength: float) -> float:
    """A parameter at a strength: `none` at -1, `steps` at 0, 1 and 2, straight lines between."""
    return float(np.interp(strength, (-1, 0, 1, 2), (none, *steps)))


def all_shots(clip: Clip) -> tuple[Shot, ...]:
    return (Shot(np.arange(len(clip.frames))),)


def either(rng: Generator) -> int:
    return 1 if rng.random() < 0.5 else -1
