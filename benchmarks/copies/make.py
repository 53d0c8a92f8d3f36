"""Make edited copies of the clips of a folder, with their ground truth."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator

from benchmarks.copies.clips import Clip, Probe, probe, read_clip, write_video
from benchmarks.copies.groups import Relations, read_relations
from benchmarks.copies.output import Log, log_to_stderr, save_json
from benchmarks.copies.truth import Query, Truth, write_truth
from visil_dash.edits.edited import Edited
from visil_dash.edits.kinds import HOSTS_NEEDED, KINDS, STRENGTHS
from visil_dash.errors import InputError
from visil_dash.media.files import VIDEO_SUFFIXES
from visil_dash.records import Box, Segment
from visil_dash.workbench.ingest import flat_frames

LEAST_SECONDS = 4.0  # shorter clips have too few sampled frames to show the effect of an edit
MOST_SECONDS = 20.0  # of the source in one copy: enough for 20 sampled frames
HOST_SHARE = 0.2  # of the clips without relatives, kept out of the references
HOST_SECONDS = 28.0  # the longest stretch of other footage that an edit uses
LEAST_HOSTS = 4  # as many as a collage of the hard strength needs


@dataclass(frozen=True)
class Plan:
    """One copy to make. `answered`: its source is a reference, not a host."""

    number: int
    kind: str
    strength: int
    source: str
    answered: bool = True

    @property
    def stem(self) -> str:
        return f"{self.number:04d}-{self.kind}-{STRENGTHS[self.strength]}" + (
            "" if self.answered else "-unanswered"
        )


@dataclass(frozen=True)
class Folder:
    """The clips of a folder, divided into references, hosts and unsuitable ones."""

    root: Path
    probes: dict[str, Probe]
    relations: Relations
    references: tuple[str, ...]
    hosts: tuple[str, ...]
    sources: tuple[str, ...]
    excluded: dict[str, str]


def _share(name: str) -> float:
    """A number in 0..1 that depends only on the name."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) / 2**64


def read_folder(root: Path, relations: Relations) -> Folder:
    """Probe every video file below `root` and divide them.

    Raises InputError when there are too few clips to serve as hosts and as sources.
    """
    probes, unreadable = _probe_all(root)
    excluded = _excluded(probes, relations)
    fit = [name for name in probes if name not in excluded]
    alone = sorted((name for name in fit if not relations.has_relatives(name)), key=_share)
    count = max(LEAST_HOSTS, round(HOST_SHARE * len(alone)))
    hosts = tuple(sorted(alone[:count]))
    sources = tuple(name for name in fit if name not in hosts)
    if len(hosts) < LEAST_HOSTS or not sources:
        raise InputError(
            str(root),
            f"{len(fit)} clips are fit, {len(alone)} of them without relatives",
            f"give a folder with more than {LEAST_HOSTS} clips of {LEAST_SECONDS:.0f} s or more",
        )
    references = tuple(name for name in probes if name not in hosts)
    unfit = dict(sorted((unreadable | excluded).items(), key=lambda item: Path(item[0]).parts))
    return Folder(root, probes, relations, references, hosts, sources, unfit)


def _excluded(probes: Mapping[str, Probe], relations: Relations) -> dict[str, str]:
    """Readable clips that are no source of queries, with the reason."""
    short = {
        name: f"{clip.seconds:.1f} s, less than {LEAST_SECONDS:.0f} s"
        for name, clip in probes.items()
        if clip.seconds < LEAST_SECONDS
    }
    listed = {name: why for name, why in relations.excluded.items() if name in probes}
    return short | listed


def _probe_all(root: Path) -> tuple[dict[str, Probe], dict[str, str]]:
    """Every readable video file below `root`, and the unreadable ones with the reason."""
    probes: dict[str, Probe] = {}
    unreadable: dict[str, str] = {}
    for path in sorted(root.rglob("*")):
        if path.suffix.lower() in VIDEO_SUFFIXES and path.is_file():
            name = path.relative_to(root).as_posix()
            try:
                probes[name] = probe(path)
            except InputError as error:
                unreadable[name] = error.reason
    return probes, unreadable


