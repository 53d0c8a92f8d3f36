"""The measurements of docs/findings.md for a library: dims, threshold, graph, hubs, quality.

    python -m benchmarks.findings --library DIR [--out FILE.md] [--labels demo|review|FILE]

The library is only read. The same library, model and options give the same numbers; times are not
written. `--labels` adds the retrieval of labelled copies; without it `demo` is tried.
"""

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from visil_dash.cli.evaluate import labels_of
from visil_dash.clock import clock
from visil_dash.errors import InputError
from visil_dash.index.hnsw import GraphOptions
from visil_dash.labels.label import Label
from visil_dash.laboratory.dimensions.geometry import LEADING, NOISE
from visil_dash.laboratory.dimensions.library import Study, StudyOptions, measure_graph, study
from visil_dash.laboratory.dimensions.rows import METHOD_NAMES
from visil_dash.laboratory.dimensions.study import SpaceResult
from visil_dash.laboratory.evaluation.run import (
    EXHAUSTIVE,
    HIERARCHICAL,
    Setting,
    run_evaluation,
)
from visil_dash.laboratory.evaluation.scores import CHAMFER, COMPARATOR
from visil_dash.laboratory.hubs.library import effect_of, find_hubs, frame_seconds
from visil_dash.metrics.bootstrap import Interval
from visil_dash.reduction.quantisation import Precision
from visil_dash.settings import get_settings
from visil_dash.workbench.bench import Workbench, open_workbench

GRAPHS = (GraphOptions(4, 32), GraphOptions(8, 64), GraphOptions(16, 100), GraphOptions(32, 200))
EFS = (10, 32, 64, 128, 256)
HUBS = 8  # number whose effect is computed
# What the conclusions require of a space and of a graph.
CANDIDATE_RECALL, MORE_CANDIDATES, GRAPH_RECALL = 0.99, 1.1, 0.999


def table(rows: Sequence[Sequence[object]]) -> str:
    """Markdown table; the first row is its header."""
    lines = ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])


def _cell(cell: object) -> str:
    if cell is None:
        return "none"
    return f"{cell:.4g}" if isinstance(cell, float) else str(cell)


