"""Videos, their files, features and jobs, and the frame index."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Box = tuple[float, float, float, float]  # x, y, width, height as shares (0..1) of a picture
WHOLE_PICTURE: Box = (0.0, 0.0, 1.0, 1.0)


class Decoded(StrEnum):
    """How the decoding of a file ended."""

    OK = "ok"
    PARTIAL = "partial"
    REFUSED = "refused"


class JobState(StrEnum):
    """Life of one file on its way into a library; only `indexed` promises that it is findable."""

    RECEIVED = "received"
    HASHED = "hashed"
    DECODING = "decoding"
    FEATURES = "features"
    COMMITTED = "committed"
    INDEXED = "indexed"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    FAILED = "failed"

    @property
    def ended(self) -> bool:
        return self in (JobState.INDEXED, JobState.REFUSED, JobState.CANCELLED, JobState.FAILED)


@dataclass(frozen=True)
class Preprocess:
    """How a decoded frame becomes a model's input.

    `squash`: resized to `side`×`side`, whole picture kept. `crop`: short side resized to
    `resize`, then the central `side`×`side` square (the paper's).
    """

    side: int
    mode: str = "squash"
    resize: int = 0

    def __post_init__(self) -> None:
        if self.mode not in ("squash", "crop"):
            raise ValueError(f"preprocess mode: expected squash or crop, got {self.mode!r}")
        if self.mode == "crop" and self.resize < self.side:
            raise ValueError(f"crop needs resize >= side, got {self.resize} < {self.side}")


@dataclass(frozen=True)
class MediaInfo:
    """What was learned of a file while decoding it.

    `width`, `height`: as displayed (rotation honoured). `duration`: end of the last decoded
    frame in seconds. `verdict` is ok or partial; `reason` names what was lost when partial.
    """

    container: str
    codec: str
    width: int
    height: int
    duration: float
    frames_decoded: int
    verdict: Decoded = Decoded.OK
    reason: str = ""

    def shape(self, picture: Box | None = None) -> float | None:
        """Width to height of this part of the picture (None: all of it); None where unknown."""
        if not self.width or not self.height:
            return None
        _, _, across, down = picture or WHOLE_PICTURE
        return self.width * across / (self.height * down)


def shown_frames(regions: Array) -> Array:
    """Which frames of region vectors `[T, R, D]` show something, bool `[T]`: any is not zero."""
    return np.asarray((regions != 0).any(axis=(1, 2)))


@dataclass(frozen=True)
class VideoFeatures:
    """One video as the method sees it.

    `regions` `[T, R, D]`: whitened, L2-normalised, then scaled by their attention weight, so the
    norm of a region vector is its attention weight. `timestamps` `[T]`: presentation time of each
    sampled frame, strictly increasing. `picture`: the part of the displayed picture that they are
    of, inside its borders (see framing.borders); None where no borders were looked for.

    Raises ValueError on wrong shapes, non-finite values or unordered times.
    """

    video_id: str
    extractor: str
    regions: Array
    timestamps: Array
    picture: Box | None = None

    def __post_init__(self) -> None:
        if self.regions.ndim != 3 or 0 in self.regions.shape:
            raise ValueError(f"regions: expected non-empty [T, R, D], got {self.regions.shape}")
        if self.timestamps.shape != self.regions.shape[:1]:
            raise ValueError(
                f"timestamps: expected {self.regions.shape[:1]}, got {self.timestamps.shape}"
            )
        # A sum is cheaper, and finite only where all are; large values may add up to no finite one.
        with np.errstate(over="ignore", invalid="ignore"):
            finite = np.isfinite(self.regions.sum()) or np.isfinite(self.regions).all()
        if not finite:
            raise ValueError(f"regions of {self.video_id} hold values that are not finite")
        if (np.diff(self.timestamps) <= 0).any():
            raise ValueError(f"timestamps of {self.video_id} do not increase")

    def __len__(self) -> int:
        return int(self.regions.shape[0])

    @property
    def attention(self) -> Array:
        """Attention weights `[T, R]`."""
        return np.asarray(np.linalg.norm(self.regions.astype(np.float32), axis=-1))

    @property
    def shown(self) -> Array:
        """Which frames show something, bool `[T]`; the regions of black and blank ones are zero."""
        return shown_frames(self.regions)

    @property
    def frame_vectors(self) -> Array:
        """Regions flattened, `[T, R·D]` float32: what the index holds (after reduction)."""
        return self.regions.reshape(len(self), -1).astype(np.float32)


@dataclass(frozen=True)
class VideoRecord:
    """A row of the catalogue. `video_id`: sha256 of the bytes (hex). `places`: paths added from."""

    video_id: str
    ordinal: int
    name: str
    other_names: tuple[str, ...]
    bytes: int
    info: MediaInfo
    added: str
    frames: int
    tags: tuple[str, ...] = ()
    places: tuple[str, ...] = ()


@dataclass(frozen=True)
class JobRecord:
    """One file on its way in. `done` and `total` count sampled seconds (total 0: unknown)."""

    job_id: str
    name: str
    state: JobState
    done: float = 0.0
    total: float = 0.0
    reason: str = ""
    video_id: str = ""
    duplicate_of: str = ""
    updated: str = ""
    source: str = ""  # path, none for an upload
    in_place: bool = False  # the file stays at `source`


@dataclass(frozen=True)
class IndexStatus:
    """State of the frame index. `state`: ready, rebuilding, empty or degraded (exact search).

    `engine`: what searches it, with its address where it is a server. `behind`: videos with
    features that the server does not hold yet; 0 where there is no server.
    """

    state: str
    generation: int
    frames: int
    tail_frames: int
    removed_frames: int
    dim: int
    reduction: str
    bytes: int
    notice: str = ""
    engine: str = "hnswlib"
    behind: int = 0
