"""Distractors: clips of photos moved by pan and zoom, which no query shows.

A search is as narrow as the collection is large. Photos are easier to come by than videos, and a
clip of two of them, each moved for some seconds, fills a library as an unrelated video would.
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from benchmarks.copies.baselines import photo_bytes
from benchmarks.copies.output import Log, log_to_stderr
from visil_dash.edits.clip import fit, write_video
from visil_dash.errors import InputError
from visil_dash.records import Array

_SHOTS = 2  # photos of one clip
_SECONDS = 4  # of one photo
_RATE = 5  # frames a second, the least that a clip of the benchmark has
_LONG_SIDE = 240  # pixels; the model sees 160
_LEAST_SIDE = 96  # pixels of a photo that can be moved about
_CRF = 28


def make_distractors(
    photos: Path, out: Path, *, count: int, seed: int = 0, log: Log = log_to_stderr
) -> list[Path]:
    """`count` clips below `out`, each of photos of its own; those that exist are kept.

    `photos`: a folder or .tar. Raises InputError when it holds too few readable photos.
    """
    out.mkdir(parents=True, exist_ok=True)
    pictures = _pictures(photos, count * _SHOTS)
    made = []
    for number in range(count):
        shots = list(islice(pictures, _SHOTS))
        if len(shots) < _SHOTS:
            raise InputError(
                str(photos), f"its photos are enough for {number} clips", "ask for fewer clips"
            )
        path = out / f"distractor-{number:05d}.mp4"
        if not path.is_file():
            random = np.random.default_rng((seed, number))
            write_video(path, _frames(shots, random), rate=_RATE, crf=_CRF)
        made.append(path)
        if (number + 1) % 100 == 0:
            log(f"distractors: {number + 1} of {count}")
    return made


def _pictures(photos: Path, count: int) -> Iterator[Array]:
    """Photos uint8 RGB `[H, W, 3]`, spread over the source with some to spare."""
    if not photos.exists():
        raise InputError(str(photos), "it does not exist", "give a folder or a .tar of photos")
    for data in photo_bytes(photos, round(1.25 * count)):
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        if picture is not None and min(picture.shape[:2]) >= _LEAST_SIDE:
            yield np.ascontiguousarray(picture[..., ::-1])


def _frames(shots: list[Array], random: np.random.Generator) -> Iterator[Array]:
    """The first photo gives the clip its size; the others are cut to its shape."""
    first = fit(shots[0], _LONG_SIDE)
    size = first.shape[1], first.shape[0]
    for shot in shots:
        yield from _moved(shot, size, random)


def _moved(photo: Array, size: tuple[int, int], random: np.random.Generator) -> Iterator[Array]:
    """A window of the shape of `size` (width, height) that glides and grows or shrinks."""
    height, width = photo.shape[:2]
    largest = min(width / size[0], height / size[1])
    scale = largest * random.uniform(0.6, 1.0, 2)
    room = np.array([[width - s * size[0], height - s * size[1]] for s in scale])
    corner = room * random.uniform(0, 1, (2, 2))
    for part in np.linspace(0, 1, _SECONDS * _RATE):
        s = (1 - part) * scale[0] + part * scale[1]
        x, y = (1 - part) * corner[0] + part * corner[1]
        window = np.array([[1 / s, 0, -x / s], [0, 1 / s, -y / s]])
        yield cv2.warpAffine(
            photo, window, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
