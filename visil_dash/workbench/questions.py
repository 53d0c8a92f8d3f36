"""Questions to a library beside the one ranked list: one frame, several clips."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np

from visil_dash.candidates.nearest import nearest_frames
from visil_dash.errors import Cancelled, NotFound, StoreError, VisilDashError
from visil_dash.matching.verdict import verdict_of
from visil_dash.media.decode import BegunVideo
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.records import SearchResult
from visil_dash.workbench.bench import Workbench
from visil_dash.workbench.identical import identical_notice, identical_video
from visil_dash.workbench.proving import prove

LookInside = Literal["never", "auto", "always"]


# ---- one frame ----


@dataclass(frozen=True)
class FrameFound:
    """A library frame near the query's frame. `time` seconds, `distance` squared L2."""

    video_id: str
    name: str
    frame: int
    time: float
    distance: float


@dataclass(frozen=True)
class FrameResult:
    """The nearest videos of one sampled frame, each with its nearest frames, nearest first.

    `time`: of the sampled frame, seconds. `empty`: it shows nothing (black, a fade), so nothing
    can be near it. `notice`: that a library video has the clip's very bytes and is left out.
    """

    query_id: str
    frame: int
    time: float
    videos: tuple[tuple[FrameFound, ...], ...]
    threshold: float
    empty: bool = False
    notice: str = ""


def search_frame(bench: Workbench, query_id: str, at: float, *, most: int) -> FrameResult:
    """Library frames nearest to the query's sampled frame that is nearest to `at` seconds.

    Raises NotFound.
    """
    clip = bench.clip(query_id)
    features, same = clip.features, identical_video(clip, bench.library)
    notice = "" if same is None else identical_notice(same)
    frame = int(np.abs(features.timestamps - at).argmin())
    records = {v.video_id: v for v in bench.videos()}
    regions = features.regions[frame : frame + 1]
    limit, when = bench.threshold(), float(features.timestamps[frame])
    if not regions.any():
        return FrameResult(query_id, frame, when, (), limit, empty=True, notice=notice)
    view = bench.space.view()
    near = nearest_frames(
        view.ids,
        view.vectors,
        view.reduction(features.frame_vectors[frame : frame + 1]),
        videos={v.ordinal: v.video_id for v in records.values()},
        most=most,
        per_video=3,
        exclude=query_id,
    )
    by_video: dict[str, list[FrameFound]] = {}
    for hit in near:
        try:
            times = bench.library.features(hit.video_id, extractor=bench.extractor).timestamps
        except (NotFound, StoreError):
            continue  # removed, or damaged: verification reports it
        row = FrameFound(
            hit.video_id,
            records[hit.video_id].name,
            hit.frame,
            float(times[hit.frame]),
            hit.distance,
        )
        by_video.setdefault(hit.video_id, []).append(row)
    videos = tuple(map(tuple, by_video.values()))
    return FrameResult(query_id, frame, when, videos, limit, notice=notice)


# ---- several queries ----


@dataclass(frozen=True)
class Answer:
    """The outcome of one of several queries: its `result`, or the `error` that prevented one."""

    query: str | Path
    result: SearchResult | None
    error: VisilDashError | None = None

    @property
    def outcome(self) -> SearchResult | VisilDashError:
        outcome = self.error if self.result is None else self.result
        assert outcome is not None
        return outcome


def search_many(
    bench: Workbench,
    queries: Sequence[str | Path],
    *,
    begun: Mapping[Path, BegunVideo] | None = None,
    threshold: float | None = None,
    exhaustive: bool = False,
    inside: LookInside = "never",
    other_shapes: bool = True,
    budget: int | None = None,
    tags: Sequence[str] = (),
    top: int | None = None,
    proof_seconds: float = 0.0,
    watch: Watch = UNWATCHED,
) -> Iterator[Answer]:
    """One search per query, in their order, each yielded when it is done (see Workbench.search).

    `inside`: whether parts of the picture are searched for as well; "auto": where the whole
    picture finds no match. A path is a file to read, text names a library video or an opened clip;
    `begun`: files that engines.begun has begun to read, each taken once.
    A query that cannot be read or found yields its error, and the others go on. `proof_seconds`:
    how long the best matches of each query are verified on the pixels (see proving.prove).
    Raises Cancelled.
    """
    ahead = dict(begun or {})
    for number, query in enumerate(queries):
        done = number / len(queries)
        one = watch.part(
            done, done + 1 / len(queries), prefix=f"Query {number + 1} of {len(queries)}: "
        )
        ready = 0.75 if proof_seconds > 0 else 1.0
        try:
            if isinstance(query, Path):
                reading = ahead.pop(query, None)
                clip = bench.open_clip(query, begun=reading, watch=one.part(0.0, 0.5))
            else:
                clip = bench.clip(query)
            search = partial(
                bench.search,
                clip.query_id,
                threshold=threshold,
                exhaustive=exhaustive,
                other_shapes=other_shapes,
                budget=budget,
                tags=tags,
                watch=one.part(0.5, ready),
            )
            result = search(inside=inside == "always")
            if inside == "auto" and not has_match(result):
                result = search(inside=True)
            if proof_seconds > 0:
                result = prove(bench, result, seconds=proof_seconds, watch=one.part(ready, 1.0))
            result = result if top is None else replace(result, matches=result.matches[:top])
        except Cancelled:
            raise
        except VisilDashError as error:
            yield Answer(query, None, error)
        else:
            yield Answer(query, result)


def has_match(result: SearchResult) -> bool:
    return any(verdict_of(match).is_match for match in result.matches)
