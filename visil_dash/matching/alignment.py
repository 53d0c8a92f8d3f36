"""From a frame-to-frame matrix to matched segments: local alignment of two videos in time.

The matrix, less the level at which two frames count as the same, is a score: positive where the
frames agree. A segment is a monotone path that collects the most of it (Smith and Waterman 1981,
here with steps for other playing speeds). Copies that play backwards are found in the mirrored
matrix. Paths are taken best first; each later one keeps clear of the frames that earlier ones
explain.
"""

from dataclasses import dataclass

import numpy as np

from visil_dash.matching.paths import FAR_STEPS, NEAR_STEPS, Steps, best_path
from visil_dash.records import Array, Segment

_FAR_SHARE = 0.6  # of the shorter video's frames, that agree with some frame of the other


@dataclass(frozen=True)
class AlignOptions:
    """`frame_level`: similarity from which two frames count as the same.

    `min_frames`: least matched frames of a segment. `gap`: price of a skipped frame, as a share
    of the contrast between the matrix's best values and `frame_level`. `min_mean`: least mean
    similarity along the path, as a share of the same contrast above the level. `same_share`: in a
    pair whose frames match well, frames of the same place reach `frame_level` too; what counts as
    the same is at least this share of what the best tenth of the query's frames reach.
    """

    frame_level: float
    min_frames: int = 3
    gap: float = 0.6
    same_share: float = 0.7
    max_segments: int = 20


def _same_level(matrix: Array, options: AlignOptions) -> float:
    """Similarity from which two frames of this pair `[Tq, Tr]` count as the same."""
    if not matrix.size:
        return options.frame_level
    best = float(np.quantile(matrix.max(axis=1), 0.9))
    return max(options.frame_level, options.same_share * best)


def align(matrix: Array, options: AlignOptions) -> list[tuple[list[tuple[int, int]], bool]]:
    """Matched paths of a frame-to-frame matrix `[Tq, Tr]`: (cells, reversed), best first.

    Each rests on several frames of both sides; where one side has a single frame, there is at most
    one path, the best cell.
    """
    return [
        ([(i, j) for i, j in cells.tolist()], mirrored)
        for cells, mirrored in _aligned(matrix, options)
    ]


def _aligned(matrix: Array, options: AlignOptions) -> list[tuple[Array, bool]]:
    """`align`, the cells of each path as `[n, 2]`."""
    score = (matrix - _same_level(matrix, options)).astype(np.float32)
    if score.max(initial=0) <= 0:
        return []
    found = _paths(score.copy(), options, NEAR_STEPS)
    if not found and _agree_in_many_frames(score):
        found = _paths(score, options, FAR_STEPS)
    return found


def _agree_in_many_frames(score: Array) -> bool:
    """Whether most frames of the shorter video agree with some frame of the other."""
    shorter = 1 if score.shape[0] <= score.shape[1] else 0
    return bool((score.max(axis=shorter) > 0).mean() >= _FAR_SHARE)


def _paths(score: Array, options: AlignOptions, steps: Steps) -> list[tuple[Array, bool]]:
    """`_aligned` with these steps; `score` `[Tq, Tr]` is used up."""
    contrast = float(np.quantile(score[score > 0], 0.9))
    # A few very bad frames inside a copy (a cut-in, a flash) must not outweigh the copy around.
    score = np.clip(score, -contrast, None)
    gap = options.gap * contrast
    found: list[tuple[Array, bool]] = []
    # One frame alone cannot be placed in time: as many places as resemble it would be segments.
    most = options.max_segments if min(score.shape) > 1 else 1
    for _ in range(most):
        value, cells = best_path(score, gap, steps)
        mirrored_value, mirrored_cells = best_path(score[:, ::-1], gap, steps)
        mirrored = mirrored_value > value  # equal scores (a still picture) are called forward
        if mirrored:
            value, cells = mirrored_value, mirrored_cells
            cells[:, 1] = score.shape[1] - 1 - cells[:, 1]
        if len(cells) < min(options.min_frames, *score.shape) or value <= 0:
            break
        found.append((cells, mirrored))
        rows, columns = cells.T
        # The block that the path spans is explained: same rows with other columns may still
        # match (a repetition), the same frames on both sides may not.
        score[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1] = -contrast
    return found


