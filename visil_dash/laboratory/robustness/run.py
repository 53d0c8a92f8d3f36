"""How far a clip may be edited until it is lost: score and rank against the strength of an edit.

Each copy is made, encoded to a file, read as any query is, and searched for. What ranks above the
target only counts when it has no right to: relatives of the clip, and the footage that an edit
hides it in, are left out.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2

from visil_dash.edits.clip import LONG_SIDE, Clip, fit, write_video
from visil_dash.edits.kinds import (
    HOSTS_NEEDED,
    KINDS,
    Edited,
    edited_at,
    hosts_for,
    strengths_of,
)
from visil_dash.errors import InputError
from visil_dash.matching.verdict import verdict_of
from visil_dash.media.decode import frames_at
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.records import Array, Comparison, Match, SearchResult
from visil_dash.workbench.bench import Workbench

RATE = 8  # frames a second of an edited copy: plenty for one sampled frame a second
LEAST_SECONDS, MOST_SECONDS = 4.0, 20.0  # of the clip that is edited; 20 s are 20 sampled frames
HOST_SECONDS = 10.0  # of other footage kept in memory for each host; longer needs repeat it
MOST_KINDS, MOST_STEPS = 6, 12  # of one run: six kinds at twelve strengths are 73 copies
EXHAUSTIVE_VIDEOS = 300  # libraries above are searched hierarchically only: a run must end


@dataclass(frozen=True)
class Trial:
    """One edited copy as a query. Ranks begin at 1; ties count against the target.

    `score`, `reverse_score`: video-to-video similarity copy → target and back. `rank`: among all
    library videos by strength, None where the library was too large to be searched exhaustively;
    `candidate_rank`: among the candidates, None where the target is none of them.
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
    """All trials of a run, and everything that one needs to run it again.

    `relatives`: videos that the clip, encoded anew, matches; they count against no rank. `hosts`
    show in the edits that hide the clip, where neither they nor `host_relatives` count.
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
        """The trials of a kind by strength; the clip encoded anew, strength 0, belongs to each."""
        return tuple(t for t in self.trials if t.kind == kind or t.strength == 0)

    def breaks_at(self, kind: str) -> Trial | None:
        """The mildest copy that is not reported as a match; None when all are."""
        return next((t for t in self.of(kind) if not t.is_match), None)

    def lost_at(self, kind: str) -> Trial | None:
        """The mildest copy that the hierarchical search does not rank first."""
        return next((t for t in self.of(kind) if t.candidate_rank != 1), None)


@dataclass(frozen=True)
class EditPreview:
    """Pictures of the clip `before` and of its copy `after` the edit, at the same moments.

    `times`: of the copy, `source_times`: what the copy shows there, seconds of the clip's file;
    None where it shows other footage. Pictures are JPEG: previews are kept while one compares.
    """

    times: tuple[float, ...]
    source_times: tuple[float | None, ...]
    before: tuple[bytes | None, ...]
    after: tuple[bytes, ...]
    note: str
    bytes: int


# ---- clips ----


def stretch(
    bench: Workbench, query_id: str, *, start: float = 0.0, seconds: float = MOST_SECONDS
) -> Clip:
    """A part of a library video or opened clip in memory, read by the confined decoder.

    Raises InputError when less than `LEAST_SECONDS` are left from `start` on; MediaRefused.
    """
    clip = bench.clip(query_id)
    length = min(seconds, MOST_SECONDS, clip.info.duration - start)
    if length < LEAST_SECONDS - 1e-6:
        raise InputError(
            clip.name,
            f"{max(0.0, length):.1f} s of it are left from {start:.1f} s on",
            f"choose at least {LEAST_SECONDS:.0f} s",
        )
    return _read(bench, query_id, start, length)


def _read(bench: Workbench, query_id: str, start: float, seconds: float) -> Clip:
    times = [start + k / RATE for k in range(max(2, round(seconds * RATE)))]
    frames = [fit(f, LONG_SIDE) for f in bench.frames(query_id, times, long_side=LONG_SIDE)]
    size = frames[0].shape
    same = tuple(f for f in frames if f.shape == size)  # a file may change its size midway
    return Clip(bench.clip(query_id).name, same, RATE, start)


def host_ids(bench: Workbench, query_id: str, count: int) -> tuple[str, ...]:
    """The `count` library videos of which no frame is near one of the clip's, farthest first.

    Raises InputError when there are not so many.
    """
    view = bench.query_distances(query_id)
    limit = bench.threshold()
    nearest = zip(view.profile.nearest.tolist(), view.video_ids, strict=True)
    far = sorted(((-d, v) for d, v in nearest if limit < d < float("inf")))
    if len(far) < count:
        raise InputError(
            bench.clip(query_id).name,
            f"hiding it in other footage takes {count} unrelated videos, and the library holds "
            f"{len(far)}",
            "add some, or choose kinds of edits that need none",
        )
    return tuple(v for _, v in far[:count])


def hosts_wanted(kinds: Sequence[str]) -> int:
    return max((max(HOSTS_NEEDED.get(kind, (0,))) for kind in kinds), default=0)


def host_clips(bench: Workbench, ids: Sequence[str]) -> list[Clip]:
    return [_read(bench, v, 0.0, min(HOST_SECONDS, bench.clip(v).info.duration)) for v in ids]


def _exhaustive(bench: Workbench) -> bool:
    return len(bench.videos()) <= EXHAUSTIVE_VIDEOS


# ---- one copy ----


def preview(
    bench: Workbench,
    query_id: str,
    *,
    kind: str,
    strength: float,
    start: float = 0.0,
    seconds: float = MOST_SECONDS,
    seed: int = 0,
    moments: int = 3,
    watch: Watch = UNWATCHED,
) -> EditPreview:
    """What the search would see: the copy is encoded to a file and its frames read back."""
    watch.step("Reading the clip", 0.0)
    source = stretch(bench, query_id, start=start, seconds=seconds)
    needed = hosts_for(kind, strength)
    hosts = host_clips(bench, host_ids(bench, query_id, needed)) if needed else []
    watch.step("Editing", 0.4)
    edited = edited_at(kind, source, hosts, strength=strength, seed=seed)
    length = len(edited) / edited.rate
    times = tuple((i + 0.5) * length / moments for i in range(moments))
    shown = tuple(source_time(edited, t) for t in times)
    with tempfile.TemporaryDirectory(prefix="visil_dash-edit-") as folder:
        path = Path(folder) / "copy.mp4"
        write_video(path, edited.frames(), rate=edited.rate, crf=edited.crf)
        watch.step("Reading the copy", 0.8)
        after = frames_at(path, times, long_side=LONG_SIDE, settings=bench.settings)
        size = path.stat().st_size
    before = tuple(None if t is None else _jpeg(source.frames[_frame(source, t)]) for t in shown)
    return EditPreview(times, shown, before, tuple(map(_jpeg, after)), edited.note, size)


def _jpeg(picture: Array) -> bytes:
    data = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))[1]
    return bytes(data)


def _frame(source: Clip, time: float) -> int:
    return min(len(source.frames) - 1, max(0, int((time - source.start) * source.rate)))


def source_time(edited: Edited, time: float) -> float | None:
    """Time in the source's file that the copy shows at `time`; None on other footage."""
    for s in edited.segments:
        if s.query_start <= time < s.query_end:
            gone = (time - s.query_start) * s.speed
            return s.reference_end - gone if s.reversed else s.reference_start + gone
    return None


