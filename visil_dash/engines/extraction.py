"""Features that are extracted elsewhere: one piece of work per video, named by its content hash.

The jobs of a library stay in their order and in its one writer, which copies, commits and indexes.
What an engine does is begun ahead, for the files that wait next, and is asked for when their turn
comes. A result that does not come (a dead cluster, a file that only this machine sees) is made here
instead: an engine makes adding faster, and nothing depends on it.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from visil_dash.engines.ahead import Piece, Pool, PoolBroken, WorkAhead
from visil_dash.engines.opening import PoolOnDemand
from visil_dash.errors import MediaRefused
from visil_dash.library.blobs import sha256_file
from visil_dash.library.jobtable import JobTable
from visil_dash.library.paths import path_of
from visil_dash.library.store import Library
from visil_dash.progress import Watch

_LOG = logging.getLogger(__name__)
_WAITING_FACTOR = 4  # a piece may wait for as many others before its own time begins
_HASHED_KEPT = 10_000


@dataclass(frozen=True)
class PieceOutcome:
    """What came of a piece: its result; or why the file was refused (name, reason, remedy); or
    neither, where the worker does not see the bytes that were meant."""

    result: Any = None
    refused: tuple[str, str, str] | None = None


class ExtractionEngine:
    """Made by EngineOnDemand. `work` is called elsewhere with `path`, `name`, `video_id` and the
    `common` arguments, and returns a PieceOutcome."""

    def __init__(
        self,
        pool: Pool,
        library: Library,
        *,
        extractor: str,
        work: Callable[..., PieceOutcome],
        common: dict[str, Any],
    ) -> None:
        seconds = _WAITING_FACTOR * library.settings.child_wall_seconds
        self._ahead = WorkAhead(pool, seconds=seconds)
        self._library, self._extractor = library, extractor
        self._work, self._common = work, common
        self._hashed: dict[str, str] = {}  # content hash by job

    @property
    def name(self) -> str:
        return self._ahead.name

    def begin_waiting(self) -> None:
        """Begins the files that wait next, as many as there is room for."""
        room = self._ahead.room()
        if not room:
            return
        for row in JobTable(self._library.catalogue).waiting(room + self._ahead.flying):
            path = path_of(row["staged"] or row["source"])
            video_id = self._content_hash(row["job_id"], path)
            if video_id and not self._library.has_features(video_id, extractor=self._extractor):
                self._ahead.begin(video_id, self._piece(path, row["name"], video_id))

    def extracted(self, path: Path, *, name: str, video_id: str, watch: Watch) -> Any | None:
        """The result for this file; None where it is to be made here.

        Raises MediaRefused and Cancelled.
        """
        watch.count(f"Extracting by {self.name}, {self._ahead.flying} at work", 0, 0)
        try:
            outcome = self._ahead.result(video_id, self._piece(path, name, video_id), watch=watch)
        except PoolBroken as error:
            _LOG.warning("an engine returned nothing", exc_info=error)
            return None
        if outcome.refused is not None:
            raise MediaRefused(name, *outcome.refused[1:])
        return outcome.result

    def cancel(self) -> None:
        """Gives up what was begun."""
        self._ahead.cancel()

    def _piece(self, path: Path, name: str, video_id: str) -> Piece:
        about = {"path": str(path.absolute()), "name": name, "video_id": video_id}
        return Piece(self._work, about | self._common)

    def _content_hash(self, job_id: str, path: Path) -> str:
        """Empty where the file cannot be read: its job will report the reason."""
        if job_id not in self._hashed:
            try:
                digest = sha256_file(path)[0]
            except OSError:
                return ""
            if len(self._hashed) >= _HASHED_KEPT:
                self._hashed.clear()
            self._hashed[job_id] = digest
        return self._hashed[job_id]


def same_bytes(path: str, video_id: str) -> bool:
    """Whether a worker, perhaps on another machine, sees the bytes that were meant."""
    try:
        return sha256_file(Path(path))[0] == video_id
    except OSError:
        return False


class EngineOnDemand:
    """The engine that the library's settings name, opened with the first file; `work` and `common`
    as in ExtractionEngine."""

    def __init__(
        self,
        library: Library,
        *,
        extractor: str,
        work: Callable[..., PieceOutcome],
        common: dict[str, Any],
    ) -> None:
        self._library, self._extractor, self._work = library, extractor, work
        self._common = common
        self.pool = PoolOnDemand(library)
        self._engine: ExtractionEngine | None = None

    def open(self) -> None:
        """Raises InputError where it is not installed, StoreError where it does not answer."""
        self.pool.open()

    def begun(self) -> ExtractionEngine | None:
        """The engine, at work on the files that wait next; None where this process is to do it."""
        pool = self.pool.opened()
        if pool is not None and self._engine is None:
            self._engine = ExtractionEngine(
                pool,
                self._library,
                extractor=self._extractor,
                work=self._work,
                common=self._common,
            )
        if self._engine is not None:
            self._engine.begin_waiting()
        return self._engine

    def close(self) -> None:
        if self._engine is not None:
            self._engine.cancel()
        self.pool.close()
