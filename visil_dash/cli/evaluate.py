"""`evaluate`: retrieval quality on the labelled copies of a library."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visil_dash.cli.options import new_file, whole_number, zero_or_more
from visil_dash.cli.shared import (
    DONE,
    add_command,
    open_bench,
    read_text,
    require_features,
    terminal_watch,
    write_text,
)
from visil_dash.errors import InputError
from visil_dash.labels.label import Label
from visil_dash.settings import Settings

if TYPE_CHECKING:
    from visil_dash.laboratory.evaluation.run import EvaluationRun, Outcome, Setting
    from visil_dash.metrics.bootstrap import Interval
    from visil_dash.metrics.retrieval import QueryRow
    from visil_dash.workbench.bench import Workbench

_REVIEW, _DEMO = "review", "demo"


def add_evaluate_command(commands: Any, common: argparse.ArgumentParser) -> None:
    text = "measure how well labelled copies are found"
    evaluate = add_command(commands, "evaluate", _evaluate, text, common)
    evaluate.add_argument(
        "--labels",
        default=_REVIEW,
        metavar="SOURCE",
        help="review (the library's own labels, default), demo, a CSV file with the columns query,"
        " reference, verdict, relation, or FIVR-200K's annotation.json",
    )
    evaluate.add_argument(
        "--search", choices=("both", "exhaustive", "hierarchical"), default="both"
    )
    evaluate.add_argument("--scorer", choices=("comparator", "chamfer"), default="comparator")
    evaluate.add_argument(
        "--threshold",
        type=zero_or_more,
        metavar="X",
        help="squared-L2 distance threshold, the library's by default",
    )
    evaluate.add_argument(
        "--no-strangers",
        dest="count_unlabelled",
        action="store_false",
        help="leave unlabelled pairs out instead of counting them as unrelated",
    )
    evaluate.add_argument(
        "--proof",
        type=zero_or_more,
        default=0.0,
        metavar="X",
        help="also verify each query's best matches on the pixels, for at most X seconds per query,"
        " and report the results by confidence without and with it; 0, the default: do not",
    )
    evaluate.add_argument("--seed", type=whole_number(0), default=0, help="of the bootstrap")
    evaluate.add_argument("--rounds", type=whole_number(1), default=1000, help="bootstrap draws")
    evaluate.add_argument("--queries", action="store_true", help="print every query, worst first")
    evaluate.add_argument("--out", type=new_file, metavar="FILE", help="write manifest and results")


def _evaluate(given: argparse.Namespace, settings: Settings) -> int:
    from visil_dash.laboratory.evaluation.manifest import evaluation_report, report_text
    from visil_dash.laboratory.evaluation.run import run_evaluation

    with open_bench(given, settings) as bench:
        require_features(bench)
        run = run_evaluation(
            bench,
            labels_of(bench, given.labels),
            _settings(bench, given),
            count_unlabelled=given.count_unlabelled,
            seed=given.seed,
            rounds=given.rounds,
            proof_seconds=given.proof,
            watch=terminal_watch(given),
        )
        report = evaluation_report(bench, run)
        larger = _larger_set(bench, given.labels, len(run.labels))
        names = {v.video_id: v.name for v in bench.videos()}
    if given.out is not None:
        write_text(given.out, report_text(report))
        print(f"manifest and results written to {given.out}", file=sys.stderr)
    if larger:
        print(larger, file=sys.stderr)
    if given.json:
        print(json.dumps(report, sort_keys=True, allow_nan=False))
    else:
        print("\n".join(_lines(run, report["manifest"], names, queries=given.queries)))
    return DONE


def labels_of(bench: "Workbench", source: str) -> tuple[Label, ...]:
    """Labels of `source`: review (the library's own), demo, a CSV file, or FIVR-200K's
    annotation.json. Raises InputError."""
    from visil_dash.labels.csv_file import read_labels
    from visil_dash.labels.demo_set import demo_labels
    from visil_dash.labels.fivr import looks_like_fivr, read_fivr

    videos = bench.videos()
    if source == _REVIEW:
        labels = bench.library.labels()
        remedy = "judge pairs on the Collection page, or use --labels demo or --labels FILE"
    elif source == _DEMO:
        labels = demo_labels(videos)
        remedy = "add the demo videos with: python -m visil_dash demo"
    else:
        path = Path(source)
        text = read_text(path)
        remedy = "use the names or ids of videos in this library"
        if looks_like_fivr(text):
            labels = read_fivr(text, videos, name=path.name).labels
        else:
            labels = read_labels(text, videos, name=path.name)
    if not labels:
        raise InputError(f"--labels {source}", "has no label of a pair in this library", remedy)
    return labels


def _larger_set(bench: "Workbench", source: str, labels: int) -> str:
    """That the demo set has more labels than the few verdicts in use; empty where it has not."""
    from visil_dash.labels.demo_set import demo_labels

    demo = len(demo_labels(bench.videos())) if source == _REVIEW else 0
    if demo <= labels:
        return ""
    return (
        f"measured with the library's own labels ({labels}); the demo set has {demo} for these"
        " videos: --labels demo"
    )


def _settings(bench: "Workbench", given: argparse.Namespace) -> "tuple[Setting, ...]":
    """Exhaustive and hierarchical search, or the one of --search."""
    from visil_dash.laboratory.evaluation.run import EXHAUSTIVE, HIERARCHICAL, Setting
    from visil_dash.laboratory.evaluation.scores import CHAMFER, COMPARATOR

    scorer = given.scorer
    if scorer == COMPARATOR and bench.model.compare is None:
        scorer = CHAMFER  # the only scorer of such a model
    threshold = bench.threshold() if given.threshold is None else given.threshold
    every = Setting(EXHAUSTIVE, scorer)
    candidates = Setting(HIERARCHICAL, scorer, threshold)
    ways = {"both": (every, candidates), EXHAUSTIVE: (every,), HIERARCHICAL: (candidates,)}
    return ways[given.search]


def _lines(
    run: "EvaluationRun", manifest: dict[str, Any], names: dict[str, str], *, queries: bool
) -> list[str]:
    count = f"{manifest['labels']} label" + ("" if manifest["labels"] == 1 else "s")
    lines = [
        f"{count} ({', '.join(manifest['label_sources'])}), {manifest['videos']} videos,"
        f" model {manifest['extractor']}, index {manifest['index_reduction']},"
        f" seed {manifest['seed']}"
    ]
    for outcome in run.outcomes:
        lines += _outcome_lines(outcome)
        if queries:
            for task, rows in outcome.queries.items():
                lines += [f"  {task}, worst query first:"]
                lines += [_query_line(row, names) for row in rows]
    for task, gain in run.gains.items():
        lines.append(f"\n{task}: second setting minus first, mAP {gain.value:+.3f}")
    if run.skipped:
        lines.append(f"\nLeft out: {len(run.skipped)} videos without features of this model.")
    return lines


def _outcome_lines(outcome: "Outcome") -> list[str]:
    from visil_dash.metrics.bootstrap import too_few

    few = {too_few(result.queries) for result in outcome.tasks.values()} - {""}
    return [
        "",
        f"{outcome.setting.title}: {outcome.pairs:.1f} videos compared per query",
        *(
            f"  {task}  mAP {_interval(result.mean_average_precision)}"
            f"  uAP {_interval(result.micro_average_precision)}"
            f"  {result.queries} queries, {result.relevant} relevant pairs"
            for task, result in outcome.tasks.items()
        ),
        *_proof_lines(outcome),
        *(f"  {reason}" for reason in sorted(few)),
    ]


def _proof_lines(outcome: "Outcome") -> list[str]:
    """What verification adds; nothing where there was none."""
    from visil_dash.laboratory.evaluation.proof import RECALL_PRECISION

    proof = outcome.proof
    if proof is None:
        return []
    states = ", ".join(f"{count} {state}" for state, count in proof.states.items())
    left = f", {proof.left} left" if proof.left else ""
    lines = [f"  by confidence: {states}{left}; {proof.seconds:.1f} s of verification per query"]
    for task in outcome.tasks:
        for name, ranked in (("without", proof.without), ("with", proof.with_proof)):
            result, recall = ranked.tasks[task], ranked.recall_at_precision(task)
            lines.append(
                f"  {task}  {name} proof: mAP {_interval(result.mean_average_precision)}"
                f"  uAP {_interval(result.micro_average_precision)}"
                f"  recall at {100 * RECALL_PRECISION:.0f} % precision"
                f" {'none' if recall is None else f'{recall:.3f}'}"
                f"  reported {ranked.found[task]} of {result.relevant}, {ranked.wrong[task]} others"
            )
    return lines


def _query_line(row: "QueryRow", names: dict[str, str]) -> str:
    worst = "all relevant videos first"
    if row.worst is not None:
        rank = "not returned" if row.worst_rank is None else f"rank {row.worst_rank}"
        worst = f"{row.worst_kind} {names[row.worst]}: {rank}"
    return f"    {row.average_precision:.3f}  {names[row.query]}  {worst}"


def _interval(interval: "Interval") -> str:
    if interval.low is None:
        return f"{interval.value:.3f} (no interval)"
    return f"{interval.value:.3f} ({interval.low:.3f} to {interval.high:.3f})"
