"""A frame space whose generation lies in a Milvus server: one collection per library, extractor
and reduction.

The features in the library are the truth. Videos are findable in this process as soon as they are
added; a thread writes them to the server, and after an outage whatever it lacks.
"""

import hashlib
import secrets
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace

from visil_dash.errors import NotFound, StoreError
from visil_dash.index.build import StopFlag, Stopped
from visil_dash.index.fitted import fittable, forget_reductions, stored_reduction
from visil_dash.index.frames import FrameSpace, SpaceChange
from visil_dash.index.generations import Generation
from visil_dash.index.loading import loaded_blocks
from visil_dash.index.milvus import MilvusIndex, MilvusServer, ServedVideo, drop_collections
from visil_dash.index.plan import IndexPlan
from visil_dash.index.reader import TAIL_FRAMES
from visil_dash.index.served import ServedSnapshot, served_generation
from visil_dash.index.snapshot import Block, Snapshot
from visil_dash.library.rows import FeatureRow
from visil_dash.library.store import Library
from visil_dash.records import Array, IndexStatus
from visil_dash.reduction.pca import Reduction, identity

_LIBRARY_SETTING = "index_server_id"
_OPENED_FRAMES = 10_000  # that the server lacks and this process searches itself; others wait
_WRITTEN_FRAMES = 2000  # in one go to the server
_PROBED_VIDEOS = 20  # whose vectors a verification compares with the features


