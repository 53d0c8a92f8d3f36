"""The reading half of a frame space: its present snapshot, kept in step with the catalogue."""

import threading
import time
from collections.abc import Iterable
from dataclasses import replace

from visil_dash.errors import StoreAway
from visil_dash.index.build import registered_generations
from visil_dash.index.loading import index_problems, loaded_blocks, opened_snapshot
from visil_dash.index.plan import IndexPlan
from visil_dash.index.snapshot import Block, Snapshot
from visil_dash.library.rows import FeatureRow
from visil_dash.library.store import Library
from visil_dash.records import Array
from visil_dash.reduction.pca import Reduction, identity

TAIL_FRAMES = 2000  # exact search over these costs about a millisecond per query frame
_VIEWER_SECONDS = 1.0  # how often a viewer looks for changes of the writer


class FrameReader:
    """Searches from any thread; follows the catalogue."""

    def __init__(self, library: Library, *, extractor: str, plan: IndexPlan) -> None:
        self.extractor = extractor
        self._library = library
        self.plan = plan
        self._change = threading.RLock()
        self._touched: set[int] | None = None  # videos gone or replaced since the build began
        self._degraded = self._away = ""
        self._looked_at = (0, 0.0)  # revision of the catalogue and when it was read
        self._view = Snapshot(identity(0), None, (), frozenset(), 0)

    def view(self) -> Snapshot:
        """The present state; hold it for all steps of one search, which then agree."""
        if self._library.read_only and time.monotonic() - self._looked_at[1] > _VIEWER_SECONDS:
            revision = self._library.revision()
            changed = revision != self._looked_at[0]
            self._looked_at = revision, time.monotonic()
            if changed:
                self._follow()
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

    def sync(self) -> None:
        """Follows the catalogue: adds its videos that are missing here, drops all others."""
        rows = self._library.feature_rows(self.extractor)
        with self._change:
            view = self._view
            present = view.ordinals
            wanted = {row.ordinal for row in rows}
            if not view.reduction.input_dim or self._behind(view):
                self._open(rows)
                return
            blocks = self._blocks((r for r in rows if r.ordinal not in present), view.reduction)
            gone = set(present - wanted)
            if blocks or gone:
                self._replace(blocks, gone=gone)

    def touch(self) -> None:
        """Counts a change of what may be found, so that cached results become stale."""
        with self._change:
            self._view = replace(self._view, version=self._view.version + 1)

    def verify(self) -> tuple[str, ...]:
        """Checks the index's files against manifest and catalogue; one sentence per problem."""
        return index_problems(self._library, self._view, extractor=self.extractor)

    # -- inside ----------------------------------------------------------------------------------

    def _follow(self) -> None:
        """Where new features cannot be fetched, what was searched before stays, and it looks
        again."""
        try:
            self.sync()
            self._away = ""
        except StoreAway as error:
            self._away = f"{error} Searching goes on without the latest videos."
            self._looked_at = -1, time.monotonic()

    def _replace(
        self, blocks: Iterable[Block], *, gone: set[int], reduction: Reduction | None = None
    ) -> None:
        """Swaps in a snapshot without `gone` and with `blocks`; the caller holds the lock."""
        view = self._view
        old = view.generation.videos.keys() if view.generation else set[int]()
        if self._touched is not None:
            self._touched |= gone
        self._view = replace(
            view,
            reduction=reduction or view.reduction,
            tail=(*(block for block in view.tail if block.ordinal not in gone), *blocks),
            removed=view.removed | (gone & old),
            version=view.version + 1,
        )

    def _behind(self, view: Snapshot) -> bool:
        """Whether a viewer's tail has grown long and the writer has published since."""
        if not self._library.read_only or view.tail_frames <= TAIL_FRAMES:
            return False
        published = registered_generations(self._library, self.extractor, view.reduction)
        return max(published, default=0) > (view.generation.number if view.generation else 0)

    def _open(self, rows: tuple[FeatureRow, ...]) -> None:
        view, problem = opened_snapshot(
            self._library,
            extractor=self.extractor,
            method=self.plan.method,
            rows=rows,
            version=self._view.version + 1,
        )
        with self._change:
            self._view = view
        self._degraded = f"{problem} Searching goes on; a rebuild mends it." if problem else ""

    def _blocks(self, rows: Iterable[FeatureRow], reduction: Reduction) -> list[Block]:
        return loaded_blocks(self._library, rows, extractor=self.extractor, reduction=reduction)