# ---- the run ----


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
    """Edits a stretch of the clip with each kind at growing strength and searches for each copy.

    The target is the clip itself when it is a library video, else the video that the clip,
    encoded anew, finds first. Raises InputError: unknown kinds or too many, a clip that finds
    nothing, too few hosts; Cancelled.
    """
    _check(kinds, steps)
    watch = watch.with_message("The robustness run was stopped; nothing of it was kept.")
    watch.step("Reading the clip", 0.0)
    source = stretch(bench, query_id, start=start, seconds=seconds)
    plan = [(k, s) for k in kinds for s in strengths_of(k, steps) if s > 0]
    hidden = host_ids(bench, query_id, hosts_wanted(kinds)) if hosts_wanted(kinds) else ()
    clips = host_clips(bench, hidden)
    trials: list[Trial] = []
    with tempfile.TemporaryDirectory(prefix="visil_dash-robustness-") as folder:
        place, match = Path(folder), bench.match_score()
        known = query_id if any(v.video_id == query_id for v in bench.videos()) else None
        plain = edited_at(kinds[0], source, [], strength=0.0)
        share = 1 / (len(plan) + 1)
        reading = watch.part(0.0, share, name="Reading the clip")
        first = _searched(bench, place, plain, target=known, watch=reading)
        target = first.target
        relatives = {m.video_id for m in first.result.matches if m.score >= match} - {target}
        strangers = _relatives_of(bench, hidden) - {target}
        trials.append(_trial("", 0.0, plain.note, first, relatives))
        for done, (kind, strength) in enumerate(plan, start=1):
            name = f"{kind.replace('_', ' ')} at {strength:.2f}"
            one = watch.part(done * share, (done + 1) * share, name=name)
            one.step(name, 0.0)
            copy = edited_at(kind, source, clips, strength=strength, seed=seed)
            found = _searched(bench, place, copy, target=target, watch=one)
            left_out = relatives | (strangers if hosts_for(kind, strength) else set())
            trials.append(_trial(kind, strength, copy.note, found, left_out))
    names = {v.video_id: v.name for v in bench.videos()}
    return RobustnessReport(
        clip=source.name,
        clip_id=query_id,
        target=names[target],
        target_id=target,
        start=start,
        seconds=source.seconds,
        seed=seed,
        kinds=tuple(kinds),
        trials=tuple(trials),
        match_score=match,
        threshold=float(first.result.threshold or 0.0),
        model=bench.model.name,
        weights_sha256=bench.model.weights_sha256,
        extractor=bench.extractor,
        index=first.result.index,
        sampling_rate=bench.settings.rate,
        copy_rate=RATE,
        library_videos=first.result.library_videos,
        relatives=tuple(sorted(names[v] for v in relatives)),
        hosts=tuple(names[v] for v in hidden),
        host_relatives=tuple(sorted(names[v] for v in strangers - set(hidden))),
        exhaustive=_exhaustive(bench),
    )


