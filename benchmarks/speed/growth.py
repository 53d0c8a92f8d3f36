"""How the cost of the steps of a search grows, and whether it grew since the last time.

    python -m benchmarks.speed.growth                       # prints, and draws docs/growth.svg
    python -m benchmarks.speed.growth --history FILE        # appends a line of JSON as well

CPU milliseconds, medians, one thread, against the number of videos, of frames and of dimensions.
The exponent is that of the power law that fits best: 1 is growth in proportion. Costs are kept in
units of a matrix product of the same run, so that lines of different machines can be compared. A
step that costs 1.5 times the median of the lines before is named, and the exit code is then 1.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
import torch

import visil_dash
from benchmarks.speed.noise import noise_video, region_vectors, unit_vectors
from benchmarks.speed.plot import drawn
from benchmarks.speed.timing import medians
from visil_dash.candidates.thresholds import DistanceLevels, QueryDistances, admit
from visil_dash.index.ids import frame_ids
from visil_dash.index.tally import Rows, tally
from visil_dash.matching.alignment import AlignOptions
from visil_dash.matching.products import frame_to_frame_many
from visil_dash.matching.rerank import rerank
from visil_dash.matching.similarity import CHAMFER
from visil_dash.records import WHOLE
from visil_dash.reduction.distances import squared_distances

_WORSE = 1.5
_SIDE = 1024  # of the matrices of the product that costs are compared with


@dataclass(frozen=True)
class Growth:
    """`milliseconds` of CPU at each of `sizes`."""

    step: str
    unit: str
    sizes: tuple[int, ...]
    milliseconds: tuple[float, ...]

    @property
    def exponent(self) -> float:
        return float(np.polyfit(np.log(self.sizes), np.log(self.milliseconds), 1)[0])


def milliseconds(call: Callable[[], object]) -> float:
    return medians({"call": call}, times=5)["call"]


def grown(
    step: str, unit: str, sizes: tuple[int, ...], made: Callable[[int], Callable[[], object]]
) -> Growth:
    return Growth(step, unit, sizes, tuple(milliseconds(made(size)) for size in sizes))


def _search(videos: int) -> Callable[[], object]:
    query = noise_video("query", 60, 0)
    library = {f"v{i}": noise_video(f"v{i}", 60, i + 1) for i in range(videos)}
    return lambda: rerank(
        {WHOLE: query},
        {WHOLE: tuple(library)},
        load=library.__getitem__,
        names={name: name for name in library},
        candidates={},
        scorer=CHAMFER,
        options=AlignOptions(frame_level=0.3),
    )


def _pair(frames: int, dim: int = 256) -> Callable[[], object]:
    one, other = region_vectors(frames, dim, 0), region_vectors(frames, dim, 1)
    return lambda: frame_to_frame_many(one, [other])


def _candidates(frames: int, dim: int = 256) -> Callable[[], object]:
    videos = frames // 60
    rows = Rows(
        np.concatenate([frame_ids(o, 60) for o in range(videos)]), unit_vectors(60 * videos, dim, 0)
    )
    queries, every = unit_vectors(60, dim, 1), np.arange(60)
    threshold = float(np.quantile(squared_distances(queries, rows.vectors[:3000]), 0.01))
    return lambda: tally(rows, queries, threshold, every, compared=every)


def _slider(frames: int) -> Callable[[], object]:
    videos = frames // 100
    distances = np.random.default_rng(0).random((60, 100 * videos), np.float32)
    view = QueryDistances(
        video_ids=tuple(map(str, range(videos))),
        names=tuple(map(str, range(videos))),
        distances=distances,
        video=np.repeat(np.arange(videos), 100),
        frame=np.tile(np.arange(100), videos),
        times=np.tile(np.arange(100.0), videos),
        query_times=np.arange(60.0),
        levels=DistanceLevels(2.0, 1.9),
    )
    profile = view.profile
    return lambda: admit(profile, 0.3)


def growths() -> Iterator[Growth]:
    yield grown("exhaustive search, Chamfer", "videos of 60 frames", (25, 50, 100, 200), _search)
    yield grown("frame-to-frame both ways", "frames of each video", (30, 60, 120, 240), _pair)
    yield grown(
        "frame-to-frame both ways of 60 frames",
        "dimensions of a region",
        (128, 512, 1024, 3840),
        lambda dim: _pair(60, dim),
    )
    yield grown("candidates of 60 frames", "frames", (12_000, 24_000, 48_000, 96_000), _candidates)
    yield grown(
        "candidates among 24,000 frames",
        "dimensions of a frame",
        (64, 128, 256, 512),
        lambda dim: _candidates(24_000, dim),
    )
    yield grown("a move of the threshold", "frames", (12_000, 24_000, 48_000, 96_000), _slider)


def worse(line: dict[str, float], before: list[dict[str, float]]) -> list[str]:
    """The steps that cost _WORSE times the median of the lines before."""
    found = []
    for step, cost in line.items():
        known = [other[step] for other in before if step in other]
        if known and cost > _WORSE * statistics.median(known):
            found.append(f"{step}: {cost / statistics.median(known):.2f} times what it was")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--history", type=Path, metavar="FILE")
    parser.add_argument("--picture", type=Path, default=Path("docs/growth.svg"))
    given = parser.parse_args()
    torch.set_num_threads(1)
    a, b = torch.randn(2, _SIDE, _SIDE)
    unit = milliseconds(partial(torch.matmul, a, b))
    print("| step | grows with | measured at | CPU ms | exponent |\n|---|---|---|---|---|")
    made = []
    for growth in growths():
        made.append(growth)
        sizes = ", ".join(f"{size:,}" for size in growth.sizes)
        times = ", ".join(f"{ms:.3g}" for ms in growth.milliseconds)
        print(
            f"| {growth.step} | {growth.unit} | {sizes} | {times} | {growth.exponent:.2f} |",
            flush=True,
        )
    given.picture.write_text(
        drawn([(g.step, g.unit, g.sizes, g.milliseconds) for g in made]), encoding="utf-8"
    )
    if given.history is None:
        return 0
    line = {g.step: round(g.milliseconds[-1] / unit, 4) for g in made}
    before = []
    if given.history.exists():
        before = [json.loads(text)["costs"] for text in given.history.read_text().splitlines()]
    stamp = {"made": datetime.now(UTC).isoformat(timespec="seconds"), "costs": line}
    with given.history.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"version": visil_dash.__version__} | stamp) + "\n")
    grew = worse(line, before)
    print("\n".join(grew), file=sys.stderr)
    return int(bool(grew))


if __name__ == "__main__":
    sys.exit(main())
