"""`evaluate`: how well a library's labelled copies are found, with what made each number."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visil_dash.cli.output import watch
from visil_dash.errors import InputError
from visil_dash.labels.label import Label
from visil_dash.settings import Settings

if TYPE_CHECKING:
    from visil_dash.laboratory.evaluation.run import EvaluationRun, Setting
    from visil_dash.workbench.bench import Workbench

DONE = 0
REVIEW, DEMO = "review", "demo"


def evaluate(given: argparse.Namespace, settings: Settings) -> int:
    from visil_dash.laboratory.evaluation.manifest import evaluation_report, report_text
    from visil_dash.laboratory.evaluation.run import run_evaluation
    from visil_dash.workbench.bench import open_workbench

    with open_workbench(
        settings=settings, library=given.library, model=given.model, start_worker=False
    ) as bench:
        labels = labels_of(bench, given.labels)
        run = run_evaluation(
            bench,
            labels,
            _settings(bench, given),
            count_unlabelled=given.count_unlabelled,
            seed=given.seed,
            rounds=given.rounds,
            watch=watch(given),
        )
        found = evaluation_report(bench, run)
        names = {v.video_id: v.name for v in bench.videos()}
    if given.out is not None:
        given.out.write_text(report_text(found), encoding="utf-8", newline="")
        print(f"manifest and results in {given.out}", file=sys.stderr)
    if given.json:
        print(json.dumps(found, sort_keys=True, allow_nan=False))
    else:
        print("\n".join(_lines(run, found["manifest"], names, queries=given.queries)))
    return DONE


def labels_of(bench: "Workbench", source: str) -> tuple[Label, ...]:
    """Labels of `source`: review (the library's own), demo, a CSV file, or FIVR-200K's
    annotation.json. Raises InputError."""
    from visil_dash.cli.fivr import read_text
    from visil_dash.labels.csv_file import read_labels
    from visil_dash.labels.demo_set import demo_labels
    from visil_dash.labels.fivr import looks_like_fivr, read_fivr

    videos = bench.videos()
    if source == REVIEW:
        found = bench.library.labels()
        remedy = "judge pairs on the Collection page, or give --labels demo or a file"
    elif source == DEMO:
        found = demo_labels(videos)
        remedy = "put the demo's videos in with: python -m visil_dash demo"
    else:
        path = Path(source)
        text = read_text(path)
        remedy = "name videos of this library"
        if looks_like_fivr(text):
            found = read_fivr(text, videos, name=path.name).labels
        else:
            found = read_labels(text, videos, name=path.name)
    if not found:
        raise InputError(f"--labels {source}", "gives no label of a pair in this library", remedy)
    return found


def _settings(bench: "Workbench", given: argparse.Namespace) -> "tuple[Setting, ...]":
    """Exhaustive and hierarchical search, or the one that was asked for."""
    from visil_dash.laboratory.evaluation.run import EXHAUSTIVE, HIERARCHICAL, Setting
    from visil_dash.laboratory.evaluation.scores import CHAMFER, COMPARATOR

    scorer = given.scorer
    if scorer == COMPARATOR and bench.model.compare is None:
        scorer = CHAMFER  # both words mean the same there
    threshold = bench.threshold() if given.threshold is None else given.threshold
    every = Setting(EXHAUSTIVE, scorer)
    candidates = Setting(HIERARCHICAL, scorer, threshold)
    ways = {"both": (every, candidates), EXHAUSTIVE: (every,), HIERARCHICAL: (candidates,)}
    return ways[given.search]


def _lines(
    run: "EvaluationRun", made: dict[str, Any], names: dict[str, str], *, queries: bool
) -> list[str]:
    count = f"{made['labels']} label" + ("" if made["labels"] == 1 else "s")
    lines = [
        f"{count} ({', '.join(made['label_sources'])}), {made['videos']} videos,"
        f" model {made['extractor']}, index {made['index_reduction']}, seed {made['seed']}"
    ]
    for outcome in run.outcomes:
        lines += ["", f"{outcome.setting.title}: {outcome.pairs:.1f} videos compared a query"]
        for task, told in outcome.tasks.items():
            mean, micro = told.mean_average_precision, told.micro_average_precision
            lines.append(
                f"  {task}  mAP {_interval(mean)}  uAP {_interval(micro)}"
                f"  {told.queries} queries, {told.relevant} to be found"
            )
        if queries:
            for task, rows in outcome.queries.items():
                lines += [f"  {task}, misses first:"]
                for row in rows:
                    lost = "all of its own first"
                    if row.worst is not None:
                        where = "not returned" if row.worst_rank is None else f"{row.worst_rank}."
                        lost = f"{row.worst_kind} {names[row.worst]}: {where}"
                    lines.append(f"    {row.average_precision:.3f}  {names[row.query]}  {lost}")
    for task, gain in run.gains.items():
        lines.append(f"\n{task}: the second less the first, mAP {gain.value:+.3f}")
    if run.skipped:
        lines.append(f"\nLeft out: {len(run.skipped)} videos without features of this model.")
    return lines


def _interval(told: Any) -> str:
    if told.low is None:
        return f"{told.value:.3f} (no interval)"
    return f"{told.value:.3f} ({told.low:.3f} to {told.high:.3f})"


def add_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--labels",
        default=REVIEW,
        metavar="SOURCE",
        help="review (verdicts kept in the library, default), demo, a CSV file with query,"
        " reference, verdict, relation, or FIVR-200K's annotation.json",
    )
    command.add_argument("--search", choices=("both", "exhaustive", "hierarchical"), default="both")
    command.add_argument("--scorer", choices=("comparator", "chamfer"), default="comparator")
    command.add_argument(
        "--threshold", type=float, metavar="X", help="squared-L2 distance; the library's"
    )
    command.add_argument(
        "--no-strangers",
        dest="count_unlabelled",
        action="store_false",
        help="leave pairs out that nobody labelled, instead of counting them as wrong",
    )
    command.add_argument("--seed", type=int, default=0, help="of the intervals")
    command.add_argument("--rounds", type=int, default=1000, help="redrawn sets of queries")
    command.add_argument("--queries", action="store_true", help="every query, misses first")
    command.add_argument("--out", type=Path, metavar="FILE", help="write manifest and results")
