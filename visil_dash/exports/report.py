"""A search as one HTML page that needs nothing else: results, evidence frames, how it was made.

Pure: records and JPEG bytes in, text out. Everything that a file or a user named is escaped; the
page holds no script and loads nothing.
"""

import base64
import html
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from visil_dash.matching.verdict import OUT_OF_STEP, Related, Spans
from visil_dash.records import SearchResult, Segment

# Also what it lets a reader's browser do: show its own pictures and styles, and no more.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_STYLE = """
:root { color-scheme: light dark; --ink: #1e293b; --quiet: #52607a; --line: #d5dde7;
  --paper: #ffffff; --teal: #0f766e; --amber: #b45309; }
@media (prefers-color-scheme: dark) { :root { --ink: #e2e8f0; --quiet: #9fb0c8; --line: #334155;
  --paper: #0c1322; --teal: #2dd4bf; --amber: #fbbf24; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem; max-width: 62rem; color: var(--ink);
  background: var(--paper); font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.75rem; margin: 0 0 .25rem; } h2 { font-size: 1.25rem; margin: 2rem 0 .5rem; }
h3 { font-size: 1rem; margin: 0; overflow-wrap: anywhere; }
.quiet, dt, figcaption { color: var(--quiet); font-size: .875rem; }
.mark { color: var(--amber); font-weight: 600; }
dl { display: flex; flex-wrap: wrap; gap: .25rem 1.75rem; margin: .5rem 0; }
dt, dd { margin: 0; } dd { font-weight: 600; overflow-wrap: anywhere; }
article { border: 1px solid var(--line); border-radius: .5rem; padding: 1rem; margin: 0 0 1rem;
  break-inside: avoid; }
.word { color: var(--teal); font-weight: 600; }
.bar { position: relative; height: .5rem; border-radius: .25rem; overflow: hidden;
  background: var(--line); margin: .15rem 0 .5rem; print-color-adjust: exact; }
.bar i { position: absolute; top: 0; bottom: 0; min-width: 2px; background: var(--teal);
  print-color-adjust: exact; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: .75rem; margin: .75rem 0 0;
  max-width: 44rem; }
figure { margin: 0; } img { width: 100%; display: block; border-radius: .25rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .875rem; }
th, td { text-align: left; padding: .2rem 1rem .2rem 0; border-bottom: 1px solid var(--line); }
.wide { overflow-x: auto; }
@media print { :root { --ink: #000; --quiet: #444; --line: #bbb; --paper: #fff; --teal: #0f766e;
  --amber: #b45309; } body { padding: 0; max-width: none; } }
"""


@dataclass(frozen=True)
class Evidence:
    """A query frame and its counterpart, JPEG bytes, at their times in seconds."""

    query_time: float
    query_jpeg: bytes
    reference_time: float
    reference_jpeg: bytes


@dataclass(frozen=True)
class ReportFacts:
    """What a reader must know to judge or repeat the result. Lengths in seconds, 0: unknown."""

    query_seconds: float
    reference_seconds: Mapping[str, float]  # by video id
    match_score: float
    verified: bool
    version: str
    made: str  # date and time with its zone


def html_report(
    result: SearchResult,
    found: Sequence[Related],
    evidence: Mapping[str, Sequence[Evidence]],
    facts: ReportFacts,
) -> str:
    """The page. `found`: the matches to show, best first; `evidence` by video id, may lack some."""
    title = f"Search report: {_text(result.query)}"
    body = [
        f"<h1>{title}</h1>",
        f'<p class="quiet">Made {_text(facts.made)} with visil_dash {_text(facts.version)}</p>',
    ]
    if not facts.verified:
        body.append(
            '<p class="mark">The weights of this model were imported unverified: its scores are'
            " only as good as that file.</p>"
        )
    body += [f'<p class="mark">{_text(notice)}</p>' for notice in result.notices]
    body.append(_made_with(result, facts))
    body.append(f"<h2>{_count(found, result)}</h2>")
    if not found:
        body.append("<p>No video of the library was found for this clip.</p>")
    for rank, told in enumerate(found, 1):
        body.append(_article(rank, told, evidence.get(told.match.video_id, ()), facts))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style></head>\n"
        f"<body><main>{chr(10).join(body)}</main></body></html>\n"
    )


def _count(found: Sequence[Related], result: SearchResult) -> str:
    total = len(result.matches)
    if len(found) == total:
        return f"{total} {'video' if total == 1 else 'videos'}"
    return f"{len(found)} of {total} videos"


def _made_with(result: SearchResult, facts: ReportFacts) -> str:
    threshold = "none" if result.threshold is None else f"{result.threshold:.6g} (squared L2)"
    return _list(
        {
            "Query": result.query,
            "Query id (sha256)": result.query_id,
            "Search": result.mode,
            "Videos in the library": f"{result.library_videos:,}",
            "Candidates": f"{len(result.candidates):,}",
            "Distance threshold": threshold,
            "Match score": f"{facts.match_score:.3f}",
            "Model": result.model,
            "Extractor": result.extractor,
            "Weights": "verified by checksum" if facts.verified else "unverified",
            "Index": result.index,
            "Seconds": ", ".join(f"{k} {v:.3f}" for k, v in result.timings.items()),
        }
    )


def _article(rank: int, told: Related, evidence: Sequence[Evidence], facts: ReportFacts) -> str:
    match = told.match
    length = facts.reference_seconds.get(match.video_id, 0.0)
    near = "not a candidate" if match.min_distance is None else f"{match.min_distance:.4f}"
    sure, part = told.how_sure, match.part_score
    parts = [
        f"<h3>{rank}. {_text(match.name)}</h3>",
        f'<div><span class="word">{_text(told.label)}</span>'
        f' <span class="quiet">{_text(told.meaning)}</span></div>',
        _list(
            {
                **({} if sure is None else {"How sure": sure}),
                "Score": f"{match.score:.4f}",
                "Other way": f"{match.reverse_score:.4f}",
                **({} if part is None else {"What lines up": f"{part:.4f}"}),
                "Nearest frame": near,
                "Id (sha256)": match.video_id,
            }
        ),
    ]
    if match.segments:
        found = told.coverage
        if told.out_of_step and told.meaning != OUT_OF_STEP:
            parts.append(f'<p class="quiet">{_text(OUT_OF_STEP)}</p>')
        parts += [
            _bar(found.query, found.query_spans, facts.query_seconds, "of the clip is in it"),
            _bar(found.reference, found.reference_spans, length, "of it is in the clip"),
            _spans(match.segments),
        ]
    else:
        parts.append('<p class="quiet">No stretch lines up in time.</p>')
    parts += [_pair(pair, match.name) for pair in evidence]
    return f"<article>{''.join(parts)}</article>"


def _bar(share: float, spans: Spans, length: float, told: str) -> str:
    part = 100 / (length or (spans[-1][1] if spans else 1.0))
    marks = "".join(
        f'<i style="left:{part * a:.2f}%;width:{part * (b - a):.2f}%"></i>' for a, b in spans
    )
    return (
        f"<div><b>{100 * share:.0f} %</b> {told}"
        f'<div class="bar" aria-hidden="true">{marks}</div></div>'
    )


def _spans(segments: Sequence[Segment]) -> str:
    head = ("Clip from", "to", "Video from", "to", "Similarity", "Speed", "Backwards")
    rows = "".join(
        f"<tr><td>{s.query_start:.2f} s</td><td>{s.query_end:.2f} s</td>"
        f"<td>{s.reference_start:.2f} s</td><td>{s.reference_end:.2f} s</td>"
        f"<td>{s.score:.3f}</td><td>{s.speed:.2f}×</td>"
        f"<td>{'yes' if s.reversed else 'no'}</td></tr>"
        for s in segments
    )
    titles = "".join(f'<th scope="col">{name}</th>' for name in head)
    return f'<div class="wide"><table><tr>{titles}</tr>{rows}</table></div>'


def _pair(pair: Evidence, name: str) -> str:
    sides = (
        ("clip", pair.query_time, pair.query_jpeg),
        (name, pair.reference_time, pair.reference_jpeg),
    )
    figures = "".join(
        f'<figure><img alt="{_text(told)} at {at:.2f} seconds" '
        f'src="data:image/jpeg;base64,{base64.b64encode(picture).decode()}">'
        f"<figcaption>{_text(told)}, {at:.2f} s</figcaption></figure>"
        for told, at, picture in sides
    )
    return f'<div class="pair">{figures}</div>'


def _list(values: Mapping[str, str]) -> str:
    items = "".join(
        f"<div><dt>{_text(label)}</dt><dd>{_text(value)}</dd></div>"
        for label, value in values.items()
    )
    return f"<dl>{items}</dl>"


def _text(value: str) -> str:
    """The text for element content or a quoted attribute, without what hides or reorders it."""
    hidden = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
    shown = "".join(c for c in value if unicodedata.category(c) not in hidden)
    return html.escape(shown, quote=True)
