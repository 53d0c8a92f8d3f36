"""The frozen records that pass between modules; none of them does any work beyond checking itself.

Axes: T frames, R regions, D channels; Tq, Tr frames of query and reference. Times are seconds from
the start of a video. Distances are squared L2, similarities are higher-is-closer.
"""

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


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


def shown_frames(regions: Array) -> Array:
    """Which frames of region vectors `[T, R, D]` show something, bool `[T]`: any is not zero."""
    return np.asarray((regions != 0).any(axis=(1, 2)))


@dataclass(frozen=True)
class VideoFeatures:
    """One video as the method sees it.

    `regions` `[T, R, D]`: whitened, L2-normalised, then scaled by their attention weight, so the
    norm of a region vector is its attention weight. `timestamps` `[T]`: presentation time of each
    sampled frame, strictly increasing.

    Raises ValueError on wrong shapes, non-finite values or unordered times.
    """

    video_id: str
    extractor: str
    regions: Array
    timestamps: Array

    def __post_init__(self) -> None:
        if self.regions.ndim != 3 or 0 in self.regions.shape:
            raise ValueError(f"regions: expected non-empty [T, R, D], got {self.regions.shape}")
        if self.timestamps.shape != self.regions.shape[:1]:
            raise ValueError(
                f"timestamps: expected {self.regions.shape[:1]}, got {self.timestamps.shape}"
            )
        if not np.isfinite(self.regions).all():
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


@dataclass(frozen=True)
class FrameHits:
    """Frames within a distance threshold of a query's frames, one row a hit, nearest first.

    `query_frame` `[H]`, `video` `[H]` (position in `video_ids`), `reference_frame` `[H]`,
    `distance` `[H]` squared L2, re-scored exactly. `nearest` `[Tq]`: distance of each query
    frame's nearest neighbour, admitted or not.
    """

    video_ids: tuple[str, ...]
    query_frame: Array
    video: Array
    reference_frame: Array
    distance: Array
    nearest: Array
    threshold: float

    def __len__(self) -> int:
        return len(self.distance)


@dataclass(frozen=True)
class Candidate:
    """A video that candidate generation proposes, and why."""

    video_id: str
    min_distance: float
    hits: int
    query_frames: int
    reference_frames: int


@dataclass(frozen=True)
class Segment:
    """A matched interval, in seconds on both axes; `reversed` when the copy plays backwards.

    `speed`: reference seconds per query second. `score`: mean similarity along the alignment.
    `in_step`: how much of either side's other frames a matched frame agrees less with, 0..1. Near 1
    the two move alike; at 0.5 any other time offset agrees as well.
    """

    query_start: float
    query_end: float
    reference_start: float
    reference_end: float
    score: float
    speed: float = 1.0
    reversed: bool = False
    in_step: float = 1.0


class Relation(StrEnum):
    """What a reference is to a query, from the reference's side (rules: matching.verdict)."""

    NEAR_DUPLICATE = "near duplicate"
    CONTAINS = "contains"
    CONTAINED_IN = "contained in"
    PARTIAL = "partial"
    LOOK_ALIKE = "look-alike"
    NONE = "none"


Spans = tuple[tuple[float, float], ...]  # (start, end) in seconds, rising, apart from each other


@dataclass(frozen=True)
class Coverage:
    """Share (0..1) of each side that lies in a segment, and where: disjoint spans in seconds."""

    query: float
    reference: float
    query_spans: Spans
    reference_spans: Spans


@dataclass(frozen=True)
class Verdict:
    """What a pair is: decided once, by matching.verdict.judge, and shown everywhere.

    `is_match`: footage is shared, and a score confirms it. `label`, `reason`: the relation and why,
    in words. `best`: the segment to look at first, None without segments. `confidence`: probability
    that the reference holds footage of the query; None where the model has no calibration, and
    where the pair matches at any time offset (`any_offset`): scores cannot distinguish that from a
    copy.
    """

    relation: Relation
    is_match: bool
    label: str
    reason: str
    coverage: Coverage
    best: Segment | None = None
    confidence: float | None = None
    any_offset: bool = False

    @property
    def is_doubt(self) -> bool:
        """Whether a segment was found that no score confirms: it may be a match."""
        return self.relation is Relation.PARTIAL and not self.is_match