class ServedSpace(FrameSpace):
    """Made by open_frame_space where the settings name a Milvus server."""

    retry_seconds = 5.0

    def __init__(
        self, library: Library, *, extractor: str, plan: IndexPlan, before_change: SpaceChange
    ) -> None:
        super().__init__(library, extractor=extractor, plan=plan, before_change=before_change)
        settings = library.settings
        self.engine = f"Milvus at {settings.milvus}"
        self._server = MilvusServer(
            settings.milvus,
            settings.milvus_token.get_secret_value(),
            settings.milvus_seconds,
            settings.milvus_shards,
        )
        self._indexes: dict[str, MilvusIndex] = {}
        self._taken_out: set[int] = set()  # whose rows may be in the catalogue a moment longer
        self._waiting = False  # whether the server lacks videos that are not in the tail
        self._view: Snapshot = ServedSnapshot(identity(0), None, (), frozenset(), 0)

    def view(self) -> Snapshot:
        view = super().view()
        if self._degraded or self._failure:
            if self._library.read_only:
                self._reopen_when_due()
            else:
                self._build_when_due()
        return view

    def status(self) -> IndexStatus:
        behind = self._count_behind()
        waiting = behind and f"The index server lacks {behind:,} videos of the library so far."
        status = super().status()
        notice = " ".join(filter(None, (status.notice, waiting or "")))
        return replace(status, behind=behind, notice=notice)

    def _count_behind(self) -> int:
        """Videos with features that the server does not hold yet."""
        held = self._view.generation
        kept = {} if held is None or self._degraded else held.videos
        rows = self._library.feature_rows(self.extractor)
        return sum(kept.get(row.ordinal) != row.sha256 for row in rows)

    def add_video(self, ordinal: int, vectors: Array) -> None:
        self._taken_out.discard(ordinal)
        super().add_video(ordinal, vectors)

    def remove_video(self, ordinal: int) -> None:
        self._taken_out.add(ordinal)
        super().remove_video(ordinal)

    def verify(self) -> tuple[str, ...]:
        """Compares what the server holds with the catalogue, and some of it with the features."""
        rows, reduction = self._library.feature_rows(self.extractor), self._view.reduction
        if not reduction.input_dim:
            return ()
        try:
            index = self._index(reduction)
            held = index.videos()
            other = sum(held.get(row.ordinal) != row.sha256 for row in rows)
            problems = [f"{other} videos are not in the index server."] if other else []
            if extra := set(held) - {row.ordinal for row in rows}:
                problems.append(f"{len(extra)} removed videos are still in the index server.")
            probed = [r for r in rows if held.get(r.ordinal) == r.sha256]
            probed = probed[:: max(1, len(probed) // _PROBED_VIDEOS)]
            for block in self._blocks_of(probed, reduction):
                there, vectors = index.stored(block.ids)
                if not there.all() or abs(vectors - block.vectors).max() > 1e-5:
                    problems.append(f"Video {block.ordinal} has other vectors in the server.")
        except StoreError as error:
            return (str(error),)
        return tuple(problems)

    def close(self) -> None:
        super().close()
        for index in self._indexes.values():
            index.close()

    # -- inside ------------------------------------------------------------------------------

    def _index(self, reduction: Reduction) -> MilvusIndex:
        name = f"{self._prefix()}{_short(reduction.reduction_id)}"
        if name not in self._indexes:
            self._indexes[name] = MilvusIndex(
                self._server,
                name,
                dim=reduction.dim,
                options=self.plan.graph,
                create=not self._library.read_only,
            )
        return self._indexes[name]

    def _prefix(self) -> str:
        stored = self._library.setting(_LIBRARY_SETTING)
        if stored is None:
            if self._library.read_only:
                raise NotFound("The index server has nothing of this library yet.")
            stored = secrets.token_hex(8)
            self._library.set_setting(_LIBRARY_SETTING, stored)
        return f"visil_{stored}_{_short(self.extractor)}_"

    def _open(self, rows: tuple[FeatureRow, ...]) -> None:
        version = self._view.version + 1
        if not rows:
            self._view = ServedSnapshot(identity(0), None, (), frozenset(), version)
            return
        input_dim = rows[0].regions * rows[0].dim
        stored, problem = stored_reduction(
            self._library, extractor=self.extractor, method=self.plan.method, input_dim=input_dim
        )
        reduction = stored or identity(input_dim)
        frames = {row.ordinal: row.frames for row in rows}
        current = {row.ordinal: row.sha256 for row in rows}
        index: MilvusIndex | None = None
        try:
            index = self._index(reduction)
            held = index.videos()
        except NotFound as error:  # for a viewer, before the writer wrote anything
            held, problem = {}, str(error)
        except StoreError as error:
            # Nobody knows what it holds: searches of it report that it does not answer.
            held, problem = current, str(error)
        stale = frozenset(o for o, sha256 in held.items() if current.get(o) != sha256)
        lacking = [r for r in rows if r.ordinal not in held or r.ordinal in stale]
        blocks = tuple(self._blocks(lacking, reduction))
        generation = None if index is None else served_generation(index, videos=held, frames=frames)
        with self._change:
            self._waiting = len(blocks) < len(lacking)
            self._view = ServedSnapshot(reduction, generation, blocks, stale, version)
            self._degraded = problem
            if problem:
                self._failed_at = time.monotonic()

    def _reopen_when_due(self) -> None:
        if time.monotonic() - self._failed_at >= self.retry_seconds:
            self._failed_at = time.monotonic()
            self._open(self._library.feature_rows(self.extractor))

    def _behind(self, view: Snapshot) -> bool:
        return self._library.read_only and view.tail_frames > TAIL_FRAMES

    def _blocks(self, rows: Iterable[FeatureRow], reduction: Reduction) -> list[Block]:
        """Only as many as this process searches itself; the others wait for the server."""
        few: list[FeatureRow] = []
        frames = 0
        for row in rows:
            frames += row.frames
            if frames > _OPENED_FRAMES and few:
                self._waiting = True
                break
            few.append(row)
        return self._blocks_of(few, reduction)

    def _blocks_of(self, rows: Iterable[FeatureRow], reduction: Reduction) -> list[Block]:
        return loaded_blocks(self._library, rows, extractor=self.extractor, reduction=reduction)

    def _due(self, view: Snapshot) -> bool:
        changed = bool(view.tail or view.removed or self._waiting or self._degraded)
        return changed or fittable(view, self.plan.method)

    def _worth_building(self, view: Snapshot) -> bool:
        return bool(view.reduction.input_dim)

    def _published(
        self, view: Snapshot, reduction: Reduction, plan: IndexPlan, stop: StopFlag
    ) -> Generation:
        """Brings the server up to date with the catalogue, video by video."""
        index = self._index(reduction)
        held, out = index.videos(), frozenset(self._taken_out)
        rows = [r for r in self._library.feature_rows(self.extractor) if r.ordinal not in out]
        current = {row.ordinal: row.sha256 for row in rows}
        gone = {ordinal for ordinal, sha256 in held.items() if current.get(ordinal) != sha256}
        if gone:
            index.drop_videos(gone)
        self._waiting = False
        lacking = [row for row in rows if row.ordinal not in held or row.ordinal in gone]
        self._write(index, lacking, reduction, stop)
        if lacking:
            index.flush()
        frames = {row.ordinal: row.frames for row in rows}
        return served_generation(index, videos=index.videos(), frames=frames)

    def _write(
        self, index: MilvusIndex, rows: list[FeatureRow], reduction: Reduction, stop: StopFlag
    ) -> None:
        """Puts these videos into the server, some at a time. Raises Stopped and StoreError."""
        features = {row.ordinal: row.sha256 for row in rows}
        for few in _portions(rows):
            if stop.is_set():
                raise Stopped
            blocks = self._blocks_of(few, reduction)
            index.put_videos(
                [
                    ServedVideo(block.ordinal, block.ids, block.vectors, features[block.ordinal])
                    for block in blocks
                    if len(block.ids)
                ]
            )

    def _forget_old(self, reduction: Reduction, *, keep: int) -> None:
        """A collection is brought up to date in place: there are no old ones."""

    def _forget_others(self, keep: set[str]) -> None:
        kept = {f"{self._prefix()}{_short(reduction_id)}" for reduction_id in keep}
        drop_collections(self._server, prefix=self._prefix(), keep=kept)
        self._indexes = {name: i for name, i in self._indexes.items() if name in kept}
        forget_reductions(self._library, self.extractor, keep=keep)


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _portions(rows: Iterable[FeatureRow]) -> Iterator[list[FeatureRow]]:
    few: list[FeatureRow] = []
    for row in rows:
        few.append(row)
        if sum(r.frames for r in few) >= _WRITTEN_FRAMES:
            yield few
            few = []
    if few:
        yield few
