"""The child: what it may not do, how it is watched, and that it never stays behind."""

import contextlib
import errno
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.clips import SETTINGS, make_clip, regular
from visil_dash.errors import Cancelled, MediaRefused, StoreError
from visil_dash.media import process, wire
from visil_dash.media.decode import sample_frames
from visil_dash.media.files import open_checked
from visil_dash.media.process import Child, ChildStopped
from visil_dash.media.wire import MessageKind, Request
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.records import Decoded, Preprocess

ROOT = Path(__file__).resolve().parents[2]
SQUASH = Preprocess(side=64)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Long enough that the pipe is full long before its end: 1500 frames of 12 kB."""
    return make_clip(tmp_path_factory.mktemp("clips") / "long.mp4", regular(1500, 25))


def children() -> set[int]:
    """Direct children of this process, among them those that ended but were not reaped."""
    found: set[int] = set()
    for task in Path("/proc/self/task").iterdir():
        # Threads of earlier tests may end between the listing and the reading.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found |= set(map(int, (task / "children").read_text().split()))
    return found


def open_files() -> set[tuple[str, str]]:
    """Descriptors of this process and what they are of. What earlier tests left may close
    meanwhile, so the tests ask for what is new."""
    found = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the listing's own, among others
            found.add((descriptor.name, str(descriptor.readlink())))
    return found


def until(true: Callable[[], bool], *, seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if true():
            return True
        time.sleep(0.01)
    return False


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state not in "ZX"


def test_nothing_is_left_after_a_whole_a_closed_and_a_dropped_video(clip: Path) -> None:
    before, descriptors = children(), open_files()
    video = sample_frames(clip, preprocess=SQUASH, settings=SETTINGS)
    assert sum(len(batch) for batch in video) == 60
    with sample_frames(clip, preprocess=SQUASH, rate=25, settings=SETTINGS) as closed:
        next(iter(closed))
        assert children() - before
    dropped = sample_frames(clip, preprocess=SQUASH, rate=25, settings=SETTINGS)
    next(iter(dropped))
    del dropped
    assert not children() - before
    assert not open_files() - descriptors


def test_cancelling_ends_the_child_at_once(clip: Path) -> None:
    before = children()
    stop = threading.Event()
    frames = sample_frames(
        clip, preprocess=SQUASH, rate=25, settings=SETTINGS, watch=Watch(stopped=stop.is_set)
    )
    # The child cannot have ended: of 1,500 frames it has sent one batch and what a pipe holds.
    next(iter(frames))
    assert children() - before
    stop.set()
    time.sleep(process.POLL_SECONDS)
    started = time.monotonic()
    with pytest.raises(Cancelled):
        for _ in frames:
            pass
    assert not children() - before
    assert time.monotonic() - started < 5


def test_stopping_is_checked_every_fifth_of_a_second_while_the_child_is_silent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[float] = []

    def stopped() -> bool:
        asked.append(time.monotonic())
        return len(asked) == 6

    monkeypatch.setattr(process, "PROGRAM", SILENT)
    with child(watch=Watch(stopped=stopped)) as silent_child, pytest.raises(Cancelled):
        next(silent_child.messages())
    gaps = [b - a for a, b in itertools.pairwise(asked)]
    assert sorted(gaps)[len(gaps) // 2] < 0.2


SILENT = "import time; time.sleep(60)"


def child(
    *, wall_seconds: float = 60.0, idle_seconds: float = 60.0, watch: Watch = UNWATCHED
) -> Child:
    return Child(
        request(),
        pass_fds=(),
        max_frame_bytes=300,
        wall_seconds=wall_seconds,
        idle_seconds=idle_seconds,
        watch=watch,
    )


def request() -> Request:
    return Request("sample", "mp4", 0, 1, 10, 100, 10, 240.0, 1000.0, 10, 1 << 30, 5)


@pytest.mark.parametrize(
    ("limits", "why"), [({"wall_seconds": 0.3}, "time"), ({"idle_seconds": 0.3}, "idle")]
)
def test_a_silent_child_is_ended(
    limits: dict[str, float], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "PROGRAM", SILENT)
    before = children()
    with child(**limits) as running, pytest.raises(ChildStopped) as stopped:
        next(running.messages())
    assert stopped.value.why == why
    assert not children() - before


def test_a_slow_reader_does_not_use_up_the_child_s_time(clip: Path) -> None:
    settings = SETTINGS.model_copy(update={"child_idle_seconds": 2.0})
    with sample_frames(clip, preprocess=SQUASH, rate=25, settings=settings) as video:
        batches = iter(video)
        count = len(next(batches))
        time.sleep(2.5)  # longer than the child may be silent: it waits for us, not we for it
        count += sum(len(batch) for batch in batches)
    assert count == 1500


LIES = {
    "no magic": b"x" * wire.HEADER.size,
    "unknown kind": wire.HEADER.pack(wire.MAGIC, 77, 0, 0, 0, 0.0, 0),
    "frame larger than asked for": wire.HEADER.pack(wire.MAGIC, 2, 0, 90, 90, 0.0, 24300),
    "size that does not fit the frame": wire.HEADER.pack(wire.MAGIC, 2, 0, 9, 9, 0.0, 244),
    "huge report": wire.HEADER.pack(wire.MAGIC, 4, 0, 0, 0, 0.0, 1 << 31),
    "time that is no number": wire.HEADER.pack(wire.MAGIC, 2, 0, 9, 9, float("nan"), 243),
    "time before the start": wire.HEADER.pack(wire.MAGIC, 2, 0, 9, 9, -1.0, 243),
    "time past all limits": wire.HEADER.pack(wire.MAGIC, 2, 0, 9, 9, 1e9, 243),
    "impossible orientation": wire.HEADER.pack(wire.MAGIC, 2, 8, 9, 9, 0.0, 243),
}


def speaking(data: bytes) -> str:
    return f"""
