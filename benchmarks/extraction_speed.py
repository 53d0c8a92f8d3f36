"""Frames per second of feature extraction, and what adding videos costs beside it.

    python -m benchmarks.extraction_speed --videos FOLDER --limit 20

prints the best and the median of several rounds of extraction alone (frames decoded beforehand),
then what adding the files to a new library takes of the processor: by the decoder's children, the
network, and all else, beside FFmpeg decoding the same files and throwing the pictures away.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from visil_dash.errors import MediaRefused
from visil_dash.media.decode import sample_frames
from visil_dash.media.files import video_files
from visil_dash.models.load import Model, load_model
from visil_dash.records import Array
from visil_dash.settings import Settings, get_settings
from visil_dash.workbench.bench import open_workbench

ROUND_FRAMES = 256
NULL_DECODE = """
import sys, av
with av.open(sys.argv[1], metadata_errors="replace") as file:
    stream = file.streams.video[0]
    stream.codec_context.thread_count, stream.thread_type = 2, "AUTO"
    try:
        for _ in file.decode(stream):
            pass
    except av.FFmpegError:
        pass
"""


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


def cost_of_adding(paths: list[Path], model: str, settings: Settings) -> str:
    """What a new library of these files costs, in a sentence a line."""
    network = [0.0, 0.0]
    with tempfile.TemporaryDirectory() as folder:
        room = settings.model_copy(update={"min_free_bytes": 0, "threads": 1})
        bench = open_workbench(
            settings=room, library=Path(folder, "library"), model=model, start_worker=False
        )
        extract = bench.model.extract

        def timed(frames: Array) -> Array:
            cpu, start = time.thread_time(), time.perf_counter()
            regions = extract(frames)
            network[0] += time.thread_time() - cpu
            network[1] += time.perf_counter() - start
            return regions

        object.__setattr__(bench.model, "extract", timed)
        with bench:
            bench.add_paths(paths)
            start, here, children = time.perf_counter(), time.process_time(), children_cpu()
            bench.worker.start()
            bench.worker.wait_idle()
            wall = time.perf_counter() - start
            here, children = time.process_time() - here, children_cpu() - children
            videos = bench.videos()
            added = [bench.library.media_path(video.video_id) for video in videos]
            null = null_decode_cpu(added)
    seconds, count = sum(video.info.duration for video in videos), len(videos)
    total, rest = here + children, here - network[0]
    return (
        f"adding {count} videos of {seconds:.0f} s: {wall:.1f} s, {total:.1f} CPU s\n"
        f"  decoder's children {children:.1f} CPU s ({children / total:.0%}), of which FFmpeg alone"
        f" takes {null:.1f} ({null / total:.0%})\n"
        f"  network {network[0]:.1f} CPU s ({network[0] / total:.0%})\n"
        f"  all else {rest:.1f} CPU s ({rest / total:.0%}), {1000 * rest / count:.0f} ms a video; a"
        f" child beside FFmpeg {1000 * (children - null) / count:.0f} ms a video"
    )


def children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def null_decode_cpu(paths: list[Path]) -> float:
    """CPU seconds of decoding each file once, with as many threads as the product's decoder."""
    before = children_cpu()
    for path in paths:
        subprocess.run([sys.executable, "-c", NULL_DECODE, str(path)], check=True)
    start = children_cpu()
    for _ in paths:
        subprocess.run([sys.executable, "-c", "import av"], check=True)
    return start - before - (children_cpu() - start)


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
    print(cost_of_adding(paths, model.name, settings))
    return 0


if __name__ == "__main__":
    sys.exit(main())
