"""Similarity of frames and of videos: pure functions of region vectors.

Region vectors `[T, R, D]` are whitened, L2-normalised and scaled by attention, so a dot product
is attention-weighted cosine similarity. Everything here is higher-is-closer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from visil_dash.matching.products import frame_to_frame_many
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.records import Array, shown_frames

Compare = Callable[[Array], Array]
CompareMany = Callable[[Sequence[Array]], list[Array]]


def frame_to_frame_both(
    query: Array, reference: Array, *, watch: Watch = UNWATCHED
) -> tuple[Array, Array]:
    """Frame-to-frame similarity in both directions, `[Tq, Tr]` and `[Tr, Tq]`, of one pair (see
    products.frame_to_frame_many)."""
    return frame_to_frame_many(query, [reference], watch=watch)[0]


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
    `compare_many`: the comparator on several matrices at once, which is faster; None: one by one.
    """

    compare: Compare | None = None
    symmetric: bool = False
    compare_many: CompareMany | None = None

    def outputs(self, matrices: Sequence[Array]) -> list[Array | None]:
        """The comparator's output of each frame-to-frame matrix, None without comparator."""
        if self.compare is None:
            return [None] * len(matrices)
        if self.compare_many is not None:
            return list(self.compare_many(matrices))
        return [self.compare(matrix) for matrix in matrices]


CHAMFER = Scorer()


def pair_scores(
    query: Array, reference: Array, scorer: Scorer = CHAMFER, *, watch: Watch = UNWATCHED
) -> PairScores:
    """Compare region vectors `[Tq, R, D]` with `[Tr, R, D]` in both directions.

    A symmetric comparator has one output, and both scores are the mean of its row and column
    Chamfer similarity, as published for ViSiL_sym. Frames that show nothing do not count. Raises
    Cancelled.
    """
    return pair_scores_many(query, [reference], scorer, watch=watch)[0]


def pair_scores_many(
    query: Array, references: Sequence[Array], scorer: Scorer = CHAMFER, *, watch: Watch = UNWATCHED
) -> list[PairScores]:
    """`pair_scores` with each reference; several at once are faster than one by one."""
    frames_share = 1.0 if scorer.compare is None else 0.5  # of the time, for half an hour of video
    pairs = frame_to_frame_many(query, references, watch=watch.part(0, frames_share))
    shown = shown_frames(query)
    if scorer.symmetric:
        outputs = scorer.outputs([(forward + reverse.T) / 2 for forward, reverse in pairs])
        backs = [None if output is None else output.T for output in outputs]
    else:
        outputs = scorer.outputs([forward for forward, _ in pairs])
        if scorer.compare is not None:
            watch.step("Comparing the ViSiL output", (frames_share + 1) / 2)
        backs = scorer.outputs([reverse for _, reverse in pairs])
    return [
        _scored(*pair, output, back, shown, shown_frames(reference), symmetric=scorer.symmetric)
        for pair, output, back, reference in zip(pairs, outputs, backs, references, strict=True)
    ]


def _scored(
    forward: Array,
    reverse: Array,
    output: Array | None,
    back: Array | None,
    query_shown: Array,
    reference_shown: Array,
    *,
    symmetric: bool,
) -> PairScores:
    """The scores of one pair from its maps; without comparator from the frame-to-frame ones."""
    rows, columns = forward if output is None else output, reverse if back is None else back
    weights, reverse_weights = signal(query_shown, len(rows)), signal(reference_shown, len(columns))
    score, reverse_score = chamfer(rows, weights), chamfer(columns, reverse_weights)
    if symmetric:
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
