"""Query clips: videos that are searched for, from outside the library or of it.

A clip from outside stays where its owner put it; only its features are kept, in memory, so that
nothing of it outlives the process.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Condition

from cachetools import LRUCache

from visil_dash.errors import NotFound, StoreError
from visil_dash.framing.placing import REGIONS
from visil_dash.framing.views import BY_KEY, INSIDE, QueryRef, View, views_of_other_shapes
from visil_dash.library.store import Library
from visil_dash.media.decode import BegunVideo
from visil_dash.media.files import checked_hash
from visil_dash.models.load import Model
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.records import WHOLE, MediaInfo, VideoFeatures
from visil_dash.settings import Settings
from visil_dash.workbench.ingest import extract_features
from visil_dash.workbench.views import extract_views

_VIEWS_KEPT = 8  # queries; each takes nine times what its clip takes
_CLIPS_KEPT = 64  # 17 MB an hour of video at one frame a second and 9 × 256 dims in fp16
_LOOK_AGAIN_SECONDS = 0.2  # while another thread reads the same clip


@dataclass(frozen=True)
class QueryClip:
    """`query_id`: sha256 of the file's bytes, the id it has or would have in a library.

    `path`: a clip's file; None of a library video, whose file `file_of` checks first.
    """

    query_id: str
    name: str
    path: Path | None
    features: VideoFeatures
    info: MediaInfo

    @property
    def shape(self) -> float:
        """Width to height of the picture inside its borders; 1 where unknown."""
        return self.info.shape(self.features.picture) or 1.0


def file_of(clip: QueryClip, library: Library) -> Path:
    """Raises StoreDamaged where a library video's file is gone or was altered, and NotFound."""
    if clip.path is not None:
        return clip.path
    return library.media_path(QueryRef.parse(clip.query_id).base)


class ClipStore:
    """The clips opened last with one model. Safe to share between threads."""

    def __init__(self, library: Library, model: Model, settings: Settings) -> None:
        self._library = library
        self._model = model
        self._settings = settings
        self._clips: LRUCache[str, QueryClip] = LRUCache(_CLIPS_KEPT)
        self._views: LRUCache[tuple[str, tuple[View, ...]], dict[str, VideoFeatures]] = LRUCache(
            _VIEWS_KEPT
        )
        self._reading: set[str] = set()
        self._lock = Condition()

    def open(
        self,
        path: Path,
        *,
        name: str,
        begun: BegunVideo | None = None,
        watch: Watch = UNWATCHED,
    ) -> QueryClip:
        """Features from the library if it holds the same bytes, else extracted now.

        `begun`: the file as engines.begun gave it, closed afterwards in any case.

        Asked for twice at once, a clip is read once. Raises MediaRefused and Cancelled.
        """
        with begun or nullcontext():
            return self._opened(path, name, begun, watch)

    def _opened(self, path: Path, name: str, begun: BegunVideo | None, watch: Watch) -> QueryClip:
        query_id = checked_hash(path, name=name, settings=self._settings)
        with self._alone(query_id, watch):
            with self._lock:
                clip = self._clips.get(query_id)
            if clip is None:
                clip = self._read(path, query_id, name, begun, watch)
                with self._lock:
                    self._clips[query_id] = clip
            return clip

    @contextmanager
    def _alone(self, what: str, watch: Watch) -> Iterator[None]:
        """Lets one thread at a time read `what`; the others wait. Raises Cancelled."""
        with self._lock:
            while what in self._reading:
                watch.check()
                self._lock.wait(_LOOK_AGAIN_SECONDS)
            self._reading.add(what)
        try:
            yield
        finally:
            with self._lock:
                self._reading.discard(what)
                self._lock.notify_all()

    def _read(
        self, path: Path, query_id: str, name: str, begun: BegunVideo | None, watch: Watch
    ) -> QueryClip:
        try:
            features = self._library.features(query_id, extractor=self._model.extractor)
            info = self._library.video(query_id).info
        except (NotFound, StoreError):
            # Not in the library, or damaged there: the clip itself is at hand.
            extracted = extract_features(
                path,
                name=name,
                video_id=query_id,
                model=self._model,
                settings=self._settings,
                pictures=True,
                begun=begun,
                watch=watch,
            )
            features, info = extracted.features, extracted.info
        return QueryClip(query_id, name, path, features, info)

    def get(self, query_id: str) -> QueryClip:
        """A clip opened before, or a library video, or a view of one (see views.view_id).

        Raises NotFound; of a view also MediaRefused, as its frames may have to be read.
        """
        ref = QueryRef.parse(query_id)
        if ref.view != WHOLE:
            key = ref.view
            whole = self.get(ref.base)
            views = self.views(ref.base, INSIDE if BY_KEY[key] in INSIDE else (BY_KEY[key],))
            if key not in views:
                raise NotFound(f"{whole.name}: its {BY_KEY[key].title} shows nothing.")
            name = f"{whole.name} ({BY_KEY[key].title})"
            return replace(
                whole, query_id=str(QueryRef(whole.query_id, key)), name=name, features=views[key]
            )
        with self._lock:
            known = self._clips.get(query_id)
        if known is not None:
            return known
        record = self._library.video(query_id)
        features = self._library.features(record.video_id, extractor=self._model.extractor)
        return QueryClip(record.video_id, record.name, None, features, record.info)

    def views(
        self, query_id: str, views: Sequence[View] = INSIDE, *, watch: Watch = UNWATCHED
    ) -> dict[str, VideoFeatures]:
        """Features of views of the picture of a clip or library video, by the view's key.

        Asked for twice at once, they are read once. Raises NotFound, MediaRefused and Cancelled.
        """
        clip = self.get(query_id)
        key = clip.query_id, tuple(views)
        with self._alone(f"views of {clip.query_id}", watch):
            with self._lock:
                found = self._views.get(key)
            if found is None:
                found = extract_views(
                    file_of(clip, self._library),
                    views=key[1],
                    video_id=clip.query_id,
                    model=self._model,
                    settings=self._settings,
                    picture=clip.features.picture,
                    shape=clip.shape,
                    watch=watch,
                )
                with self._lock:
                    self._views[key] = found
            return found

    def forget(self, query_id: str) -> None:
        with self._lock:
            self._clips.pop(query_id, None)
            for key in [key for key in self._views if key[0] == query_id]:
                del self._views[key]


def views_to_search(
    clip: QueryClip, library: Library, model: Model, *, inside: bool, other_shapes: bool
) -> list[tuple[Sequence[View], str]]:
    """Views of the query that are searched for beside the whole, and what that is called."""
    if QueryRef.parse(clip.query_id).view != WHOLE:
        return []
    wanted: list[tuple[Sequence[View], str]] = []
    if other_shapes and model.regions == REGIONS:
        shapes = (video.info.shape() for video in library.videos())
        shaped = views_of_other_shapes(clip.shape, filter(None, shapes))
        wanted += [(shaped, "Looking at another shape")] if shaped else []
    return [*wanted, (INSIDE, "Looking inside")] if inside else wanted
