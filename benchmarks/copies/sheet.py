"""What a system decided wrongly, as pictures: a page to look at by eye.

Its pictures come from the clips of the set and stay with them: nobody else may be shown them.
"""

import json
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.copies.clips import read_clip
from benchmarks.copies.search import PROVED
from benchmarks.copies.truth import read_truth
from visil_dash.errors import InputError
from visil_dash.exports.pages import page
from visil_dash.media.preview import jpeg
from visil_dash.records import Segment

_MOMENTS = 5
_LONG_SIDE = 240  # pixels
_TEMPLATE = Path(__file__).with_name("sheet.html")


@dataclass(frozen=True)
class Strip:
    """Moments of one video in a row, as a data URL."""

    title: str
    url: str


@dataclass(frozen=True)
class Case:
    query: str
    note: str
    why: str
    strips: tuple[Strip, ...]


def write_sheet(scored: Path, bench: Path, videos: Path, *, out: Path) -> int:
    """One case per wrong decision of the proved search; returns how many there are.

    Raises InputError when `scored` has no decisions of it.
    """
    every = json.loads(scored.read_text(encoding="utf-8")).get("failures", {})
    system = next((name for name in every if name.endswith(PROVED)), None)
    if system is None:
        raise InputError(str(scored), "it holds no decisions", "score the set again with --json")
    notes = {query.file: query.note for query in read_truth(bench).queries}
    cases = [
        Case(
            failure["query"],
            notes[failure["query"]],
            failure["why"],
            _strips(failure, bench / failure["query"], videos / failure["shown"]),
        )
        for failure in every[system]
    ]
    out.write_text(page(_TEMPLATE, system=system, cases=cases), encoding="utf-8")
    return len(cases)


def _strips(
    failure: dict[str, dict[str, float]], query: Path, reference: Path
) -> tuple[Strip, ...]:
    """The query and the reference where the report and where the truth says, each in step."""
    strips = []
    for name in ("span", "true"):
        found = failure[name]
        if found is not None:
            span = Segment(**found)  # type: ignore[arg-type]
            mine, theirs = (
                (span.query_start, span.query_end),
                (
                    span.reference_start,
                    span.reference_end,
                ),
            )
            title = "as reported" if name == "span" else "truly"
            strips.append(_strip(query, *mine, title=f"query, {title}"))
            strips.append(
                _strip(reference, *theirs, backwards=span.reversed, title=f"reference, {title}")
            )
    return tuple(strips)


def _strip(path: Path, start: float, end: float, *, backwards: bool = False, title: str) -> Strip:
    frames = read_clip(
        path, rate=5, start=max(0.0, start), seconds=max(0.2, end - start), long_side=_LONG_SIDE
    ).frames
    picked = np.linspace(0, len(frames) - 1, _MOMENTS).round().astype(int)
    pictures = [frames[k] for k in (picked[::-1] if backwards else picked)]
    data = b64encode(jpeg(np.ascontiguousarray(np.hstack(pictures)))).decode()
    when = f"{start:.1f}–{end:.1f} s" + (", backwards" if backwards else "")
    return Strip(f"{title} ({path.name}, {when})", f"data:image/jpeg;base64,{data}")
