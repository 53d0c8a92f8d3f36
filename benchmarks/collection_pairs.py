"""Candidate pairs of a collection: time on synthetic vectors, and recall on a real library.

    python -m benchmarks.collection_pairs synthetic --videos 1000 --frames 100
    python -m benchmarks.collection_pairs library FOLDER

`synthetic`: unit vectors from slow random walks, every tenth video a noisy copy of a part of
another; for the first `--checked` videos the pairs are compared with those of exact search.
`library`: of all pairs that reach the match score, those that the index proposes at the library's
threshold.
"""

import argparse
import time
from pathlib import Path

import numpy as np

from visil_dash.collection.likely_pairs import candidate_pairs
from visil_dash.collection.table import strength
from visil_dash.index.hnsw import HnswIndex
from visil_dash.index.ids import frame_ids, split_ids
from visil_dash.records import Array
from visil_dash.settings import Settings
from visil_dash.workbench.bench import open_workbench
from visil_dash.workbench.collection import all_pairs, candidate_table

DIM = 128
NOISE = 0.02
THRESHOLD = 0.25  # squared L2 of unit vectors; unrelated frames are about 2 apart


class GraphView:
    """Frames in an HNSW graph; distances exact, as the library's index gives them."""

    def __init__(self, ids: Array, vectors: Array) -> None:
        self.ids, self.vectors = ids, vectors
        self._graph = HnswIndex(vectors.shape[1], capacity=len(ids))
        self._graph.add(vectors, ids)
        self._order = np.argsort(ids)

    def search(self, queries: Array, k: int) -> tuple[Array, Array]:
        nearest, _ = self._graph.search(queries, k)
        rows = self._order[np.searchsorted(self.ids, nearest, sorter=self._order)]
        far = ((self.vectors[rows] - queries[:, None]) ** 2).sum(-1)
        order = np.argsort(far, axis=1)
        return np.take_along_axis(nearest, order, 1), np.take_along_axis(far, order, 1)


def synthetic_frames(videos: int, frames: int, *, seed: int) -> tuple[Array, Array]:
    """Ids and unit vectors `[videos · frames, DIM]`."""
    random = np.random.default_rng(seed)
    made: list[Array] = []
    for video in range(videos):
        if video % 10 == 9:  # 30 % of an earlier video, with noise, in new surroundings
            walk = _walk(random, frames)
            part = max(1, 3 * frames // 10)
            walk[:part] = made[int(random.integers(video))][-part:]
            walk = walk + NOISE * random.normal(size=walk.shape)
        else:
            walk = _walk(random, frames)
        made.append((walk / np.linalg.norm(walk, axis=1, keepdims=True)).astype(np.float32))
    ids = np.concatenate([frame_ids(ordinal, frames) for ordinal in range(videos)])
    return ids, np.concatenate(made)


def _walk(random: np.random.Generator, frames: int) -> Array:
    start = random.normal(size=DIM)
    steps = 0.12 * random.normal(size=(frames, DIM)).cumsum(0)
    out: Array = start + steps
    out /= np.linalg.norm(out, axis=1, keepdims=True)
    return out


def exact_pairs(ids: Array, vectors: Array, videos: int) -> set[tuple[int, int]]:
    """Pairs of the first `videos` videos with any other, by exact distances."""
    owners, _ = split_ids(ids)
    pairs: set[tuple[int, int]] = set()
    for video in range(videos):
        near = 2 - 2 * vectors[owners == video] @ vectors.T  # unit vectors
        others = set(owners[(near <= THRESHOLD).any(0)].tolist()) - {video}
        pairs |= {(min(video, other), max(video, other)) for other in others}
    return pairs


def synthetic(options: argparse.Namespace) -> None:
    ids, vectors = synthetic_frames(options.videos, options.frames, seed=options.seed)
    start = time.perf_counter()
    view = GraphView(ids, vectors)
    built = time.perf_counter() - start
    start = time.perf_counter()
    candidates = candidate_pairs(view, THRESHOLD)
    took = time.perf_counter() - start
    proposed = set(zip(candidates.first.tolist(), candidates.second.tolist(), strict=True))
    exact = exact_pairs(ids, vectors, options.checked)
    total = options.videos * (options.videos - 1) // 2
    print(f"{options.videos} videos, {len(ids)} frames of {DIM} dims; graph built in {built:.1f} s")
    print(
        f"{len(proposed)} candidate pairs of {total} in {took:.1f} s,"
        f" {candidates.capped} frames capped"
    )
    print(
        f"exact search finds {len(exact)} pairs of {options.checked} videos,"
        f" of which {len(exact & proposed)} were proposed"
    )


def library(options: argparse.Namespace) -> None:
    with open_workbench(
        settings=Settings(library=options.folder, min_free_bytes=0), start_worker=False
    ) as bench:
        start = time.perf_counter()
        some = candidate_table(bench)
        first = time.perf_counter() - start
        start = time.perf_counter()
        whole = all_pairs(bench)
        second = time.perf_counter() - start
        least = bench.match_score()
        matching = np.triu(strength(whole.table.scores) >= least, 1)
        scored = np.isfinite(strength(some.table.scores))
        print(f"{len(whole.table.video_ids)} videos, threshold {some.threshold:.3f}")
        print(f"{some.compared} candidate pairs of {some.total} compared in {first:.1f} s")
        print(f"the other {whole.compared - some.compared} in {second:.1f} s")
        print(f"{int((matching & scored).sum())} of {int(matching.sum())} matching pairs proposed")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("synthetic")
    one.add_argument("--videos", type=int, default=1000)
    one.add_argument("--frames", type=int, default=100)
    one.add_argument("--checked", type=int, default=50)
    one.add_argument("--seed", type=int, default=0)
    one.set_defaults(run=synthetic)
    two = commands.add_parser("library")
    two.add_argument("folder", type=Path)
    two.set_defaults(run=library)
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