import json, os, sys
os.write(json.loads(sys.argv[1])["output_fd"], {data!r})
"""


@pytest.mark.parametrize("lie", LIES)
def test_a_message_that_cannot_be_true_ends_the_child(
    lie: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "PROGRAM", speaking(LIES[lie] + b"\x00" * 30000))
    with child() as running, pytest.raises(ChildStopped) as stopped:
        next(running.messages())
    assert stopped.value.why == "protocol"


def test_a_true_message_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    size = {"width": 9, "height": 9, "orientation": 5}
    frame = wire.pack(MessageKind.FRAME, bytes(range(243)), seconds=1.5, **size)
    done = wire.pack_json(MessageKind.DONE, frames=1)
    monkeypatch.setattr(process, "PROGRAM", speaking(frame + done))
    with child() as running:
        first, last = running.messages()
    assert (first.seconds, first.orientation, bytes(first.payload)) == (1.5, 5, bytes(range(243)))
    assert json.loads(last.payload) == {"frames": 1}


def test_a_child_that_closes_the_pipe_and_lives_on_is_killed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(process, "LAST_WORDS_SECONDS", 0.2)
    monkeypatch.setattr(
        process,
        "PROGRAM",
        "import json, os, sys, time\n"
        'os.close(json.loads(sys.argv[1])["output_fd"])\n'
        "time.sleep(60)",
    )
    with child() as running, pytest.raises(ChildStopped):
        next(running.messages())
    assert not alive(running.pid)


@pytest.mark.parametrize("kill", [signal.SIGSEGV, signal.SIGKILL, signal.SIGXCPU])
def test_a_child_that_dies_midway_leaves_a_partial_video(kill: signal.Signals, clip: Path) -> None:
    before = children()
    video = sample_frames(clip, preprocess=SQUASH, rate=25, settings=SETTINGS)
    batches = iter(video)
    count = len(next(batches))
    (pid,) = children() - before
    os.kill(pid, kill)
    count += sum(len(batch) for batch in batches)
    assert 32 <= count < 1500
    assert video.info.verdict is Decoded.PARTIAL
    assert ("processor time" if kill is signal.SIGXCPU else kill.name) in video.info.reason
    assert "of 60.0 s" in video.info.reason


def test_a_child_that_dies_first_thing_is_a_refusal(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "PROGRAM", "import os; os.abort()")
    with pytest.raises(MediaRefused, match="crashed \\(SIGABRT\\)"):
        list(sample_frames(clip, preprocess=SQUASH, settings=SETTINGS))


def test_a_child_that_cannot_be_started_is_an_error_and_leaves_nothing(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object, **kwargs: object) -> None:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "Popen", full)
    descriptors = open_files()
    with pytest.raises(StoreError, match="temporarily unavailable"):
        list(sample_frames(clip, preprocess=SQUASH, settings=SETTINGS))
    assert not open_files() - descriptors


def test_the_child_dies_with_its_parent(clip: Path) -> None:
    program = f"""
import sys, time
from pathlib import Path
from visil_dash.media.decode import sample_frames
from visil_dash.records import Preprocess
from visil_dash.settings import Settings
video = sample_frames(
    Path({str(clip)!r}), preprocess=Preprocess(side=64), rate=25.0, settings=Settings()
)
next(iter(video))
print(Path(f"/proc/self/task/{{__import__('os').getpid()}}/children").read_text(), flush=True)
time.sleep(60)
"""
    parent = subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert alive(pid)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert until(lambda: not alive(pid))


PROBE = """
import ctypes, json, os, socket, sys
sys.path += sys.argv[1:]
from visil_dash.media import confinement
def attempt(act):
    try:
        act()
        return "done"
    except OSError as error:
        return error.strerror
