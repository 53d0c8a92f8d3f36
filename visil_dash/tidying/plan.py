"""A plan as a CSV file: what is kept and what goes, one row a video, to be read and changed."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from visil_dash.collection.groups import Group
from visil_dash.collection.keeping import bit_rate
from visil_dash.errors import InputError
from visil_dash.records import VideoRecord
from visil_dash.safe_csv import plain_cell, to_csv
from visil_dash.tidying.rules import choose

KEEP, TRASH = "keep", "trash"
_COLUMNS = ("group", "action", "video", "why", "seconds", "picture", "kbit_per_second", "bytes")


@dataclass(frozen=True)
class Step:
    """`action`: keep or trash; `why`: the rules that decided, of the video that is kept."""

    group: str
    action: str
    video_id: str
    why: str = ""


def make_plan(
    groups: Iterable[Group],
    videos: Mapping[str, VideoRecord],
    rules: Sequence[str],
    *,
    prefer: Sequence[Path] = (),
) -> tuple[Step, ...]:
    """Keeps one video of each group. A member that does not match the group's first video itself
    but only another one is kept too: it may hold other footage."""
    steps: list[Step] = []
    for number, group in enumerate(groups, 1):
        chained = {member.video_id for member in group.chained}
        direct = [
            videos[m.video_id]
            for m in group.members
            if m.video_id in videos and m.video_id not in chained
        ]
        if not direct:
            continue
        best, why = choose(direct, rules, prefer=prefer)
        for member in group.members:
            if member.video_id not in videos:
                continue
            if member.video_id == best.video_id:
                steps.append(Step(str(number), KEEP, member.video_id, why))
            elif member.video_id in chained:
                steps.append(
                    Step(str(number), KEEP, member.video_id, "only matches by way of others")
                )
            else:
                steps.append(Step(str(number), TRASH, member.video_id))
    return tuple(steps)


def plan_csv(steps: Iterable[Step], videos: Mapping[str, VideoRecord]) -> str:
    rows = []
    for step in steps:
        video = videos[step.video_id]
        values = (
            step.group,
            step.action,
            video.name,
            step.why,
            round(video.info.duration, 1),
            f"{video.info.width}×{video.info.height}",
            round(bit_rate(video) / 1000),
            video.bytes,
        )
        row = dict(zip(_COLUMNS, values, strict=True))
        rows.append(row | {"places": ", ".join(video.places), "video_id": step.video_id})
    return to_csv(rows, columns=(*_COLUMNS, "places", "video_id"))


def read_plan(text: str, videos: Mapping[str, VideoRecord], *, name: str) -> tuple[Step, ...]:
    """The steps of a plan that may have been changed by hand.

    Raises InputError, with the line number, for an unknown action, a video that is not in the
    library or comes twice, and a group of which nothing would be kept.
    """
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    missing = {"group", "action", "video_id"} - set(reader.fieldnames or ())
    if missing:
        raise InputError(name, f"is no plan: it has no column {', '.join(sorted(missing))}")
    steps: dict[str, Step] = {}
    for row in reader:
        where = f"line {reader.line_num}"
        cells = {key: plain_cell(row[key] or "").strip() for key in ("group", "action", "video_id")}
        if cells["action"] not in (KEEP, TRASH):
            raise InputError(name, f"{where}: {cells['action'][:40]!r} is neither keep nor trash")
        if cells["video_id"] not in videos:
            raise InputError(
                name,
                f"{where}: {row.get('video') or 'a video'} is not in the library",
                "plan again",
            )
        if cells["video_id"] in steps:
            raise InputError(name, f"{where}: a video comes twice", "plan again")
        steps[cells["video_id"]] = Step(**cells)
    kept = {step.group for step in steps.values() if step.action == KEEP}
    for step in steps.values():
        if step.group not in kept:
            raise InputError(name, f"of group {step.group} nothing would be kept", "keep one")
    return tuple(steps.values())
