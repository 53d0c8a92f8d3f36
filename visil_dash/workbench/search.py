"""The search of a library: candidate generation and re-ranking, joined into one result."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from visil_dash.candidates.generation import candidate_videos, merged
from visil_dash.candidates.library import library_hits
from visil_dash.index.frames import FrameSpace
from visil_dash.library.store import Library
from visil_dash.matching.alignment import AlignOptions
from visil_dash.matching.confidence import Evidence, background, probability
from visil_dash.matching.rerank import rerank
from visil_dash.media.views import split_view
from visil_dash.models.load import Model
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.records import WHOLE, Match, SearchResult, VideoFeatures
from visil_dash.workbench.clips import QueryClip


def search_library(
    clip: QueryClip,
    views: Mapping[str, VideoFeatures],
    *,
    library: Library,
    space: FrameSpace,
    model: Model,
    options: AlignOptions,
    threshold: float,
    exhaustive: bool,
    timings: Mapping[str, float],
    watch: Watch = UNWATCHED,
) -> SearchResult:
    """Videos that share footage with any of the `views` of a clip (by key), the strongest first.

    Each view is compared with the candidates within `threshold` (squared L2) of its own frames,
    or, when `exhaustive`, with every video. `timings`: of what went before. Raises Cancelled.
    """
    names = {v.video_id: v.name for v in library.videos()}
    have = library.features_ids(model.extractor)
    spent = dict(timings)
    with timed(spent, "candidates"):
        proposed = {
            key: candidate_videos(library_hits(features, threshold, library=library, space=space))
            for key, features in views.items()
        }
        candidates = merged(proposed.values())
    watch.step("Candidates found", 0.1)
    able = set(names) & set(have) - {split_view(clip.query_id)[0]}
    chosen = {
        key: [v for v in (have if exhaustive else [c.video_id for c in found]) if v in able]
        for key, found in proposed.items()
    }
    with timed(spent, "reranking"):
        matches, skipped = rerank(
            views,
            chosen,
            load=lambda video_id: library.features(video_id, extractor=model.extractor),
            names=names,
            candidates={c.video_id: c for c in candidates},
            compare=model.compare,
            symmetric=model.symmetric,
            options=options,
            watch=watch.part(0.1, 1.0),
        )
    parts = len(set(views) - {WHOLE})
    matches, level = sure(matches, model.evidence, among=len(names), parts=parts)
    for video_id in set(names) - set(have):
        skipped[video_id] = f"no features of the model {model.name} yet"
    status = space.status()
    return SearchResult(
        query=clip.name,
        query_id=clip.query_id,
        matches=matches,
        candidates=candidates,
        mode="exhaustive" if exhaustive else "hierarchical",
        threshold=threshold,
        library_videos=len(names),
        timings=spent,
        model=model.name,
        extractor=model.extractor,
        index=f"{status.state}, generation {status.generation}, {status.reduction}",
        skipped=skipped,
        notices=tuple(n for n in (status.notice, clip.info.reason) if n),
        inside=len(views) > 1,
        background=level,
    )


def sure(
    matches: Sequence[Match], evidence: Evidence | None, *, among: int, parts: int = 0
) -> tuple[tuple[Match, ...], float]:
    """The matches of one query with their probability among so many videos, and the background
    that they stand above; without evidence they have no probability.

    `parts`: how many parts of the picture were tried beside the whole.
    """
    level = background(np.array([m.strength for m in matches]))
    if evidence is None:
        return tuple(matches), level
    told = (
        probability(
            evidence,
            m.strength,
            level=level,
            among=among,
            parts=1 if m.view == WHOLE else parts,
        )
        for m in matches
    )
    return tuple(replace(m, probability=p) for m, p in zip(matches, told, strict=True)), level


@contextmanager
def timed(timings: dict[str, float], stage: str) -> Iterator[None]:
    """Writes the seconds that the body took under `stage`."""
    start = time.perf_counter()
    try:
        yield
    finally:
        timings[stage] = time.perf_counter() - start