WHOLE = ""  # key of the view that is the query's whole picture


@dataclass(frozen=True)
class Match:
    """One reference video for one query.

    `score`: video-to-video similarity query → reference, `reverse_score`: reference → query.
    `min_distance`, `candidate_frames`: of candidate generation; None and 0 where it did not
    propose the video. `part_score`: the score of the frames inside `segments` alone, of the
    direction that scores higher; None without segments. `view`: the part of the query's picture
    that all of this is of (see views). `probability`: that the reference holds footage of the
    query (see confidence); None where the model does not know. `verdict`: None until it is judged.
    """

    video_id: str
    name: str
    score: float
    reverse_score: float
    min_distance: float | None
    candidate_frames: int
    segments: tuple[Segment, ...]
    part_score: float | None = None
    view: str = WHOLE
    probability: float | None = None
    verdict: Verdict | None = None

    @property
    def strength(self) -> float:
        """The best of its scores, of either direction or of the segments alone."""
        return _strength(self.score, self.reverse_score, self.part_score)


def _strength(score: float, reverse_score: float, part_score: float | None) -> float:
    return max(score, reverse_score, -1.0 if part_score is None else part_score)


@dataclass(frozen=True)
class SearchResult:
    """Matches of one query, the strongest first, with all that made them.

    `mode`: hierarchical, exhaustive or nearest; `inside`: whether parts of the query's picture were
    searched for as well. `timings`: seconds by stage. `skipped`: library videos that were not
    compared, with the reason. `identical_to`: name of the library video with the bytes of a clip
    from outside, which is not among the matches. `notices`: what the user must know (degraded
    index, unverified weights, partial decode). `background`: what the query reaches against videos
    that it has nothing to do with (see confidence). `match_score`: what matches were judged by.
    """

    query: str
    query_id: str
    matches: tuple[Match, ...]
    candidates: tuple[Candidate, ...]
    mode: str
    threshold: float | None
    library_videos: int
    timings: dict[str, float]
    model: str
    extractor: str
    index: str
    skipped: dict[str, str] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    identical_to: str = ""
    inside: bool = False
    background: float = 0.0
    match_score: float = math.nan
    verified: bool = True  # whether the hash of the model's weights was known


@dataclass(frozen=True)
class Comparison:
    """One pair in full.

    `frame_similarity` `[Tq, Tr]`; `visil_output` `[Tq', Tr']`, None without a comparator;
    `score`, `reverse_score` as in Match; `chamfer`, `chamfer_reverse`: Chamfer over the
    frame-to-frame similarity alone; `part_score` and `verdict` as in Match, `verified` as in
    SearchResult.
    """

    query: str
    reference: str
    query_times: Array
    reference_times: Array
    frame_similarity: Array
    frame_similarity_reverse: Array
    visil_output: Array | None
    visil_output_reverse: Array | None
    score: float
    reverse_score: float
    chamfer: float
    chamfer_reverse: float
    segments: tuple[Segment, ...]
    part_score: float | None = None
    verdict: Verdict | None = None
    verified: bool = True

    @property
    def strength(self) -> float:
        """As in Match."""
        return _strength(self.score, self.reverse_score, self.part_score)

    @property
    def symmetric(self) -> Array:
        """Symmetric frame-to-frame similarity `[Tq, Tr]`."""
        return (self.frame_similarity + self.frame_similarity_reverse.T) / 2


@dataclass(frozen=True)
class PairTable:
    """Everything against everything: `scores` `[N, N]`, row = query, column = reference."""

    video_ids: tuple[str, ...]
    names: tuple[str, ...]
    scores: Array
    extractor: str
    verified: bool = True


@dataclass(frozen=True)
class IndexStatus:
    """State of the frame index. `state`: ready, rebuilding, empty or degraded (exact search)."""

    state: str
    generation: int
    frames: int
    tail_frames: int
    removed_frames: int
    dim: int
    reduction: str
    bytes: int
    notice: str = ""