def connect():
    with socket.create_connection(("127.0.0.1", PORT), timeout=5):
        pass
confined = CONFINED
granted = []
if confined:
    if confinement.leave_network():
        granted.append("network")
    confinement.limit_resources(memory_bytes=1 << 29, cpu_seconds=9, file_bytes=0)
before = {"connect": attempt(connect)}
if confined and confinement.forbid_calls():
    granted.append("calls")
after = {
    "connect": attempt(connect),
    "open": attempt(lambda: open("/etc/passwd").close()),
    "fork": attempt(lambda: os.fork() or os._exit(0)),
    "run": attempt(lambda: os.execv("/nowhere/true", ["true"])),
    "remove": attempt(lambda: os.unlink("/nowhere/file")),
}
def grow():
    bytearray(1 << 30)
try:
    grow()
    after["memory"] = "done"
except MemoryError:
    after["memory"] = "refused"
print(json.dumps([granted, before, after]))
"""


def probe(*, confined: bool, port: int) -> tuple[list[str], dict[str, str], dict[str, str]]:
    program = PROBE.replace("CONFINED", str(confined)).replace("PORT", str(port))
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program, str(ROOT)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    granted, before, after = json.loads(done.stdout)
    return granted, before, after


@pytest.fixture
def listener() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        stop = threading.Event()

        def serve() -> None:
            server.settimeout(0.1)
            while not stop.is_set():
                try:
                    server.accept()[0].close()
                except TimeoutError:
                    continue

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        stop.set()
        thread.join()


def test_an_unconfined_process_can_do_all_that_the_child_cannot(listener: int) -> None:
    granted, before, after = probe(confined=False, port=listener)
    assert granted == []
    assert before["connect"] == "done"
    assert after == {
        "connect": "done",
        "open": "done",
        "fork": "done",
        "run": "No such file or directory",
        "remove": "No such file or directory",
        "memory": "done",
    }


def test_the_child_can_neither_connect_nor_open_nor_run_nor_grow(listener: int) -> None:
    granted, before, after = probe(confined=True, port=listener)
    assert after["memory"] == "refused"
    if "network" in granted:
        assert before["connect"] != "done"
    if "calls" in granted:
        assert {after[k] for k in ("connect", "open", "fork", "run", "remove")} == {
            "Permission denied"
        }
    assert granted, "this system grants neither a namespace nor a system call filter"


def test_the_child_gets_no_environment_no_files_and_a_folder_of_its_own(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "canary")
    with sample_frames(clip, preprocess=SQUASH, rate=25, settings=SETTINGS) as video:
        before = children()
        next(iter(video))
        (pid,) = children() - before
        home = Path(f"/proc/{pid}")
        assert b"canary" not in (home / "environ").read_bytes()
        assert str(clip).encode() not in (home / "cmdline").read_bytes()
        folder = (home / "cwd").readlink()
        assert not any(folder.iterdir())
        assert os.getsid(pid) == pid
        opened = {str(f.readlink()) for f in (home / "fd").iterdir()}
        regular_files = {f for f in opened if f.startswith("/") and f != "/dev/null"}
        assert regular_files == {str(clip)}
    assert not folder.exists()


def test_the_child_has_a_network_of_its_own_and_a_filter_where_the_system_grants_them(
    clip: Path,
) -> None:
    granted = probe(confined=True, port=9)[0]
    with sample_frames(clip, preprocess=SQUASH, rate=25, settings=SETTINGS) as video:
        before = children()
        next(iter(video))
        (pid,) = children() - before
        status = Path(f"/proc/{pid}/status").read_text()
        network = Path(f"/proc/{pid}/ns/net").readlink() != Path("/proc/self/ns/net").readlink()
    assert network == ("network" in granted)
    assert ("Seccomp:\t2" in status) == ("calls" in granted)


def test_the_child_loads_neither_numpy_nor_the_models(clip: Path) -> None:
    with sample_frames(clip, preprocess=SQUASH, rate=25, settings=SETTINGS) as video:
        before = children()
        next(iter(video))
        (pid,) = children() - before
        loaded = Path(f"/proc/{pid}/maps").read_text()
    assert "libavcodec" in loaded
    assert not any(name in loaded for name in ("numpy", "torch", "cv2", "hnswlib", "sqlalchemy"))


def test_the_decoder_is_given_the_file_and_nothing_else(clip: Path) -> None:
    fd, container, size = open_checked(clip, settings=SETTINGS)
    try:
        assert (container, size) == ("mp4", clip.stat().st_size)
        assert not os.get_inheritable(fd)
    finally:
        os.close(fd)
