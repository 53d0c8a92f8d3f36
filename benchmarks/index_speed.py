"""Build time, search latency, recall and opening time of a frame space of synthetic videos.

    python -m benchmarks.index_speed --frames 20000 --dim 256
    python -m benchmarks.index_speed --frames 1000000          # 10 minutes, 7 GB of memory

Frames are slow random walks, like shots; queries are frames with noise. Candidates are those of
60-frame copies of some videos. One thread; needs no model.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Event
from unittest.mock import patch

import hnswlib
import numpy as np
import psutil
import torch

from visil_dash.candidates.generation import candidates_within
from visil_dash.index.build import build_generation, identity_of, index_folder
from visil_dash.index.build import registered_generations as registered
from visil_dash.index.exact import nearest_rows
from visil_dash.index.generations import open_best
from visil_dash.index.hnsw import EF_CONSTRUCTION, M
from visil_dash.index.ids import frame_ids
from visil_dash.index.snapshot import Snapshot
from visil_dash.library.store import open_library
from visil_dash.records import Array
from visil_dash.reduction.distances import squared_distances
from visil_dash.reduction.pca import identity
from visil_dash.reduction.unit import unit_length
from visil_dash.settings import Settings

VIDEO_FRAMES = 60
QUERIES = 8  # copies of videos, of which candidates are generated
EXTRACTOR = "benchmark"


def walks(frames: int, dim: int, random: np.random.Generator) -> Array:
    videos = -(-frames // VIDEO_FRAMES)
    starts = random.standard_normal((videos, 1, dim), np.float32)
    steps = 0.1 * random.standard_normal((videos, VIDEO_FRAMES, dim), np.float32)
    vectors = (starts + steps.cumsum(1)).reshape(-1, dim)[:frames]
    return np.ascontiguousarray(unit_length(vectors), np.float32)


class Clock:
    """Wall and CPU seconds since it was made; CPU time is comparable on a busy machine."""

    def __init__(self) -> None:
        self.wall, self.processor = time.perf_counter(), time.process_time()

    def __str__(self) -> str:
        wall, processor = time.perf_counter() - self.wall, time.process_time() - self.processor
        return f"{wall:.2f} s ({processor:.2f} s CPU)"


def median_ms(call: Callable[[], object], times: int) -> str:
    wall, processor = [], []
    for _ in range(times):
        clock = Clock()
        call()
        wall.append(time.perf_counter() - clock.wall)
        processor.append(time.process_time() - clock.processor)
    middle = [1000 * statistics.median(spent) for spent in (wall, processor)]
    return f"{middle[0]:.0f} ms ({middle[1]:.0f} ms CPU)"


def insertion_order(vectors: Array, queries: Array) -> None:
    """Recall of one graph filled video by video and of one filled in random order."""
    count, dim = vectors.shape
    truth, _ = nearest_rows(vectors, queries, 10)
    for name, order in (
        ("video by video", np.arange(count)),
        ("in random order", np.random.default_rng(1).permutation(count)),
    ):
        graph = hnswlib.Index(space="l2", dim=dim)
        graph.init_index(max_elements=count, M=M, ef_construction=EF_CONSTRUCTION)
        graph.add_items(vectors[order], order)
        graph.set_ef(64)
        got, _ = graph.knn_query(queries, k=10)
        recall = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(got, truth, strict=True)])
        print(f"filled {name}: recall@10 {recall:.4f} at ef 64")


def candidate_lines(view: Snapshot, random: np.random.Generator) -> None:
    """Candidate generation where few frames are within the threshold, some, and many."""
    videos = {ordinal: str(ordinal) for ordinal in sorted(view.ordinals)}
    some = view.vectors[:: max(1, len(view) // 20_000)]
    starts = np.linspace(0, len(view) - VIDEO_FRAMES, QUERIES).astype(int)
    copies = [view.vectors[at : at + VIDEO_FRAMES] for at in starts // VIDEO_FRAMES * VIDEO_FRAMES]
    noisy = [some + 0.02 * random.standard_normal(some.shape, np.float32) for some in copies]
    queries = [np.ascontiguousarray(unit_length(copy), np.float32) for copy in noisy]
    samples = [squared_distances(query, some) for query in queries]
    for share in (0.00002, 0.00003, 0.0001, 0.001, 0.01):
        recalls, spent, exact = [], [], []
        for query, sample in zip(queries, samples, strict=True):
            threshold = float(np.quantile(sample, share))
            find = partial(candidates_within, view, query, threshold, videos=videos)
            before = time.process_time()
            found = {c.video_id: c.hits for c in find()}
            spent.append(time.process_time() - before)
            with patch("visil_dash.index.snapshot.GRAPH_FRAMES", len(view) + 1):
                before = time.process_time()
                truth = {c.video_id: c.hits for c in find()}
                exact.append(time.process_time() - before)
            hits = sum(min(found.get(v, 0), n) for v, n in truth.items())
            recalls.append(hits / max(1, sum(truth.values())))
        here, every = (1000 * statistics.median(seconds) for seconds in (spent, exact))
        print(
            f"candidates, {share:.3%} within the threshold, {QUERIES} queries: recall of frames"
            f" {min(recalls):.4f} to {max(recalls):.4f}, {here:.0f} ms CPU; all frames compared"
            f" {every:.0f} ms CPU",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--frames", type=int, default=20_000)
    parser.add_argument("--dim", type=int, default=256)
    parser.add_argument("--order", action="store_true", help="compare orders of insertion as well")
    options = parser.parse_args()
    random = np.random.default_rng(0)
    vectors = walks(options.frames, options.dim, random)
    videos = -(-options.frames // VIDEO_FRAMES)
    ids = np.concatenate([frame_ids(v + 1, VIDEO_FRAMES) for v in range(videos)])[: options.frames]
    settings = Settings(min_free_bytes=0, threads=1)
    torch.set_num_threads(1)
    reduction = identity(options.dim)
    with (
        tempfile.TemporaryDirectory() as folder,
        open_library(Path(folder) / "library", settings=settings) as library,
    ):
        clock = Clock()
        generation = build_generation(
            library,
            extractor=EXTRACTOR,
            reduction=reduction,
            rows=(),
            ids=ids,
            vectors=vectors,
            ordinals=frozenset(range(1, videos + 1)),
            stop=Event(),
        )
        print(f"build and publish {clock}, {generation.bytes / 2**20:.0f} MiB", flush=True)
        del generation
        clock = Clock()
        opened, _ = open_best(
            index_folder(library, EXTRACTOR, reduction),
            identity=identity_of(EXTRACTOR, reduction, ()),
            registered=registered(library, EXTRACTOR, reduction),
        )
        print(f"verify and open {clock}")
        resident = psutil.Process().memory_info().rss / 2**20
        print(f"resident, the benchmark's own copy of the vectors with it: {resident:.0f} MiB")
        view = Snapshot(reduction, opened, (), frozenset(), 1)
        noise = 0.02 * random.standard_normal((300, options.dim), np.float32)
        queries = vectors[random.integers(0, options.frames, 300)] + noise
        got, want = view.search(queries, 10)[0], view.exact_search(queries, 10)[0]
        recall = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(got, want, strict=True)])
        print(f"recall@10 {recall:.4f} over {len(queries)} queries")
        candidate_lines(view, random)
        if options.order:
            insertion_order(vectors, queries)
        for k in (32, 256, 1024):
            search = median_ms(partial(view.search, queries[:30], k), 15)
            exact = median_ms(partial(view.exact_search, queries[:30], k), 7)
            print(f"30-frame query, k = {k}: search {search}, exact {exact}")


if __name__ == "__main__":
    main()
