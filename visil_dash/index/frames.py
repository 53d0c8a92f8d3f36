"""The frame space of one extractor and reduction, which candidate generation searches.

The feature blobs are the truth; a generation is a cache of them. Changes make a new Snapshot and
swap the reference, so a search never waits and never sees half a change. Building happens in a
thread of its own; what changed meanwhile is carried over at the swap.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from visil_dash.index.build import StopFlag, Stopped, forget_old
from visil_dash.index.fitted import fittable
from visil_dash.index.former import leave_former_spaces
from visil_dash.index.generations import Generation
from visil_dash.index.loading import frames_with_signal
from visil_dash.index.plan import IndexPlan, keep_plan, stored_plans
from visil_dash.index.reader import TAIL_FRAMES, FrameReader
from visil_dash.index.rebuild import (
    EitherStop,
    RebuildRequest,
    forget_others,
    rebuilt,
    reduction_for,
)
from visil_dash.index.snapshot import Block, Snapshot
from visil_dash.library.store import Library
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.records import Array, IndexStatus
from visil_dash.reduction.pca import FULL, Reduction, identity

_TAIL_SHARE = 0.2
FIRST_BUILD_FRAMES = 512  # below, exact search is as fast as any index
_KEPT_GENERATIONS = 2


SpaceChange = Callable[[Reduction, Reduction], None]  # the former and the new reduction


class FrameSpace(FrameReader):
    """Made by open_frame_space. Any thread may search; only the writer makes changes."""

    engine = "hnswlib"
    retry_seconds = 60.0  # after which a failed build is tried again

    def __init__(
        self, library: Library, *, extractor: str, plan: IndexPlan, before_change: SpaceChange
    ) -> None:
        super().__init__(library, extractor=extractor, plan=plan)
        self._before_change = before_change
        self._builder: threading.Thread | None = None
        self._stop = threading.Event()
        self._failed_at = -self.retry_seconds
        self._failure = ""

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
            notice=" ".join(text for text in (self._degraded, self._failure, self._away) if text),
            engine=self.engine,
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
            ids, vectors = frames_with_signal(ordinal, vectors)
            block = Block(ordinal, ids, reduction(vectors))
            if view.holds(block):  # the same bytes added again
                return
            self._replace([block], gone={ordinal}, reduction=reduction)
        self._build_when_due()

    def remove_video(self, ordinal: int) -> None:
        """Nothing of the video is found from now on; unknown ordinals are no error."""
        with self._change:
            if ordinal in self._view.ordinals:
                self._replace([], gone={ordinal})
        self._build_when_due()

    def rebuild(self, *, background: bool = True, refit: bool = False) -> None:
        """Builds and publishes a new generation of everything that can be found now.

        `refit`: fit the reduction anew. A failure is raised in the foreground and reported by
        `status()` in the background. Raises StoreReadOnly for a viewer.
        """
        self._start(RebuildRequest(refit), background=background)

    def _start(self, request: RebuildRequest, *, background: bool) -> None:
        self._library.require_writer()
        while True:
            with self._change:
                builder = self._builder
                if builder is None:
                    builder = threading.Thread(
                        target=self._build_quietly, args=(request,), name="index-build", daemon=True
                    )
                    self._builder, self._failure = builder, ""
                    if background:
                        builder.start()
                        return
                    break
            if background:
                return
            self.wait()
        try:
            self._build(request)
        finally:
            self._builder = None

    def adopt(self, plan: IndexPlan, *, watch: Watch = UNWATCHED) -> None:
        """Builds and publishes a generation by `plan`, then puts both in force, in the foreground.

        Searches go on in the old space until then; whatever fails or is stopped before leaves it
        in force. Raises StoreReadOnly, InputError for too few frames, Stopped. Without a frame
        nothing is built and the plan stays.
        """
        self._start(RebuildRequest(plan=plan, watch=watch), background=False)

    def wait(self, timeout: float | None = None) -> bool:
        """Waits until no build runs; False when `timeout` seconds were not enough."""
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

    def close(self) -> None:
        """Stops a running build, which leaves no trace, and waits for it."""
        self._stop.set()
        self.wait()
        self._library.forget_on_close(self.close)

    # -- inside: building ------------------------------------------------------------------

    def _build_when_due(self) -> None:
        if self._library.read_only or self._builder is not None or self._stop.is_set():
            return
        if time.monotonic() - self._failed_at < self.retry_seconds:
            return
        if self._due(self._view):
            self.rebuild()

    def _due(self, view: Snapshot) -> bool:
        if view.generation is None:
            due = len(view) >= FIRST_BUILD_FRAMES
        else:
            changed = view.tail_frames + view.removed_frames
            due = changed > max(TAIL_FRAMES, _TAIL_SHARE * len(view.generation))
        return due or fittable(view, self.plan.method) or bool(self._degraded and len(view))

    def _build_quietly(self, request: RebuildRequest) -> None:
        try:
            self._build(request)
        except Stopped:
            pass
        except Exception as error:  # the thread ends here: `status()` reports it
            self._failed_at = time.monotonic()
            self._failure = f"The last rebuild of the index failed: {error} Searching goes on."
        finally:
            self._builder = None
        self._build_when_due()

    def _build(self, request: RebuildRequest) -> None:
        plan = request.plan or self.plan
        with self._change:
            view = self._view
            self._touched = set()
        kept = 1 if self._degraded else _KEPT_GENERATIONS  # damaged generations are deleted
        try:
            if not self._worth_building(view):
                return
            reduction = reduction_for(
                self._library, view, request, extractor=self.extractor, method=self.plan.method
            )
            stop = EitherStop(self._stop, request.watch)
            generation = self._published(view, reduction, plan, stop)
            if reduction is not view.reduction:
                self._before_change(view.reduction, reduction)
            reduced: dict[Block, Block | None] = {}
            while not self._swapped(generation, reduction, reduced, plan):
                pass
        finally:
            self._touched = None
        self._forget_old(reduction, keep=kept)
        if request.plan is not None:  # the one before stays, for taking the change back
            self._forget_others({view.reduction.reduction_id, reduction.reduction_id})

    def _worth_building(self, view: Snapshot) -> bool:
        return bool(len(view))

    def _published(
        self, view: Snapshot, reduction: Reduction, plan: IndexPlan, stop: StopFlag
    ) -> Generation:
        """A generation of the view's videos under `reduction`; raises Stopped and StoreError."""
        return rebuilt(
            self._library, view, reduction, extractor=self.extractor, plan=plan, stop=stop
        )

    def _forget_old(self, reduction: Reduction, *, keep: int) -> None:
        forget_old(self._library, self.extractor, reduction, keep=keep)

    def _forget_others(self, keep: set[str]) -> None:
        """Deletes what is stored under other reductions than those with these ids."""
        forget_others(self._library, self.extractor, keep=keep)

    def _swapped(
        self,
        generation: Generation,
        reduction: Reduction,
        reduced: dict[Block, Block | None],
        plan: IndexPlan,
    ) -> bool:
        """Puts the new generation in use with all that changed since its build began.

        False when tail videos must first be reduced anew, which happens outside the lock: they are
        added to `reduced`, as None when their blob turned out to be damaged.
        """
        with self._change:
            view, touched = self._view, self._touched or set()
            newer = [
                block
                for block in view.tail
                if block.ordinal not in generation.videos or block.ordinal in touched
            ]
            if reduction is view.reduction:
                reduced = dict(zip(newer, newer, strict=True))
            missing = [block for block in newer if block not in reduced]
            if not missing:
                if plan != self.plan:  # a crash from here on opens the new generation
                    keep_plan(self._library, self.extractor, plan)
                    self.plan = plan
                tail = (reduced[block] for block in newer)
                self._view = replace(
                    view,
                    reduction=reduction,
                    generation=generation,
                    tail=tuple(block for block in tail if block is not None),
                    removed=frozenset(touched & set(generation.videos)),
                    version=view.version + 1,
                )
                self._degraded = ""
                return True
        reduced |= self._reduced_anew(missing, view.reduction, reduction)
        return False

    def _reduced_anew(
        self, blocks: list[Block], former: Reduction, reduction: Reduction
    ) -> dict[Block, Block | None]:
        """The blocks under another reduction; None for one whose blob is damaged."""
        if former.method == FULL:
            return {b: Block(b.ordinal, b.ids, reduction(b.vectors)) for b in blocks}
        wanted = {block.ordinal for block in blocks}
        rows = (r for r in self._library.feature_rows(self.extractor) if r.ordinal in wanted)
        loaded = {block.ordinal: block for block in self._blocks(rows, reduction)}
        return {block: loaded.get(block.ordinal) for block in blocks}


