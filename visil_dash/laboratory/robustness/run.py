"""Robustness: score and rank of edited copies of a clip over the strength of the edit.

Each copy is encoded to a file, read like any query clip, and searched for. Videos that may
legitimately rank above the target are left out of its rank: those that the unedited clip matches,
and the footage that an edit hides the clip in.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from visil_dash.edits.clip import Clip, write_video
from visil_dash.edits.edited import Edited
from visil_dash.edits.kinds import KINDS, edited_at, hosts_for, strengths_of
from visil_dash.errors import InputError
from visil_dash.laboratory.robustness.copies import (
    COPY_RATE,
    MOST_SECONDS,
    clip_part,
    host_clips,
    host_ids,
    hosts_needed,
)
from visil_dash.matching.verdict import verdict_of
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.records import Comparison, Match, SearchResult
from visil_dash.workbench.bench import Workbench

_MOST_KINDS, MOST_STEPS = 6, 12  # of one run: six kinds at twelve strengths are 73 copies
EXHAUSTIVE_VIDEOS = 300  # larger libraries are only searched hierarchically, to save time


@dataclass(frozen=True)
class Trial:
    """The search for one edited copy. Ranks begin at 1; ties count against the target.

    `score`, `reverse_score`: video-to-video similarity copy → target and target → copy. `rank`:
    among all library videos by match strength, None where the library is too large for an
    exhaustive search; `candidate_rank`: among the candidates, None where the target is not one.
    """

    kind: str
    strength: float
    note: str
    score: float
    reverse_score: float
    is_match: bool
    rank: int | None
    candidate_rank: int | None
    min_distance: float | None
    seconds: float


@dataclass(frozen=True)
class RobustnessReport:
    """All trials of a run, and what is needed to run it again.

    `relatives`: other videos that the unedited clip matches; they never count against a rank. Some
    edits hide the clip in `hosts`; there, neither these nor `host_relatives` count.
    """

    clip: str
    clip_id: str
    target: str
    target_id: str
    start: float
    seconds: float
    seed: int
    kinds: tuple[str, ...]
    trials: tuple[Trial, ...]
    match_score: float
    threshold: float
    model: str
    weights_sha256: str
    extractor: str
    index: str
    sampling_rate: float
    copy_rate: int
    library_videos: int
    relatives: tuple[str, ...]
    hosts: tuple[str, ...]
    host_relatives: tuple[str, ...]
    exhaustive: bool

    def of(self, kind: str) -> tuple[Trial, ...]:
        """Trials of a kind by strength, beginning with the unedited clip (strength 0)."""
        return tuple(t for t in self.trials if t.kind == kind or t.strength == 0)

    def breaks_at(self, kind: str) -> Trial | None:
        """The mildest copy that is not reported as a match; None when all are."""
        return next((t for t in self.of(kind) if not t.is_match), None)

    def lost_at(self, kind: str) -> Trial | None:
        """The mildest copy for which the hierarchical search does not rank the target first."""
        return next((t for t in self.of(kind) if t.candidate_rank != 1), None)


def run_robustness(
    bench: Workbench,
    query_id: str,
    *,
    kinds: Sequence[str],
    steps: int = 6,
    start: float = 0.0,
    seconds: float = MOST_SECONDS,
    seed: int = 0,
    watch: Watch = UNWATCHED,
) -> RobustnessReport:
    """Edits a part of the clip with each kind at increasing strength and searches for each copy.

    The target is the clip itself when it is a library video, else the best match of the unedited
    clip. Raises InputError (unknown kinds or too many, a clip without a match, too few hosts) and
    Cancelled.
    """
    _check(kinds, steps)
    watch = watch.with_message("The robustness run was stopped; its results were not kept.")
    watch.step("Reading the clip", 0.0)
    source = clip_part(bench, query_id, start=start, seconds=seconds)
    needed = hosts_needed(kinds)
    hosts = host_ids(bench, query_id, needed) if needed else ()
    names = {v.video_id: v.name for v in bench.videos()}
    target = query_id if query_id in names else None
    run = _run_trials(
        bench, source, hosts, kinds=kinds, steps=steps, target=target, seed=seed, watch=watch
    )
    return RobustnessReport(
        clip=source.name,
        clip_id=query_id,
        target=names[run.first.target],
        target_id=run.first.target,
        start=start,
        seconds=source.seconds,
        seed=seed,
        kinds=tuple(kinds),
        trials=run.trials,
        match_score=bench.match_score(),
        threshold=float(run.first.result.threshold or 0.0),
        model=bench.model.name,
        weights_sha256=bench.model.weights_sha256,
        extractor=bench.extractor,
        index=run.first.result.index,
        sampling_rate=bench.settings.rate,
        copy_rate=COPY_RATE,
        library_videos=run.first.result.library_videos,
        relatives=tuple(sorted(names[v] for v in run.relatives)),
        hosts=tuple(names[v] for v in hosts),
        host_relatives=tuple(sorted(names[v] for v in run.host_relatives - set(hosts))),
        exhaustive=_exhaustive(bench),
    )


@dataclass(frozen=True)
class _Run:
    """The searches of a run. `first`: for the unedited clip."""

    first: "_Search"
    trials: tuple[Trial, ...]
    relatives: set[str]
    host_relatives: set[str]


def _run_trials(
    bench: Workbench,
    source: Clip,
    hosts: Sequence[str],
    *,
    kinds: Sequence[str],
    steps: int,
    target: str | None,
    seed: int,
    watch: Watch,
) -> _Run:
    """Searches for the unedited clip and for each copy, all against one target."""
    plan = [(k, s) for k in kinds for s in strengths_of(k, steps) if s > 0]
    host_parts = host_clips(bench, hosts)
    share = 1 / (len(plan) + 1)
    with tempfile.TemporaryDirectory(prefix="visil_dash-robustness-") as name:
        folder = Path(name)
        unedited = edited_at(kinds[0], source, [], strength=0.0)
        reading = watch.part(0.0, share, name="Reading the clip")
        first = _search_copy(bench, folder, unedited, target=target, watch=reading)
        matches = [m for m in first.result.matches if verdict_of(m).is_match]
        relatives = {m.video_id for m in matches} - {first.target}
        host_relatives = _relatives_of(bench, hosts) - {first.target}
        trials = [_trial("", 0.0, unedited.note, first, relatives)]
        for done, (kind, strength) in enumerate(plan, start=1):
            what = f"{kind.replace('_', ' ')} at {strength:.2f}"
            part = watch.part(done * share, (done + 1) * share, name=what)
            part.step(what, 0.0)
            copy = edited_at(kind, source, host_parts, strength=strength, seed=seed)
            search = _search_copy(bench, folder, copy, target=first.target, watch=part)
            left_out = relatives | (host_relatives if hosts_for(kind, strength) else set())
            trials.append(_trial(kind, strength, copy.note, search, left_out))
    return _Run(first, tuple(trials), relatives, host_relatives)


def _exhaustive(bench: Workbench) -> bool:
    return len(bench.videos()) <= EXHAUSTIVE_VIDEOS


def _check(kinds: Sequence[str], steps: int) -> None:
    if unknown := sorted(set(kinds) - set(KINDS)):
        raise InputError(", ".join(unknown), "no such kind of edit", f"known: {', '.join(KINDS)}")
    if not 1 <= len(kinds) <= _MOST_KINDS:
        raise InputError(
            "kinds of edits", f"one run takes 1 to {_MOST_KINDS}, got {len(kinds)}", "choose fewer"
        )
    if not 1 <= steps <= MOST_STEPS:
        raise InputError("strengths", f"one run takes 1 to {MOST_STEPS}, got {steps}")


@dataclass(frozen=True)
class _Search:
    """The search for one copy; `pair`: copy and target, also where it was not a candidate."""

    result: SearchResult
    target: str
    pair: Match | Comparison
    seconds: float


def _search_copy(
    bench: Workbench, folder: Path, edited: Edited, *, target: str | None, watch: Watch
) -> _Search:
    """Encodes the copy, reads it as a query clip and searches with it; deletes it afterwards."""
    path = folder / "copy.mp4"
    frames = write_video(path, edited.frames(), rate=edited.rate, crf=edited.crf)
    copy = bench.open_clip(path, watch=watch.part(0.0, 0.5))
    try:
        result = bench.search(
            copy.query_id, exhaustive=_exhaustive(bench), watch=watch.part(0.5, 1.0)
        )
        aim = target or _best_match(edited.source.name, result)
        match = next((m for m in result.matches if m.video_id == aim), None)
        pair = match or bench.compare(copy.query_id, aim)
        return _Search(result, aim, pair, frames / edited.rate)
    finally:
        bench.forget_clip(copy.query_id)
        path.unlink()


def _best_match(name: str, result: SearchResult) -> str:
    best = next((m for m in result.matches if verdict_of(m).is_match), None)
    if best is None:
        raise InputError(
            name,
            "has no match in the library, so there is no target to search for",
            "add the video that it comes from, or choose another clip",
        )
    return best.video_id


def _relatives_of(bench: Workbench, hosts: Sequence[str]) -> set[str]:
    """The hosts and their matches, which are right answers for a copy that shows the hosts."""
    related = set(hosts)
    for host in hosts:
        result = bench.search(host, exhaustive=_exhaustive(bench))
        related |= {m.video_id for m in result.matches if verdict_of(m).is_match}
    return related


def _trial(kind: str, strength: float, note: str, search: _Search, left_out: set[str]) -> Trial:
    """Both ranks from one search: the hierarchical one counts only candidates."""
    candidates = {c.video_id: c for c in search.result.candidates}
    above = [
        m.video_id
        for m in search.result.matches
        if m.video_id not in left_out
        and m.video_id != search.target
        and m.strength >= search.pair.strength
    ]
    candidate = candidates.get(search.target)
    return Trial(
        kind=kind,
        strength=strength,
        note=note,
        score=search.pair.score,
        reverse_score=search.pair.reverse_score,
        is_match=verdict_of(search.pair).is_match,
        rank=1 + len(above) if search.result.mode == "exhaustive" else None,
        candidate_rank=1 + sum(v in candidates for v in above) if candidate else None,
        min_distance=candidate.min_distance if candidate else None,
        seconds=search.seconds,
    )
