"""Similarity of frames and of videos: pure functions of region vectors.

Region vectors `[T, R, D]` are whitened, L2-normalised and scaled by attention, so a dot product
is attention-weighted cosine similarity. Everything here is higher-is-closer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from visil_dash.progress import UNWATCHED, Watch
from visil_dash.records import Array, shown_frames

Compare = Callable[[Array], Array]

BLOCK_BYTES = 64 * 1024**2  # region-pair products kept at once; larger blocks gain nothing


def _check(query: Array, reference: Array) -> None:
    if query.ndim != 3 or reference.ndim != 3 or query.shape[2] != reference.shape[2]:
        raise ValueError(
            f"expected query [Tq, R, D] and reference [Tr, R, D], "
            f"got {query.shape} and {reference.shape}"
        )


def frame_to_frame_both(
    query: Array, reference: Array, *, watch: Watch = UNWATCHED
) -> tuple[Array, Array]:
    """Frame-to-frame similarity in both directions, `[Tq, Tr]` and `[Tr, Tq]`, from one product.

    Chamfer over regions (ViSiL eq. 4): the best-matching reference region for each query region,
    averaged over the query's regions; and the same with the roles exchanged. The two differ.

    Raises ValueError when the shapes are not [T, R, D] with equal D, and Cancelled.
    """
    _check(query, reference)
    tq, rq, dim = query.shape
    tr, rr, _ = reference.shape
    columns = np.ascontiguousarray(reference.reshape(tr * rr, dim).T, dtype=np.float32)
    forward = np.empty((tq, tr), np.float32)
    reverse = np.empty((tr, tq), np.float32)
    step = max(1, BLOCK_BYTES // (4 * rq * tr * rr))
    for start in range(0, tq, step):
        rows = np.asarray(query[start : start + step], np.float32)
        pairs = (rows.reshape(-1, dim) @ columns).reshape(len(rows), rq, tr, rr)
        forward[start : start + step] = pairs.max(axis=3).mean(axis=1)
        reverse[:, start : start + step] = pairs.max(axis=1).mean(axis=2).T
        watch.count("Comparing frames", min(start + step, tq), tq)
    return forward, reverse


def frame_to_frame(query: Array, reference: Array) -> Array:
    """Frame-to-frame similarity `[Tq, Tr]` of query → reference (ViSiL eq. 4)."""
    return frame_to_frame_both(query, reference)[0]


def region_pairs(query_frame: Array, reference_frame: Array) -> Array:
    """Similarity of every region pair of two frames: `[R, D]`, `[R, D]` → `[R, R]`."""
    return np.asarray(query_frame.astype(np.float32) @ reference_frame.astype(np.float32).T)


def chamfer(matrix: Array, weights: Array | None = None) -> float:
    """Chamfer similarity of a matrix `[Tq, Tr]` (ViSiL eq. 5): each row's best, averaged.

    Roughly the share of the rows' video that is found in the columns' video. `weights` `[Tq]`: how
    much a row counts (see `signal`), equally without; -1, the lowest, where none counts.
    """
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise ValueError(f"expected a non-empty matrix [Tq, Tr], got {matrix.shape}")
    best = matrix.max(axis=1)
    if weights is None or (weights == 1).all():
        return float(best.mean())
    return float(np.average(best, weights=weights)) if weights.any() else -1.0


def signal(shown: Array, rows: int) -> Array:
    """Share of frames with content in each of `rows` rows `[rows]`, 0..1.

    `shown` `[T]`: which frames show something (see VideoFeatures). A row stands for one frame or,
    after a comparator, for several. Black seconds, fades and blank slates match nothing, and
    are no evidence against a match.
    """
    row = np.arange(len(shown)) * rows // len(shown)
    share: Array = np.bincount(row, shown, rows) / np.maximum(np.bincount(row, minlength=rows), 1)
    return share


@dataclass(frozen=True)
class PairScores:
    """Frame-to-frame similarity of a pair both ways and what the comparator makes of it.

    `forward` `[Tq, Tr]`, `reverse` `[Tr, Tq]`; `output`, `output_reverse` None without comparator;
    `score`, `reverse_score`: video-to-video similarity query → reference and back. `weights`,
    `reverse_weights`: how much each row of either direction counts in them (see `signal`).
    """

    forward: Array
    reverse: Array
    output: Array | None
    output_reverse: Array | None
    score: float
    reverse_score: float
    weights: Array
    reverse_weights: Array

    @property
    def best(self) -> Array:
        """Best value of each row of what `score` is the mean of, `[Tq']`; `[Tq]` without output."""
        return np.asarray((self.forward if self.output is None else self.output).max(1))

    @property
    def reverse_best(self) -> Array:
        """The same of `reverse_score`, `[Tr']` or `[Tr]`."""
        back: Array = (self.reverse if self.output_reverse is None else self.output_reverse).max(1)
        return back

    @property
    def symmetric(self) -> Array:
        """Mean of the two directions, `[Tq, Tr]`."""
        return (self.forward + self.reverse.T) / 2


@dataclass(frozen=True)
class Scorer:
    """How a model compares two videos.

    `compare`: the comparator; None: Chamfer over the frame-to-frame similarity decides.
    `symmetric`: the comparator reads the mean of the two directions, as ViSiL_sym's was trained to.
    """

    compare: Compare | None = None
    symmetric: bool = False


CHAMFER = Scorer()


def pair_scores(
    query: Array, reference: Array, scorer: Scorer = CHAMFER, *, watch: Watch = UNWATCHED
) -> PairScores:
    """Compare region vectors `[Tq, R, D]` with `[Tr, R, D]` in both directions.

    A symmetric comparator has one output, and both scores are the mean of its row and column
    Chamfer similarity, as published for ViSiL_sym. Frames that show nothing do not count. Raises
    Cancelled.
    """
    compare = scorer.compare
    frames_share = 1.0 if compare is None else 0.5  # of the time, for half an hour against another
    forward, reverse = frame_to_frame_both(query, reference, watch=watch.part(0, frames_share))
    if compare is None:
        output = back = None
        rows, columns = forward, reverse
    elif scorer.symmetric:
        output = rows = compare((forward + reverse.T) / 2)
        back = columns = output.T
    else:
        output = rows = compare(forward)
        watch.step("Comparing the ViSiL output", (frames_share + 1) / 2)
        back = columns = compare(reverse)
    weights = signal(shown_frames(query), len(rows))
    reverse_weights = signal(shown_frames(reference), len(columns))
    score, reverse_score = chamfer(rows, weights), chamfer(columns, reverse_weights)
    if scorer.symmetric:
        score = reverse_score = (score + reverse_score) / 2
    return PairScores(
        forward, reverse, output, back, score, reverse_score, weights, reverse_weights
    )


def part_score(
    best: Array, weights: Array, times: Array, spans: Sequence[tuple[float, float]]
) -> float:
    """The score of the frames within `spans` (seconds) alone: their rows' weighted mean.

    `best`, `weights` `[P]`: each row's best value and how much it counts, whose mean is the score.
    A row stands for one frame or, after a comparator, for several of the `times` `[T]`. -1, the
    lowest, where no frame with content is within.
    """
    rows = np.arange(len(times)) * len(best) // len(times)
    within = np.zeros(len(best), bool)
    for start, end in spans:
        within[rows[(times >= start) & (times < end)]] = True
    if not weights[within].any():
        return -1.0
    if (weights[within] == 1).all():
        return float(best[within].mean())
    return float(np.average(best[within], weights=weights[within]))