def plan_copies(
    folder: Folder, *, count: int, seed: int, kinds: Sequence[str], unanswered: int = 0
) -> list[Plan]:
    """Kinds in turn, strengths shifted each round, sources in turn by footage.

    A larger count only appends to the list. Footage of which there are several copies is used as
    often as any other.
    """
    rng = np.random.default_rng(seed)
    families: dict[str, list[str]] = {}
    for name in folder.sources:
        key = min({name, *folder.relations.copies.get(name, ())})
        families.setdefault(key, []).append(name)
    order = [families[key] for key in sorted(families)]
    rng.shuffle(order)
    plans = []
    for i in range(count):
        turn, place = divmod(i, len(kinds))
        family = order[i % len(order)]
        source = family[(i // len(order)) % len(family)]
        plans.append(Plan(i, kinds[place], (place + turn) % len(STRENGTHS), source))
    plain = [kind for kind in kinds if kind not in HOSTS_NEEDED] or list(kinds)
    for i in range(unanswered):
        turn, place = divmod(i, len(plain))
        host = folder.hosts[i % len(folder.hosts)]
        number = count + i
        plans.append(Plan(number, plain[place], (place + turn) % len(STRENGTHS), host, False))
    return plans


def _generator(seed: int, plan: Plan) -> Generator:
    text = f"{seed}/{plan.number}/{plan.kind}/{plan.strength}/{plan.source}"
    return np.random.default_rng(list(hashlib.sha256(text.encode()).digest()))


def _stretch(folder: Folder, name: str, rate: int, longest: float, rng: Generator) -> Clip:
    """A random stretch of a clip that is not mostly blank.

    Raises InputError when more than half of each stretch tried is blank.
    """
    known = folder.probes[name]
    for _ in range(4):
        start = float(rng.uniform(0, max(0.0, known.seconds - longest)))
        start = round(start * rate) / rate
        clip = read_clip(folder.root / name, rate=rate, start=start, seconds=longest, name=name)
        if flat_frames(np.stack(clip.frames[::rate])).mean() <= 0.5:
            return clip
    raise InputError(name, "more than half of it is blank", "give it the role exclude in a table")


def edited_copy(folder: Folder, plan: Plan, *, seed: int) -> Edited:
    rng = _generator(seed, plan)
    rate = folder.probes[plan.source].rate
    source = _stretch(folder, plan.source, rate, MOST_SECONDS, rng)
    needed = HOSTS_NEEDED.get(plan.kind, (0, 0, 0))[plan.strength]
    others = [host for host in folder.hosts if host != plan.source]
    chosen = rng.permutation(len(others))[:needed].tolist()
    hosts = [_stretch(folder, others[i], rate, HOST_SECONDS, rng) for i in chosen]
    return KINDS[plan.kind](source, hosts, plan.strength, rng)


@dataclass(frozen=True)
class Shown:
    """What a finished copy shows: the part of its truth that depends on no other file."""

    hosts: tuple[str, ...]
    segments: tuple[Segment, ...]
    box: Box
    seconds: float
    note: str


def query_truth(relations: Relations, references: Sequence[str], plan: Plan, shown: Shown) -> Query:
    """The ground truth of one copy, from the known relations and what it shows."""
    related = {plan.source, *relations.copies.get(plan.source, ())}
    unclear = {u for file in related for u in relations.unclear.get(file, ())} - related
    alike = {a for file in related for a in relations.look_alikes.get(file, ())}
    return Query(
        file=f"{plan.stem}.mp4",
        kind=plan.kind,
        strength=STRENGTHS[plan.strength],
        source=plan.source if plan.answered else "",
        correct=tuple(sorted(related & set(references))),
        ignored=tuple(sorted(unclear)),
        look_alikes=tuple(sorted(alike - related - unclear)),
        hosts=shown.hosts,
        segments=shown.segments if plan.answered else (),
        box=shown.box,
        seconds=shown.seconds,
        note=shown.note,
    )


def _made_before(note: Path, made: dict[str, Any]) -> Shown | None:
    """What an earlier run with the same options left, if it finished."""
    if not note.is_file():
        return None
    content = json.loads(note.read_text(encoding="utf-8"))
    if content["made"] != made:
        return None
    shown = content["shown"]
    return Shown(
        hosts=tuple(shown["hosts"]),
        segments=tuple(Segment(**segment) for segment in shown["segments"]),
        box=tuple(shown["box"]),
        seconds=shown["seconds"],
        note=shown["note"],
    )


def make_copies(
    videos: Path,
    out: Path,
    *,
    count: int,
    seed: int = 0,
    kinds: Sequence[str] = tuple(KINDS),
    tables: Sequence[Path] = (),
    exclude_groups: Sequence[str] = (),
    unanswered: int = 0,
    log: Log = log_to_stderr,
) -> Truth:
    """Write `count` edited copies of the clips below `videos` and truth.json into `out`.

    `unanswered`: further copies, of hosts, for which no reference is right. Existing copies made
    with the same options are kept, so an interrupted run resumes.

    Raises InputError on unknown kinds, too few clips or invalid tables.
    """
    if unknown := set(kinds) - set(KINDS):
        raise InputError(
            ", ".join(sorted(unknown)), "no such kind of edit", f"known: {list(KINDS)}"
        )
    folder = read_folder(videos, read_relations(tables, exclude_groups=exclude_groups))
    plans = plan_copies(folder, count=count, seed=seed, kinds=kinds, unanswered=unanswered)
    notes = out / "parts"
    notes.mkdir(parents=True, exist_ok=True)
    queries = []
    for plan in plans:
        path, note = out / f"{plan.stem}.mp4", notes / f"{plan.stem}.json"
        hosts = list(folder.hosts) if plan.kind in HOSTS_NEEDED else []
        made = {"seed": seed, "hosts": hosts, **asdict(plan)}
        shown = _made_before(note, made) if path.is_file() else None
        if shown is None:
            edited = edited_copy(folder, plan, seed=seed)
            frames = write_video(path, edited.frames(), rate=edited.rate, crf=edited.crf)
            shown = Shown(
                hosts=tuple(host.name for host in edited.hosts),
                segments=edited.segments,
                box=edited.box,
                seconds=round(frames / edited.rate, 3),
                note=edited.note,
            )
            save_json(note, {"made": made, "shown": asdict(shown)})
            log(f"{plan.number + 1}/{len(plans)} {path.name} ({shown.note}) of {plan.source}")
        queries.append(query_truth(folder.relations, folder.references, plan, shown))
    truth = Truth(seed, folder.references, folder.hosts, folder.excluded, tuple(queries))
    write_truth(out, truth)
    return truth
