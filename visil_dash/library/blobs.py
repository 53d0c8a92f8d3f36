"""Files that are either whole or absent, and the feature blobs made of them.

Every write goes temp file → flush → rename → flush of the folder, so a crash at any point
leaves the old state or the new one. Crash tests learn of these points by a `StepHook`.
"""

import errno
import hashlib
import json
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

import visil_dash
from visil_dash.errors import (
    DiskFull,
    InputError,
    MediaRefused,
    StoreDamaged,
    StoreError,
    StoreMismatch,
)
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.records import Box, VideoFeatures

_BLOB_FORMAT = 1
_CHUNK_BYTES = 1024**2
_HEADER_BYTES = 1 << 16  # longer headers are of other programs
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# What to do about a damaged feature file; the media file that it was made of is in the library.
REMAKE = (
    "Repair the library: python -m visil_dash doctor --repair, or Repair on the Library page. "
    "Adding the video again remakes it too."
)

StepHook = Callable[[str], None]


def no_step(_name: str) -> None:
    """The step hook of normal operation."""


@dataclass(frozen=True)
class FeatureManifest:
    """What made a feature blob. Blobs of one extractor agree in all of it but the versions."""

    extractor: str
    weights_sha256: str
    regions: int
    dim: int
    rate: float = 1.0
    format: int = _BLOB_FORMAT
    library_version: str = visil_dash.__version__


