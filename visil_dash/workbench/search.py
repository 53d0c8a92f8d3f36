"""The search of a library: candidates from one source or another, re-ranked into one result."""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

from visil_dash.candidates.aside import aside_ids
from visil_dash.candidates.generation import library_candidates, merged, shown_numbers, tagged
from visil_dash.candidates.nearest import nearest_frames
from visil_dash.engines.ahead import Pool
from visil_dash.engines.comparing import ComparedQuery, rerank_on
from visil_dash.engines.stored import portable_scorer
from visil_dash.errors import InputError
from visil_dash.framing.views import INSIDE, QueryRef, SuitsByShape
from visil_dash.index.frames import FrameSpace
from visil_dash.library.store import Library
from visil_dash.matching.alignment import AlignOptions
from visil_dash.matching.confidence import ScoreEvidence, background, probability
from visil_dash.matching.proved import standing
from visil_dash.matching.rerank import rerank
from visil_dash.models.load import Model
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.records import (
    WHOLE,
    Candidate,
    IndexStatus,
    Match,
    SearchResult,
    VideoFeatures,
    VideoRecord,
)
from visil_dash.workbench.clips import QueryClip
from visil_dash.workbench.identical import clip_notices, identical_video

HIERARCHICAL, EXHAUSTIVE, NEAREST = "hierarchical", "exhaustive", "nearest"

# Which videos a view of the query is compared with, most promising first, and a notice or none;
# the second argument tells whether the view is a part of the picture.
_Propose = Callable[[VideoFeatures, bool], tuple[tuple[Candidate, ...], str]]

# Many parts are many chances for unrelated videos, so theirs is this share of the threshold.
_PART_SHARE = 0.9


@dataclass(frozen=True)
class CandidateSource:
    """Where the videos that are compared come from.

    `mode`: as in SearchResult. `threshold`: squared L2 within which a frame is near. `everything`:
    all videos are compared, and candidates are only reported. `budget`: so many videos are
    re-ranked, those of most evidence; None: all. `tags`: only videos that have all of them.
    """

    mode: str
    threshold: float
    propose: _Propose
    everything: bool = False
    budget: int | None = None
    tags: tuple[str, ...] = ()


def by_threshold(
    threshold: float,
    *,
    library: Library,
    space: FrameSpace,
    everything: bool = False,
    budget: int | None = None,
    tags: Collection[str] = (),
) -> CandidateSource:
    """The videos with frames within the distance threshold, _PART_SHARE of it for parts."""

    def propose(query: VideoFeatures, part: bool) -> tuple[tuple[Candidate, ...], str]:
        limit = _PART_SHARE * threshold if part else threshold
        found = library_candidates(query, limit, library=library, view=space.view(), tags=tags)
        return found, ""

    return CandidateSource(
        EXHAUSTIVE if everything else HIERARCHICAL,
        threshold,
        propose,
        everything,
        budget=None if everything else budget,
        tags=tuple(tags),
    )


def by_nearness(
    most: int,
    threshold: float,
    *,
    library: Library,
    space: FrameSpace,
    tags: Collection[str] = (),
) -> CandidateSource:
    """The `most` videos with the nearest frames, within the threshold or not: always an answer."""

    def propose(query: VideoFeatures, part: bool) -> tuple[tuple[Candidate, ...], str]:
        view = space.view()  # one state for all steps, which then agree
        found = library_candidates(query, threshold, library=library, view=view, tags=tags)
        within = {c.video_id: c for c in found}
        videos = {v.ordinal: v.video_id for v in tagged(library.videos(), tags)}
        kept = ~np.isin(view.ids, aside_ids(library, query.extractor, videos))
        nearest = nearest_frames(
            view.ids[kept],
            view.vectors[kept],
            view.reduction(query.frame_vectors[shown_numbers(query)]),
            videos=videos,
            most=most,
            exclude=query.video_id,
        )
        proposed = tuple(
            within.get(f.video_id, Candidate(f.video_id, f.distance, 0, 0, 0)) for f in nearest
        )
        if within or not proposed:
            return proposed, ""
        return proposed, (
            f"Nothing lies within the distance threshold {threshold:.3g}: these are the"
            f" {len(proposed)} nearest videos instead, however far they are."
        )

    return CandidateSource(NEAREST, threshold, propose, tags=tuple(tags))


def search_library(
    clip: QueryClip,
    views: Mapping[str, VideoFeatures],
    source: CandidateSource,
    *,
    library: Library,
    space: FrameSpace,
    model: Model,
    options: AlignOptions,
    timings: Mapping[str, float],
    pool: Pool | None = None,
    watch: Watch = UNWATCHED,
) -> SearchResult:
    """Videos that share footage with any of a clip's `views` (by key), the strongest first. Each is
    compared with what `_of_each_view` says, on the `pool` or here. `timings`: of before."""
    videos = _searched_videos(library, source.tags)
    have, spent = library.features_ids(model.extractor), dict(timings)
    with timed(spent, "candidates"):
        proposed = {key: source.propose(features, key != WHOLE) for key, features in views.items()}
        candidates = merged(found for found, _ in proposed.values())
    watch.step("Candidates found", 0.1)
    able = [v for v in have if v in videos and v != QueryRef.parse(clip.query_id).base]
    chosen = within_budget(candidates, source.budget)
    with timed(spent, "reranking"):
        matches, skipped = _reranked(
            views,
            _of_each_view(source, {k: found for k, (found, _) in proposed.items()}, chosen, able),
            {c.video_id: c for c in candidates},
            library=library,
            model=model,
            options=options,
            pool=pool,
            watch=watch.part(0.1, 1.0),
        )
    parts = len(views) - 1
    matches, level = with_probability(matches, model.evidence, among=len(videos), parts=parts)
    status, same = space.status(), identical_video(clip, library)
    notices = *clip_notices(clip, same), *(text for _, text in proposed.values()), status.notice
    return SearchResult(
        query=clip.name,
        query_id=clip.query_id,
        matches=matches,
        candidates=candidates,
        mode=source.mode,
        threshold=source.threshold,
        library_videos=len(videos),
        timings=spent,
        model=model.name,
        extractor=model.extractor,
        index=_described(status),
        skipped=skipped | _not_extracted(videos.keys() - {*have}, library, model),
        notices=tuple(filter(None, (*notices, model.notice))),
        inside=_looks_inside(views),
        parts=parts,
        background=level,
        verified=model.verified,
        identical_to="" if same is None else same.name,
        budget=source.budget,
        waiting=len(candidates) - len(chosen),
        tags=source.tags,
    )


