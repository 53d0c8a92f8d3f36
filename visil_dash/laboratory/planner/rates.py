"""Speed of this machine, measured in a few seconds with the model and the index in use."""

import os
import shutil
import time
from pathlib import Path

import numpy as np
import psutil

from visil_dash.index.hnsw import HnswIndex
from visil_dash.laboratory.planner.costs import Rates
from visil_dash.laboratory.planner.extraction import measure_extraction
from visil_dash.matching.similarity import pair_scores
from visil_dash.models.load import Model
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.settings import Settings

_SYNTHETIC_FRAMES = 4000  # vectors in the measured graph: a few seconds of building
_QUERY_FRAMES = 200
_COMPARED_FRAMES = 120  # of each video of the compared pair: two minutes at one frame per second


def measure_rates(
    model: Model,
    *,
    dims: int,
    folder: Path,
    settings: Settings,
    video: Path | None = None,
    frames: int = _SYNTHETIC_FRAMES,
    watch: Watch = UNWATCHED,
) -> Rates:
    """Times extraction, decoding of `video`, the index and re-ranking, about a second each.

    Index vectors are random directions in `dims` dimensions, which are harder to search than real
    frames. `folder`: the library's, for the free disk space. Raises Cancelled and MediaRefused.
    """
    rng = np.random.default_rng(0)
    extraction = measure_extraction(
        model, settings=settings, video=video, watch=watch.part(0.0, 0.45)
    )
    watch.step("Building an index", 0.45)
    vectors = rng.standard_normal((frames, dims), dtype=np.float32)
    index = HnswIndex(dims, capacity=frames, threads=settings.threads)
    start = time.perf_counter()
    index.add(vectors, np.arange(frames))
    built = time.perf_counter() - start
    watch.step("Searching it", 0.8)
    queries = rng.standard_normal((_QUERY_FRAMES, dims), dtype=np.float32)
    start = time.perf_counter()
    index.search(queries, 32)
    searched = time.perf_counter() - start
    watch.step("Comparing a pair", 0.9)
    return Rates(
        extracted_frames_per_second=extraction.frames_per_second,
        decoded_seconds_per_second=extraction.decoded_seconds_per_second,
        indexed_frames_per_second=frames / built,
        graph_milliseconds_per_query_frame=1000 * searched / _QUERY_FRAMES,
        graph_frames=frames,
        compared_pairs_per_second=_comparing(model, rng),
        cores=os.cpu_count() or 1,
        memory_bytes=int(psutil.virtual_memory().total),
        disk_free_bytes=int(shutil.disk_usage(folder).free),
    )


def _comparing(model: Model, rng: np.random.Generator) -> float:
    shape = (_COMPARED_FRAMES, model.regions, model.dim)
    a, b = (rng.standard_normal(shape, dtype=np.float32) for _ in range(2))
    start = time.perf_counter()
    pair_scores(a, b, model.scorer)
    return _COMPARED_FRAMES**2 / (time.perf_counter() - start)
