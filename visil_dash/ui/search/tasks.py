"""Background tasks of the Search page, other than the search itself."""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from visil_dash.progress import Watch
from visil_dash.records import SearchResult
from visil_dash.ui.shell import backend
from visil_dash.ui.shell.tasks import Task

if TYPE_CHECKING:  # importing it takes seconds (torch, the index)
    from visil_dash.workbench.questions import FrameResult

_STRIP_FRAMES = 8
_STRIP_SIDE = 240
REPORT_MATCHES = 10
_REPORT_SEGMENTS = 3  # a match shows frames of its longest segments


def _space() -> tuple[str, str, int]:
    return *backend.task_scope(), backend.workbench().space.version


def nearest_task(
    query_id: str,
    *,
    threshold: float | None,
    most: int,
    tags: Sequence[str] = (),
    again: bool = False,
) -> Task:
    """The nearest videos whatever their distance; `result` is a SearchResult."""
    bench, read = backend.workbench(), backend.reader(query_id)
    name = backend.name_of(query_id)
    limit = bench.threshold() if threshold is None else threshold

    def work(watch: Watch) -> SearchResult:
        read(watch)
        return bench.search_nearest(query_id, most=most, threshold=limit, tags=tags, watch=watch)

    key = ("nearest", *_space(), query_id, name, limit, most, tuple(tags))
    return backend.tasks().start(key, work, again=again)


def _verification_key(result: SearchResult) -> tuple[Hashable, ...]:
    asked = result.mode, result.inside, result.threshold, result.reranked, len(result.matches)
    return ("verify", *_space(), result.query_id, result.query, *asked, result.tags)


@dataclass(frozen=True)
class Verification:
    """The task whose `result` is the SearchResult so far, None before the first proof; and which
    of them the page draws."""

    task: Task
    drawn: SearchResult | None

    @property
    def going_on(self) -> bool:
        """Whether more than is drawn is to come, or has come."""
        return not self.task.ended or self.news

    @property
    def news(self) -> bool:
        return self.task.result is not self.drawn


def verification(result: SearchResult) -> Verification | None:
    """Verifies the best matches on the pixels, one after another; None where that is switched
    off."""
    bench = backend.workbench()
    seconds = bench.settings.proof_seconds
    if not seconds:
        return None

    def work(watch: Watch) -> Iterator[SearchResult]:
        from visil_dash.workbench.proving import proving

        yield from proving(bench, result, seconds=seconds, watch=watch)

    task = backend.tasks().start(_verification_key(result), work)
    return Verification(task, task.result)


def verified_so_far(result: SearchResult) -> SearchResult:
    """The result with the proofs that were made since, without asking for any."""
    task = backend.tasks().get(_verification_key(result))
    return result if task is None or task.result is None else task.result


def proofs_of(result: SearchResult) -> int:
    """How many matches were verified."""
    return sum(match.proof is not None for match in result.matches)


def strip_task(query_id: str) -> Task:
    """Evenly spread sampled frames; `result` is a list of (time, JPEG bytes)."""
    bench = backend.workbench()
    clip = backend.opened(query_id)

    def work(watch: Watch) -> list[tuple[float, bytes]]:
        from visil_dash.workbench.pictures import jpegs, strip_times

        watch.step("Making pictures", 0.0)
        times = strip_times(clip.features.timestamps, _STRIP_FRAMES)
        return list(zip(times, jpegs(bench, query_id, times, long_side=_STRIP_SIDE), strict=True))

    return backend.tasks().start(("strip", *_space()[:2], query_id), work)


def frame_search_task(query_id: str, at: float, *, most: int) -> Task:
    """The library frames nearest to one frame; `result`: a FrameResult and JPEGs by video id."""
    bench = backend.workbench()
    backend.name_of(query_id)

    def work(watch: Watch) -> "tuple[FrameResult, dict[str, bytes], bytes]":
        from visil_dash.workbench.pictures import jpegs
        from visil_dash.workbench.questions import search_frame

        watch.step("Finding the nearest frames", 0.0)
        result = search_frame(bench, query_id, at, most=most)
        query = jpegs(bench, query_id, [result.time], long_side=480)[0]
        pictures: dict[str, bytes] = {}
        for number, frames in enumerate(result.videos):
            if watch.stopped():
                break
            watch.count("Making pictures", number, len(result.videos))
            best = frames[0]
            made = jpegs(bench, best.video_id, [best.time], long_side=480)
            pictures[best.video_id] = made[0]
        return result, pictures, query

    return backend.tasks().start(("frame", *_space(), query_id, at, most), work)


def report_task(result: SearchResult, *, begin: bool = False) -> Task | None:
    """The HTML report of a result; `begin` starts it, once. `result` of the task is its text."""
    bench = backend.workbench()
    # The result itself differs by mode, threshold and what was in the library then.
    asked = (
        result.mode,
        result.inside,
        result.threshold,
        result.reranked,
        result.tags,
        bench.match_score(),
        proofs_of(result),
    )
    key = ("report", *_space(), result.query_id, result.query, *asked)

    def work(watch: Watch) -> str:
        from visil_dash.workbench.reports import search_report

        return search_report(
            bench, result, matches=REPORT_MATCHES, spans=_REPORT_SEGMENTS, watch=watch
        )

    return backend.tasks().start(key, work) if begin else backend.tasks().get(key)
