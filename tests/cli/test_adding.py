"""`add` of large folders and odd names: nothing is lost when it is interrupted."""

import _thread
import json
import os
import signal
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.fakes import FAKE_DIM, fake_model
from tests.support.hostile import make_unreadable
from tests.support.library_fakes import fake_info
from visil_dash.cli.main import main
from visil_dash.index.frames import FrameSpace
from visil_dash.library.jobs import Worker
from visil_dash.library.store import Library, open_library
from visil_dash.progress import Watch
from visil_dash.records import JobRecord, JobState, VideoFeatures
from visil_dash.settings import Settings
from visil_dash.workbench.ingest import feature_manifest

Shell = Callable[..., tuple[int, str, str]]
HEAD = struct.pack(">I4s4sI4s4s", 24, b"ftyp", b"isom", 0, b"isom", b"mp42")


def tiny_files(folder: Path, count: int) -> None:
    """MP4 files that differ in a trailing `free` box alone."""
    folder.mkdir()
    for number in range(count):
        box = struct.pack(">I4sI", 12, b"free", number)
        (folder / f"{number:04}.mp4").write_bytes(HEAD + box)


class Ingest:
    """Features from the id, without decoding; presses Ctrl-C when it begins the n-th file."""

    def __init__(self) -> None:
        self.begun, self.interrupt_at = 0, 0

    def __call__(
        self, job: JobRecord, source: Path, *, library: Library, space: FrameSpace, **how: Any
    ) -> str:
        self.begun += 1
        if self.begun == self.interrupt_at:
            _thread.interrupt_main()
            stopped: Watch = how["watch"]
            end = time.monotonic() + 60
            while not stopped.stopped() and time.monotonic() < end:
                time.sleep(0.01)  # the command stops the worker when it is scheduled, not at once
        random = np.random.default_rng(int(job.video_id[:12], 16))
        regions = random.normal(size=(1, 9, FAKE_DIM)).astype(np.float16)
        model = fake_model()
        record = library.put_video(source, name=job.name, info=fake_info(), video_id=job.video_id)
        features = VideoFeatures(job.video_id, model.extractor, regions, np.zeros(1))
        library.put_features(features, feature_manifest(model, rate=1.0))
        space.add_video(record.ordinal, features.frame_vectors)
        return record.video_id


@pytest.fixture
def ingest(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ingest]:
    made = Ingest()
    # A shell starts what it sends to the background with Ctrl-C ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    monkeypatch.setattr("visil_dash.workbench.bench.load_model", lambda _name, **_kw: fake_model())
    monkeypatch.setattr("visil_dash.workbench.bench.ingest", made)
    settings = Settings(min_free_bytes=0, threads=1, max_queue=5)
    monkeypatch.setattr("visil_dash.cli.main.get_settings", lambda: settings)
    yield made
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def shell(ingest: Ingest, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Shell:
    def run(*arguments: str | Path) -> tuple[int, str, str]:
        code = main([*map(str, arguments), "--library", str(tmp_path / "library")])
        return (code, *capsys.readouterr())

    return run


def names(folder: Path) -> list[str]:
    with open_library(folder, settings=Settings(min_free_bytes=0)) as library:
        return [video.name for video in library.videos()]


@pytest.mark.slow
@pytest.mark.parametrize("count", [12, pytest.param(1100, marks=pytest.mark.night)])
def test_a_folder_larger_than_the_queue_is_added_whole_though_interrupted_twice(
    shell: Shell, ingest: Ingest, tmp_path: Path, count: int
) -> None:
    tiny_files(tmp_path / "videos", count)
    ingest.interrupt_at = count // 4
    code, _, err = shell("add", tmp_path / "videos")
    assert code == 2
    waiting = count - len(names(tmp_path / "library"))
    assert 0 < waiting < count
    assert f"{waiting:,} files are still waiting to be added" in err

    code, _, err = shell("list")
    assert code == 0
    assert f"note: {waiting:,} files are still waiting to be added" in err
    assert "python -m visil_dash add" in err

    ingest.interrupt_at = ingest.begun + count // 4
    code, _, err = shell("add", tmp_path / "videos")
    assert code == 2
    assert f"continuing with {waiting:,} files of an earlier add" in err

    code, out, err = shell("add")
    assert code == 0
    assert "added, 0 not added" in out
    assert names(tmp_path / "library") == [f"{number:04}.mp4" for number in range(count)]
    assert "waiting" not in shell("list")[2]


def test_files_that_still_wait_can_be_dropped(shell: Shell, tmp_path: Path) -> None:
    with open_library(tmp_path / "library", settings=Settings(min_free_bytes=0)) as library:
        worker = Worker(library, lambda *_a, **_k: "", settings=library.settings)  # never started
        worker.enqueue_paths([tmp_path / "gone" / f"{i}.mp4" for i in range(3)])
    code, out, _ = shell("add", "--drop-waiting", "--json")
    assert (code, json.loads(out)) == (0, {"dropped": 3})
    assert shell("list") == (0, "", "")


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_queue_that_dies_ends_the_command_with_a_sentence(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, count: int
) -> None:
    def dies(*_: object, **_how: object) -> str:
        raise _Killed  # not an Exception: nothing in the queue takes it for one bad file

    tiny_files(tmp_path / "videos", count)
    monkeypatch.setattr("visil_dash.workbench.bench.ingest", dies)
    code, out, err = shell("add", tmp_path / "videos")
    assert code == 2
    assert "The queue ended unexpectedly" in err
    assert "still waiting to be added; continue with: python -m visil_dash add" in err
    assert "added" not in out


class _Killed(BaseException):
    pass


def test_an_add_without_a_file_is_an_error(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "videos").mkdir()
    for arguments in ((), (tmp_path / "videos",)):
        code, out, err = shell("add", *arguments)
        assert (code, out) == (2, "")
        assert "there is no file to add" in err


def test_a_name_that_is_not_utf8_does_not_end_the_folder(shell: Shell, tmp_path: Path) -> None:
    tiny_files(tmp_path / "videos", 3)
    odd = tmp_path / "videos" / os.fsdecode(b"0001-caf\xe9.mp4")
    (tmp_path / "videos" / "0001.mp4").rename(odd)
    code, out, _ = shell("add", tmp_path / "videos", "--json")
    assert code == 0
    jobs = [json.loads(line) for line in out.splitlines()]
    assert {job["state"] for job in jobs} == {JobState.INDEXED}
    assert names(tmp_path / "library") == ["0000.mp4", "0001-caf%E9.mp4", "0002.mp4"]


def test_the_demo_reports_every_video_as_json(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, _ = shell("demo", "--json")
    jobs = [json.loads(line) for line in out.splitlines()]
    assert (code, len(jobs)) == (0, 25)
    code, out, _ = shell("demo", "--if-empty", "--json")
    assert (code, json.loads(out)) == (0, {"added": 0, "videos": 25})


def test_a_subfolder_that_cannot_be_read_is_reported(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_files(tmp_path / "videos", 2)
    (tmp_path / "videos" / "secret").mkdir()
    make_unreadable(tmp_path / "videos" / "secret", monkeypatch)
    code, out, _ = shell("add", str(tmp_path / "videos"))
    assert code == 1
    assert "2 added, 1 not added" in out
    (line,) = (line for line in out.splitlines() if "secret" in line)
    assert line.startswith("refused   secret: it cannot be read (Permission denied)"), "named once"