def three(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"


# ---- dims ----


def dims_text(result: Study) -> str:
    """The sample, its spectrum, the concentration of distances, and every space."""
    spectrum = result.spectrum
    lines = [
        "## Dims",
        f"{result.frames:,} of {result.total:,} frames of {result.videos} videos; queries are"
        f" {result.query_frames} frames of {result.query_videos} videos, reductions were fitted on"
        f" the others. k = {result.options.k}, seed {result.options.seed}. Threshold in the full"
        f" space: {result.threshold:.4g}.",
        f"Effective dims (participation ratio): {spectrum.effective:.1f}. 90 % of the variance in"
        f" {spectrum.dims_for(0.9)}, 99 % in {spectrum.dims_for(0.99)} of {result.input_dim:,}.",
        table([["distances", "dims", "mean over nearest", "deviation over mean"]]
              + [[c.space, c.dim, three(c.contrast), three(c.variation)]
                 for c in result.concentration if c.space in (LEADING, NOISE)]),
        spaces_table(result.rows, k=result.options.k),
    ]  # fmt: skip
    return "\n\n".join(lines)


def spaces_table(rows: Iterable[SpaceResult], *, k: int) -> str:
    """One row per method and dims at fp32, with the recall at the other precisions beside it."""
    by = {(r.method, r.dim, r.precision): r for r in rows}
    out: list[Sequence[object]] = [
        ["space", "dims", f"recall@{k}", "fp16", "int8", "binary", "candidate recall",
         "candidates per query", "top 10 kept", "mAP", "threshold (95 %)", "bytes"],
    ]  # fmt: skip
    for (method, dim, precision), r in by.items():
        if precision is not Precision.FP32:
            continue
        others = [by[method, dim, p].recall for p in Precision if p is not Precision.FP32]
        limits = "none"
        if r.threshold is not None and r.low is not None and r.high is not None:
            limits = f"{r.threshold:.4g} ({r.low:.4g} to {r.high:.4g})"
        candidates = "none" if r.candidates is None else f"{r.candidates:.1f}"
        cells = [METHOD_NAMES[method], dim, three(r.recall), *map(three, others)]
        cells += [three(r.candidate_recall), candidates, three(r.overlap), three(r.mean_ap)]
        out.append([*cells, limits, r.bytes])
    return table(out)


def fewest_dims(rows: Iterable[SpaceResult]) -> SpaceResult | None:
    """The smallest PCA at fp32 that keeps the candidates and adds few; None if there is none."""
    rows = list(rows)
    full = next(r for r in rows if r.method == "full" and r.precision is Precision.FP32)
    if full.candidates is None:
        return None
    most = MORE_CANDIDATES * full.candidates
    good = [
        r
        for r in rows
        if r.method == "pca"
        and r.precision is Precision.FP32
        and (r.candidate_recall or 0) >= CANDIDATE_RECALL
        and r.candidates is not None
        and r.candidates <= most
    ]
    return min(good, key=lambda r: r.dim, default=None)


# ---- graph ----


def graph_text(bench: Workbench, options: StudyOptions) -> tuple[str, str]:
    """The graph's recall against exact search, and the conclusion about ef."""
    rows: list[Sequence[object]] = [
        ["M", "efConstruction", *(f"recall@{options.k}, ef {ef}" for ef in EFS)]
    ]
    least: int | None = None
    for graph in GRAPHS:
        measured = measure_graph(
            bench, graph, frames=options.frames, k=options.k, seed=options.seed
        )
        recalls = {p.ef: p.recall for p in measured.points}
        rows.append([graph.m, graph.ef_construction, *(f"{recalls[ef]:.4f}" for ef in EFS)])
        if graph.m == bench.space.plan.graph.m:
            least = next((ef for ef, r in sorted(recalls.items()) if r >= GRAPH_RECALL), None)
    text = (
        f"## Graph\n\n{measured.frames:,} frames of {measured.dim:,} dims in the graph,"
        f" {measured.queries} query frames of other videos, against exact search.\n\n{table(rows)}"
    )
    reached = "no ef that was tried" if least is None else f"ef {least}"
    return text, f"ef: recall {GRAPH_RECALL} with M = {bench.space.plan.graph.m} from {reached} on."


# ---- hubs ----


def hubs_text(bench: Workbench, *, least: int) -> tuple[str, str]:
    """Frames near unrelated videos, and the effect of setting the first ones aside."""
    report = find_hubs(bench, least=least)
    rows: list[Sequence[object]] = [
        ["video", "at", "frames", "unrelated videos", "set aside", "candidates before", "after",
         "matches lost"]
    ]  # fmt: skip
    best, gain = None, 0
    for hub in report.hubs[:HUBS]:
        alike = report.alike(hub)
        done = effect_of(report, alike)
        name, at = report.names[hub.video], clock(frame_seconds(bench, report, hub.best))
        lost = f"{len(done.lost)} of {done.matches}"
        count = sum(map(len, alike.values()))
        rows.append(
            [name, at, len(hub.rows), len(hub.videos), count, done.before, done.after, lost]
        )
        if not done.lost and done.before - done.after > gain:
            gain = done.before - done.after
            best = f"{name} at {at}: {done.before} → {done.after} candidate pairs, no match lost"
    text = (
        f"## Hubs\n\n{len(report.hubs)} runs of frames are near {least} unrelated videos or more,"
        f" among {report.frames:,} of {report.total:,} frames at the threshold"
        f" {report.threshold:.4g}. The first {min(HUBS, len(report.hubs))}:\n\n{table(rows)}"
    )
    return text, f"hubs: {best or 'none to set aside that costs no match'}."


# ---- quality ----


def quality_text(bench: Workbench, labels: Sequence[Label], *, source: str, seed: int) -> str:
    """Retrieval of labelled copies by each way of searching."""
    limit = bench.threshold()
    scorers = [CHAMFER] if bench.model.compare is None else [COMPARATOR, CHAMFER]
    rows: list[Sequence[object]] = [
        ["setting", "task", "mAP (95 %)", "uAP (95 %)", "videos compared per query"]
    ]
    known: dict[tuple[str, str, str], object] = {}
    for scorer in scorers:
        settings = Setting(EXHAUSTIVE, scorer), Setting(HIERARCHICAL, scorer, limit)
        run = run_evaluation(bench, labels, settings, seed=seed, known=known)  # type: ignore[arg-type]
        for o in run.outcomes:
            for name, t in o.tasks.items():
                mean, micro = t.mean_average_precision, t.micro_average_precision
                cells = [o.setting.title, name, _interval(mean), _interval(micro)]
                rows.append([*cells, f"{o.pairs:.1f}"])
    return f"## Quality\n\n{len(labels)} labels ({source}).\n\n{table(rows)}"


def _interval(value: Interval) -> str:
    if value.low is None or value.high is None:
        return f"{value.value:.3f}"
    return f"{value.value:.3f} ({value.low:.3f} to {value.high:.3f})"


# ---- everything ----


def findings(
    bench: Workbench,
    options: StudyOptions,
    *,
    least: int,
    labels: Sequence[Label] = (),
    source: str = "",
) -> str:
    """The whole document, conclusions first."""
    result = study(bench, options)
    graph, ef_conclusion = graph_text(bench, options)
    hubs, hub_conclusion = hubs_text(bench, least=least)
    few = fewest_dims(result.rows)
    kept = (
        "no PCA that was tried keeps" if few is None else f"PCA {few.dim} is the smallest to keep"
    )
    status, plan = bench.space.status(), bench.space.plan
    conclusions = [
        f"dims: {kept} {CANDIDATE_RECALL:.0%} of the candidates with at most"
        f" {MORE_CANDIDATES - 1:.0%} more of them.",
        ef_conclusion,
        f"threshold: {bench.threshold():.4g} in force ({status.reduction}, {status.dim:,} dims);"
        f" the default here is {bench.default_threshold():.4g}; unrelated frames lie at"
        f" {bench.levels().unrelated:.4g}.",
        hub_conclusion,
    ]
    parts = [
        "# Findings",
        f"Model {bench.extractor}, weights {bench.model.weights_sha256[:12]}; {len(bench.videos())}"
        f" videos; plan {plan.method}, M = {plan.graph.m}, efConstruction ="
        f" {plan.graph.ef_construction}, ef = {plan.graph.ef}.",
        "\n".join(f"- {line}" for line in conclusions),
        dims_text(result),
        graph,
        hubs,
    ]
    if labels:
        parts.append(quality_text(bench, labels, source=source, seed=options.seed))
    return "\n\n".join(parts) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--library", type=Path, required=True)
    parser.add_argument("--model")
    parser.add_argument("--out", type=Path, metavar="FILE.md")
    parser.add_argument("--labels", help="demo, review, a CSV or FIVR-200K's annotation.json")
    parser.add_argument("--frames", type=int, default=4000, help="sampled at most")
    parser.add_argument("--k", type=int, default=10)
    parser.add_argument("--least", type=int, default=3, help="unrelated videos that make a hub")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    options = StudyOptions(frames=given.frames, k=given.k, seed=given.seed)
    with open_workbench(
        settings=get_settings(), library=given.library, model=given.model, start_worker=False
    ) as bench:
        source = given.labels or "demo"
        try:
            labels = labels_of(bench, source)
        except InputError:
            if given.labels:
                raise
            labels = ()  # none were requested, and this is not the demo library
        text = findings(bench, options, least=given.least, labels=labels, source=source)
    if given.out is None:
        print(text, end="")
    else:
        given.out.write_text(text, encoding="utf-8")
        print(f"written to {given.out}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
