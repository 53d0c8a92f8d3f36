"""R18: the lock of a writer that was killed is free at once."""

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
ROOT = Path(__file__).resolve().parents[2]


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
