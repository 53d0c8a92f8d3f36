"""The pipeline from 10⁴ to 10⁹ frames: storage, memory, machines, hours, latency and recall.

    python -m benchmarks.scale --bench SET --library DIR --cache FILE

SET was made by `benchmarks.copies make`; DIR is a library that holds its references; FILE keeps the
queries' features. The library is made larger with videos drawn from its own frame vectors. Laws
are fitted on sizes up to 5,000 frames, and what they predict for larger ones, which are measured
too, stands beside it. One thread; a few minutes. Then the laws go on to where nothing is measured.
"""

import argparse
import math
import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.candidates import read_collection, read_queries
from benchmarks.scale.laws import Counted, candidates, recall_counted, recall_within
from benchmarks.scale.measuring import IndexCost, Met, admitted_by_real, index_cost, met
from visil_dash.laboratory.planner.costs import (
    BYTES_PER_VALUE,
    LINK_BYTES,
    Rates,
    estimate_costs,
)
from visil_dash.laboratory.planner.costs import Collection as Planned
from visil_dash.laboratory.planner.rates import measure_rates
from visil_dash.matching.similarity import pair_scores_many
from visil_dash.models.load import Model, load_model
from visil_dash.models.sampling import at_rate
from visil_dash.records import Array
from visil_dash.reduction.pca import fit_pca
from visil_dash.reduction.quantisation import Precision
from visil_dash.reduction.unit import unit_length
from visil_dash.settings import Settings, get_settings

FIT, CHECKED = 5_000, (10_000, 100_000)
BUDGETS = (20, 200, 2_000)
OUTLOOK = (10**6, 10**7, 10**8, 360_000_000, 10**9)
_QUERY_FRAMES = 60  # of the clip whose latency is named
_MACHINE_BYTES, _MACHINE_CORES, _INDEX_SHARE = 64e9, 16, 0.6
_MEDIA_BYTES = 250_000.0  # a second of video: 2 Mbit/s
_SPACES = tuple((dims, bits) for dims in (256, 64) for bits in (Precision.FP32, Precision.INT8))
_SHIPS = _SPACES[0]


@dataclass(frozen=True)
class Sizes:
    """What the queries of one space met, and the frames before the end of each made video."""

    met: list[Met]
    ends: Array

    def counted(self, frames: int) -> tuple[int, list[Counted]]:
        """The number of videos of so many frames, and what each query met among them."""
        videos = int(np.searchsorted(self.ends, frames, side="right"))
        return videos, [query.among(videos) for query in self.met]


def check(name: str, sizes: Sizes, checked: Sequence[int]) -> None:
    """Prints what the law of FIT frames says of larger collections, beside what they hold."""
    _, fitted = sizes.counted(FIT)
    for frames in checked:
        videos, counted = sizes.counted(frames)
        line = [
            f"  {name:9} {frames:>9,} frames, {videos:>6,} videos:",
            f"candidates {candidates(fitted, videos):8.1f} / {candidates(counted, videos):8.1f}",
        ]
        for budget in BUDGETS:
            if budget < videos:
                said, got = recall_within(fitted, videos, budget), recall_counted(counted, budget)
                line.append(f"first {budget:,}: {said:.3f} / {got:.3f}")
        print("  ".join(line), flush=True)


def check_index(costs: Sequence[IndexCost], dims: int) -> None:
    """Prints the planner's laws from the smallest of the sizes beside the others."""
    base = costs[0]
    rates = _rates_of(base)
    for cost in costs[1:]:
        plan = Planned(cost.frames / 3600, 1.0, 1.0, dims, "fp32", 1, 1.0)
        said = estimate_costs(plan, rates, query_minutes=1 / 60)
        print(
            f"  {cost.frames:>9,} frames: build {said.index_build_hours * 3600:7.1f} /"
            f" {cost.build_seconds:7.1f} s, search {1000 * said.candidate_seconds_per_query:.2f} /"
            f" {cost.query_milliseconds:.2f} ms a frame, graph and vectors"
            f" {said.index_disk_bytes / 1e6:.1f} / {cost.bytes / 1e6:.1f} MB",
            flush=True,
        )


def _rates_of(cost: IndexCost) -> Rates:
    return Rates(
        1, 1, cost.frames / cost.build_seconds, cost.query_milliseconds, cost.frames, 1, 1, 1, 1
    )


