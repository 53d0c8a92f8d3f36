"""Videos of drifting colour clouds: a scene looks the same wherever its seconds are shown."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from tests.support.clips import make_clip, regular
from visil_dash.records import Array

RATE = 5
SIZE = (128, 96)
_WAVES = 10


def scene_picture(scene: int, seconds: float, *, size: tuple[int, int] = SIZE) -> Array:
    """uint8 RGB `[height, width, 3]` of a scene (any number) at a time; same in, same out."""
    random = np.random.default_rng(scene)
    width, height = size
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    y, x = y / height, x / width
    picture = np.zeros((height, width, 3), np.float32)
    for _ in range(_WAVES):
        fx, fy, phase, drift = random.uniform((-6, -6, 0, -2.2), (6, 6, 6.28, 2.2))
        colour = random.normal(size=3).astype(np.float32)
        picture += np.sin(6.28 * (fx * x + fy * y) + phase + drift * seconds)[..., None] * colour
    picture = (picture - picture.min()) / np.ptp(picture)
    return (picture * 235 + 10).astype(np.uint8)


def make_scene(path: Path, scene: int, *, start: float = 0.0, seconds: float = 10.0) -> Path:
    """An H.264 MP4 of `seconds` of a scene, from `start` of it on."""

    def pictures() -> Iterator[Array]:
        for time in regular(round(seconds * RATE), RATE):
            yield scene_picture(scene, start + float(time))

    times = regular(round(seconds * RATE), Fraction(RATE))
    return make_clip(path, times, size=SIZE, pictures=pictures(), options={"crf": "23"})
