"""What verification on the pixels adds: searches as the product does them, judged before and after.

Pairs are ranked by their confidence, which with the proof includes how verification ended; of equal
confidence the stronger match comes first.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from visil_dash.labels.truth import TASKS, Truth
from visil_dash.matching.proved import standing
from visil_dash.matching.verdict import verdict_of
from visil_dash.metrics.retrieval import TaskResult, task_results
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.records import Array, Match, ProofState, SearchResult
from visil_dash.workbench.bench import Workbench
from visil_dash.workbench.proving import prove, worth_proving

RECALL_PRECISION = 0.9  # at which recall is reported, as in the benchmark of copies
_SEARCHING = 0.2  # share of a query's time that its search takes


@dataclass(frozen=True)
class ByConfidence:
    """Pairs ranked by confidence: results, and how many are reported as matches, by task.

    `found`: of the relevant pairs; `wrong`: of the others.
    """

    tasks: dict[str, TaskResult]
    found: dict[str, int]
    wrong: dict[str, int]

    def recall_at_precision(self, task: str) -> float | None:
        """None where no threshold has that precision."""
        point = self.tasks[task].curve.at_precision(RECALL_PRECISION)
        return None if point is None else point.recall


@dataclass(frozen=True)
class ProofOutcome:
    """The same searches without and with verification.

    `states`: how many pairs ended in each. `left`: pairs that were worth verifying and were not,
    because the time of their query was spent or a file could not be read. `seconds`: of
    verification per query, when the proofs were made.
    """

    without: ByConfidence
    with_proof: ByConfidence
    states: dict[str, int]
    left: int
    seconds: float

    @property
    def verified(self) -> int:
        return sum(self.states.values())


def proof_outcome(
    bench: Workbench,
    truth: Truth,
    *,
    threshold: float | None,
    proof_seconds: float,
    seed: int = 0,
    rounds: int = 1000,
    watch: Watch = UNWATCHED,
) -> ProofOutcome:
    """Searches with every query and verifies its best matches, for at most so many seconds.

    `threshold` None: an exhaustive search. Raises Cancelled; proofs made until then are kept.
    """
    watch = watch.with_message("The evaluation was stopped; pairs scored and verified are kept.")
    plain: list[SearchResult] = []
    proved: list[SearchResult] = []
    count = len(truth.queries)
    for number, query in enumerate(truth.queries):
        part = watch.part(
            number / count, (number + 1) / count, prefix=f"Query {number + 1:,} of {count:,}: "
        )
        plain.append(
            bench.search(
                query,
                threshold=threshold,
                exhaustive=threshold is None,
                watch=part.part(0.0, _SEARCHING),
            )
        )
        verifying = part.part(_SEARCHING, 1.0, name="verifying on the pixels")
        proved.append(prove(bench, plain[-1], seconds=proof_seconds, watch=verifying))
    proofs = [m.proof for result in proved for m in result.matches if m.proof is not None]
    counts = Counter(proof.state for proof in proofs)
    return ProofOutcome(
        without=_by_confidence(truth, plain, seed=seed, rounds=rounds),
        with_proof=_by_confidence(truth, proved, seed=seed, rounds=rounds),
        states={state.value: counts[state] for state in ProofState},
        left=sum(map(_left, plain, proved)),
        seconds=sum(proof.seconds for proof in proofs) / count,
    )


def _left(plain: SearchResult, proved: SearchResult) -> int:
    """How many matches of a search were worth verifying and were not."""
    verified = {match.video_id for match in proved.matches if match.proof is not None}
    return len(set(worth_proving(plain)) - verified)


def _by_confidence(
    truth: Truth, results: Sequence[SearchResult], *, seed: int, rounds: int
) -> ByConfidence:
    """Of one result per query, in their order."""
    place = {video: j for j, video in enumerate(truth.references)}
    keys = np.full((*truth.kind.shape, 2), np.nan)
    reported = np.zeros(truth.kind.shape, bool)
    for i, result in enumerate(results):
        for match in result.matches:
            if (j := place.get(match.video_id)) is not None:
                keys[i, j] = _confidence(match), match.strength
                reported[i, j] = verdict_of(match).is_match
    tasks = task_results(truth, _ranked(keys), seed=seed, rounds=rounds)
    relevant = {task: truth.relevant(TASKS[task]) for task in tasks}
    return ByConfidence(
        tasks=tasks,
        found={task: int((reported & mask).sum()) for task, mask in relevant.items()},
        wrong={
            task: int((reported & truth.counted & ~mask).sum()) for task, mask in relevant.items()
        },
    )


def _confidence(match: Match) -> float:
    """The probability as log odds; where the model has none, the proof alone decides."""
    if match.probability is not None:
        p = min(max(match.probability, 1e-15), 1 - 1e-15)
        return math.log(p / (1 - p))
    return float(standing(match))


def _ranked(keys: Array) -> Array:
    """One closeness `[Q, V]` that orders pairs as `keys` `[Q, V, 2]` do, the first counting most;
    NaN where there is no key."""
    out = np.full(keys.shape[:2], np.nan)
    returned = ~np.isnan(keys[..., 0])
    out[returned] = np.unique(keys[returned], axis=0, return_inverse=True)[1].ravel()
    return out