def fsync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def fsync_file(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns an OSError of writing `path` into a StoreError with the remedy."""
    try:
        yield
    except OSError as error:
        kept = "and try again; nothing that was stored before has changed."
        if is_full(error):
            raise DiskFull(
                f"{path}: cannot be written, because the disk is full. Free some space {kept}"
            ) from error
        raise StoreError(
            f"{path}: cannot be written, because {error.strerror}. Mend that {kept}"
        ) from error


def is_full(error: OSError) -> bool:
    """Whether a write failed for want of disk: of the disk's, a quota's or a file's room."""
    return error.errno in _FULL


def write_atomic(path: Path, data: bytes, *, step: StepHook = no_step, kind: str = "file") -> None:
    """Writes `data` to `path` whole and flushed, or raises StoreError and changes nothing."""
    temp = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    with writing(path), _gone_afterwards(temp):
        with temp.open("wb") as file:
            file.write(data[: len(data) // 2])
            step(f"{kind}:half-written")
            file.write(data[len(data) // 2 :])
            file.flush()
            step(f"{kind}:written")
            os.fsync(file.fileno())
        step(f"{kind}:flushed")
        os.replace(temp, path)
        step(f"{kind}:renamed")
        fsync_folder(path.parent)
        step(f"{kind}:folder-flushed")


def move_whole(source: Path, target: Path, *, step: StepHook, kind: str) -> None:
    """Moves a file into place, flushed with its folders; from another file system too."""
    with writing(target):
        fsync_file(source)
        step(f"{kind}:flushed")
        try:
            os.replace(source, target)
        except OSError:  # another file system
            copy_hashed(source, target.with_name("moving"), max_bytes=2**63)
            os.replace(target.with_name("moving"), target)
        step(f"{kind}:renamed")
        fsync_folder(target.parent)
        fsync_folder(target.parent.parent)
        step(f"{kind}:folder-flushed")


@contextmanager
def _gone_afterwards(temp: Path) -> Iterator[None]:
    try:
        yield
    finally:
        temp.unlink(missing_ok=True)


def sha256_hex(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> tuple[str, int]:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), file.tell()


def copy_hashed(
    source: Path, target: Path, *, max_bytes: int, watch: Watch = UNWATCHED
) -> tuple[str, int]:
    """Copies a regular file and returns the sha256 and size of what was copied, flushed.

    Follows no link and opens no pipe or device. Raises MediaRefused and Cancelled.
    """
    name = source.name
    try:
        fd = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        reason = "it is a link" if source.is_symlink() else f"it cannot be read ({error.strerror})"
        raise MediaRefused(name, reason, "add the file itself, readable for you") from error
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode):
        os.close(fd)
        raise MediaRefused(name, "it is not a regular file", "add a video file")
    with os.fdopen(fd, "rb") as reader:
        too_large = MediaRefused(
            name, f"it is larger than the limit of {max_bytes} bytes", "add a smaller file"
        )
        if status.st_size > max_bytes:
            raise too_large
        digest, size = hashlib.sha256(), 0
        with writing(target), target.open("wb") as writer:
            while chunk := reader.read(_CHUNK_BYTES):
                digest.update(chunk)
                writer.write(chunk)
                size += len(chunk)
                if size > max_bytes:
                    raise too_large
                watch.count(f"Copying {name}", size, status.st_size)
            writer.flush()
            os.fsync(writer.fileno())
    return digest.hexdigest(), size


def encode_features(
    features: VideoFeatures, manifest: FeatureManifest, *, origin: dict[str, object]
) -> bytes:
    """One blob: regions fp16 `[T, R, D]`, timestamps float64 `[T]`, manifest and origin.

    `origin`: the video's catalogue row, so that a lost catalogue can be remade. Raises InputError
    where half precision cannot hold the values, StoreMismatch where the features do not agree with
    the manifest.
    """
    expected = (manifest.extractor, manifest.regions, manifest.dim)
    got = (features.extractor, *features.regions.shape[1:])
    if expected != got:
        raise StoreMismatch(f"features of {features.video_id}: expected {expected}, got {got}")
    with np.errstate(over="ignore"):
        regions = np.ascontiguousarray(features.regions, dtype=np.float16)
    if not np.isfinite(regions).all():
        raise InputError(
            features.video_id, "its features exceed the range of half precision", "check the model"
        )
    times = np.ascontiguousarray(features.timestamps, dtype=np.float64)
    meta = {
        "manifest": asdict(manifest),
        "video_id": features.video_id,
        "picture": features.picture,
        "origin": origin,
        "payload_sha256": _payload_sha256(regions, times),
    }
    return save(
        {"regions": regions, "timestamps": times},
        metadata={"visil_dash": json.dumps(meta, sort_keys=True)},
    )


def decode_features(
    data: bytes, *, name: str
) -> tuple[VideoFeatures, FeatureManifest, dict[str, object]]:
    """Inverse of encode_features; checks the blob against itself, regions come back float32.

    Raises StoreDamaged; StoreMismatch for a newer format.
    """
    try:
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        meta = json.loads(header["__metadata__"]["visil_dash"])
        if meta["manifest"]["format"] > _BLOB_FORMAT:
            raise StoreMismatch(
                f"{name}: feature format {meta['manifest']['format']} is newer than this program "
                f"reads ({_BLOB_FORMAT}). Update visil_dash."
            )
        manifest = FeatureManifest(**meta["manifest"])
        tensors = load(data)
        regions, times = tensors["regions"], tensors["timestamps"]
        if meta["payload_sha256"] != _payload_sha256(regions, times):
            raise ValueError("payload differs from its checksum")
        if regions.shape[1:] != (manifest.regions, manifest.dim):
            raise ValueError(f"shape {regions.shape} differs from its manifest")
        # Blobs of before borders were looked for name no picture.
        picture = meta.get("picture")
        features = VideoFeatures(
            meta["video_id"],
            manifest.extractor,
            regions.astype(np.float32),
            times,
            None if picture is None else _box_from(picture),
        )
    except (
        ValueError,
        KeyError,
        TypeError,
        OverflowError,
        RecursionError,
        SafetensorError,
    ) as error:
        raise StoreDamaged(name, f"the feature file is damaged ({error})", REMAKE) from error
    return features, manifest, meta["origin"]


def blob_header(path: Path) -> dict[str, Any]:
    """What a feature blob says of itself, from its beginning, unchecked.

    Raises OSError, ValueError, KeyError or TypeError where there is no such header.
    """
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(min(length, _HEADER_BYTES)))
    meta: dict[str, Any] = json.loads(header["__metadata__"]["visil_dash"])
    return meta


def _box_from(values: object) -> Box:
    """A box from JSON. Raises ValueError where it is none."""
    if not isinstance(values, list) or len(values) != 4:
        raise ValueError(f"box: expected four numbers, got {values}")
    x, y, width, height = (float(value) for value in values)
    if not (0 <= x < 1 and 0 <= y < 1 and 0 < width <= 1 - x + 1e-6 and 0 < height <= 1 - y + 1e-6):
        raise ValueError(f"box: expected shares within the picture, got {values}")
    return x, y, width, height


def _payload_sha256(regions: np.ndarray, times: np.ndarray) -> str:
    digest = hashlib.sha256(repr((regions.shape, str(regions.dtype), times.shape)).encode())
    digest.update(regions.tobytes())
    digest.update(times.tobytes())
    return digest.hexdigest()
