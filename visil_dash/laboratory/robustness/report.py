"""A robustness run as sentences, as rows, and as one self-contained HTML file."""

import itertools
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from visil_dash import __version__
from visil_dash.exports.pages import page
from visil_dash.laboratory.robustness.run import RobustnessReport
from visil_dash.laboratory.robustness.trial import Trial

_COLOURS = ("#0d9488", "#f59e0b", "#6366f1", "#e11d48", "#65a30d", "#8492a6")
_WIDTH, _HEIGHT, _EDGE = 760, 300, 44


def kind_text(kind: str) -> str:
    """picture_in_picture → picture in picture; "" is the unedited clip."""
    return kind.replace("_", " ") or "unedited"


def kind_verdict(report: RobustnessReport, kind: str) -> str:
    """One sentence: where the score breaks, and where the search loses the target."""
    below, lost = report.breaks_at(kind), report.lost_at(kind)
    score = (
        "stays at or above the match score at every strength tried"
        if below is None
        else f"falls below the match score at strength {below.strength:.2f} ({below.note})"
    )
    if lost is None:
        return f"The score {score}; the search ranks the target first at every strength."
    where = "no longer returns it" if lost.candidate_rank is None else "no longer ranks it first"
    return f"The score {score}; the search {where} from strength {lost.strength:.2f} on."


def _verdicts(report: RobustnessReport, kind: str) -> str:
    sentence = kind_verdict(report, kind)
    return f"{sentence} {proof_verdict(report, kind)}" if report.proof else sentence


def proof_verdict(report: RobustnessReport, kind: str) -> str:
    """One sentence: how many copies the pixels prove, and where they no longer do."""
    trials, unproved = report.of(kind), report.unproved_at(kind)
    if unproved is None:
        return f"The pixels prove all {len(trials)} copies."
    proved = sum(t.is_proved for t in trials)
    reason = "" if unproved.proof is None else unproved.proof.reason
    return (
        f"The pixels prove {proved} of {len(trials)} copies. The one at strength"
        f" {unproved.strength:.2f} is {proof_text(unproved)}: {reason}"
    )


def proof_text(trial: Trial) -> str:
    """The state of the copy's proof in a word or two."""
    if trial.proof is None or trial.proof.state is None:
        return "not verified"
    return trial.proof.state.value


def trial_rows(trials: Sequence[Trial]) -> list[dict[str, object]]:
    """One row per copy; those of a run with verification have its columns as well."""
    verified = any(t.proof is not None for t in trials)
    return [
        {
            "kind": kind_text(t.kind),
            "strength": round(t.strength, 4),
            "edit": t.note,
            "score": t.score,
            "reverse_score": t.reverse_score,
            "match_strength": t.match_strength,
            **(_proof_columns(t) if verified else {}),
            "rank": t.rank,
            "candidate_rank": t.candidate_rank,
            "min_distance": t.min_distance,
            "seconds": round(t.seconds, 3),
            **({"reason": "" if t.proof is None else t.proof.reason} if verified else {}),
        }
        for t in trials
    ]


def _proof_columns(trial: Trial) -> dict[str, object]:
    proof = trial.proof
    return {
        "proof": proof_text(trial),
        "motion": None if proof is None else proof.motion,
        "other_motion": None if proof is None else proof.other_motion,
    }


# What the columns of `trial_rows` are called where people read them.
TRIAL_NAMES = {
    "kind": "Kind",
    "strength": "Strength",
    "edit": "Edit",
    "score": "Score",
    "reverse_score": "Reverse score",
    "match_strength": "Match strength",
    "rank": "Rank",
    "candidate_rank": "Candidate rank",
    "min_distance": "Nearest frame",
    "seconds": "Seconds",
    "proof": "Proof",
    "motion": "Motion",
    "other_motion": "Motion at other offsets",
    "reason": "Why",
}


def named_rows(trials: Sequence[Trial]) -> list[dict[str, object]]:
    """`trial_rows` with names for people, and words where there is no rank."""
    rows = []
    for trial, row in zip(trials, trial_rows(trials), strict=True):
        row["candidate_rank"] = str(trial.candidate_rank or "not a candidate")
        row["rank"] = str(trial.rank or "not searched")
        rows.append({TRIAL_NAMES[name]: value for name, value in row.items()})
    return rows


def manifest(report: RobustnessReport) -> dict[str, object]:
    """All but the trials: what is needed to run it again."""
    facts = {k: v for k, v in asdict(report).items() if k != "trials"}
    strengths = {kind: [t.strength for t in report.of(kind)] for kind in report.kinds}
    return {"visil_dash": __version__, **facts, "strengths": strengths}


def to_html(report: RobustnessReport) -> str:
    return page(
        Path(__file__).with_name("report.html.jinja"),
        report=report,
        kinds=[(kind_text(kind), _verdicts(report, kind)) for kind in report.kinds],
        rows=[[_cell(v) for v in row.values()] for row in named_rows(report.trials)],
        heads=list(named_rows(report.trials)[0]),
        facts=json.dumps(manifest(report), indent=1, ensure_ascii=False),
        chart=_chart(report),
    )


def _cell(value: object) -> str:
    return "–" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)


def _chart(report: RobustnessReport) -> dict[str, object]:
    """Positions of the lines and texts of the chart, in its own units (`width` × `height`)."""
    low = min(0.0, report.match_score, *(t.score for t in report.trials))

    def x(strength: float) -> float:
        return _EDGE + strength * (_WIDTH - 2 * _EDGE)

    def y(score: float) -> float:
        return _HEIGHT - _EDGE - (score - low) / (1.0 - low) * (_HEIGHT - 2 * _EDGE)

    return {
        "width": _WIDTH,
        "height": _HEIGHT,
        "edge": _EDGE,
        "left": x(0),
        "right": x(1),
        "floor": y(low),
        "match": y(report.match_score),
        "strengths": [(s, x(s)) for s in (0.0, 0.25, 0.5, 0.75, 1.0)],
        "scores": [(v, y(v)) for v in (low, 0.5, 1.0)],
        "curves": [
            (kind_text(kind), colour, [(x(t.strength), y(t.score)) for t in report.of(kind)])
            for kind, colour in zip(report.kinds, itertools.cycle(_COLOURS))
        ],
    }