def open_frame_space(
    library: Library,
    *,
    extractor: str,
    reduction: str | None = None,
    before_change: SpaceChange = lambda _former, _new: None,
) -> FrameSpace:
    """The frame space of the library for this extractor, verified against the catalogue.

    `reduction`: a method as IndexPlan names it, fitted on the library's own frames once it has
    2·dims of them and full until then; None: the plan in the library's settings. `before_change` is
    called with the former and the new reduction before searches use the new one, also where the
    former one is of vectors of any length. Where the index is missing, damaged or of something
    else, search is exact and a rebuild starts in the background; `status()` reports it.
    """
    plan = stored_plans(library, extractor).current
    if reduction is not None:
        plan = IndexPlan(reduction, plan.graph)
    space = _space_class(library)(
        library, extractor=extractor, plan=plan, before_change=before_change
    )
    library.on_close(space.close)
    space.sync()
    leave_former_spaces(
        library,
        extractor=extractor,
        method=plan.method,
        carry=lambda former: before_change(former, space.reduction),
    )
    space._build_when_due()
    return space


def _space_class(library: Library) -> type[FrameSpace]:
    if library.settings.index == "milvus":
        from visil_dash.index.served_space import ServedSpace  # which is a FrameSpace

        return ServedSpace
    return FrameSpace
