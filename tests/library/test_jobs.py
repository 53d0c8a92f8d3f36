"""The queue: every file ends in a state with a reason, and a crash costs at most one restart."""

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support.library_fakes import (
    EXTRACTOR,
    FRAMES,
    FakePipeline,
    content_id,
    fake_video_features,
    found_videos,
    open_space,
    small_settings,
)
from visil_dash.errors import (
    Cancelled,
    DiskFull,
    InputError,
    MediaRefused,
    NotFound,
    StoreError,
)
from visil_dash.library import jobs as jobs_module
from visil_dash.library.jobs import Worker
from visil_dash.library.jobtable import JobTable
from visil_dash.library.store import Library, open_library
from visil_dash.progress import Watch
from visil_dash.records import JobRecord, JobState
from visil_dash.settings import Settings


@dataclass
class Gate:
    """Lets a test hold a job inside the pipeline."""

    reached: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)

    def __call__(self, _job: JobRecord, _source: Path, watch: Watch) -> None:
        self.reached.set()
        while not self.go.wait(0.005):
            watch.check()


class Bench:
    def __init__(self, folder: Path, settings: Settings) -> None:
        self.library = open_library(folder, settings=settings)
        self.space = open_space(self.library)
        self.pipeline = FakePipeline(self.library, self.space)

    def worker(self, pipeline: object = None, **options: object) -> Worker:
        return Worker(
            self.library,
            pipeline or self.pipeline,  # type: ignore[arg-type]
            settings=self.library.settings,
            **options,  # type: ignore[arg-type]
        )


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path / "library", small_settings())
    yield made
    made.library.close()


def write(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def one(worker: Worker) -> JobRecord:
    [job] = worker.jobs()
    return job


# -- to the end -----------------------------------------------------------------------------


def test_a_file_becomes_an_indexed_video_and_stays_where_it_was(
    bench: Bench, tmp_path: Path
) -> None:
    file = write(tmp_path, "a.mp4", b"one")
    states: list[JobState] = []

    def pipeline(
        job: JobRecord, source: Path, *, enter: Callable[[JobState], None], watch: Watch
    ) -> str:
        states.append(worker.job(job.job_id).state)
        assert job.video_id == content_id(b"one")
        assert source.read_bytes() == b"one"
        assert source != file

        def entered(state: JobState) -> None:
            enter(state)
            states.append(worker.job(job.job_id).state)

        return bench.pipeline(job, source, enter=entered, watch=watch)

    worker = bench.worker(pipeline)
    queued = worker.enqueue(file, name="a.mp4")
    assert (queued.state, queued.name) == (JobState.RECEIVED, "a.mp4")
    worker.start()
    assert worker.wait_idle(30)
    job = one(worker)
    assert (job.state, job.video_id, job.reason) == (JobState.INDEXED, content_id(b"one"), "")
    assert (job.done, job.total) == (FRAMES, FRAMES)
    assert states == [
        JobState.HASHED,
        JobState.DECODING,
        JobState.FEATURES,
        JobState.COMMITTED,
    ]
    assert file.read_bytes() == b"one"
    assert not list(bench.library.folder.glob("incoming/*"))
    assert bench.library.has_features(job.video_id, extractor=EXTRACTOR)


def test_an_upload_is_moved_into_the_library(bench: Bench) -> None:
    staged = bench.library.stage("b.mp4")
    staged.write_bytes(b"two")
    worker = bench.worker()
    worker.enqueue(staged, name="b.mp4", staged=True)
    worker.start()
    assert worker.wait_idle(30)
    assert bench.library.media_path(one(worker).video_id).read_bytes() == b"two"
    assert not staged.exists()


def test_the_same_bytes_from_two_tabs_under_three_names_are_one_video(
    bench: Bench, tmp_path: Path
) -> None:
    """R7"""
    worker = bench.worker()
    worker.start()
    files = [write(tmp_path, name, b"same") for name in ("a.mp4", "b.mp4", "c.mp4")]
    tabs = [
        threading.Thread(target=worker.enqueue, args=(file,), kwargs={"name": file.name})
        for file in files
    ]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join()
    assert worker.wait_idle(30)
    jobs = worker.jobs()
    assert {job.state for job in jobs} == {JobState.INDEXED}
    assert [job.duplicate_of for job in jobs] == ["", content_id(b"same"), content_id(b"same")]
    [video] = bench.library.videos()
    assert {video.name, *video.other_names} == {"a.mp4", "b.mp4", "c.mp4"}
    assert len(bench.space) == FRAMES
    assert len(list(bench.library.folder.glob("media/*"))) == 1


# -- other ends -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "state", "reason"),
    [
        (MediaRefused("a.mp4", "it is no video", "add a video"), "refused", "it is no video"),
        (Cancelled("stopped"), "cancelled", "cancelled by the user"),
        (StoreError("the disk smokes"), "failed", "the disk smokes"),
        (ZeroDivisionError("by zero"), "failed", "unexpected ZeroDivisionError: by zero"),
    ],
)
def test_whatever_the_pipeline_raises_ends_one_job_with_a_reason(
    bench: Bench, tmp_path: Path, error: Exception, state: str, reason: str
) -> None:
    def fail(job: JobRecord, source: Path, **how: object) -> str:
        if job.name == "bad.mp4":
            raise error
        return bench.pipeline(job, source, **how)  # type: ignore[arg-type]

    worker = bench.worker(fail)
    worker.enqueue(write(tmp_path, "bad.mp4", b"bad"), name="bad.mp4")
    worker.enqueue(write(tmp_path, "good.mp4", b"good"), name="good.mp4")
    worker.start()
    assert worker.wait_idle(30)
    bad, good = worker.jobs()
    assert (bad.state, good.state) == (state, JobState.INDEXED)
    assert reason in bad.reason
    assert [v.name for v in bench.library.videos()] == ["good.mp4"]
    assert not list(bench.library.folder.glob("incoming/*"))