def outlook(fitted: Sequence[Counted], rates: Rates, model: Model, mean_frames: float) -> None:
    """Prints the tables of sizes that nobody measured."""
    values = model.regions * model.dim
    print("\nfrom here on by the laws alone; 1 frame a second, machines of 16 cores and 64 GB")
    print("frames | features | vectors 256 fp32 | 256 int8 | 64 fp32 | 64 int8 | machines for the")
    print("index, 256 fp32 | 64 int8 | extraction, core hours | machines for 30 days of it")
    for frames in OUTLOOK:
        costs = estimate_costs(_planned(frames, mean_frames, values), rates)
        sizes = [frames * dims * BYTES_PER_VALUE[precision] for dims, precision in _SPACES]
        room = _INDEX_SHARE * _MACHINE_BYTES
        machines = [
            math.ceil((size + frames * LINK_BYTES) / room) for size in (sizes[0], sizes[-1])
        ]
        hours = costs.extraction_hours
        cells = [
            f"{frames:.1e}",
            *(f"{size / 1e9:,.1f} GB" for size in (costs.feature_bytes, *sizes)),
            *map(str, machines),
            f"{hours:,.0f}",
            str(math.ceil(hours / _MACHINE_CORES / (30 * 24))),
        ]
        print(" | ".join(cells), flush=True)
    print("\nframes | candidate videos a query | copies among the first 200 / 2,000 / 20,000")
    print("| candidates s | re-ranking 200 s | all videos, core hours")
    for frames in OUTLOOK:
        costs = estimate_costs(_planned(frames, mean_frames, values), rates)
        videos = round(frames / mean_frames)
        rerank = _QUERY_FRAMES * 200 * mean_frames / rates.compared_pairs_per_second
        recalls = [f"{recall_within(fitted, videos, b):.2f}" for b in (200, 2_000, 20_000)]
        cells = [
            f"{frames:.1e}",
            f"{candidates(fitted, videos):,.0f}",
            " / ".join(recalls),
            f"{costs.candidate_seconds_per_query:.2f}",
            f"{rerank:.1f}",
            f"{costs.exhaustive_seconds_per_query / 3600:,.1f}",
        ]
        print(" | ".join(cells), flush=True)


def _planned(frames: int, mean_frames: float, values: int) -> Planned:
    return Planned(frames / 3600, mean_frames / 60, 1.0, 256, "fp32", values, _MEDIA_BYTES)


def _rates_a_core(
    options: argparse.Namespace, model: Model, settings: Settings, index: IndexCost
) -> Rates:
    """By the time of processors, children among them, which other programs do not lengthen."""
    began, spent = time.perf_counter(), _processor_seconds()
    rates = measure_rates(
        model, dims=256, folder=options.library, settings=settings, video=options.video
    )
    slower = (time.perf_counter() - began) / (_processor_seconds() - spent)
    decoded, of_index = rates.decoded_seconds_per_second, _rates_of(index)
    return replace(
        rates,
        extracted_frames_per_second=rates.extracted_frames_per_second * slower,
        decoded_seconds_per_second=None if decoded is None else decoded * slower,
        compared_pairs_per_second=_compared_pairs(model),
        indexed_frames_per_second=of_index.indexed_frames_per_second,
        graph_milliseconds_per_query_frame=of_index.graph_milliseconds_per_query_frame,
        graph_frames=of_index.graph_frames,
    )


def _compared_pairs(model: Model) -> float:
    """Pairs of frames a second, of a clip of a minute with several."""
    random = np.random.default_rng(0)
    shape = (_QUERY_FRAMES, model.regions, model.dim)
    query, *others = (random.standard_normal(shape, np.float32) for _ in range(17))
    pair_scores_many(query, others, model.scorer)
    start = time.process_time()
    pair_scores_many(query, others, model.scorer)
    return len(others) * _QUERY_FRAMES**2 / (time.process_time() - start)


def _processor_seconds() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def run(options: argparse.Namespace) -> None:
    settings = get_settings().model_copy(update={"threads": 1})
    model = at_rate(load_model(settings.model, settings=settings), settings.rate)
    library = read_collection(options.library, model.extractor)
    asked = [q for q in read_queries(options.bench, library.names, options.cache) if q.right.any()]
    mean_frames = len(library.owner) / len(library.names)
    limit = model.threshold_share * 2.0  # frames that share nothing are 2 apart
    checked = tuple(size for size in CHECKED if size <= options.largest)
    if options.largest > max(checked):
        checked = (*checked, options.largest)
    print(
        f"{len(asked)} queries, {len(library.names)} videos, {len(library.owner)} frames,"
        f" {mean_frames:.1f} a video; threshold {limit:.3f}"
    )
    print(f"predicted from {FIT:,} frames / measured:")
    fitted: list[Counted] = []
    unit = unit_length(library.vectors)
    for dims, precision in _SPACES:
        space = fit_pca(unit, dims)
        found = Sizes(
            *met(asked, library, space, precision=precision, frames=checked[-1], limit=limit)
        )
        if (dims, precision) == _SHIPS:
            fitted = found.counted(checked[-1])[1]
            real = admitted_by_real(asked, library, space, limit)
            made = candidates(fitted, 1)
            print(f"  within it: {real:.3f} of real unrelated videos, {made:.3f} of made ones")
        check(f"{dims} {precision}", found, checked)
    space = fit_pca(unit, _SHIPS[0])
    costs = [index_cost(library, space, s) for s in (FIT, *CHECKED) if s <= options.largest]
    check_index(costs, 256)
    rates = _rates_a_core(options, model, settings, costs[-1])
    print(f"\nrates of one core: {rates}")
    outlook(fitted, rates, model, options.clip_frames)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bench", type=Path, required=True)
    parser.add_argument("--library", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True, help=".npz of the queries' regions")
    parser.add_argument("--video", type=Path, help="a video whose decoding is timed")
    parser.add_argument("--largest", type=int, default=CHECKED[-1], help="frames that are made")
    parser.add_argument(
        "--clip-frames", type=float, default=60.0, help="of a video, in the outlook"
    )
    run(parser.parse_args())


if __name__ == "__main__":
    main()
