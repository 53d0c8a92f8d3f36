"""Which pairs a person should judge first: those about which the score is least certain."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from visil_dash.labels.label import PairKey, pair_of
from visil_dash.records import PairTable

STEP = 0.02  # margins closer than this count as equal, and segments decide
ALIGNED = 60  # first pairs whose segments are looked at; an alignment takes milliseconds
_MOST = 2000


@dataclass(frozen=True)
class Question:
    """One pair to judge; `query` → `reference` is the direction that scores higher.

    `margin`: score less the match score. `matched`: seconds of the query in segments, None where
    nobody looked.
    """

    query: str
    reference: str
    score: float
    reverse: float
    margin: float
    matched: float | None = None

    @property
    def pair(self) -> PairKey:
        return pair_of(self.query, self.reference)


def review_queue(
    table: PairTable,
    match_score: float,
    *,
    matched_seconds: Callable[[str, str], float] | None = None,
    aligned: int = ALIGNED,
    most: int = _MOST,
) -> tuple[Question, ...]:
    """The `most` compared pairs nearest to the match score, nearest first.

    Among the first `aligned`, pairs equally near (in steps of STEP) go by the length of their
    segments, longest first: a pair with long segments may be a copy that the score misses.
    """
    n = len(table.video_ids)
    rows, columns = np.triu_indices(n, 1)
    there, back = table.scores[rows, columns], table.scores[columns, rows]
    best = np.maximum(there, back)
    compared = np.flatnonzero(~np.isnan(best))
    margins = best.astype(float) - match_score
    order = compared[np.argsort(np.abs(margins[compared]), kind="stable")][:most]
    questions = []
    for at in order.tolist():
        i, j = int(rows[at]), int(columns[at])
        if table.scores[j, i] > table.scores[i, j]:
            i, j = j, i
        questions.append(
            Question(
                query=table.video_ids[i],
                reference=table.video_ids[j],
                score=float(table.scores[i, j]),
                reverse=float(table.scores[j, i]),
                margin=float(margins[at]),
            )
        )
    if matched_seconds is not None:
        first = [
            replace(q, matched=matched_seconds(q.query, q.reference)) for q in questions[:aligned]
        ]
        first.sort(key=lambda q: (int(abs(q.margin) / STEP), -(q.matched or 0.0), abs(q.margin)))
        questions[:aligned] = first
    return tuple(questions)
