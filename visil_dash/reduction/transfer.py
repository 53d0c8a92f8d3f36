"""Carrying a distance threshold from one space to another, with the error that this makes.

A squared-L2 threshold means something in one space only: another model, reduction or precision
puts the same two frames at another distance. Both spaces measure the same pairs of frames; the
carried threshold admits again a chosen share of the pairs that the old one admitted, and lies as
far into the gap before the next pair as the old one did. Its error is measured by bootstrap over
the query frames (Efron 1979): the interval of the threshold, and the share of pairs that it keeps
among frames that had no part in choosing it.
"""

from dataclasses import dataclass

import numpy as np

from visil_dash.records import Array

RECALL = 0.99
_RESAMPLES = 200
_INTERVAL = (2.5, 97.5)  # percent


@dataclass(frozen=True)
class Transfer:
    """A threshold carried over.

    `recall`: share of the `admitted` old pairs that `threshold` admits too, and `unseen_recall`
    `unseen_low`…`unseen_high` the same on frames left out of each resampling, mean and 95 %.
    `extra`: pairs admitted now that were not, for each one that was. `low`…`high`: 95 % interval
    of the threshold.
    """

    source: float
    threshold: float
    low: float
    high: float
    recall: float
    unseen_recall: float
    unseen_low: float
    unseen_high: float
    extra: float
    admitted: int
    frames: int


def transfer(
    source: Array,
    target: Array,
    threshold: float,
    *,
    valid: Array | None = None,
    recall: float = RECALL,
    resamples: int = _RESAMPLES,
    seed: int = 0,
) -> Transfer | None:
    """Carries `threshold` from distances `source` `[Q, N]` to `target` `[Q, N]` of the same pairs.

    `valid` `[Q, N]` bool: pairs that count, all when None. None where no pair lies within the
    threshold: then there is nothing to match. Raises ValueError on unequal shapes and on a recall
    outside 0..1.
    """
    if source.shape != target.shape or source.ndim != 2:
        raise ValueError(f"distances: expected the same [Q, N], got {source.shape}, {target.shape}")
    if not 0 < recall <= 1:
        raise ValueError(f"recall: expected above 0 and at most 1, got {recall}")
    inside = source <= np.float32(threshold)
    if valid is not None:
        inside &= valid
    rows, columns = np.nonzero(inside)
    if not len(rows):
        return None
    values = target[rows, columns]
    order = np.argsort(values, kind="stable")
    rows, values = rows[order], values[order]
    last = float(values[_place(np.ones(len(rows)), recall)])
    outside = ~inside if valid is None else valid & ~inside
    room = _room(source, target, threshold, inside=inside, outside=outside, last=last)
    carried = last + room
    now = target <= np.float32(carried)
    if valid is not None:
        now &= valid
    thresholds, unseen = _resampled(
        rows, values, len(source), recall=recall, room=room, times=resamples, seed=seed
    )
    low, high = np.percentile(thresholds or [carried], _INTERVAL).tolist()
    kept = float((values <= np.float32(carried)).mean())
    unseen_low, unseen_high = np.percentile(unseen or [kept], _INTERVAL).tolist()
    return Transfer(
        source=float(threshold),
        threshold=carried,
        low=low,
        high=high,
        recall=kept,
        unseen_recall=float(np.mean(unseen or [kept])),
        unseen_low=unseen_low,
        unseen_high=unseen_high,
        extra=float((now & ~inside).sum() / len(rows)),
        admitted=len(rows),
        frames=len(np.unique(rows)),
    )


def _resampled(
    rows: Array, values: Array, queries: int, *, recall: float, room: float, times: int, seed: int
) -> tuple[list[float], list[float]]:
    """Bootstrap over query frames: the threshold of each draw, and its recall on those not drawn.

    `rows`, `values` `[H]`: query frame and target distance of each pair within the threshold, by
    rising distance.
    """
    random = np.random.default_rng(seed)
    thresholds, unseen = [], []
    for _ in range(times):
        drawn = np.bincount(random.integers(0, queries, queries), minlength=queries)
        weights = drawn[rows]
        if not weights.any():
            continue
        threshold = float(values[_place(weights, recall)]) + room
        thresholds.append(threshold)
        left = weights == 0
        if left.any():
            unseen.append(float((values[left] <= np.float32(threshold)).mean()))
    return thresholds, unseen


def _room(
    source: Array, target: Array, threshold: float, *, inside: Array, outside: Array, last: float
) -> float:
    """What to add to the `last` target distance that must be admitted.

    The share of the gap between the last pair admitted and the first one refused that the old
    threshold left, of the same gap in the target; where nothing is refused, in proportion.
    """
    nearest = float(source[inside].max())
    if not outside.any():
        return last * (threshold / nearest - 1) if nearest > 0 else threshold - nearest
    beyond = target[outside & (target > last)]
    if not len(beyond):
        return 0.0
    first = float(source[outside].min())
    share = (threshold - nearest) / (first - nearest)
    # Never as far as the refused pair itself, whatever rounding does.
    return min(max(share, 0.0), 0.999) * (float(beyond.min()) - last)


def _place(weights: Array, recall: float) -> int:
    """Index of the first value at which the weight up to it reaches `recall` of all."""
    total = np.cumsum(weights)
    return int(np.searchsorted(total, recall * total[-1] - 1e-9))
