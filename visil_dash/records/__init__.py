"""The frozen records that pass between modules.

None of them does any work beyond checking itself.

Axes: T frames, R regions, D channels; Tq, Tr frames of query and reference. Times are seconds from
the start of a video. Distances are squared L2, similarities are higher-is-closer.
"""

from visil_dash.records.match import (
    WHOLE,
    Candidate,
    Comparison,
    Match,
    PairTable,
    Relation,
    SearchResult,
    Verdict,
)
from visil_dash.records.proof import Proof, ProofState, Registration, Transform
from visil_dash.records.segment import Coverage, Segment, Spans
from visil_dash.records.video import (
    WHOLE_PICTURE,
    Array,
    Box,
    Decoded,
    IndexStatus,
    JobRecord,
    JobState,
    MediaInfo,
    Preprocess,
    VideoFeatures,
    VideoRecord,
    shown_frames,
)

__all__ = [
    "WHOLE",
    "WHOLE_PICTURE",
    "Array",
    "Box",
    "Candidate",
    "Comparison",
    "Coverage",
    "Decoded",
    "IndexStatus",
    "JobRecord",
    "JobState",
    "Match",
    "MediaInfo",
    "PairTable",
    "Preprocess",
    "Proof",
    "ProofState",
    "Registration",
    "Relation",
    "SearchResult",
    "Segment",
    "Spans",
    "Transform",
    "Verdict",
    "VideoFeatures",
    "VideoRecord",
    "shown_frames",
]
