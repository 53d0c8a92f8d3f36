"""Frame-to-frame similarity of one video with many, both ways from one matrix product.

The query's region vectors are laid region by region, `[R, T, D]`, so that the best of a frame's
regions is an elementwise maximum of long rows; those of references stay as they are. Products are
made in tiles that stay in the processor's cache, and several short references share one: they
would make products too small to be fast.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from visil_dash.installed import imported_torch
from visil_dash.matching.compiled import compiled
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.records import Array

# Frames of references and of the query in a tile: 2.7 MB of region products at 9 × 9 regions.
TILE_ROWS = 128
_TILE_COLUMNS = 64


def frame_to_frame_many(
    query: Array, references: Sequence[Array], *, watch: Watch = UNWATCHED
) -> list[tuple[Array, Array]]:
    """Frame-to-frame similarity of `[Tq, R, D]` with each `[Tr, R, D]`, in both directions:
    `[Tq, Tr]` and `[Tr, Tq]`.

    Chamfer over regions (ViSiL eq. 4): the best-matching reference region for each query region,
    averaged over the query's regions; and the same with the roles exchanged. The two differ.

    Raises ValueError when the shapes are not [T, R, D] with equal R and D of the references and
    equal D of all, and Cancelled.
    """
    for reference in references:
        _check(query, reference)
        if reference.shape[1:] != references[0].shape[1:]:
            raise ValueError("expected references of equal [R, D]")
    if not references:
        return []
    ends = np.cumsum([len(reference) for reference in references]).tolist()
    forward, back = (np.empty((ends[-1], len(query)), np.float32) for _ in range(2))
    columns = [
        (start, _region_by_region(query[start:stop]))
        for start, stop in _even(len(query), _TILE_COLUMNS)
    ]
    space = np.empty(0, np.float32)
    for start, rows in _tiles(references, TILE_ROWS):
        for column, laid in columns:
            needed = rows.shape[0] * rows.shape[1] * laid.shape[0] * laid.shape[1]
            if space.size < needed:
                space = np.empty(needed, np.float32)
            _chamfer(_products(rows, laid, space[:needed]), back, forward, start, column)
            frames = start * len(query) + (column + laid.shape[1]) * len(rows)
            watch.count("Comparing frames", frames, ends[-1] * len(query))
    return [
        (np.ascontiguousarray(forward[a:b].T), back[a:b].copy())
        for a, b in zip([0, *ends], ends, strict=False)
    ]


def _check(query: Array, reference: Array) -> None:
    if query.ndim != 3 or reference.ndim != 3 or query.shape[2] != reference.shape[2]:
        raise ValueError(
            f"expected query [Tq, R, D] and reference [Tr, R, D], "
            f"got {query.shape} and {reference.shape}"
        )


def _even(length: int, most: int) -> list[tuple[int, int]]:
    """[start, stop) of parts of `length`, as few and as even as can be, of `most` at most."""
    count = -(-length // most)
    cuts = [length * part // count for part in range(count + 1)] if count else []
    return list(pairwise(cuts))


def _tiles(references: Sequence[Array], height: int) -> Iterator[tuple[int, Array]]:
    """First frame, counted through all references, and float32 `[T, R, D]` of up to `height`
    frames: of one reference, or of several short ones. It is overwritten by the next."""
    space = np.empty((height, *references[0].shape[1:]), np.float32)
    at = 0
    parts: list[Array] = []
    taken = 0
    for reference in references:
        for start, stop in _even(len(reference), height):
            large = stop - start >= height // 4  # joining would cost more than it saves
            if taken and (large or taken + stop - start > height):
                yield at, _joined(parts, space[:taken])
                at, parts, taken = at + taken, [], 0
            parts.append(reference[start:stop])
            taken += stop - start
    if parts:
        yield at, _joined(parts, space[:taken])


def _joined(parts: Sequence[Array], space: Array) -> Array:
    if len(parts) == 1:
        return np.ascontiguousarray(parts[0], np.float32)
    return np.concatenate(parts, out=space, casting="same_kind")


def _region_by_region(frames: Array) -> Array:
    """`[T, R, D]` as `[R, T, D]` float32."""
    return np.ascontiguousarray(frames.transpose(1, 0, 2), np.float32)


def _products(rows: Array, columns: Array, space: Array) -> Array:
    """Dot products `[Tr, Rr, Rq, Tq]` of `[Tr, Rr, D]` and `[Rq, Tq, D]`, in `space`."""
    sides = rows.reshape(-1, rows.shape[2]), columns.reshape(-1, columns.shape[2])
    flat = product(*sides, out=space.reshape(len(sides[0]), len(sides[1])))
    return flat.reshape(*rows.shape[:2], *columns.shape[:2])


def product(rows: Array, columns: Array, *, out: Array | None = None) -> Array:
    """Dot products `[N, M]` of float32 `[N, D]` and `[M, D]`, in `out` where that is given.

    By torch where a model has brought it along: 1.3 to 4 times faster than numpy where that was
    measured, and one pool of threads for all: two that wait for each other's cores waste both.
    """
    torch = imported_torch()
    if torch is None or rows.dtype != np.float32 or columns.dtype != np.float32:
        return np.asarray(np.matmul(rows, columns.T, out=out))
    one, other = (torch.from_numpy(np.ascontiguousarray(side)) for side in (rows, columns))
    if out is None:
        return np.asarray(torch.mm(one, other.T).numpy())
    torch.mm(one, other.T, out=torch.from_numpy(out))
    return out


@compiled
def _chamfer(products: Array, back: Array, forward: Array, row: int, column: int) -> None:
    """Writes both directions of region products `[Tr, Rr, Rq, Tq]`, at a row and a column of `back`
    and `forward` `[ΣTr, Tq]`."""
    frames, of_reference, of_query, width = products.shape
    best = np.empty(width, np.float32)
    total = np.empty(width, np.float32)
    of_each = np.empty((of_query, width), np.float32)  # the best for each region of the query
    for i in range(frames):
        total[:] = 0
        of_each[:] = -np.inf
        for b in range(of_reference):
            best[:] = -np.inf
            for a in range(of_query):
                line, mine = products[i, b, a], of_each[a]
                for j in range(width):
                    value = line[j]
                    best[j] = value if value > best[j] else best[j]
                    mine[j] = value if value > mine[j] else mine[j]
            for j in range(width):
                total[j] += best[j]
        for j in range(width):
            back[row + i, column + j] = total[j] / np.float32(of_reference)
        total[:] = 0
        for a in range(of_query):
            for j in range(width):
                total[j] += of_each[a, j]
        for j in range(width):
            forward[row + i, column + j] = total[j] / np.float32(of_query)