def _edges(times: Array) -> tuple[Array, Array]:
    """Start and end of each sampled frame's interval, seconds."""
    gaps = np.diff(times)
    last = float(np.median(gaps)) if len(gaps) else 1.0
    return times, np.append(times[1:], times[-1] + last)


def in_step(matrix: Array, rows: Array, columns: Array) -> float:
    """How much of a matrix `[Tq, Tr]` in the rows and columns of a path agrees less than the path
    itself, 0..1, equals counting half: the chance that a frame's counterpart can be distinguished
    from another frame. 1 where there are no other frames.

    A still picture has 0.5, and so have two takes by one camera that stands still: their every
    frame agrees with every other. Frames of one recording agree best with their own moment.
    """
    path = matrix[rows, columns][:, None]
    shares = [
        ((lines < path).sum() + ((lines == path).sum() - len(path)) / 2) / (lines.size - len(path))
        for lines in (matrix[rows], matrix[:, columns].T)
        if lines.shape[1] > 1
    ]
    return float(np.mean(shares)) if shares else 1.0


def segments(
    matrix: Array, query_times: Array, reference_times: Array, options: AlignOptions
) -> tuple[Segment, ...]:
    """Matched segments of a pair, in seconds, in the order of the query.

    `matrix` `[Tq, Tr]` frame-to-frame similarity; times `[Tq]`, `[Tr]` as in VideoFeatures.
    """
    matrix = np.asarray(matrix)
    aligned = _aligned(matrix, options)
    if not aligned:
        return ()
    q_start, q_end = _edges(np.asarray(query_times, float))
    r_start, r_end = _edges(np.asarray(reference_times, float))
    result = []
    for cells, mirrored in aligned:
        rows, columns = cells.T
        query = q_start[rows.min()], q_end[rows.max()]
        reference = r_start[columns.min()], r_end[columns.max()]
        speed = 1.0
        if len(cells) >= 3 and np.ptp(q_start[rows]) > 0:
            speed = abs(float(np.polyfit(q_start[rows], r_start[columns], 1)[0]))
        result.append(
            Segment(
                query_start=float(query[0]),
                query_end=float(query[1]),
                reference_start=float(reference[0]),
                reference_end=float(reference[1]),
                score=float(matrix[rows, columns].mean()),
                speed=round(speed, 3),
                reversed=mirrored,
                in_step=in_step(matrix, rows, columns),
            )
        )
    return tuple(sorted(result, key=lambda s: (s.query_start, s.reference_start)))


def likeliest_offset(matrix: Array, query_times: Array, reference_times: Array) -> Segment:
    """Where two videos would match if they did, at normal speed: the time offset at which their
    frames agree best, over all that overlaps there.

    `matrix` and times as in `segments`, of at least one frame each. Each frame's agreement counts
    above what it agrees with the other video on the whole, and few frames count less than many.
    """
    matrix = np.asarray(matrix, np.float64)
    centred = matrix - matrix.mean(0) - matrix.mean(1, keepdims=True) + matrix.mean()
    offsets = range(1 - matrix.shape[0], matrix.shape[1])
    lines = (np.diagonal(centred, offset) for offset in offsets)
    best = offsets[int(np.argmax([line.sum() / np.sqrt(len(line)) for line in lines]))]
    first, count = max(0, -best), len(np.diagonal(matrix, best))
    q_start, q_end = _edges(np.asarray(query_times, float))
    r_start, r_end = _edges(np.asarray(reference_times, float))
    return Segment(
        query_start=float(q_start[first]),
        query_end=float(q_end[first + count - 1]),
        reference_start=float(r_start[first + best]),
        reference_end=float(r_end[first + best + count - 1]),
        score=float(np.diagonal(matrix, best).mean()),
    )
