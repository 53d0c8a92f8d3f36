"""A robustness run as sentences, as rows, and as one HTML file that needs nothing else."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from html import escape

from visil_dash import __version__
from visil_dash.laboratory.robustness.run import RobustnessReport, Trial

_COLOURS = ("#0d9488", "#f59e0b", "#6366f1", "#e11d48", "#65a30d", "#8492a6")
_WIDTH, _HEIGHT, _EDGE = 760, 300, 44
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;"
    "color:#0f172a;background:#fff}table{border-collapse:collapse;width:100%;margin:1rem 0}"
    "th,td{text-align:left;padding:.25rem .6rem;border-bottom:1px solid #cbd5e1;"
    "font-variant-numeric:tabular-nums}h1{font-size:1.5rem}h2{font-size:1.125rem}"
    "svg{width:100%;height:auto}code{overflow-wrap:anywhere}"
)


def kind_text(kind: str) -> str:
    """picture_in_picture → picture in picture; "" is the clip encoded anew."""
    return kind.replace("_", " ") or "encoded anew"


def verdict(report: RobustnessReport, kind: str) -> str:
    """One sentence: where the score breaks, and where the search loses the target."""
    below, lost = report.breaks_at(kind), report.lost_at(kind)
    said = (
        "stays at or above the match score at every strength tried"
        if below is None
        else f"falls below the match score at strength {below.strength:.2f} ({below.note})"
    )
    if lost is None:
        return f"The score {said}; the search ranks the target first throughout."
    where = "no longer proposes it" if lost.candidate_rank is None else "no longer ranks it first"
    return f"The score {said}; the search {where} from strength {lost.strength:.2f} on."


def trial_rows(trials: Sequence[Trial]) -> list[dict[str, object]]:
    """One row a copy, for a table and for CSV."""
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
    """All but the trials: what one needs to run it again."""
    facts = {k: v for k, v in asdict(report).items() if k != "trials"}
    strengths = {kind: [t.strength for t in report.of(kind)] for kind in report.kinds}
    return {"visil_dash": __version__, **facts, "strengths": strengths}


def to_html(report: RobustnessReport) -> str:
    """The report as one self-contained page."""
    kinds = "".join(
        f"<li><b>{escape(kind_text(kind))}</b>: {escape(verdict(report, kind))}</li>"
        for kind in report.kinds
    )
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(_cell(value))}</td>" for value in row.values()) + "</tr>"
        for row in trial_rows(report.trials)
    )
    heads = "".join(f"<th>{escape(name)}</th>" for name in trial_rows(report.trials)[0])
    facts = escape(json.dumps(manifest(report), indent=1, ensure_ascii=False))
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        f"<title>Robustness</title><style>{_STYLE}</style>"
        f"<h1>Robustness of {escape(report.clip)}</h1>"
        f"<p>{report.seconds:.1f} s of the clip, edited and searched for among "
        f"{report.library_videos} videos. Target: <b>{escape(report.target)}</b>. "
        f"Match score {report.match_score:.3f}.</p><ul>{kinds}</ul>"
        f"<h2>Score against strength</h2>{_chart(report)}"
        f"<h2>Every copy</h2><table><tr>{heads}</tr>{rows}</table>"
        f"<h2>How it was made</h2><pre><code>{facts}</code></pre></html>"
    )


def _cell(value: object) -> str:
    return "–" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)


def _chart(report: RobustnessReport) -> str:
    scores = [t.score for t in report.trials]
    low = min(0.0, report.match_score, *scores)

    def x(strength: float) -> float:
        return _EDGE + strength * (_WIDTH - 2 * _EDGE)

    def y(score: float) -> float:
        return _HEIGHT - _EDGE - (score - low) / (1.0 - low) * (_HEIGHT - 2 * _EDGE)

    def text(at: float, down: float, said: str, colour: str = "#475569") -> str:
        return f'<text x="{at:.1f}" y="{down:.1f}" font-size="12" fill="{colour}">{said}</text>'

    def line(at: float, to: float, height: float, look: str) -> str:
        return f'<line x1="{at:.1f}" x2="{to:.1f}" y1="{height:.1f}" y2="{height:.1f}" {look}/>'

    parts = [line(x(0), x(1), y(low), 'stroke="#94a3b8"')]
    parts.append(line(x(0), x(1), y(report.match_score), 'stroke="#94a3b8" stroke-dasharray="4 4"'))
    parts.append(text(x(1) - 80, y(report.match_score) - 6, "match score"))
    parts += [text(x(s) - 8, _HEIGHT - 22, f"{s:.2f}") for s in (0.0, 0.25, 0.5, 0.75, 1.0)]
    parts += [text(4, y(v) + 4, f"{v:.2f}") for v in (low, 0.5, 1.0)]
    for number, kind in enumerate(report.kinds):
        colour = _COLOURS[number % len(_COLOURS)]
        points = " ".join(f"{x(t.strength):.1f},{y(t.score):.1f}" for t in report.of(kind))
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'
        )
        parts.append(text(_EDGE + 110 * number, 16, escape(kind_text(kind)), colour))
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="Score against strength of the edit">{"".join(parts)}</svg>'
    )
