"""An evaluation as JSON with its manifest, which can be run again and compared with a later run."""

import json
import math
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from visil_dash import __version__
from visil_dash.errors import InputError
from visil_dash.labels.label import Label
from visil_dash.labels.truth import labels_digest
from visil_dash.laboratory.evaluation.proof import RECALL_PRECISION, ByConfidence, ProofOutcome
from visil_dash.laboratory.evaluation.run import EvaluationRun, Outcome, Setting
from visil_dash.metrics.retrieval import TaskResult
from visil_dash.workbench.bench import Workbench

_FORMAT = "visil_dash evaluation 1"
_MOST_CHARACTERS = 50_000_000
# Manifest entries in which two runs of the same evaluation differ.
_NOT_COMPARED = ("created", "seconds")
# Manifest entries whose name says too little on the screen.
_MANIFEST_NAMES = {"strangers_count": "unlabelled pairs count as unrelated"}
_UNWRITTEN = {"proof_seconds": 0.0}  # what reports meant before they had the entry
_TOLERANCE = 5e-4  # smaller differences of scores are rounding: floats differ between machines

_Json = dict[str, Any]


@dataclass(frozen=True)
class Difference:
    """An entry in which two evaluations differ; `then` and `now` as text."""

    what: str
    then: str
    now: str


@dataclass(frozen=True)
class EvaluationPlan:
    """What is needed to run an evaluation again."""

    labels: tuple[Label, ...]
    settings: tuple[Setting, ...]
    count_unlabelled: bool
    seed: int
    rounds: int = 1000
    proof_seconds: float = 0.0


def evaluation_report(bench: Workbench, run: EvaluationRun) -> _Json:
    """Manifest, results and labels of a run, for JSON."""
    status = bench.space.status()
    names = {v.video_id: v.name for v in bench.videos()}
    return {
        "format": _FORMAT,
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
            "proof_seconds": run.proof_seconds,
        },
        "settings": [asdict(o.setting) for o in run.outcomes],
        "results": [_result(outcome) for outcome in run.outcomes],
        "gains": {task: asdict(gain) for task, gain in run.gains.items()},
        "rerank_curve": {
            task: [
                {
                    "share": p.share,
                    "pairs_a_query": p.pairs,
                    "seconds_a_query": p.seconds,
                    "map": asdict(p.mean_average_precision),
                }
                for p in points
            ]
            for task, points in run.rerank.items()
        },
        "query_names": {query: names.get(query, "") for query in run.truth.queries},
        "skipped": run.skipped,
        "labels": [asdict(label) for label in run.labels],
    }


def _result(outcome: Outcome) -> _Json:
    return {
        "setting": outcome.setting.title,
        "pairs_a_query": outcome.pairs,
        "candidate_seconds_a_query": outcome.candidate_seconds,
        "rerank_seconds_a_query": outcome.rerank_seconds,
        "p50_seconds_a_query": outcome.p50_seconds,
        "p95_seconds_a_query": outcome.p95_seconds,
        "tasks": {task: _task(result) for task, result in outcome.tasks.items()},
        "queries": {task: [asdict(r) for r in rows] for task, rows in outcome.queries.items()},
        "proof": None if outcome.proof is None else _proof(outcome.proof),
    }


def report_text(report: _Json) -> str:
    return json.dumps(report, indent=1, sort_keys=True, allow_nan=False) + "\n"


def read_report(text: str, *, name: str) -> _Json:
    """A report written by `report_text`. Raises InputError for anything else."""
    remedy = "choose a report that was downloaded from the Evaluate page"
    if len(text) > _MOST_CHARACTERS:
        raise InputError(name, f"is longer than {_MOST_CHARACTERS:,} characters", remedy)
    try:
        report = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(name, f"is not JSON ({error})", remedy) from error
    if not isinstance(report, dict) or report.get("format") != _FORMAT:
        raise InputError(name, f"is not a report of the format {_FORMAT!r}", remedy)
    try:
        plan_of(report)
        _quality_numbers(report)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(name, f"is damaged: {error}"[:300], remedy) from error
    return report


