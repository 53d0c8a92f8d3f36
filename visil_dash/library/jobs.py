"""The queue of files to be added to a library, and the one thread that processes it.

The table survives kill -9: a job that ran is started once more at the next start, and fails with a
reason if that ends the process again. The pipeline is injected; this module knows no models.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from visil_dash.errors import (
    Cancelled,
    DiskFull,
    InputError,
    MediaRefused,
    NotFound,
    StoreAway,
    VisilDashError,
    error_id,
)
from visil_dash.library.blobs import is_full
from visil_dash.library.job_files import Check, accept_all, discard, discard_if_done, hashed_source
from visil_dash.library.jobtable import JobTable
from visil_dash.library.paths import path_of, stored_path
from visil_dash.library.rows import clean_name
from visil_dash.library.store import Library
from visil_dash.progress import Progress, Watch
from visil_dash.records import JobRecord, JobState
from visil_dash.settings import Settings

_LOG = logging.getLogger(__name__)
_MOST_ATTEMPTS = 2  # one start and one restart after the process died
_PROGRESS_SECONDS = 1.0  # progress is written for viewers at most this often
_BY_USER = "cancelled by the user"
_LOOK_AGAIN_SECONDS = 0.5  # whether there is room for an upload
DISK_SECONDS = 2.0  # how often a full disk is checked again
FULL_SECONDS = 60.0  # after which a file that found no room is tried though nothing was freed


class Pipeline(Protocol):
    """Takes a staged file into the library and makes it findable.

    `source` holds the bytes whose sha256 is `job.video_id`, under a server-made name or, in place,
    where it lies; the pipeline moves it with put_video or leaves it with put_in_place. It calls
    `enter` with each state that the job reaches and counts sampled seconds for `watch`. It returns
    the video's id, or raises MediaRefused, Cancelled or another error. Doing the same job again
    must be harmless: it may run after a crash, and for bytes that are in the library already."""

    def __call__(
        self, job: JobRecord, source: Path, *, enter: Callable[[JobState], None], watch: Watch
    ) -> str: ...


@dataclass
class _Running:
    job_id: str
    cancel: threading.Event
    state: JobState
    done: float = 0.0
    total: float = 0.0


class Worker:
    """Owns the ingest of one library: `start` before jobs move, `stop` before the library closes.

    `check` refuses a path before it is copied (MediaRefused), by its first bytes for example."""

    def __init__(
        self,
        library: Library,
        pipeline: Pipeline,
        *,
        settings: Settings,
        check: Check = accept_all,
    ) -> None:
        self._library = library
        self._table = JobTable(library.catalogue)
        self._pipeline = pipeline
        self._settings = settings
        self._check = check
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._changed = threading.Condition()  # queue or running job changed
        self._running: _Running | None = None
        self._paused = ""
        library.on_close(self.stop)

    # -- state -----------------------------------------------------------------------------

    def jobs(self) -> tuple[JobRecord, ...]:
        """All jobs that were not cleared, in the order of their arrival."""
        return tuple(self._record(row) for row in self._table.rows())

    def job(self, job_id: str) -> JobRecord:
        """Raises NotFound."""
        return self._record(self._table.row(job_id))

    @property
    def paused(self) -> str:
        """Why no new job is started (a full disk); empty otherwise."""
        return self._paused

    def wait_idle(self, timeout: float | None = None) -> bool:
        """Waits until no job waits or runs. False when time is up, or the queue is paused or has no
        running worker."""
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            with self._changed:
                if self._running is None and self._table.next_waiting() is None:
                    return True
                if not self._is_working():
                    return False
                left = 1.0 if end is None else end - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(min(left, 1.0))

    # -- commands --------------------------------------------------------------------------

    def enqueue(self, path: Path, *, name: str, staged: bool = False) -> JobRecord:
        """Puts a file in the queue; `staged`: written to a path of library.stage().

        Other paths are copied by the worker when their turn comes. An upload, which takes disk
        while it waits, waits for room here when too many do. Raises InputError where no room can
        come, StoreError when the disk is full, StoreReadOnly for a viewer.
        """
        if not staged:
            return self._enqueue_sources([(name, path)])[0]
        self._library.require_writer()
        name = clean_name(name)
        self._library.check_disk(name)
        place, most = stored_path(path.absolute()), self._settings.max_queue
        while (row := self._table.add(name, staged=place, most=most)) is None:
            if not self._is_working():
                raise InputError(
                    name,
                    f"{most} uploads are waiting already, which is the limit",
                    "add it when some are done",
                )
            with self._changed:
                self._changed.wait(_LOOK_AGAIN_SECONDS)
        self._notify()
        return self._record(row)

    def enqueue_paths(self, paths: Iterable[Path], *, in_place: bool = False) -> list[JobRecord]:
        """Puts files in the queue, all or none: any number, as they take no disk while they wait.

        `in_place`: they are used where they lie, not copied. One job per path; a path whose job
        has not ended keeps it. Raises StoreError and StoreReadOnly.
        """
        return self._enqueue_sources([(path.name, path) for path in paths], in_place=in_place)

    def _enqueue_sources(
        self, named: Sequence[tuple[str, Path]], *, in_place: bool = False
    ) -> list[JobRecord]:
        self._library.require_writer()
        if not named:
            return []
        sources = [(clean_name(name), stored_path(path.absolute())) for name, path in named]
        self._library.check_disk(sources[0][0])
        rows = self._table.add_sources(sources, in_place=in_place)
        self._notify()
        return [self._record(row) for row in rows]

    def cancel(self, job_id: str) -> None:
        """Ends a waiting job at once and a running one at its next step; an ended one stays."""
        with self._changed:
            running = self._running
            if running is not None and running.job_id == job_id:
                running.cancel.set()
                return
        if not JobState(self._table.row(job_id)["state"]).ended:
            self._table.update(job_id, state=JobState.CANCELLED.value, reason=_BY_USER)
            self._notify()

    def retry(self, job_id: str) -> JobRecord:
        """Puts a failed, cancelled or refused job back in the queue.

        Raises InputError when its upload was not kept (refused) or its file is gone.
        """
        self._library.require_writer()
        row = self._table.row(job_id)
        if not JobState(row["state"]).ended or row["state"] == JobState.INDEXED:
            raise InputError(row["name"], f"its job is {row['state']}", "only ended jobs restart")
        if not any(path_of(row[key]).is_file() for key in ("staged", "source") if row[key]):
            raise InputError(row["name"], "its file is no longer there", "add it again")
        self._table.update(job_id, state=JobState.RECEIVED.value, reason="", attempts=0, done=0.0)
        self._notify()
        return self.job(job_id)

    def clear_ended(self) -> None:
        """Forgets ended jobs and the uploads that were kept for a retry."""
        self._library.require_writer()
        for job in self.jobs():
            if job.state.ended:
                with suppress(NotFound):  # another session clears them as well
                    discard(self._library, self._table.row(job.job_id))
                self._table.delete(job.job_id)

    # -- starting and stopping -------------------------------------------------------------

    def start(self) -> None:
        """Starts the thread, which first resumes interrupted jobs; harmless when it is running."""
        self._library.require_writer()
        if self._thread is not None and self._thread.is_alive():
            return
        self._recover()
        self._stopping.clear()
        self._thread = threading.Thread(target=self._work, name="ingest", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Interrupts the running job, which goes back to the queue, and waits for the thread."""
        self._stopping.set()
        self._notify()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    @property
    def started(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _is_working(self) -> bool:
        return not self._paused and self.started

    # -- inside ----------------------------------------------------------------------------

    def _recover(self) -> None:
        for job in self.jobs():
            if job.state.ended:
                continue
            row = self._table.row(job.job_id)
            if row["attempts"] >= _MOST_ATTEMPTS:
                self._table.update(
                    job.job_id,
                    state=JobState.FAILED.value,
                    reason="the program ended twice while working on this file",
                )
            elif row["state"] != JobState.RECEIVED:
                self._table.update(job.job_id, state=JobState.RECEIVED.value)

    def _work(self) -> None:
        interrupted: dict[str, Any] | None = None  # a job whose end could not be written
        while not self._stopping.is_set():
            try:
                if interrupted is not None:
                    again = {"state": JobState.RECEIVED.value, "attempts": interrupted["attempts"]}
                    self._table.update(interrupted["job_id"], **again)
                    interrupted = None
                waiting = self._table.next_waiting()
                if waiting is None:
                    with self._changed:
                        if not self._stopping.is_set() and self._table.next_waiting() is None:
                            self._changed.wait(1.0)
                    continue
                self._library.check_ready(waiting["name"])
                self._set_paused("")
                interrupted = waiting
                self._run(interrupted)
                interrupted = None
            except DiskFull as error:
                self._set_paused(f"{error} Adding goes on by itself once there is room.")
                self._wait_for_room(FULL_SECONDS if interrupted else DISK_SECONDS)
            except Exception as error:  # without this thread all that is added later would wait
                why = _reason(error).rstrip(".")
                self._set_paused(f"{why}. It is tried again every {DISK_SECONDS:g} seconds.")
                self._stopping.wait(DISK_SECONDS)

    def _wait_for_room(self, most: float) -> None:
        """Until some disk was freed; a quota's room is not seen, so for `most` seconds at most."""
        free, end = self._library.free_bytes(), time.monotonic() + most
        while not self._stopping.wait(DISK_SECONDS) and time.monotonic() < end:
            if self._library.free_bytes() > free:
                return

    def _run(self, row: dict[str, Any]) -> None:
        job_id = row["job_id"]
        running = _Running(job_id, threading.Event(), JobState.RECEIVED)
        with self._changed:
            self._running = running
        changes: dict[str, Any] = {}
        try:
            if JobState(self._table.row(job_id)["state"]).ended:  # cancelled since it was looked up
                return
            self._table.update(job_id, attempts=row["attempts"] + 1)
            changes = self._ingest(row, running)
        except Cancelled:
            if self._stopping.is_set() and not running.cancel.is_set():
                changes = {"state": JobState.RECEIVED.value, "attempts": row["attempts"]}
            else:
                changes = {"state": JobState.CANCELLED.value, "reason": _BY_USER}
        except MediaRefused as error:
            changes = {"state": JobState.REFUSED.value, "reason": str(error)}
        except (DiskFull, StoreAway):  # the file is not at fault: it waits
            changes = {"state": JobState.RECEIVED.value, "attempts": row["attempts"]}
            raise
        except Exception as error:  # one bad file must not end the queue: its job keeps the reason
            changes = {"state": JobState.FAILED.value, "reason": _reason(error)}
        finally:
            try:
                if changes:
                    facts = {"state": changes["state"], "job": job_id, "done": running.done}
                    _LOG.info("job left the worker", extra={"facts": facts})
                    self._table.update(job_id, done=running.done, total=running.total, **changes)
                    with suppress(NotFound):  # the ended jobs were cleared since, with their files
                        discard_if_done(self._library, self._table.row(job_id))
            finally:
                self._forget_running()

    def _forget_running(self) -> None:
        with self._changed:
            self._running = None
            self._changed.notify_all()

    def _ingest(self, row: dict[str, Any], running: _Running) -> dict[str, Any]:
        """Runs one job to its end and returns the changes of its row."""

        def stopped() -> bool:
            return running.cancel.is_set() or self._stopping.is_set()

        written = time.monotonic()

        def write() -> None:
            nonlocal written
            written = time.monotonic()
            self._table.update(
                running.job_id, state=running.state.value, done=running.done, total=running.total
            )
            self._notify()

        def enter(state: JobState) -> None:
            running.state = state
            write()

        def report(progress: Progress) -> None:
            running.done, running.total = progress.done, progress.total
            if time.monotonic() - written > _PROGRESS_SECONDS:
                write()

        source, video_id = hashed_source(
            self._library,
            row,
            check=self._check,
            max_bytes=self._settings.most_copied,
            watch=Watch(stopped=stopped),
        )
        known = self._library.has_video(video_id)
        duplicate = video_id if known and row["video_id"] != video_id else row["duplicate_of"]
        self._table.update(running.job_id, video_id=video_id, duplicate_of=duplicate)
        enter(JobState.HASHED)
        job = self._record(self._table.row(running.job_id))
        try:
            indexed = self._pipeline(job, source, enter=enter, watch=Watch(report, stopped))
        except OSError as error:
            if is_full(error):
                raise DiskFull(f"{job.name}: the disk is full. Free some space.") from error
            raise
        return {"state": JobState.INDEXED.value, "video_id": indexed, "reason": ""}

    def _set_paused(self, text: str) -> None:
        if bool(text) != bool(self._paused):
            _LOG.warning("adding pauses" if text else "adding goes on")
        self._paused = text
        self._notify()

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _record(self, row: dict[str, Any]) -> JobRecord:
        running = self._running
        done, total = row["done"], row["total"]
        if running is not None and running.job_id == row["job_id"]:
            done, total = running.done, running.total
        return JobRecord(
            job_id=row["job_id"],
            name=row["name"],
            state=JobState(row["state"]),
            done=done,
            total=total,
            reason=row["reason"],
            video_id=row["video_id"],
            duplicate_of=row["duplicate_of"],
            updated=row["updated"],
            source=row["source"],
            in_place=bool(row["in_place"]),
        )


def _reason(error: Exception) -> str:
    if isinstance(error, VisilDashError):
        return str(error)
    _LOG.error("a job failed unexpectedly", exc_info=error)
    return f"unexpected {type(error).__name__}: {error} (error {error_id(error)} in the log)"