def _searched_videos(library: Library, tags: tuple[str, ...]) -> dict[str, VideoRecord]:
    """By id. Raises InputError where no video has the tags: "no match" would be a wrong answer."""
    videos = {video.video_id: video for video in tagged(library.videos(), tags)}
    if tags and not videos:
        raise InputError(
            f"tag {', '.join(tags)}",
            "no video has it",
            "list tags on the Library page, or search without one",
        )
    return videos


def _reranked(
    views: Mapping[str, VideoFeatures],
    wanted: Mapping[str, Sequence[str]],
    candidates: Mapping[str, Candidate],
    *,
    library: Library,
    model: Model,
    options: AlignOptions,
    pool: Pool | None,
    watch: Watch,
) -> tuple[tuple[Match, ...], dict[str, str]]:
    """The matches, and why videos are missing among them (see rerank)."""
    if pool is not None:
        return rerank_on(
            pool,
            ComparedQuery(views, portable_scorer(model, library.settings), options),
            wanted,
            library=library,
            scorer=model.scorer,
            candidates=candidates,
            watch=watch,
        )
    videos = library.videos()
    return rerank(
        views,
        wanted,
        load=lambda video_id: library.features(video_id, extractor=model.extractor),
        names={video.video_id: video.name for video in videos},
        candidates=candidates,
        scorer=model.scorer,
        options=options,
        suits=SuitsByShape({video.video_id: video.info for video in videos}),
        watch=watch,
    )


def _described(status: IndexStatus) -> str:
    number = f", generation {status.generation}" if status.generation else f", {status.engine}"
    return f"{status.state}{number}, {status.reduction}"


def _not_extracted(unread: Set[str], library: Library, model: Model) -> dict[str, str]:
    """Why videos without features were not searched, by id; not of those that are being added, or
    were removed meanwhile."""
    still = {v.video_id for v in library.lacking(model.extractor)} if unread else set()
    return dict.fromkeys(unread & still, f"no features of the model {model.name} yet")


def within_budget(candidates: Sequence[Candidate], budget: int | None) -> Sequence[Candidate]:
    """The candidates to re-rank: the first so many; None: all."""
    return candidates if budget is None else candidates[:budget]


def _of_each_view(
    source: CandidateSource,
    proposed: Mapping[str, Sequence[Candidate]],
    chosen: Sequence[Candidate],
    able: Sequence[str],
) -> dict[str, list[str]]:
    """The videos to compare with each view, most promising first: what was proposed for it. Where
    parts of the picture are searched for, nothing matched by the threshold, so the whole is
    compared with every video that the budget has room for."""
    found = {key: _compared(source, some, chosen, able) for key, some in proposed.items()}
    if _looks_inside(proposed) and len(able) <= (source.budget or 0):
        rest = set(able).difference(found[WHOLE])
        found[WHOLE] += [v for v in able if v in rest]
    return found


def _looks_inside(views: Iterable[str]) -> bool:
    """Whether parts of the picture are among these views."""
    return not {view.key for view in INSIDE}.isdisjoint(views)


def _compared(
    source: CandidateSource,
    proposed: Sequence[Candidate],
    chosen: Sequence[Candidate],
    able: Sequence[str],
) -> list[str]:
    """The videos to compare with a view, most promising first: of those with features the `chosen`
    ones that were proposed for it, or all."""
    among = {c.video_id for c in (proposed if source.everything else chosen)}.intersection(able)
    likely = [c.video_id for c in proposed if c.video_id in among]
    return [*likely, *(v for v in able if v not in among)] if source.everything else likely


def with_probability(
    matches: Sequence[Match], evidence: ScoreEvidence | None, *, among: int, parts: int = 0
) -> tuple[tuple[Match, ...], float]:
    """The matches of one query with their probability among so many videos, and the query's
    background; without evidence they have no probability.

    `parts`: how many parts of the picture were searched for beside the whole.
    """
    # What is proved is no background: a library may hold a dozen copies of one clip.
    level = background(np.array([m.strength for m in matches if standing(m) <= 0]))
    if evidence is None:
        return tuple(matches), level
    return tuple(
        replace(
            match,
            probability=probability(
                evidence,
                match.strength,
                level=level,
                among=among,
                parts=1 if match.view == WHOLE else parts,
                proof=None if match.proof is None else match.proof.state,
            ),
        )
        for match in matches
    ), level


@contextmanager
def timed(timings: dict[str, float], stage: str) -> Iterator[None]:
    """Writes the seconds that the body took under `stage`."""
    start = time.perf_counter()
    try:
        yield
    finally:
        timings[stage] = time.perf_counter() - start