def _check(kinds: Sequence[str], steps: int) -> None:
    if unknown := sorted(set(kinds) - set(KINDS)):
        raise InputError(", ".join(unknown), "no such kind of edit", f"known: {', '.join(KINDS)}")
    if not 1 <= len(kinds) <= MOST_KINDS:
        raise InputError(
            "kinds of edits", f"one run takes 1 to {MOST_KINDS}, got {len(kinds)}", "choose fewer"
        )
    if not 1 <= steps <= MOST_STEPS:
        raise InputError("strengths", f"one run takes 1 to {MOST_STEPS}, got {steps}")


@dataclass(frozen=True)
class _Found:
    """One copy's search; `score`, `reverse`: of the target, also where it was no candidate."""

    result: SearchResult
    target: str
    pair: Match | Comparison
    seconds: float


def _searched(
    bench: Workbench,
    folder: Path,
    edited: Edited,
    *,
    target: str | None,
    watch: Watch,
) -> _Found:
    """Encodes the copy, reads it as a query and searches for it. Nothing of it is kept."""
    path = folder / "copy.mp4"
    frames = write_video(path, edited.frames(), rate=edited.rate, crf=edited.crf)
    copy = bench.open_clip(path, watch=watch.part(0.0, 0.5))
    try:
        found = bench.search(
            copy.query_id, exhaustive=_exhaustive(bench), watch=watch.part(0.5, 1.0)
        )
        aim = target or _best(edited.source.name, found)
        mine = next((m for m in found.matches if m.video_id == aim), None)
        pair = mine or bench.compare(copy.query_id, aim)
        return _Found(found, aim, pair, frames / edited.rate)
    finally:
        bench.forget_clip(copy.query_id)
        path.unlink()


def _best(name: str, found: SearchResult) -> str:
    best = next((m for m in found.matches if verdict_of(m).is_match), None)
    if best is None:
        raise InputError(
            name,
            "the library holds no match for it, so there is nothing to lose",
            "add the video that it comes from, or choose a clip that finds something",
        )
    return best.video_id


def _relatives_of(bench: Workbench, hosts: Sequence[str]) -> set[str]:
    """The hosts and what they match: right answers, too, for a copy that shows them."""
    out = set(hosts)
    for host in hosts:
        found = bench.search(host, exhaustive=_exhaustive(bench))
        out |= {m.video_id for m in found.matches if verdict_of(m).is_match}
    return out


def _trial(kind: str, strength: float, note: str, found: _Found, left_out: set[str]) -> Trial:
    """Both ranks out of one search: the hierarchical one ranks the candidates among its matches."""
    proposed = {c.video_id: c for c in found.result.candidates}
    above = [
        m.video_id
        for m in found.result.matches
        if m.video_id not in left_out
        and m.video_id != found.target
        and m.strength >= found.pair.strength
    ]
    candidate = proposed.get(found.target)
    return Trial(
        kind=kind,
        strength=strength,
        note=note,
        score=found.pair.score,
        reverse_score=found.pair.reverse_score,
        is_match=verdict_of(found.pair).is_match,
        rank=1 + len(above) if found.result.mode == "exhaustive" else None,
        candidate_rank=1 + sum(v in proposed for v in above) if candidate else None,
        min_distance=candidate.min_distance if candidate else None,
        seconds=found.seconds,
    )
