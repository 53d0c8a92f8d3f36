"""R18: the lock of a writer that was killed, or that gave it back, is free at once."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from visil_dash.library.sharing.lock import WriterLock

HOLDER = """
import pathlib, sys, time
from visil_dash.library.sharing.lock import WriterLock
folder = pathlib.Path(sys.argv[1])
assert WriterLock(folder / "writer.lock").acquire()
(folder / "naive.lock").touch(exist_ok=False)
print("held", flush=True)
time.sleep(60)
"""
FORKED = """
import fcntl, os, pathlib, signal, sys, time
from visil_dash.library.sharing.lock import WriterLock
path = pathlib.Path(sys.argv[1])
lock = WriterLock(path)
if sys.argv[2] == "closed":
    held = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
    fcntl.flock(held, fcntl.LOCK_EX)
else:
    assert lock.acquire()
child = os.fork()
if not child:
    time.sleep(60)
os.close(held) if sys.argv[2] == "closed" else lock.release()
print("free" if WriterLock(path).acquire() else "held")
os.kill(child, signal.SIGKILL)
os.wait()
"""
ROOT = Path(__file__).resolve().parents[2]


def after(ended: str, path: Path) -> str:
    """Whether the lock is free once its holder has "released" it, or "closed" its file, while a
    child of it has not yet begun its own program."""
    return subprocess.run(
        [sys.executable, "-c", FORKED, str(path), ended],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


def test_a_lock_that_is_given_back_does_not_stay_with_a_child_that_begins(tmp_path: Path) -> None:
    assert after("released", tmp_path / "writer.lock") == "free"


def test_the_control_closing_its_file_alone_leaves_it_with_the_child(tmp_path: Path) -> None:
    assert after("closed", tmp_path / "writer.lock") == "held"


def naive_lock_is_free(path: Path) -> bool:
    """The control: whoever can make the file has the lock."""
    try:
        path.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def test_a_killed_holder_leaves_a_free_lock_where_a_lock_file_would_stay(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        lock = WriterLock(tmp_path / "writer.lock")
        assert not lock.acquire()
        assert f"process {holder.pid} since" in lock.holder()
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    killed = time.monotonic()
    assert lock.acquire()
    assert time.monotonic() - killed < 1
    lock.release()
    assert not naive_lock_is_free(tmp_path / "naive.lock")
