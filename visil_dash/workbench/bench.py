"""The use cases that pages, command line and jobs call: one Workbench per library and model.

A Workbench joins a library (truth on disk), a model and the frame index of that model. It keeps
no state that is not in the library, but for query clips, which are private to who opened them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from threading import RLock
from typing import Self

from visil_dash.candidates.distances import distances_of
from visil_dash.candidates.thresholds import DistanceLevels, QueryDistances, distance_levels
from visil_dash.collection.library_pairs import library_pair_table
from visil_dash.collection.table import KnownPairs
from visil_dash.index.frames import FrameSpace, open_frame_space
from visil_dash.index.ids import split_ids
from visil_dash.library.jobs import Worker
from visil_dash.library.store import Library, open_library
from visil_dash.matching.alignment import AlignOptions
from visil_dash.matching.rerank import compare_pair
from visil_dash.matching.verdict import judge, judge_result
from visil_dash.media.decode import BegunVideo
from visil_dash.media.files import check_regular, video_files
from visil_dash.models.load import Model, load_model
from visil_dash.models.sampling import at_rate
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.records import (
    WHOLE,
    Comparison,
    JobRecord,
    JobState,
    PairTable,
    SearchResult,
    Verdict,
    VideoFeatures,
    VideoRecord,
)
from visil_dash.settings import Settings, get_settings
from visil_dash.workbench.carried import carry_threshold
from visil_dash.workbench.clips import ClipStore, QueryClip, views_to_search
from visil_dash.workbench.ingest import engine_for, ingest
from visil_dash.workbench.proofs import ProofStore
from visil_dash.workbench.search import (
    CandidateSource,
    by_nearness,
    by_threshold,
    search_library,
    timed,
)

THRESHOLD_SETTING = "distance_threshold"
MATCH_SETTING = "match_score"


class Workbench:
    """All use cases over one library with one model. Safe to share between threads."""

    def __init__(
        self, library: Library, model: Model, settings: Settings, *, start_worker: bool = True
    ) -> None:
        self.library = library
        self.model = model = at_rate(model, settings.rate)
        self.settings = settings
        self.options = AlignOptions(frame_level=model.frame_level)
        self.space: FrameSpace = open_frame_space(
            library,
            extractor=model.extractor,
            before_change=lambda former, new: carry_threshold(self, former, new),
        )
        self._clips = ClipStore(library, model, settings)
        self._levels: tuple[int, DistanceLevels] | None = None
        self.known_pairs = KnownPairs()
        self.proofs = ProofStore(library, model.extractor)
        self.engine = engine_for(library, model, settings)
        self._lock = RLock()
        self.worker = Worker(
            library,
            self._ingest,
            settings=settings,
            check=lambda path: check_regular(path, settings=settings),
        )
        if start_worker and not library.read_only:
            self.worker.start()

    @property
    def extractor(self) -> str:
        return self.model.extractor

    def videos(self) -> tuple[VideoRecord, ...]:
        return self.library.videos()

    # ---- query clips ----

    def open_clip(
        self,
        path: Path,
        *,
        name: str | None = None,
        begun: BegunVideo | None = None,
        watch: Watch = UNWATCHED,
    ) -> QueryClip:
        """Features of a clip outside the library; kept in memory under its content hash. `begun`:
        its frames as engines.begun gave them. Raises MediaRefused and Cancelled.
        """
        watch = watch.part(0.0, 1.0, name="Reading the clip")
        return self._clips.open(path, name=name or path.name, begun=begun, watch=watch)

    def clip(self, query_id: str) -> QueryClip:
        """A clip opened before, or a library video (id, unique prefix or file name).

        Raises NotFound.
        """
        return self._clips.get(query_id)

    def forget_clip(self, query_id: str) -> None:
        self._clips.forget(query_id)

    # ---- searching ----

    def search(
        self,
        query_id: str,
        *,
        threshold: float | None = None,
        exhaustive: bool = False,
        inside: bool = False,
        other_shapes: bool = True,
        budget: int | None = None,
        tags: Sequence[str] = (),
        top: int | None = None,
        watch: Watch = UNWATCHED,
    ) -> SearchResult:
        """Videos that share footage with the query, the strongest first.

        Hierarchical: candidates by squared-L2 `threshold` (None: the library's), then re-ranking
        of the `budget` videos of most evidence (None: as the settings have it, 0: of all).
        `exhaustive`: every video is compared, candidate or not. `inside`: parts of the query's
        picture and the picture turned are searched for as well, thirteen times the work, and a
        library within the budget is compared with the whole, candidate or not.
        `other_shapes`: an upright query is searched for as a part of wide pictures too, and a wide
        one as a part of upright ones, if the library holds any: twice the work. Each match names
        its view of the query. `tags`: among the videos that have all of them. `top` cuts the list.
        The query itself is left out when it is a library video.

        Raises NotFound, InputError for tags of no video, MediaRefused (views), Cancelled.
        """
        clip = self.clip(query_id)
        timings: dict[str, float] = {}
        views = {WHOLE: clip.features}
        wanted = views_to_search(
            clip, self.library, self.model, inside=inside, other_shapes=other_shapes
        )
        if wanted:
            with timed(timings, "views of the picture"):
                for group, name in wanted:
                    inner = watch.part(0.0, 1.0, name=name)
                    views |= self._clips.views(query_id, group, watch=inner)
        source = by_threshold(
            self.threshold() if threshold is None else threshold,
            library=self.library,
            space=self.space,
            everything=exhaustive,
            budget=(self.settings.rerank_budget if budget is None else budget) or None,
            tags=tags,
        )
        return self._searched(clip, views, source, top=top, timings=timings, watch=watch)

    def search_nearest(
        self,
        query_id: str,
        *,
        most: int,
        threshold: float | None = None,
        tags: Sequence[str] = (),
        watch: Watch = UNWATCHED,
    ) -> SearchResult:
        """The `most` videos with the nearest frames, compared in full: always an answer.

        The nearest by squared-L2 distance of frames, whether within `threshold` (None: the
        library's) or not; the notices say when none of them is. `tags` and errors as in `search`.
        """
        clip = self.clip(query_id)
        limit = self.threshold() if threshold is None else threshold
        source = by_nearness(most, limit, library=self.library, space=self.space, tags=tags)
        return self._searched(clip, {WHOLE: clip.features}, source, watch=watch)

    def _searched(
        self,
        clip: QueryClip,
        views: Mapping[str, VideoFeatures],
        source: CandidateSource,
        *,
        top: int | None = None,
        timings: Mapping[str, float] | None = None,
        watch: Watch,
    ) -> SearchResult:
        result = search_library(
            clip,
            views,
            source,
            library=self.library,
            space=self.space,
            model=self.model,
            options=self.options,
            timings=timings or {},
            pool=self.engine.pool.opened() if source.everything else None,
            watch=watch,
        )
        judged = self.judged(result)
        return judged if top is None else replace(judged, matches=judged.matches[:top])

    def judged(self, result: SearchResult) -> SearchResult:
        """The result with the verdicts that follow from the match score in use. Raises NotFound."""
        lengths = {v.video_id: v.info.duration for v in self.videos()}
        return judge_result(
            result,
            query_seconds=self.clip(result.query_id).info.duration,
            reference_seconds=lengths,
            match_score=self.match_score(),
        )

    def judged_pair(self, pair: Comparison) -> Verdict:
        """The verdict on a comparison by the match score in use. Raises NotFound."""
        return judge(
            pair,
            query_seconds=self.clip(pair.query).info.duration,
            reference_seconds=self.clip(pair.reference).info.duration,
            match_score=self.match_score(),
        )

    def _features(self, video_id: str) -> VideoFeatures:
        return self.library.features(video_id, extractor=self.extractor)

    def compare(self, query_id: str, reference_id: str, *, watch: Watch = UNWATCHED) -> Comparison:
        """One pair in full; either side may be a query clip, a library video or a view of one.

        Raises NotFound and Cancelled.
        """
        query, reference = self.clip(query_id), self.clip(reference_id)
        pair = compare_pair(
            query.features,
            reference.features,
            scorer=self.model.scorer,
            options=self.options,
            watch=watch,
        )
        named = replace(
            pair,
            query=query.query_id,
            reference=reference.query_id,
            verified=self.model.verified,
        )
        return replace(named, verdict=self.judged_pair(named))

    def pairwise(
        self, pairs: Iterable[tuple[str, str]] | None = None, *, watch: Watch = UNWATCHED
    ) -> PairTable:
        """Video-to-video similarity both ways of these pairs of the library; None: of all pairs.

        Pairs compared before are not compared again. Raises Cancelled.
        """
        return library_pair_table(
            self.library,
            self.model,
            pairs,
            known=self.known_pairs,
            pool=self.engine.pool.opened(),
            watch=watch,
        )

    # ---- thresholds ----

    def threshold(self) -> float:
        """The library's squared-L2 threshold for its present space; the default if none was set."""
        saved = self.library.setting(f"{THRESHOLD_SETTING}:{self._space_key()}")
        return self.default_threshold() if saved is None else float(saved)

    def match_score(self) -> float:
        """Video-to-video similarity from which a pair is a match in this library."""
        saved = self.library.setting(f"{MATCH_SETTING}:{self.extractor}")
        return self.model.default_match_score if saved is None else float(saved)

    def _space_key(self) -> str:
        """Thresholds belong to one model and reduction; in another space they mean nothing."""
        return f"{self.extractor}:{self.space.reduction.reduction_id}"

    def default_threshold(self) -> float:
        """The model's calibrated share of the level at which unrelated frames lie in this space."""
        return self.model.threshold_share * self.levels().unrelated

    def levels(self) -> DistanceLevels:
        """Distance levels of the library in its present space, measured anew as it grows."""
        with self._lock:
            if self._levels is not None and self._levels[0] == self.space.version:
                return self._levels[1]
            version = self.space.version
            ids, vectors = self.space.view().sample()
            if len(ids):
                ordinals, _ = split_ids(ids)
                levels = distance_levels(vectors, ordinals)
            else:
                levels = DistanceLevels(
                    self.model.unrelated_distance, self.model.unrelated_distance
                )
            self._levels = version, levels
            return levels

    def query_distances(self, query_id: str) -> QueryDistances:
        """Exact distances of the query's frames to every library frame in the index's space."""
        return distances_of(
            self.clip(query_id).features,
            library=self.library,
            space=self.space,
            levels=self.levels(),
        )

    # ---- the library ----

    def add_paths(self, paths: Iterable[Path], *, in_place: bool = False) -> list[JobRecord]:
        """Queue files, and every file of folders; the worker takes them one by one.

        `in_place`: they stay where they lie; those that are in place already are left out."""
        files: Iterable[Path] = video_files(paths)
        if in_place:
            files = self.library.in_place.changed_among(files)
        return self.worker.enqueue_paths(files, in_place=in_place)

    def add_upload(self, staged: Path, *, name: str) -> JobRecord:
        """Queue a file that was written to `library.stage()`."""
        return self.worker.enqueue(staged, name=name, staged=True)

    def jobs(self) -> tuple[JobRecord, ...]:
        return self.worker.jobs()

    def _ingest(
        self, job: JobRecord, source: Path, *, enter: Callable[[JobState], None], watch: Watch
    ) -> str:
        """The pipeline of a job (see jobs.Pipeline)."""
        return ingest(
            job,
            source,
            library=self.library,
            space=self.space,
            model=self.model,
            settings=self.settings,
            enter=enter,
            watch=watch,
            engine=self.engine.begun(),
        )

    def remove(self, video_id: str) -> VideoRecord:
        """Remove a video with its features and frames; the space follows at once."""
        record = self.library.video(video_id)
        self.space.remove_video(record.ordinal)
        self.library.remove(record.video_id)
        self.known_pairs.forget(record.video_id)
        return record

    def verify(self) -> tuple[str, ...]:
        """Everything stored, against its hashes and manifests; one sentence a problem."""
        return (*map(str, self.library.verify()), *self.space.verify())

    def require_writer(self) -> None:
        """Raises StoreReadOnly while another process writes this library."""
        self.library.require_writer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.worker.stop()
        self.engine.close()
        self.space.close()
        self.library.close()


def open_workbench(
    *,
    settings: Settings | None = None,
    library: Path | Library | None = None,
    model: str | None = None,
    start_worker: bool = True,
) -> Workbench:
    """The workbench over a library or its folder (made when missing) with a model.

    Defaults come from the settings. Raises StoreError and ModelError.
    """
    settings = settings or get_settings()
    loaded = load_model(model or settings.model, settings=settings)  # a wrong name makes no folder
    if not isinstance(library, Library):
        library = open_library(library or settings.library, settings=settings)
    return Workbench(library, loaded, settings, start_worker=start_worker)
