"""Edited copies of a clip: the part that is edited, the footage it is hidden in, and a preview."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from visil_dash.edits.clip import LONG_SIDE, Clip, fit, write_video
from visil_dash.edits.edited import Edited
from visil_dash.edits.kinds import HOSTS_NEEDED, edited_at, hosts_for
from visil_dash.errors import InputError
from visil_dash.media.decode import frames_at
from visil_dash.media.preview import jpeg
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.workbench.bench import Workbench
from visil_dash.workbench.pictures import pictures_of

COPY_RATE = 8  # frames per second of an edited copy: enough for one sampled frame per second
LEAST_SECONDS, MOST_SECONDS = 4.0, 20.0  # of the edited part; 20 s are 20 sampled frames
_QUALITY = 95  # of the pictures: what shows in them is what the edit did
_HOST_SECONDS = 10.0  # of each host in memory; longer needs repeat it


@dataclass(frozen=True)
class EditPreview:
    """Pictures (JPEG) of the clip `before` and of its copy `after` the edit.

    `times`: seconds of the copy; `source_times`: the times in the clip's file shown there, None
    where the copy shows other footage. `bytes`: size of the copy's file.
    """

    times: tuple[float, ...]
    source_times: tuple[float | None, ...]
    before: tuple[bytes | None, ...]
    after: tuple[bytes, ...]
    note: str
    bytes: int


def clip_part(
    bench: Workbench, query_id: str, *, start: float = 0.0, seconds: float = MOST_SECONDS
) -> Clip:
    """A part of a library video or opened clip, read into memory.

    Raises InputError when less than `LEAST_SECONDS` are left after `start`; MediaRefused.
    """
    clip = bench.clip(query_id)
    length = min(seconds, MOST_SECONDS, clip.info.duration - start)
    if length < LEAST_SECONDS - 1e-6:
        raise InputError(
            clip.name,
            f"has only {max(0.0, length):.1f} s after {start:.1f} s",
            f"choose at least {LEAST_SECONDS:.0f} s",
        )
    return _read(bench, query_id, start, length)


def _read(bench: Workbench, query_id: str, start: float, seconds: float) -> Clip:
    times = [start + k / COPY_RATE for k in range(max(2, round(seconds * COPY_RATE)))]
    frames = [fit(f, LONG_SIDE) for f in pictures_of(bench, query_id, times, long_side=LONG_SIDE)]
    size = frames[0].shape
    same = tuple(f for f in frames if f.shape == size)  # the size may change within a file
    return Clip(bench.clip(query_id).name, same, COPY_RATE, start)


def host_ids(bench: Workbench, query_id: str, count: int) -> tuple[str, ...]:
    """The `count` library videos without a frame near the clip's, farthest first.

    Raises InputError when there are fewer.
    """
    if not count:
        return ()
    view = bench.query_distances(query_id)
    threshold = bench.threshold()
    nearest = zip(view.profile.nearest.tolist(), view.video_ids, strict=True)
    far = sorted(((-d, v) for d, v in nearest if threshold < d < float("inf")))
    if len(far) < count:
        raise InputError(
            bench.clip(query_id).name,
            f"hiding it in other footage needs {count} unrelated videos, and the library has "
            f"{len(far)}",
            "add some, or choose edits that need none",
        )
    return tuple(v for _, v in far[:count])


def hosts_needed(kinds: Sequence[str]) -> int:
    """How many videos the most demanding of these edits hides the clip in."""
    return max((max(HOSTS_NEEDED.get(kind, (0,))) for kind in kinds), default=0)


def host_clips(bench: Workbench, ids: Sequence[str]) -> list[Clip]:
    return [_read(bench, v, 0.0, min(_HOST_SECONDS, bench.clip(v).info.duration)) for v in ids]


def preview_edit(
    bench: Workbench,
    query_id: str,
    *,
    kind: str,
    strength: float,
    start: float = 0.0,
    seconds: float = MOST_SECONDS,
    seed: int = 0,
    watch: Watch = UNWATCHED,
) -> EditPreview:
    """The copy as a search reads it: encoded to a file and decoded again."""
    watch.step("Reading the clip", 0.0)
    source = clip_part(bench, query_id, start=start, seconds=seconds)
    hosts = host_clips(bench, host_ids(bench, query_id, hosts_for(kind, strength)))
    watch.step("Editing", 0.4)
    edited = edited_at(kind, source, hosts, strength=strength, seed=seed)
    length = len(edited) / edited.rate
    times = tuple((i + 0.5) * length / 3 for i in range(3))
    shown = tuple(source_time(edited, t) for t in times)
    with tempfile.TemporaryDirectory(prefix="visil_dash-edit-") as folder:
        path = Path(folder) / "copy.mp4"
        write_video(path, edited.frames(), rate=edited.rate, crf=edited.crf)
        watch.step("Reading the copy", 0.8)
        after = frames_at(path, times, long_side=LONG_SIDE, settings=bench.settings)
        size = path.stat().st_size
    picture = partial(jpeg, quality=_QUALITY)
    before = tuple(None if t is None else picture(source.frames[_frame(source, t)]) for t in shown)
    return EditPreview(times, shown, before, tuple(map(picture, after)), edited.note, size)


def _frame(source: Clip, time: float) -> int:
    return min(len(source.frames) - 1, max(0, int((time - source.start) * source.rate)))


def source_time(edited: Edited, time: float) -> float | None:
    """The time in the source's file that the copy shows at `time`; None for other footage."""
    for s in edited.segments:
        if s.query_start <= time < s.query_end:
            elapsed = (time - s.query_start) * s.speed
            return s.reference_end - elapsed if s.reversed else s.reference_start + elapsed
    return None
