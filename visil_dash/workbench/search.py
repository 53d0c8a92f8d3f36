"""The search of a library: candidates from one source or another, re-ranked into one result."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from visil_dash.candidates.aside import aside_ids
from visil_dash.candidates.generation import library_candidates, merged, shown_numbers
from visil_dash.candidates.nearest import nearest_frames
from visil_dash.framing.views import INSIDE, QueryRef, suits
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
    re-ranked, those of most evidence; None: all.
    """

    mode: str
    threshold: float
    propose: _Propose
    everything: bool = False
    budget: int | None = None


def by_threshold(
    threshold: float,
    *,
    library: Library,
    space: FrameSpace,
    everything: bool = False,
    budget: int | None = None,
) -> CandidateSource:
    """The videos with frames within the distance threshold, _PART_SHARE of it for parts."""

    def propose(query: VideoFeatures, part: bool) -> tuple[tuple[Candidate, ...], str]:
        limit = _PART_SHARE * threshold if part else threshold
        return library_candidates(query, limit, library=library, view=space.view()), ""

    return CandidateSource(
        EXHAUSTIVE if everything else HIERARCHICAL,
        threshold,
        propose,
        everything,
        budget=None if everything else budget,
    )


def by_nearness(
    most: int, threshold: float, *, library: Library, space: FrameSpace
) -> CandidateSource:
    """The `most` videos with the nearest frames, within the threshold or not: always an answer."""

    def propose(query: VideoFeatures, part: bool) -> tuple[tuple[Candidate, ...], str]:
        view = space.view()  # one state for all steps, which then agree
        found = library_candidates(query, threshold, library=library, view=view)
        within = {c.video_id: c for c in found}
        videos = {v.ordinal: v.video_id for v in library.videos()}
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

    return CandidateSource(NEAREST, threshold, propose)


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
    watch: Watch = UNWATCHED,
) -> SearchResult:
    """Videos that share footage with any of the `views` of a clip (by key), the strongest first;
    each is compared with what `source` proposes. `timings`: of before. Raises Cancelled."""
    arriving, videos = library.arriving(), {v.video_id: v for v in library.videos()}
    have, spent = library.features_ids(model.extractor), dict(timings)
    with timed(spent, "candidates"):
        proposed = {key: source.propose(features, key != WHOLE) for key, features in views.items()}
        candidates = merged(found for found, _ in proposed.values())
    watch.step("Candidates found", 0.1)
    able = [v for v in have if v in videos and v != QueryRef.parse(clip.query_id).base]
    chosen = within_budget(candidates, source.budget)
    with timed(spent, "reranking"):
        matches, skipped = rerank(
            views,
            {k: _compared(source, found, chosen, able) for k, (found, _) in proposed.items()},
            load=lambda video_id: library.features(video_id, extractor=model.extractor),
            names={video_id: video.name for video_id, video in videos.items()},
            candidates={c.video_id: c for c in candidates},
            scorer=model.scorer,
            options=options,
            suits=partial(_suits, videos),
            watch=watch.part(0.1, 1.0),
        )
    parts = len(views) - 1
    matches, level = with_probability(matches, model.evidence, among=len(videos), parts=parts)
    missing = _not_extracted(videos.keys() - {*have, *arriving}, library, model)
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
        skipped=skipped | missing,
        notices=tuple(filter(None, (*notices, model.notice))),
        inside=any(view.key in views for view in INSIDE),
        parts=parts,
        background=level,
        verified=model.verified,
        identical_to="" if same is None else same.name,
        budget=source.budget,
        waiting=len(candidates) - len(chosen),
    )


def _described(status: IndexStatus) -> str:
    number = f", generation {status.generation}" if status.generation else f", {status.engine}"
    return f"{status.state}{number}, {status.reduction}"


def _not_extracted(lacking: Set[str], library: Library, model: Model) -> dict[str, str]:
    """Why videos without features were not searched, by id; not of those removed meanwhile."""
    here = lacking & {video.video_id for video in library.videos()} if lacking else lacking
    return dict.fromkeys(here, f"no features of the model {model.name} yet")


def within_budget(candidates: Sequence[Candidate], budget: int | None) -> Sequence[Candidate]:
    """The candidates to re-rank: the first so many; None: all."""
    return candidates if budget is None else candidates[:budget]


def _compared(
    source: CandidateSource,
    proposed: Sequence[Candidate],
    chosen: Sequence[Candidate],
    able: Sequence[str],
) -> list[str]:
    """The videos to compare with a view: of those with features, all or the `chosen` ones that were
    proposed for it."""
    if source.everything:
        return list(able)
    among = {c.video_id for c in chosen}.intersection(able)
    return [c.video_id for c in proposed if c.video_id in among]


def _suits(videos: Mapping[str, VideoRecord], view: str, reference: VideoFeatures) -> bool:
    """Whether a view of the query may be seen in a reference, by the shape of its picture."""
    shape = videos[reference.video_id].info.shape(reference.picture)
    return shape is None or suits(view, shape)


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
