"""What the laboratory's index pages say of a library, as tables for docs/findings.md.

python -m benchmarks.dimensions --library DIR [--frames 4000] [--k 10] [--least 3]

Reads only; the same library and model give the same numbers but for times.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from visil_dash.dimension_library import StudyOptions, measure_graph, study
from visil_dash.dimension_rows import space_rows
from visil_dash.hubs_library import effect_of, find_hubs, seconds_of
from visil_dash.index.hnsw import GraphOptions
from visil_dash.plots_timeline import clock
from visil_dash.services import Workbench, open_workbench
from visil_dash.settings import Settings

GRAPHS = (GraphOptions(4, 32), GraphOptions(8, 64), GraphOptions(16, 100), GraphOptions(32, 200))
EFS = (10, 32, 64, 128, 256)


def table(rows: Sequence[Sequence[object]]) -> str:
    """Markdown, the first row as its head."""
    lines = ["| " + " | ".join(_said(cell) for cell in row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])


def _said(cell: object) -> str:
    if cell is None:
        return "none"
    return f"{cell:.4g}" if isinstance(cell, float) else str(cell)


def spaces(bench: Workbench, options: StudyOptions) -> None:
    found = study(bench, options)
    print(
        f"{found.frames} of {found.total} frames of {found.videos} videos, model"
        f" {found.extractor}; {found.query_frames} query frames of {found.query_videos} videos;"
        f" threshold in the full space {found.threshold:.3f}\n"
    )
    spectrum = found.spectrum
    print(
        f"effective dims {spectrum.effective:.1f}; 90 % of the variance in"
        f" {spectrum.dims_for(0.9)}, 99 % in {spectrum.dims_for(0.99)} of {found.input_dim}\n"
    )
    points = [["space", "dims", "relative contrast", "variation"]]
    points += [[c.space, c.dim, c.contrast, c.variation] for c in found.concentration]  # type: ignore[list-item]
    print(table(points) + "\n")
    rows = space_rows(found.rows, k=options.k)
    print(table([list(rows[0]), *(list(row.values()) for row in rows)]) + "\n")


def graphs(bench: Workbench, options: StudyOptions) -> None:
    head = ["M", "efConstruction", "build s", "exact ms", *(f"recall, ms at ef {ef}" for ef in EFS)]
    rows: list[list[object]] = [list(head)]
    for graph in GRAPHS:
        found = measure_graph(bench, graph, frames=options.frames, k=options.k, seed=options.seed)
        points = {p.ef: p for p in found.points}
        told = [f"{points[ef].recall:.4f}, {points[ef].query_ms:.3f}" for ef in EFS]
        rows.append([graph.m, graph.ef_construction, found.build, found.exact_ms, *told])
    print(f"{found.frames} frames of {found.dim} dims, asked by {found.queries}\n")
    print(table(rows) + "\n")


def hub_frames(bench: Workbench, *, least: int) -> None:
    report = find_hubs(bench, least=least)
    print(
        f"{len(report.hubs)} hubs near {least} unrelated videos or more among {report.frames}"
        f" frames, threshold {report.threshold:.3f}\n"
    )
    rows: list[list[object]] = [
        ["video", "at", "frames", "unrelated videos", "candidates before", "after", "matches lost"]
    ]
    for hub in report.hubs[:8]:
        done = effect_of(report, report.alike(hub))
        name, at = report.names[hub.video], clock(seconds_of(bench, report, hub.best))
        lost = f"{len(done.lost)} of {done.matches}"
        rows.append([name, at, len(hub.rows), len(hub.videos), done.before, done.after, lost])
    print(table(rows))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--library", type=Path, required=True)
    parser.add_argument("--frames", type=int, default=4000)
    parser.add_argument("--k", type=int, default=10)
    parser.add_argument("--least", type=int, default=3)
    given = parser.parse_args()
    options = StudyOptions(frames=given.frames, k=given.k)
    settings = Settings(library=given.library)
    bench = open_workbench(settings=settings, library=given.library, start_worker=False)
    with bench:
        spaces(bench, options)
        graphs(bench, options)
        hub_frames(bench, least=given.least)


if __name__ == "__main__":
    main()
