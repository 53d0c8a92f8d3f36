"""Candidates, matches and verdicts."""

import math
from dataclasses import dataclass, field
from enum import StrEnum

from visil_dash.records.proof import Proof
from visil_dash.records.segment import Coverage, Segment
from visil_dash.records.video import Array


@dataclass(frozen=True)
class Candidate:
    """A video that candidate generation proposes, and why.

    `evidence`: how far within the threshold its nearest frame to each query frame lies, summed over
    the query frames. `frames_in_step`: most query frames with a hit at one and the same offset in
    time; None where it was not counted.
    """

    video_id: str
    min_distance: float
    hits: int
    query_frames: int
    reference_frames: int
    evidence: float = 0.0
    frames_in_step: int | None = None


class Relation(StrEnum):
    """What a reference is to a query, from the reference's side (rules: matching.verdict)."""

    NEAR_DUPLICATE = "near duplicate"
    CONTAINS = "contains"
    CONTAINED_IN = "contained in"
    PARTIAL = "partial"
    LOOK_ALIKE = "look-alike"
    NONE = "none"


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
    query (see confidence); None where the model does not know. `proof`: None until
    it is verified on the pixels; then `segments` follow it, and `similar` are those that it
    replaces: places that look alike. `verdict`: None until it is judged.
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
    proof: Proof | None = None
    similar: tuple[Segment, ...] = ()
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

    `mode`: hierarchical, exhaustive or nearest; `candidates` by falling evidence; `waiting`: how
    many of them, the last ones, were not re-ranked because the `budget` (None: none was given) was
    spent. `inside`: whether parts of the query's picture were searched for as well, and how many
    `parts`. `timings`: seconds by stage. `skipped`: library
    videos that were not compared, with the reason. `identical_to`: name of the library video with
    the bytes of a clip from outside, which is not among the matches. `notices`: what the user must
    know (degraded index, unverified weights, partial decode). `background`: what the query reaches
    against videos that it has nothing to do with (see confidence). `match_score`: what matches were
    judged by. `tags`: only videos that have all of them were searched.
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
    parts: int = 0
    background: float = 0.0
    match_score: float = math.nan
    verified: bool = True  # whether the hash of the model's weights was known
    budget: int | None = None
    waiting: int = 0
    tags: tuple[str, ...] = ()

    @property
    def reranked(self) -> int:
        """How many candidates were re-ranked."""
        return len(self.candidates) - self.waiting


@dataclass(frozen=True)
class Comparison:
    """One pair in full.

    `frame_similarity` `[Tq, Tr]`; `visil_output` `[Tq', Tr']`, None without a comparator;
    `score`, `reverse_score` as in Match; `chamfer`, `chamfer_reverse`: Chamfer over the
    frame-to-frame similarity alone; `part_score`, `proof`, `similar` and `verdict` as
    in Match, `verified` as in SearchResult.
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
    proof: Proof | None = None
    similar: tuple[Segment, ...] = ()
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