def test_paths_that_are_no_regular_files_are_refused_without_hanging(
    bench: Bench, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    target = write(tmp_path, "target.mp4", b"secret")
    (tmp_path / "link.mp4").symlink_to(target)
    (tmp_path / "folder.mp4").mkdir()
    write(tmp_path, "large.mp4", bytes(2000))
    worker = bench.worker(check=None)
    names = ["pipe.mp4", "link.mp4", "folder.mp4", "gone.mp4", "large.mp4"]
    limited = Worker(bench.library, bench.pipeline, settings=small_settings(max_file_bytes=1000))
    for name in names:
        limited.enqueue(tmp_path / name, name=name)
    limited.start()
    assert limited.wait_idle(30)
    jobs = {job.name: job for job in worker.jobs()}
    assert {job.state for job in jobs.values()} == {JobState.REFUSED}, jobs
    assert "not a regular file" in jobs["pipe.mp4"].reason
    assert "a link" in jobs["link.mp4"].reason
    assert "not a regular file" in jobs["folder.mp4"].reason
    assert "No such file" in jobs["gone.mp4"].reason
    assert "limit of 1000 bytes" in jobs["large.mp4"].reason


def test_a_check_refuses_before_anything_is_copied(bench: Bench, tmp_path: Path) -> None:
    def check(path: Path) -> None:
        raise MediaRefused(path.name, "it starts like a text", "add a video")

    worker = bench.worker(check=check)
    worker.enqueue(write(tmp_path, "a.mp4", b"text"), name="a.mp4")
    worker.start()
    assert worker.wait_idle(30)
    assert one(worker).reason == "a.mp4: it starts like a text. Add a video."
    assert one(worker).video_id == ""


# -- cancel, retry, clear -------------------------------------------------------------------


@pytest.fixture
def cancelled(bench: Bench, tmp_path: Path) -> tuple[Worker, JobRecord, JobRecord]:
    """A running job and a waiting one, both cancelled; nothing holds the worker up any more."""
    gate = Gate()
    bench.pipeline.before = gate
    worker = bench.worker()
    running = worker.enqueue(write(tmp_path, "a.mp4", b"one"), name="a.mp4")
    waiting = worker.enqueue(write(tmp_path, "b.mp4", b"two"), name="b.mp4")
    worker.start()
    assert gate.reached.wait(30)
    assert worker.job(running.job_id).state is JobState.DECODING
    assert not worker.wait_idle(0.01)
    worker.cancel(waiting.job_id)
    assert worker.job(waiting.job_id).state is JobState.CANCELLED
    worker.cancel(running.job_id)
    assert worker.wait_idle(30)
    gate.go.set()
    return worker, running, waiting


def test_a_waiting_job_and_a_running_one_can_be_cancelled(
    bench: Bench, cancelled: tuple[Worker, JobRecord, JobRecord]
) -> None:
    worker, running, _ = cancelled
    assert worker.job(running.job_id).state is JobState.CANCELLED
    assert bench.library.videos() == ()
    with pytest.raises(NotFound):
        worker.cancel("nobody")


def test_a_cancelled_job_can_be_retried_and_an_indexed_one_is_left_alone(
    cancelled: tuple[Worker, JobRecord, JobRecord],
) -> None:
    worker, running, waiting = cancelled
    for job in (running, waiting):
        assert worker.retry(job.job_id).state is JobState.RECEIVED
    assert worker.wait_idle(30)
    assert {job.state for job in worker.jobs()} == {JobState.INDEXED}
    with pytest.raises(InputError, match="is indexed"):
        worker.retry(running.job_id)
    worker.cancel(running.job_id)
    assert worker.job(running.job_id).state is JobState.INDEXED


def test_a_failed_upload_is_kept_for_a_retry_until_it_is_cleared(bench: Bench) -> None:
    outcome: list[Exception] = [StoreError("not today")]

    def sometimes(job: JobRecord, source: Path, **how: object) -> str:
        if outcome:
            raise outcome[0]
        return bench.pipeline(job, source, **how)  # type: ignore[arg-type]

    worker = bench.worker(sometimes)
    jobs = []
    for content in (b"one", b"two"):
        staged = bench.library.stage("u.mp4")
        staged.write_bytes(content)
        jobs.append(worker.enqueue(staged, name="u.mp4", staged=True))
    worker.start()
    assert worker.wait_idle(30)
    assert {job.state for job in worker.jobs()} == {JobState.FAILED}
    outcome.clear()
    worker.retry(jobs[0].job_id)
    assert worker.wait_idle(30)
    assert worker.job(jobs[0].job_id).state is JobState.INDEXED
    worker.clear_ended()
    assert worker.jobs() == ()
    assert not list(bench.library.folder.glob("incoming/*"))
    with pytest.raises(NotFound):
        worker.retry(jobs[1].job_id)


def test_a_refused_upload_cannot_be_retried(bench: Bench) -> None:
    def refuse(*_: object, **__: object) -> str:
        raise MediaRefused("u.mp4", "no", "")

    worker = bench.worker(refuse)
    staged = bench.library.stage("u.mp4")
    staged.write_bytes(b"one")
    job = worker.enqueue(staged, name="u.mp4", staged=True)
    worker.start()
    assert worker.wait_idle(30)
    assert not staged.exists()
    with pytest.raises(InputError, match="no longer there"):
        worker.retry(job.job_id)


# -- limits ---------------------------------------------------------------------------------


def upload(bench: Bench, content: bytes) -> Path:
    staged = bench.library.stage("u.mp4")
    staged.write_bytes(content)
    return staged


def test_an_upload_waits_for_room_while_the_queue_is_worked_on(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "library", small_settings(max_queue=2))
    worker = bench.worker()
    for content in (b"one", b"two"):
        worker.enqueue(upload(bench, content), name="u.mp4", staged=True)
    third = upload(bench, b"three")
    with pytest.raises(InputError, match="2 uploads are waiting already"):
        worker.enqueue(third, name="u.mp4", staged=True)  # for ever, without a worker
    worker.start()
    worker.enqueue(third, name="u.mp4", staged=True)
    assert worker.wait_idle(30)
    assert [job.state for job in worker.jobs()] == [JobState.INDEXED] * 3
    bench.library.close()


def test_files_with_a_path_of_their_own_have_no_limit_and_one_job_each(
    bench: Bench, tmp_path: Path
) -> None:
    bench = Bench(tmp_path / "other", small_settings(max_queue=2))
    files = [write(tmp_path, f"{i}.mp4", b"%d" % i) for i in range(5)]
    worker = bench.worker()
    first = worker.enqueue_paths(files[:3])
    jobs = worker.enqueue_paths([*files, files[4]])
    assert [job.name for job in jobs] == [f"{i}.mp4" for i in range(5)]
    assert jobs[:3] == first, "still waiting"
    assert worker.jobs() == tuple(jobs)
    worker.start()
    assert worker.wait_idle(30)
    assert len(bench.library.videos()) == 5
    bench.library.close()


def test_names_that_are_not_utf8_are_kept_apart_and_added(bench: Bench, tmp_path: Path) -> None:
    names = [os.fsdecode(b"caf\xe9.mp4"), os.fsdecode(b"caf\xe8.mp4"), "caf\u00e9.mp4"]
    worker = bench.worker()
    worker.enqueue_paths(
        [
            write(
                tmp_path,
                name,
                name.encode("utf-8", "replace") + name[:4].encode("utf-16", "surrogatepass"),
            )
            for name in names
        ]
    )
    gone = worker.enqueue(
        tmp_path / os.fsdecode(b"gone\xff.mp4"), name=os.fsdecode(b"gone\xff.mp4")
    )
    worker.start()
    assert worker.wait_idle(30)
    assert [v.name for v in bench.library.videos()] == ["caf%E9.mp4", "caf%E8.mp4", "caf\u00e9.mp4"]
    job = worker.job(gone.job_id)
    assert (job.state, job.name) == (JobState.REFUSED, "gone%FF.mp4")


def test_what_nobody_expected_pauses_the_queue_with_a_message_and_does_not_end_it(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs_module, "DISK_SECONDS", 0.005)
    wrong = [True]

    def check_disk(*_about: object, **_more: object) -> None:
        if wrong:
            raise ZeroDivisionError("by zero")

    worker = bench.worker()
    worker.enqueue(write(tmp_path, "a.mp4", b"one"), name="a.mp4")
    monkeypatch.setattr(Library, "check_disk", check_disk)
    worker.start()
    while not worker.paused:
        assert worker.started
        threading.Event().wait(0.005)
    assert "unexpected ZeroDivisionError" in worker.paused
    wrong.clear()
    while worker.paused:
        threading.Event().wait(0.005)
    assert worker.wait_idle(30)
    assert one(worker).state is JobState.INDEXED


def test_a_full_disk_pauses_the_queue_with_a_message_until_there_is_space(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs_module, "DISK_SECONDS", 0.005)
    free = [10]
    monkeypatch.setattr(Library, "free_bytes", lambda _self: free[0])
    worker = bench.worker()
    worker.enqueue(write(tmp_path, "a.mp4", b"one"), name="a.mp4")
    free[0] = -1
    with pytest.raises(StoreError, match="must stay free"):
        worker.enqueue(write(tmp_path, "b.mp4", b"two"), name="b.mp4")
    worker.start()
    while not worker.paused:
        threading.Event().wait(0.005)
    assert "a.mp4: not taken" in worker.paused
    assert not worker.wait_idle(30)
    assert one(worker).state is JobState.RECEIVED
    free[0] = 10
    while worker.paused:
        threading.Event().wait(0.005)
    assert worker.wait_idle(30)
    assert one(worker).state is JobState.INDEXED


def test_a_catalogue_on_a_full_disk_pauses_the_queue_and_the_job_is_done_later(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs_module, "DISK_SECONDS", 0.005)
    worker = bench.worker()
    worker.enqueue(write(tmp_path, "a.mp4", b"one"), name="a.mp4")
    update, full = JobTable.update, threading.Event()

    def failing(self: JobTable, job_id: str, **changes: object) -> None:
        if full.is_set() and changes.get("state") in ("features", "indexed", "failed", "received"):
            raise StoreError("The disk is full: nothing was changed.")
        update(self, job_id, **changes)

    monkeypatch.setattr(JobTable, "update", failing)
    full.set()
    worker.start()
    while not worker.paused:
        threading.Event().wait(0.005)
    assert "disk is full" in worker.paused
    assert one(worker).state is JobState.DECODING
    full.clear()
    while one(worker).state is not JobState.INDEXED:
        threading.Event().wait(0.005)
    assert worker.wait_idle(30)
    assert set(found_videos(bench.space, content_id(b"one"))) == {1}


@pytest.mark.parametrize(
    "full", [OSError(28, "No space left on device"), DiskFull("The disk is full.")], ids=type
)
def test_a_file_that_finds_no_room_waits_for_it_and_is_then_added(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full: Exception
) -> None:
    """The file is not at fault: a failure would need a person to start it again."""
    monkeypatch.setattr(jobs_module, "DISK_SECONDS", 0.005)
    free = [10]
    monkeypatch.setattr(Library, "free_bytes", lambda _self: free[0])
    tries = 0

    def first_full(job: JobRecord, source: Path, **how: object) -> str:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise full
        return bench.pipeline(job, source, **how)  # type: ignore[arg-type]

    worker = bench.worker(first_full)
    worker.enqueue(write(tmp_path, "a.mp4", b"one"), name="a.mp4")
    worker.start()
    while not worker.paused:
        threading.Event().wait(0.005)
    assert "disk is full" in worker.paused
    assert "Adding goes on by itself once there is room." in worker.paused
    assert one(worker).state is JobState.RECEIVED
    threading.Event().wait(0.1)
    assert tries == 1  # nothing was freed, so decoding it again would be for nothing
    free[0] = 20
    while one(worker).state is not JobState.INDEXED:
        threading.Event().wait(0.005)
    assert (tries, worker.paused) == (2, "")


# -- life -----------------------------------------------------------------------------------


def test_stopping_puts_the_running_job_back_and_a_start_takes_it_up(
    bench: Bench, tmp_path: Path
) -> None:
    gate = Gate()
    bench.pipeline.before = gate
    worker = bench.worker()
    assert not worker.jobs()
    worker.enqueue(write(tmp_path, "a.mp4", b"one"), name="a.mp4")
    assert not worker.wait_idle(1)
    for _ in range(4):  # more often than a crash may happen
        gate.reached.clear()
        worker.start()
        assert gate.reached.wait(30)
        worker.stop()
        assert one(worker).state is JobState.RECEIVED
    gate.go.set()
    worker.start()
    worker.start()
    assert worker.wait_idle(30)
    assert one(worker).state is JobState.INDEXED


def crash(bench: Bench, file: Path, state: JobState, attempts: int) -> None:
    """The row that a killed process leaves behind."""
    worker = bench.worker()
    job = worker.enqueue(file, name=file.name)
    JobTable(bench.library.catalogue).update(job.job_id, state=state.value, attempts=attempts)


@pytest.mark.parametrize(
    "state", [JobState.HASHED, JobState.DECODING, JobState.FEATURES, JobState.COMMITTED]
)
def test_a_job_that_a_crash_interrupted_is_restarted_once(
    bench: Bench, tmp_path: Path, state: JobState
) -> None:
    crash(bench, write(tmp_path, "a.mp4", b"one"), state, attempts=1)
    crash(bench, write(tmp_path, "b.mp4", b"two"), state, attempts=2)
    worker = bench.worker()
    worker.start()
    assert worker.wait_idle(30)
    once, twice = worker.jobs()
    assert once.state is JobState.INDEXED
    assert twice.state is JobState.FAILED
    assert "ended twice" in twice.reason


def test_a_job_that_crashed_after_its_upload_was_moved_is_finished(bench: Bench) -> None:
    staged = bench.library.stage("a.mp4")
    staged.write_bytes(b"one")
    worker = bench.worker()
    job = worker.enqueue(staged, name="a.mp4", staged=True)
    media = bench.library.folder / "media" / content_id(b"one")
    media.mkdir()
    staged.rename(media / "original")
    JobTable(bench.library.catalogue).update(
        job.job_id, state="features", attempts=1, video_id=content_id(b"one")
    )
    worker.start()
    assert worker.wait_idle(30)
    assert one(worker).state is JobState.INDEXED
    assert set(found_videos(bench.space, content_id(b"one"))) == {1}
    assert len(fake_video_features(content_id(b"one"))) == len(bench.space)


def test_half_a_copy_left_by_a_crash_is_not_taken_for_the_file(
    bench: Bench, tmp_path: Path
) -> None:
    file = write(tmp_path, "a.mp4", b"the whole file")
    crash(bench, file, JobState.RECEIVED, attempts=1)
    worker = bench.worker()
    staged = bench.library.stage("a.mp4")
    staged.with_name("copying").write_bytes(b"the wh")
    JobTable(bench.library.catalogue).update(one(worker).job_id, staged=str(staged))
    worker.start()
    assert worker.wait_idle(30)
    assert one(worker).video_id == content_id(b"the whole file")


def test_a_job_that_is_cleared_the_moment_it_ends_does_not_end_the_queue(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    update, worker = JobTable.update, bench.worker()

    def cleared_at_once(table: JobTable, job_id: str, **changes: Any) -> None:
        update(table, job_id, **changes)
        if "state" in changes and JobState(changes["state"]).ended:
            worker.clear_ended()

    monkeypatch.setattr(JobTable, "update", cleared_at_once)
    worker.start()
    for name in ("a.mp4", "b.mp4"):
        worker.enqueue(write(tmp_path, name, name.encode()), name=name)
        assert worker.wait_idle(30)
    assert sorted(video.name for video in bench.library.videos()) == ["a.mp4", "b.mp4"]


def test_an_upload_that_is_gone_fails_with_a_reason(bench: Bench) -> None:
    staged = bench.library.stage("a.mp4")
    staged.write_bytes(b"one")
    worker = bench.worker()
    worker.enqueue(staged, name="a.mp4", staged=True)
    staged.unlink()
    worker.start()
    assert worker.wait_idle(30)
    assert one(worker).state is JobState.FAILED
    assert "no longer there" in one(worker).reason
