"""The best monotone paths through a score matrix, by dynamic programming (Smith, Waterman 1981)."""

import numpy as np

from visil_dash.matching.compiled import compiled
from visil_dash.records import Array

# Steps (query frames, reference frames) that a path may take, and their price in gaps: normal
# speed, then twice and half speed, then a frame that has no counterpart on one side. A jump over
# frames counts the cell it lands on once, and pays half a gap for the others.
Steps = tuple[tuple[int, int, float], ...]
NEAR_STEPS: Steps = ((1, 1, 0.0), (1, 2, 0.5), (2, 1, 0.5), (0, 1, 1.0), (1, 0, 1.0))
# Three and four times the speed as well, for pairs of which many frames agree on no other path.
FAR_STEPS: Steps = (
    (1, 1, 0.0),
    (1, 3, 0.5),
    (3, 1, 0.5),
    (1, 4, 0.5),
    (4, 1, 0.5),
    *NEAR_STEPS[1:],
)


def path_scores(score: Array, gap: float, steps: Steps = NEAR_STEPS) -> tuple[Array, Array]:
    """Best local path score `[P, Q]` ending in each cell and the step to it (-1: start)."""
    p, q = score.shape
    edge = max(max(di, dj) for di, dj, _ in steps)  # rows and columns of zeros before the first
    best = np.zeros((p + edge, q + edge), np.float32)
    step = np.empty((p, q), np.int8)
    prices = np.array([price * gap for _, _, price in steps], np.float32)
    moves = np.array([(di, dj) for di, dj, _ in steps])
    _fill(np.ascontiguousarray(score, np.float32), prices, moves, best, step)
    return best[edge:, edge:], step


def best_path(score: Array, gap: float, steps: Steps = NEAR_STEPS) -> tuple[float, Array]:
    """Score of the best path and its cells `[n, 2]`, from its start; steps along one axis match no
    new pair of frames, so their cells are not among them."""
    best, step = path_scores(score, gap, steps)
    end = int(best.argmax())
    i, j = divmod(end, best.shape[1])
    moves = np.array([(di, dj) for di, dj, _ in steps])
    return float(best[i, j]), _traced(step, best, moves, i, j)


@compiled
def _fill(score: Array, prices: Array, moves: Array, best: Array, step: Array) -> None:
    """Fills `best`, which has as many rows and columns of zeros before the first as the longest
    move needs, and `step`. The first of equally good steps counts; so does starting anew."""
    p, q = score.shape
    edge = best.shape[0] - p
    for i in range(p):
        for j in range(q):
            gain = score[i, j]
            value = np.float32(-np.inf)
            choice = -1
            for s in range(len(prices)):
                di, dj = moves[s, 0], moves[s, 1]
                option = best[i + edge - di, j + edge - dj] - prices[s]
                # Steps along one axis match no new pair: they carry the path on, without the gain.
                if di > 0 and dj > 0:
                    option += gain
                if option > value:
                    value, choice = option, s
            if gain > 0 and value <= gain:
                value, choice = gain, -1
            if value <= 0:
                value, choice = np.float32(0), -1
            best[i + edge, j + edge] = value
            step[i, j] = choice


@compiled
def _traced(step: Array, best: Array, moves: Array, i: int, j: int) -> Array:
    """The cells `[n, 2]` of the path that ends in a cell, from its start."""
    cells = np.empty((sum(step.shape), 2), np.int64)
    first = len(cells)
    while i >= 0 and j >= 0 and best[i, j] > 0:
        move = step[i, j]
        if move < 0 or (moves[move, 0] > 0 and moves[move, 1] > 0):
            first -= 1
            cells[first] = i, j
        if move < 0:
            break
        i, j = i - moves[move, 0], j - moves[move, 1]
    return cells[first:]
