"""What made an evaluation, as JSON that can be run again and held against a later run."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from visil_dash import __version__
from visil_dash.errors import InputError
from visil_dash.labels.label import Label
from visil_dash.labels.truth import labels_digest
from visil_dash.laboratory.evaluation.run import EvaluationRun, Setting
from visil_dash.metrics.bootstrap import Interval
from visil_dash.metrics.retrieval import TaskResult
from visil_dash.workbench.bench import Workbench

FORMAT = "visil_dash evaluation 1"
MOST_CHARACTERS = 50_000_000
# Of a manifest: what two runs may differ in without being another measurement.
INCIDENTAL = ("created", "seconds")
SAME = 5e-4  # numbers nearer than this are told as unchanged: floats differ between machines

Json = dict[str, Any]


@dataclass(frozen=True)
class Difference:
    """One thing in which two evaluations differ; `then` and `now` as text."""

    what: str
    then: str
    now: str


@dataclass(frozen=True)
class Plan:
    """What it takes to run an evaluation again; labels name videos by id."""

    labels: tuple[Label, ...]
    settings: tuple[Setting, ...]
    count_unlabelled: bool
    seed: int
    rounds: int


def report(bench: Workbench, run: EvaluationRun) -> Json:
    """Manifest, results and labels of a run, ready for JSON."""
    status = bench.space.status()
    names = {v.video_id: v.name for v in bench.videos()}
    return {
        "format": FORMAT,
        "manifest": {
            "version": __version__,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": round(run.seconds, 3),
            "model": bench.model.name,
            "weights_sha256": bench.model.weights_sha256,
            "extractor": bench.extractor,
            "sampling_rate": bench.settings.rate,
            "index_state": status.state,
            "index_generation": status.generation,
            "index_frames": status.frames,
            "index_reduction": status.reduction,
            "index_dim": status.dim,
            "index_m": bench.space.plan.graph.m,
            "index_ef_construction": bench.space.plan.graph.ef_construction,
            "index_ef": bench.space.plan.graph.ef,
            "videos": len(run.truth.references),
            "labels": len(run.labels),
            "labels_sha256": labels_digest(run.labels),
            "label_sources": sorted({label.source for label in run.labels}),
            "strangers_count": run.count_unlabelled,
            "seed": run.seed,
            "rounds": run.rounds,
        },
        "settings": [asdict(o.setting) for o in run.outcomes],
        "results": [
            {
                "setting": o.setting.title,
                "pairs_a_query": o.pairs,
                "candidate_seconds_a_query": o.candidate_seconds,
                "rerank_seconds_a_query": o.rerank_seconds,
                "tasks": {task: _task(result) for task, result in o.tasks.items()},
                "queries": {task: [asdict(r) for r in rows] for task, rows in o.queries.items()},
            }
            for o in run.outcomes
        ],
        "gains": {task: _interval(gain) for task, gain in run.gains.items()},
        "rerank_curve": {
            task: [
                {
                    "share": p.share,
                    "pairs_a_query": p.pairs,
                    "seconds_a_query": p.seconds,
                    "map": _interval(p.mean_average_precision),
                }
                for p in points
            ]
            for task, points in run.rerank.items()
        },
        "query_names": {query: names.get(query, "") for query in run.truth.queries},
        "skipped": run.skipped,
        "labels": [asdict(label) for label in run.labels],
    }


def report_text(found: Json) -> str:
    return json.dumps(found, indent=1, sort_keys=True, allow_nan=False) + "\n"


def read_report(text: str, *, name: str) -> Json:
    """A report that `report_text` wrote. Raises InputError for anything else."""
    remedy = "give a file that was downloaded from the Evaluate page"
    if len(text) > MOST_CHARACTERS:
        raise InputError(name, f"is longer than {MOST_CHARACTERS:,} characters", remedy)
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(name, f"is not JSON ({error})", remedy) from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise InputError(name, f"is no report of the format {FORMAT!r}", remedy)
    try:
        plan_of(found)
        flat(found)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(name, f"is damaged: {error}"[:300], remedy) from error
    return found


def plan_of(found: Json) -> Plan:
    """How to run a report again. Raises KeyError, TypeError or ValueError on a damaged one."""
    made = found["manifest"]
    settings = tuple(Setting(**row) for row in found["settings"])
    if not 1 <= len(settings) <= 2:
        raise ValueError(f"expected one or two settings, got {len(settings)}")
    if not 1 <= int(made["rounds"]) <= 10_000:
        raise ValueError(f"rounds: expected 1..10000, got {made['rounds']}")
    return Plan(
        labels=tuple(Label(**row) for row in found["labels"]),
        settings=settings,
        count_unlabelled=bool(made["strangers_count"]),
        seed=int(made["seed"]),
        rounds=int(made["rounds"]),
    )


def differences(then: Json, now: Json) -> tuple[Difference, ...]:
    """What changed between two reports: first what made them, then what they found."""
    out = []
    for key in sorted({*then["manifest"], *now["manifest"]} - set(INCIDENTAL)):
        a, b = then["manifest"].get(key), now["manifest"].get(key)
        if a != b:
            out.append(Difference(key.replace("_", " "), _said(a), _said(b)))
    one, other = flat(then), flat(now)
    for key in [*one, *(k for k in other if k not in one)]:
        a, b = one.get(key), other.get(key)
        if a is None or b is None or abs(a - b) >= SAME:
            out.append(Difference(key, _said(a), _said(b)))
    return tuple(out)


def flat(found: Json) -> dict[str, float]:
    """The quality numbers of a report by name; times are left out, they differ every time."""
    out: dict[str, float] = {}
    for result in found["results"]:
        out[f"{result['setting']} · pairs a query"] = float(result["pairs_a_query"])
        for task, told in result["tasks"].items():
            out[f"{result['setting']} · {task} mAP"] = float(told["map"]["value"])
            out[f"{result['setting']} · {task} uAP"] = float(told["uap"]["value"])
    return out


def _said(value: Any) -> str:
    if value is None:
        return "not there"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def _task(result: TaskResult) -> Json:
    return {
        "queries": result.queries,
        "relevant": result.relevant,
        "map": _interval(result.mean_average_precision),
        "uap": _interval(result.micro_average_precision),
        "average_precisions": dict(result.average_precisions),
    }


def _interval(told: Interval) -> Json:
    return {"value": told.value, "low": told.low, "high": told.high, "level": told.level}
