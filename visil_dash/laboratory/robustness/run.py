"""Robustness: score and rank of edited copies of a clip over the strength of the edit.

Each copy is encoded to a file, read like any query clip, and searched for. Videos that may
legitimately rank above the target are left out of its rank: those that the unedited clip matches,
and the footage that an edit hides the clip in. Each copy may be verified against the target on the
pixels as well: verification fails at other strengths than the score does.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from visil_dash.edits.clip import Clip
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
from visil_dash.laboratory.robustness.trial import (
    CopySearch,
    Trial,
    search_copy,
    searches_everything,
    trial_of,
)
from visil_dash.matching.verdict import verdict_of
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.workbench.bench import Workbench

_MOST_KINDS, MOST_STEPS = 6, 12  # of one run: six kinds at twelve strengths are 73 copies


@dataclass(frozen=True)
class RobustnessReport:
    """All trials of a run, and what is needed to run it again.

    `relatives`: other videos that the unedited clip matches; they never count against a rank. Some
    edits hide the clip in `hosts`; there, neither these nor `host_relatives` count.
    `proof`: whether the copies were verified on the pixels.
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
    proof: bool = False

    def of(self, kind: str) -> tuple[Trial, ...]:
        """Trials of a kind by strength, beginning with the unedited clip (strength 0)."""
        return tuple(t for t in self.trials if t.kind == kind or t.strength == 0)

    def breaks_at(self, kind: str) -> Trial | None:
        """The mildest copy that is not reported as a match; None when all are."""
        return next((t for t in self.of(kind) if not t.is_match), None)

    def lost_at(self, kind: str) -> Trial | None:
        """The mildest copy for which the hierarchical search does not rank the target first."""
        return next((t for t in self.of(kind) if t.candidate_rank != 1), None)

    def unproved_at(self, kind: str) -> Trial | None:
        """The mildest copy that the pixels do not prove; None when they prove all."""
        return next((t for t in self.of(kind) if not t.is_proved), None)


def run_robustness(
    bench: Workbench,
    query_id: str,
    *,
    kinds: Sequence[str],
    steps: int = 6,
    start: float = 0.0,
    seconds: float = MOST_SECONDS,
    seed: int = 0,
    proof: bool = False,
    watch: Watch = UNWATCHED,
) -> RobustnessReport:
    """Edits a part of the clip with each kind at increasing strength and searches for each copy.

    The target is the clip itself when it is a library video, else the best match of the unedited
    clip. `proof`: each copy is verified against it on the pixels too, about a second a copy. Raises
    InputError (unknown kinds or too many, a clip without a match, too few hosts) and Cancelled.
    """
    _check(kinds, steps)
    watch = watch.with_message("The robustness run was stopped; its results were not kept.")
    watch.step("Reading the clip", 0.0)
    source = clip_part(bench, query_id, start=start, seconds=seconds)
    hosts = host_ids(bench, query_id, hosts_needed(kinds))
    names = {v.video_id: v.name for v in bench.videos()}
    target = query_id if query_id in names else None
    run = _run_trials(
        bench,
        source,
        hosts,
        kinds=kinds,
        steps=steps,
        target=target,
        seed=seed,
        proof=proof,
        watch=watch,
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
        exhaustive=searches_everything(bench),
        proof=proof,
    )


@dataclass(frozen=True)
class _Run:
    """The searches of a run. `first`: for the unedited clip."""

    first: CopySearch
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
    proof: bool,
    watch: Watch,
) -> _Run:
    """Searches for the unedited clip and for each copy, all against one target."""
    plan = [(k, s) for k in kinds for s in strengths_of(k, steps) if s > 0]
    host_parts = host_clips(bench, hosts)
    share = 1 / (len(plan) + 1)
    with tempfile.TemporaryDirectory(prefix="visil_dash-robustness-") as name:
        folder = Path(name)
        unedited = edited_at(kinds[0], source, [], strength=0.0)
        first = search_copy(
            bench,
            folder,
            unedited,
            target=target,
            proof=proof,
            what="unedited",
            watch=watch.part(0.0, share),
        )
        matches = [m for m in first.result.matches if verdict_of(m).is_match]
        relatives = {m.video_id for m in matches} - {first.target}
        host_relatives = _relatives_of(bench, hosts) - {first.target}
        trials = [trial_of("", 0.0, unedited.note, first, relatives)]
        for done, (kind, strength) in enumerate(plan, start=1):
            what = f"{kind.replace('_', ' ')} at {strength:.2f}"
            part = watch.part(done * share, (done + 1) * share)
            part.step(what, 0.0)
            copy = edited_at(kind, source, host_parts, strength=strength, seed=seed)
            search = search_copy(
                bench, folder, copy, target=first.target, proof=proof, what=what, watch=part
            )
            left_out = relatives | (host_relatives if hosts_for(kind, strength) else set())
            trials.append(trial_of(kind, strength, copy.note, search, left_out))
    return _Run(first, tuple(trials), relatives, host_relatives)


def _check(kinds: Sequence[str], steps: int) -> None:
    if unknown := sorted(set(kinds) - set(KINDS)):
        raise InputError(", ".join(unknown), "no such kind of edit", f"known: {', '.join(KINDS)}")
    if not 1 <= len(kinds) <= _MOST_KINDS:
        raise InputError(
            "kinds of edits", f"one run takes 1 to {_MOST_KINDS}, got {len(kinds)}", "choose fewer"
        )
    if not 1 <= steps <= MOST_STEPS:
        raise InputError("strengths", f"one run takes 1 to {MOST_STEPS}, got {steps}")


def _relatives_of(bench: Workbench, hosts: Sequence[str]) -> set[str]:
    """The hosts and their matches, which are right answers for a copy that shows the hosts."""
    related = set(hosts)
    for host in hosts:
        result = bench.search(host, exhaustive=searches_everything(bench))
        related |= {m.video_id for m in result.matches if verdict_of(m).is_match}
    return related