def plan_of(report: _Json) -> EvaluationPlan:
    """The plan of a report. Raises KeyError, TypeError or ValueError on a damaged one."""
    manifest = report["manifest"]
    settings = tuple(Setting(**row) for row in report["settings"])
    if not 1 <= len(settings) <= 2:
        raise ValueError(f"expected one or two settings, got {len(settings)}")
    if not 1 <= int(manifest["rounds"]) <= 10_000:
        raise ValueError(f"rounds: expected 1..10000, got {manifest['rounds']}")
    proof_seconds = float(manifest.get("proof_seconds", 0.0))
    if not 0 <= proof_seconds < math.inf:
        raise ValueError(f"proof_seconds: expected 0 or more, got {proof_seconds}")
    return EvaluationPlan(
        labels=tuple(Label(**row) for row in report["labels"]),
        settings=settings,
        count_unlabelled=bool(manifest["strangers_count"]),
        seed=int(manifest["seed"]),
        rounds=int(manifest["rounds"]),
        proof_seconds=proof_seconds,
    )


def differences(then: _Json, now: _Json) -> tuple[Difference, ...]:
    """Differences of two reports: first of the manifests, then of the results."""
    rows = []
    for key in sorted({*then["manifest"], *now["manifest"]} - set(_NOT_COMPARED)):
        a, b = (report["manifest"].get(key, _UNWRITTEN.get(key)) for report in (then, now))
        if a != b:
            rows.append(
                Difference(_MANIFEST_NAMES.get(key, key.replace("_", " ")), _text(a), _text(b))
            )
    one, other = _quality_numbers(then), _quality_numbers(now)
    for key in [*one, *(k for k in other if k not in one)]:
        a, b = one.get(key), other.get(key)
        if a is None or b is None or abs(a - b) >= _TOLERANCE:
            rows.append(Difference(key, _text(a), _text(b)))
    return tuple(rows)


def _quality_numbers(report: _Json) -> dict[str, float]:
    """mAP, uAP and counts of pairs of a report by name; times always differ and are left out."""
    out: dict[str, float] = {}
    for result in report["results"]:
        out[f"{result['setting']} · pairs per query"] = float(result["pairs_a_query"])
        for task, row in result["tasks"].items():
            out[f"{result['setting']} · {task} mAP"] = float(row["map"]["value"])
            out[f"{result['setting']} · {task} uAP"] = float(row["uap"]["value"])
        if proof := result.get("proof"):
            out |= _proof_numbers(f"{result['setting']} · proof", proof)
    return out


def _proof_numbers(name: str, proof: _Json) -> dict[str, float]:
    out = {f"{name} · {state}": float(count) for state, count in proof["states"].items()}
    for task, row in proof["with_proof"].items():
        out[f"{name} · {task} mAP"] = float(row["map"]["value"])
        out[f"{name} · {task} uAP"] = float(row["uap"]["value"])
    return out


def _text(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def _task(result: TaskResult) -> _Json:
    return {
        "queries": result.queries,
        "relevant": result.relevant,
        "map": asdict(result.mean_average_precision),
        "uap": asdict(result.micro_average_precision),
        "average_precisions": dict(result.average_precisions),
    }


def _proof(outcome: ProofOutcome) -> _Json:
    return {
        "states": outcome.states,
        "left": outcome.left,
        "seconds_a_query": outcome.seconds,
        "without_proof": _by_confidence(outcome.without),
        "with_proof": _by_confidence(outcome.with_proof),
    }


def _by_confidence(ranked: ByConfidence) -> _Json:
    return {
        task: {
            **_task(result),
            "recall_precision": RECALL_PRECISION,
            "recall_at_precision": ranked.recall_at_precision(task),
            "reported": ranked.found[task],
            "wrongly_reported": ranked.wrong[task],
        }
        for task, result in ranked.tasks.items()
    }
