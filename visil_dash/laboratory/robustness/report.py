"""A robustness run as sentences, as rows, and as one self-contained HTML file."""

import itertools
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from visil_dash import __version__
from visil_dash.exports.pages import page
from visil_dash.laboratory.robustness.run import RobustnessReport, Trial

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


def trial_rows(trials: Sequence[Trial]) -> list[dict[str, object]]:
    return [
        {
            "kind": kind_text(t.kind),
            "strength": round(t.strength, 4),
            "edit": t.note,
            "score": t.score,
            "reverse_score": t.reverse_score,
            "rank": t.rank,
            "candidate_rank": t.candidate_rank,
            "min_distance": t.min_distance,
            "seconds": round(t.seconds, 3),
        }
        for t in trials
    ]


def manifest(report: RobustnessReport) -> dict[str, object]:
    """All but the trials: what is needed to run it again."""
    facts = {k: v for k, v in asdict(report).items() if k != "trials"}
    strengths = {kind: [t.strength for t in report.of(kind)] for kind in report.kinds}
    return {"visil_dash": __version__, **facts, "strengths": strengths}


def to_html(report: RobustnessReport) -> str:
    return page(
        Path(__file__).with_name("report.html.jinja"),
        report=report,
        kinds=[(kind_text(kind), kind_verdict(report, kind)) for kind in report.kinds],
        rows=[[_cell(v) for v in row.values()] for row in trial_rows(report.trials)],
        heads=list(trial_rows(report.trials)[0]),
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
