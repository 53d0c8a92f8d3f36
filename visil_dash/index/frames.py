"""The frame space of one extractor and reduction: what candidate generation searches.

Truth are the feature blobs; the generation is a cache of them. Changes make a new Snapshot and
swap the reference, so a search never waits and never sees half a change. Building happens in a
thread of its own; what changed meanwhile is carried over at the swap.
"""

import threading
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from visil_dash.errors import NotFound, StoreDamaged, StoreMismatch
from visil_dash.index.generations import (
    Generation,
    Identity,
    Registered,
    clean_up,
    open_best,
    publish,
)
from visil_dash.index.hnsw import HnswIndex
from visil_dash.index.snapshot import Block, Snapshot, frame_ids, split_ids
from visil_dash.library import catalogue as tables
from visil_dash.library.blobs import safe_id
from visil_dash.library.catalogue import checked_rows, now, put_row, set_aside
from visil_dash.library.store import FeatureRow, Library
from visil_dash.records import Array, IndexStatus
from visil_dash.reduction import (
    DEFAULT_DIM,
    FRAMES_PER_DIM,
    FULL,
    Reduction,
    fit_pca,
    identity,
    load_reduction,
    save_reduction,
)
from visil_dash.settings import Settings

__all__ = ["FrameSpace", "Snapshot", "frame_ids", "open_frame_space", "split_ids"]

AUTO = f"pca{DEFAULT_DIM}"
TAIL_FRAMES = 2000  # exact search over so few costs about a millisecond a query frame
TAIL_SHARE = 0.2
FIRST_BUILD_FRAMES = 512  # below, exact search is as fast as any index
KEPT_GENERATIONS = 2
CHUNK = 2000  # frames added between two looks at the stop flag
FIT_BYTES = 768 * 1024**2  # most full frame vectors held while fitting, float32
VIEWER_SECONDS = 1.0  # how often a viewer looks for changes of the writer
RETRY_SECONDS = 60.0  # a failed build is not tried again by itself before


