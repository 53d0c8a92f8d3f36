"""Unlabelled training photos, decoded once and kept in memory as uint8 RGB."""

import hashlib
import tarfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from visil_dash.errors import InputError
from visil_dash.records import Array

_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}


def _encoded(source: Path) -> Iterator[tuple[str, bytes]]:
    if source.is_dir():
        for path in sorted(source.rglob("*")):
            if path.suffix.lower() in _SUFFIXES:
                yield path.relative_to(source).as_posix(), path.read_bytes()
        return
    with tarfile.open(source) as archive:
        for member in archive:
            if member.isfile() and Path(member.name).suffix.lower() in _SUFFIXES:
                stream = archive.extractfile(member)
                if stream is not None:
                    yield member.name, stream.read()


def _decode(data: bytes, short_side: int) -> Array | None:
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if image is None or min(image.shape[:2]) < 32:
        return None
    scale = short_side / min(image.shape[:2])
    # Panoramas would dominate memory and, squashed to a square, teach nothing: cap the long side.
    if max(image.shape[:2]) * scale > 3 * short_side:
        return None
    if scale < 1:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(image[..., ::-1])


def held_back(name: str) -> bool:
    """Whether the photo never enters training; decided by its name, so it survives reordering."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4]) % 40 == 0


def load_photos(
    source: Path, *, short_side: int = 176, limit: int | None = None
) -> dict[str, Array]:
    """Photos of a folder or tar archive by name, each `[H, W, 3]` uint8 RGB.

    Unreadable, tiny (under 32 px) and extremely long pictures are left out.

    Raises InputError when the source is missing or holds no usable photo.
    """
    if not source.exists():
        raise InputError(str(source), "it does not exist", "give a folder or a .tar of photos")
    photos: dict[str, Array] = {}
    with ThreadPoolExecutor(4) as pool:
        names: list[str] = []
        pending = []
        for name, data in _encoded(source):
            names.append(name)
            pending.append(pool.submit(_decode, data, short_side))
            if limit is not None and len(names) >= limit:
                break
        for name, future in zip(names, pending, strict=True):
            image = future.result()
            if image is not None:
                photos[name] = image
    if not photos:
        raise InputError(str(source), "no readable photo in it", "give .jpg, .png or .webp files")
    return photos
