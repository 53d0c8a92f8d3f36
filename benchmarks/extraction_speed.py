"""Frames per second of feature extraction, without and with decoding.

    python -m benchmarks.extraction_speed --videos FOLDER --limit 20

prints the best and the median of several rounds of extraction alone (frames decoded beforehand),
then the rate of decoding and extraction together, file by file, like the jobs of the Library page.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

import numpy as np

from visil_dash.errors import MediaRefused
from visil_dash.media.decode import sample_frames
from visil_dash.media.files import video_files
from visil_dash.models.load import Model, load_model
from visil_dash.records import Array
from visil_dash.settings import Settings, get_settings
from visil_dash.workbench.ingest import extract_features

ROUND_FRAMES = 256


def some_frames(paths: list[Path], model: Model, settings: Settings) -> Array:
    """Real frames, at most `ROUND_FRAMES`, `[n, side, side, 3]`."""
    frames: list[Array] = []
    for path in paths:
        try:
            with sample_frames(
                path, preprocess=model.preprocess, rate=settings.rate, settings=settings
            ) as sampled:
                frames += [batch.frames.copy() for batch in sampled]
        except MediaRefused as refused:
            print(refused, file=sys.stderr)
        if sum(map(len, frames)) >= ROUND_FRAMES:
            break
    return np.concatenate(frames)[:ROUND_FRAMES]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--videos", type=Path, required=True, help="folder of clips")
    parser.add_argument("--limit", type=int, default=20, help="number of clips to read")
    parser.add_argument("--model", default="compact")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    settings = get_settings()
    model = load_model(options.model, settings=settings)
    paths = sorted(video_files([options.videos]))[: options.limit]
    frames = some_frames(paths, model, settings)
    model.extract(frames[:32])
    rates = []
    for _ in range(options.rounds):
        start = time.perf_counter()
        model.extract(frames)
        rates.append(len(frames) / (time.perf_counter() - start))
    print(
        f"extraction alone: {max(rates):.0f} frames/s best, {statistics.median(rates):.0f} median"
        f" of {options.rounds} rounds of {len(frames)} frames"
    )
    start, count, seconds = time.perf_counter(), 0, 0.0
    for path in paths:
        try:
            made = extract_features(
                path, name=path.name, video_id="0" * 64, model=model, settings=settings
            )
        except MediaRefused:
            continue
        count += len(made.features.timestamps)
        seconds += made.info.duration
    took = time.perf_counter() - start
    print(
        f"with decoding: {count} frames of {seconds:.0f} s of video from {len(paths)} files in"
        f" {took:.1f} s: {count / took:.0f} frames/s"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