class FrameSpace:
    """Made by open_frame_space. Search from any thread; changes come from the writer's."""

    def __init__(
        self, library: Library, *, extractor: str, method: str, settings: Settings
    ) -> None:
        self.extractor = extractor
        self._library = library
        self._method = method
        self._settings = settings
        self._change = threading.RLock()
        self._touched: set[int] | None = None  # videos gone or replaced since the build began
        self._builder: threading.Thread | None = None
        self._stop = threading.Event()
        self._degraded = ""
        self._failed_at = -RETRY_SECONDS
        self._failure = ""
        self._looked_at = (0, 0.0)  # revision of the catalogue and when it was read
        self._view = Snapshot(identity(0), None, (), frozenset(), 0)

    # -- reading ---------------------------------------------------------------------------

    def view(self) -> Snapshot:
        """The present state; hold it for all steps of one search, which then agree."""
        if self._library.read_only and time.monotonic() - self._looked_at[1] > VIEWER_SECONDS:
            revision = self._library.revision()
            changed = revision != self._looked_at[0]
            self._looked_at = revision, time.monotonic()
            if changed:
                self.sync()
        return self._view

    def __len__(self) -> int:
        """Frames that can be found."""
        return len(self.view())

    @property
    def reduction(self) -> Reduction:
        """From frame vectors `[N, R·D]` to what `search` takes, `[N, d]`."""
        return self.view().reduction

    @property
    def version(self) -> int:
        """Grows with each change of what can be found or how."""
        return self.view().version

    def search(self, queries: Array, k: int) -> tuple[Array, Array]:
        """As Snapshot.search, on the present state."""
        return self.view().search(queries, k)

    def exact_search(self, queries: Array, k: int) -> tuple[Array, Array]:
        return self.view().exact_search(queries, k)

    def vectors_of(self, ids: Array) -> Array:
        return self.view().vectors_of(ids)

    def snapshot(self) -> tuple[Array, Array]:
        """Frame ids `[N]` and reduced vectors `[N, d]` of everything that can be found."""
        view = self.view()
        return view.ids, view.vectors

    def status(self) -> IndexStatus:
        view = self.view()
        building = self._builder is not None
        state = "empty"
        if building:
            state = "rebuilding"
        elif self._degraded:
            state = "degraded"
        elif len(view):
            state = "ready"
        return IndexStatus(
            state=state,
            generation=view.generation.number if view.generation else 0,
            frames=len(view),
            tail_frames=view.tail_frames,
            removed_frames=view.removed_frames,
            dim=view.reduction.dim,
            reduction=view.reduction.reduction_id,
            bytes=view.generation.bytes if view.generation else 0,
            notice=" ".join(text for text in (self._degraded, self._failure) if text),
        )

    # -- changing --------------------------------------------------------------------------

    def add_video(self, ordinal: int, vectors: Array) -> None:
        """Makes a video findable: its full frame vectors `[T, R·D]`, as VideoFeatures has them.

        Rounded to half precision first, as the blobs are, so that a rebuild changes no distance.
        """
        vectors = np.asarray(vectors, np.float16).astype(np.float32)
        with self._change:
            view = self._view
            reduction = view.reduction
            if not reduction.input_dim:
                reduction = identity(vectors.shape[1])
            block = Block(ordinal, reduction(vectors))
            if self._has(view, block):  # the same bytes added again
                return
            self._replace([block], gone={ordinal}, reduction=reduction)
        self._build_when_due()

    def remove_video(self, ordinal: int) -> None:
        """Nothing of the video is found from now on; unknown ordinals are no error."""
        with self._change:
            if ordinal in self._view.ordinals:
                self._replace([], gone={ordinal})
        self._build_when_due()

    def sync(self) -> None:
        """Follows the catalogue: takes in what it has and this space lacks, drops the rest."""
        rows = self._library.feature_rows(self.extractor)
        with self._change:
            view = self._view
            present = view.ordinals
            wanted = {row.ordinal for row in rows}
            behind = self._library.read_only and view.tail_frames > TAIL_FRAMES
            if not view.reduction.input_dim or behind:
                self._open(rows)
                return
            blocks = self._blocks((r for r in rows if r.ordinal not in present), view.reduction)
            gone = set(present - wanted)
            if blocks or gone:
                self._replace(blocks, gone=gone)

    def rebuild(self, *, background: bool = True, refit: bool = False) -> None:
        """Builds and publishes a new generation of everything that can be found now.

        `refit`: fit the reduction anew. In the foreground it raises what goes wrong; in the
        background the status tells. Raises StoreReadOnly for a viewer.
        """
        self._library.require_writer()
        while True:
            with self._change:
                builder = self._builder
                if builder is None:
                    builder = threading.Thread(
                        target=self._build_quietly, args=(refit,), name="index-build", daemon=True
                    )
                    self._builder, self._failure = builder, ""
                    if background:
                        builder.start()
                        return
                    break
            if background:
                return
            builder.join()
        try:
            self._build(refit)
        finally:
            self._builder = None

    def wait(self, timeout: float | None = None) -> bool:
        """Until no build runs; False when `timeout` seconds were not enough."""
        end = None if timeout is None else time.monotonic() + timeout
        while (builder := self._builder) is not None:
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                return False
            if builder.ident is None:  # a foreground build of another thread
                time.sleep(0.01)
            else:
                builder.join(left)
        return True

    def verify(self) -> tuple[str, ...]:
        """Checks the index's files against manifest and catalogue; sentences on what is wrong."""
        view = self._view
        if not view.reduction.input_dim:
            return ()
        rows = self._library.feature_rows(self.extractor)
        _, problems = open_best(
            self._folder(view.reduction),
            identity=self._identity(view.reduction, rows),
            registered=self._registered(view.reduction),
        )
        missing = {row.ordinal for row in rows} - view.ordinals
        if missing:
            problems = (*problems, f"{len(missing)} videos are not in the index.")
        return problems

    def close(self) -> None:
        """Stops a running build, which leaves no trace, and waits for it."""
        self._stop.set()
        self.wait()

    # -- inside: state ---------------------------------------------------------------------

    @staticmethod
    def _has(view: Snapshot, block: Block) -> bool:
        if block.ordinal not in view.ordinals:
            return False
        mine = split_ids(view.ids)[0] == block.ordinal
        return np.array_equal(view.vectors[mine], block.vectors)

    def _replace(
        self, blocks: Iterable[Block], *, gone: set[int], reduction: Reduction | None = None
    ) -> None:
        """Swaps in a snapshot without `gone` and with `blocks`; the caller holds the lock."""
        view = self._view
        old = set(view.generation.videos) if view.generation else set()
        if self._touched is not None:
            self._touched |= gone
        self._view = Snapshot(
            reduction or view.reduction,
            view.generation,
            (*(block for block in view.tail if block.ordinal not in gone), *blocks),
            view.removed | (gone & old),
            view.version + 1,
        )

    def _open(self, rows: tuple[FeatureRow, ...]) -> None:
        """From disk: reduction, best generation, and from blobs what that lacks."""
        if not rows:
            return
        reduction = self._stored_reduction(rows[0].regions * rows[0].dim)
        registered = self._registered(reduction)
        generation, problems = open_best(
            self._folder(reduction),
            identity=self._identity(reduction, rows),
            registered=registered,
        )
        kept: dict[int, tuple[int, str]] = generation.videos if generation else {}
        current = {row.ordinal: (row.frames, row.sha256) for row in rows}
        stale = frozenset(o for o, facts in kept.items() if current.get(o) != facts)
        lacking = (row for row in rows if row.ordinal not in kept or row.ordinal in stale)
        if problems:
            self._degraded = f"{' '.join(problems)} Searching goes on; rebuilding mends it."
        with self._change:
            blocks = tuple(self._blocks(lacking, reduction))
            self._view = Snapshot(reduction, generation, blocks, stale, self._view.version + 1)

    def _blocks(self, rows: Iterable[FeatureRow], reduction: Reduction) -> list[Block]:
        """Reduced vectors from the blobs; damaged blobs are set aside and told."""
        blocks = []
        for row in rows:
            try:
                features = self._library.features(row.video_id, extractor=self.extractor)
            except NotFound:  # removed meanwhile
                continue
            except (StoreDamaged, StoreMismatch) as error:
                if self._library.read_only:
                    self._library.add_notice(str(error))
                else:
                    self._library.quarantine_features(
                        row.video_id, extractor=self.extractor, reason=str(error)
                    )
                continue
            blocks.append(Block(row.ordinal, reduction(features.frame_vectors)))
        return blocks

    # -- inside: reductions ----------------------------------------------------------------

    def _stored_reduction(self, input_dim: int) -> Reduction:
        """The newest fitted reduction of this method; the full one where there is none."""
        for row in self._reduction_rows():
            path = self._reduction_path(row["reduction_id"])
            try:
                reduction = load_reduction(path, extractor=self.extractor, sha256=row["sha256"])
                if reduction.input_dim != input_dim:
                    raise StoreMismatch(f"{path}: reduces {reduction.input_dim} dimensions.")
                return reduction
            except (StoreDamaged, StoreMismatch) as error:
                self._degraded = f"{error} It is fitted anew."
                if not self._library.read_only:
                    self._forget_reduction(row["reduction_id"])
        return identity(input_dim)

    def _reduction_rows(self) -> list[dict[str, str]]:
        with self._library.catalogue.read() as connection:
            rows = checked_rows(
                connection,
                tables.reductions,
                tables.reductions.c.extractor == self.extractor,
                tables.reductions.c.method == self._method,
            )
        return sorted(rows, key=lambda row: row["added"], reverse=True)

    def _reduction_path(self, reduction_id: str) -> Path:
        folder = self._library.folder / "reductions" / safe_id(self.extractor)
        return folder / f"{safe_id(reduction_id)}.safetensors"

    def _forget_reduction(self, reduction_id: str) -> None:
        with self._library.catalogue.write() as connection:
            connection.execute(
                tables.reductions.delete().where(
                    tables.reductions.c.extractor == self.extractor,
                    tables.reductions.c.reduction_id == reduction_id,
                )
            )
        path = self._reduction_path(reduction_id)
        if path.exists():
            set_aside(path, self._library.folder / "quarantine")

    def _fittable(self, view: Snapshot) -> bool:
        """Whether the reduction that was asked for is still to be fitted and can be."""
        dim = _fitted_dim(self._method)
        return (
            dim is not None
            and view.reduction.method == FULL
            and dim < view.reduction.input_dim
            and len(view) >= FRAMES_PER_DIM * dim
        )

    def _fit(self, view: Snapshot) -> Reduction:
        dim = _fitted_dim(self._method)
        if dim is None:
            return view.reduction
        reduction = fit_pca(self._full_sample(view), dim)
        path = self._reduction_path(reduction.reduction_id)
        digest = save_reduction(reduction, path, extractor=self.extractor, step=self._library.step)
        with self._library.catalogue.write() as connection:
            row = {
                "extractor": self.extractor,
                "reduction_id": reduction.reduction_id,
                "method": reduction.method,
                "sha256": digest,
                "input_dim": reduction.input_dim,
                "dim": reduction.dim,
                "added": now(),
            }
            put_row(connection, tables.reductions, row)
        return reduction

    def _full_sample(self, view: Snapshot) -> Array:
        """Full frame vectors, all or evenly spread, within FIT_BYTES."""
        most = max(FIT_BYTES // (4 * view.reduction.input_dim), 2 * FRAMES_PER_DIM)
        every = -(-len(view) // most)
        if view.reduction.method == FULL:
            sample: Array = view.vectors[::every]
            return sample
        parts = []
        for row in self._library.feature_rows(self.extractor):
            if row.ordinal in view.ordinals:
                features = self._library.features(row.video_id, extractor=self.extractor)
                parts.append(features.frame_vectors[::every])
        return np.concatenate(parts)

    # -- inside: generations ---------------------------------------------------------------

    def _folder(self, reduction: Reduction) -> Path:
        place = self._library.folder / "index" / safe_id(self.extractor)
        return place / safe_id(reduction.reduction_id)

    def _identity(self, reduction: Reduction, rows: tuple[FeatureRow, ...]) -> Identity:
        weights = rows[0].weights_sha256 if rows else ""
        return Identity(self.extractor, weights, reduction.reduction_id, reduction.dim)

    def _registered(self, reduction: Reduction) -> dict[int, Registered]:
        with self._library.catalogue.read() as connection:
            rows = checked_rows(
                connection,
                tables.generations,
                tables.generations.c.extractor == self.extractor,
                tables.generations.c.reduction_id == reduction.reduction_id,
            )
        return {
            row["number"]: Registered(row["manifest_sha256"], row["frames"], row["dim"])
            for row in rows
        }

    def _build_when_due(self) -> None:
        if self._library.read_only or self._builder is not None or self._stop.is_set():
            return
        if time.monotonic() - self._failed_at < RETRY_SECONDS:
            return
        view = self._view
        if view.generation is None:
            due = len(view) >= FIRST_BUILD_FRAMES
        else:
            changed = view.tail_frames + view.removed_frames
            due = changed > max(TAIL_FRAMES, TAIL_SHARE * len(view.generation))
        if due or self._fittable(view) or (self._degraded and len(view)):
            self.rebuild()

    def _build_quietly(self, refit: bool) -> None:
        try:
            self._build(refit)
        except _Stopped:
            pass
        except Exception as error:  # the thread ends here: the status tells
            self._failed_at = time.monotonic()
            self._failure = f"The last rebuild of the index failed: {error} Searching goes on."
        finally:
            self._builder = None
        self._build_when_due()

    def _build(self, refit: bool) -> None:
        with self._change:
            view = self._view
            self._touched = set()
        kept = 1 if self._degraded else KEPT_GENERATIONS  # what was found damaged goes
        try:
            if not len(view):
                return
            self._library.check_disk("Index", need=3 * 4 * len(view) * view.reduction.dim)
            reduction = self._fit(view) if refit or self._fittable(view) else view.reduction
            generation = self._published(view, reduction)
            blocks: dict[int, Block] = {}
            while not self._swapped(generation, reduction, blocks):
                pass
        finally:
            self._touched = None
        with self._library.catalogue.write() as connection:
            keep = sorted(self._registered(reduction), reverse=True)[:kept]
            connection.execute(
                tables.generations.delete().where(
                    tables.generations.c.extractor == self.extractor,
                    tables.generations.c.reduction_id == reduction.reduction_id,
                    tables.generations.c.number.not_in(keep),
                )
            )
        clean_up(self._folder(reduction), keep=set(keep), step=self._library.step)

    def _published(self, view: Snapshot, reduction: Reduction) -> Generation:
        rows = self._library.feature_rows(self.extractor)
        ids, vectors = view.ids, view.vectors
        if reduction is not view.reduction:
            if view.reduction.method == FULL:
                vectors = reduction(vectors)
            else:
                blocks = self._blocks((r for r in rows if r.ordinal in view.ordinals), reduction)
                ids = np.concatenate([frame_ids(b.ordinal, len(b.vectors)) for b in blocks])
                vectors = np.concatenate([block.vectors for block in blocks])
        order = np.argsort(ids)
        ids, vectors = ids[order], np.ascontiguousarray(vectors[order])
        ordinals, counts = np.unique(split_ids(ids)[0], return_counts=True)
        sha = {row.ordinal: row.sha256 for row in rows}
        videos = {
            ordinal: (count, sha.get(ordinal, ""))
            for ordinal, count in zip(ordinals.tolist(), counts.tolist(), strict=True)
        }
        index = HnswIndex(reduction.dim, capacity=len(ids), threads=self._settings.threads)
        # In random order: videos one after the other leave the graph in islands, and a search
        # that starts on the wrong one misses (recall@10 0.83 instead of 1.00 on 300 videos).
        shuffled = np.random.default_rng(1).permutation(len(ids))
        for start in range(0, len(ids), CHUNK):
            if self._stop.is_set():
                raise _Stopped
            part = shuffled[start : start + CHUNK]
            index.add(vectors[part], ids[part])
        number = 1 + max(
            [0, *self._registered(reduction)]
            + ([view.generation.number] if view.generation else [])
        )
        return publish(
            self._folder(reduction),
            number=number,
            identity=self._identity(reduction, rows),
            index=index,
            ids=ids,
            vectors=vectors,
            videos=videos,
            register=lambda n, facts: self._register(reduction, n, facts),
            step=self._library.step,
        )

    def _register(self, reduction: Reduction, number: int, facts: Registered) -> None:
        row = {
            "extractor": self.extractor,
            "reduction_id": reduction.reduction_id,
            "number": number,
            "manifest_sha256": facts.manifest_sha256,
            "frames": facts.frames,
            "dim": facts.dim,
            "added": now(),
        }
        with self._library.catalogue.write() as connection:
            put_row(connection, tables.generations, row)

    def _swapped(
        self, generation: Generation, reduction: Reduction, blocks: dict[int, Block]
    ) -> bool:
        """Puts the new generation in use with all that changed since its build began.

        False when tail videos are first to be reduced anew, which happens outside the lock;
        they collect in `blocks`.
        """
        with self._change:
            view, touched = self._view, self._touched or set()
            newer = [b for b in view.tail if b.ordinal not in generation.videos]
            newer += [
                b for b in view.tail if b.ordinal in generation.videos and b.ordinal in touched
            ]
            same = reduction is view.reduction
            lacking = [b for b in newer if not same and b.ordinal not in blocks]
            if not lacking:
                self._view = Snapshot(
                    reduction,
                    generation,
                    tuple(b if same else blocks[b.ordinal] for b in newer),
                    frozenset(touched & set(generation.videos)),
                    view.version + 1,
                )
                self._degraded = ""
                return True
        if view.reduction.method == FULL:
            blocks |= {b.ordinal: Block(b.ordinal, reduction(b.vectors)) for b in lacking}
        else:
            wanted = {b.ordinal for b in lacking}
            rows = (r for r in self._library.feature_rows(self.extractor) if r.ordinal in wanted)
            blocks |= {b.ordinal: b for b in self._blocks(rows, reduction)}
        return False


class _Stopped(Exception):
    """The space is being closed."""


def open_frame_space(
    library: Library, *, extractor: str, reduction: str = AUTO, settings: Settings
) -> FrameSpace:
    """The frame space of the library for this extractor, verified against the catalogue.

    `reduction`: "full" or "pca<dims>", fitted on the library's own frames once it has 2·dims of
    them and full until then. Where the index is missing, damaged or of something else, search is
    exact and a rebuild starts in the background; `status()` says so.
    """
    if reduction != FULL and _fitted_dim(reduction) is None:
        raise ValueError(f"reduction: expected full or pca<dims>, got {reduction!r}")
    space = FrameSpace(library, extractor=extractor, method=reduction, settings=settings)
    library.on_close(space.close)
    space.sync()
    space._build_when_due()
    return space


def _fitted_dim(method: str) -> int | None:
    digits = method.removeprefix("pca")
    return int(digits) if digits != method and digits.isdigit() and int(digits) else None
