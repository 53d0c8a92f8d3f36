"""What opening a library reads, and how long it takes, against the number of its videos.

    python -m benchmarks.opening --videos 100 1000 10000     # some minutes; half a GB on disk

Each library holds videos of ten frames with made features of the bundled model. It is opened in a
process of its own, as the dashboard does, and lists its videos; torch and the model are loaded
before the clock starts. Features: how many feature files were opened meanwhile.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil

from visil_dash.library.store import open_library
from visil_dash.models.load import Model, load_model
from visil_dash.records import MediaInfo, VideoFeatures
from visil_dash.settings import Settings
from visil_dash.workbench.bench import Workbench
from visil_dash.workbench.ingest import feature_manifest
from visil_dash.workbench.overview import overview

FRAMES = 10


def fill(folder: Path, videos: int, model: Model, settings: Settings) -> None:
    """A library of so many videos, and its index."""
    random = np.random.default_rng(0)
    manifest = feature_manifest(model, rate=settings.rate)
    info = MediaInfo("mp4", "h264", 320, 240, float(FRAMES), FRAMES)
    with open_library(folder, settings=settings) as library:
        for number in range(videos):
            staged = library.stage()
            staged.write_bytes(f"video {number}".encode())
            record = library.put_video(staged, name=f"video {number:05d}.mp4", info=info)
            start = random.standard_normal((1, model.regions, model.dim))
            steps = random.standard_normal((FRAMES, model.regions, model.dim))
            walk = start + 0.1 * steps.cumsum(0)
            regions = (walk / np.linalg.norm(walk, axis=-1, keepdims=True)).astype(np.float16)
            times = np.arange(FRAMES, dtype=float)
            library.put_features(
                VideoFeatures(record.video_id, model.extractor, regions, times), manifest
            )
    with Workbench(open_library(folder, settings=settings), model, settings) as bench:
        bench.space.rebuild(background=False)


def measure(folder: Path) -> dict[str, float]:
    """Opening and listing, in seconds and MB; the model was loaded before."""
    settings = Settings(min_free_bytes=0, threads=1, library=folder)
    model = load_model("compact", settings=settings)
    opened: list[str] = []
    sys.addaudithook(lambda event, about: opened.append(str(about[0])) if event == "open" else None)
    process = psutil.Process()
    wall, processor = time.perf_counter(), time.process_time()
    before = process.io_counters().read_chars
    with Workbench(open_library(folder, settings=settings), model, settings) as bench:
        shown = overview(bench).videos
        listed = len(bench.videos())
    assert shown == listed
    return {
        "videos": listed,
        "seconds": time.perf_counter() - wall,
        "cpu": time.process_time() - processor,
        "read": (process.io_counters().read_chars - before) / 1e6,
        "features": sum(name.endswith(".safetensors") for name in opened),
        "stored": sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()) / 1e6,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--videos", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure is not None:
        print(json.dumps(measure(options.measure)))
        return
    settings = Settings(min_free_bytes=0, threads=1)
    model = load_model("compact", settings=settings)
    for videos in options.videos:
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) / "library"
            fill(place, videos, model, settings)
            command = [sys.executable, "-m", "benchmarks.opening", "--measure", str(place)]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            got = json.loads(done.stdout.splitlines()[-1])
        print(
            f"{got['videos']:,} videos, {got['stored']:.0f} MB: {got['seconds']:.2f} s"
            f" ({got['cpu']:.2f} s CPU), {got['read']:.1f} MB read,"
            f" {got['features']:.0f} feature files opened",
            flush=True,
        )


if __name__ == "__main__":
    main()
