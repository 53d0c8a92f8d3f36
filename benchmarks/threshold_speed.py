"""Server time of the Threshold page, from a move of the slider to all its new numbers.

    python -m benchmarks.threshold_speed FOLDER
    python -m benchmarks.threshold_speed FOLDER --videos 1000 --frames 100

The page runs on the library in FOLDER as in Streamlit, but without a browser. Each move is one run
of the whole page (in a browser a move runs the explorer only, so this is an upper bound). With
`--videos` the library's frames are repeated with noise until there are that many videos of
`--frames` frames, and so is the query. The functions that a move calls are also timed separately.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from streamlit.testing.v1 import AppTest

from visil_dash.candidates.rows import candidate_rows
from visil_dash.candidates.thresholds import (
    QueryDistances,
    admit,
    candidates_at,
    nearest_of_rows,
)
from visil_dash.plots import distances
from visil_dash.records import Array
from visil_dash.reduction.distances import squared_distances
from visil_dash.settings import Settings
from visil_dash.workbench.bench import Workbench, open_workbench

PAGE = Path(__file__).resolve().parents[1] / "pages" / "threshold.py"
NOISE = 0.05  # of the spread of frame vectors: a repeated frame is near its original, not equal


def enlarged(
    bench: Workbench, query_id: str, *, videos: int, frames: int, seed: int
) -> QueryDistances:
    """The query's distances to `videos` videos of `frames` noisy frames each."""
    random = np.random.default_rng(seed)
    real = [bench.library.features(v.video_id, extractor=bench.extractor) for v in bench.videos()]
    sources = [bench.space.reduction(features.frame_vectors) for features in real]
    spread = NOISE * float(np.concatenate(sources).std())

    def repeated(vectors: Array) -> Array:
        made = vectors[np.arange(frames) % len(vectors)]
        return made + random.normal(scale=spread, size=made.shape).astype(np.float32)

    own = bench.query_distances(query_id)
    query = repeated(bench.space.reduction(bench.clip(query_id).features.frame_vectors))
    blocks = [squared_distances(query, repeated(sources[v % len(real)])) for v in range(videos)]
    return replace(
        own,
        video_ids=tuple(f"{v:064x}" for v in range(videos)),
        names=tuple(f"video {v:04}.mp4" for v in range(videos)),
        distances=np.concatenate(blocks, axis=1),
        video=np.repeat(np.arange(videos), frames),
        frame=np.tile(np.arange(frames), videos),
        times=np.tile(np.arange(frames, dtype=float), videos),
        query_times=np.arange(frames, dtype=float),
    )


def thresholds(view: QueryDistances, moves: int) -> list[float]:
    """Positions of the slider, from one that admits little to one that admits everything."""
    top = max(view.levels.orthogonal, view.levels.unrelated)
    return [float(at) for at in np.linspace(0.2 * top, 1.05 * top, moves)]


def summary(name: str, took: list[tuple[float, float]]) -> str:
    wall, processor = ([1000 * one for one in each] for each in zip(*took, strict=True))
    return (
        f"{name:<31} median {statistics.median(wall):6.1f} ms, longest {max(wall):6.1f} ms;"
        f" CPU {statistics.median(processor):6.1f} and {max(processor):6.1f} ms"
    )


def time_functions(view: QueryDistances, places: list[float]) -> None:
    """Time the functions that a move calls, each separately."""
    profile = view.profile
    names = dict(zip(view.video_ids, view.names, strict=True))
    edges, counts = profile.counted
    calls: dict[str, Callable[[float], Any]] = {
        "admit": lambda at: admit(profile, at),
        "candidates_at, candidate_rows": lambda at: candidate_rows(
            candidates_at(profile, at), names
        ),
        "nearest_of_rows": lambda at: nearest_of_rows(view, range(min(20, len(view.query_times)))),
        "distance_histogram": lambda at: distances.distance_histogram(
            edges,
            counts,
            threshold=at,
            default=at,
            unrelated=view.levels.unrelated,
            orthogonal=view.levels.orthogonal,
            nearest=profile.nearest,
            names=view.names,
            log=True,
        ),
    }
    for name, call in calls.items():
        print("  " + summary(name, [timed(partial(call, at)) for at in places]))


def timed(call: Callable[[], object]) -> tuple[float, float]:
    """Wall and CPU seconds; CPU time is comparable on a busy machine."""
    wall, processor = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - wall, time.process_time() - processor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--videos", type=int, help="number of videos, made from those in FOLDER")
    parser.add_argument("--frames", type=int, default=100, help="frames of each")
    parser.add_argument("--moves", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    os.environ["VISIL_DASH_LIBRARY"] = str(options.folder.absolute())
    with open_workbench(
        settings=Settings(library=options.folder), library=options.folder, start_worker=False
    ) as bench:
        query = bench.videos()[0].video_id
        view = bench.query_distances(query)
        if options.videos:
            view = enlarged(
                bench, query, videos=options.videos, frames=options.frames, seed=options.seed
            )
    prepared, _ = timed(lambda: (view.profile, view.profile.counted))
    print(
        f"{len(view.video_ids):,} videos, {len(view.video):,} frames,"
        f" {len(view.query_times)} query frames: {view.distances.size:,} distances,"
        f" sorted once in {prepared:.1f} s"
    )
    places = thresholds(view, options.moves)
    with patch.object(Workbench, "query_distances", lambda self, query_id: view):
        page = AppTest.from_file(str(PAGE), default_timeout=120)
        page.query_params["q"] = query[:16]
        page.run()
        moves = []
        for at in places:
            slider = page.slider(key="threshold_slider").set_value(at)
            moves.append(timed(slider.run))
            if page.exception:
                raise SystemExit(str(page.exception))
    print(summary("a move of the slider", moves))
    print("of which")
    time_functions(view, places)


if __name__ == "__main__":
    main()
