"""Adds videos to a library on a disk that fills, in a process of its own; prints JSON lines.

`tmpfs ROOT KIB…`: run it under `unshare --mount`. ROOT becomes a small disk of its own, which is
filled until KIB are left. `limit ROOT BYTES…`: no file may grow beyond BYTES (RLIMIT_FSIZE).
Each level ends with what was reported and what is wrong afterwards, which should be nothing.
"""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.support.library_fakes import (
    FakePipeline,
    build_folder,
    content_id,
    found_videos,
    open_space,
    small_settings,
    violations,
)
from visil_dash.errors import StoreError
from visil_dash.index.frames import FrameSpace
from visil_dash.library import jobs
from visil_dash.library.store import open_library
from visil_dash.records import JobState

DISK_KIB = 4096
OLD = [b"one", b"two"]
NEW = b"three" * 20_000
SOON = 20.0

jobs.DISK_SECONDS = 0.01
jobs.FULL_SECONDS = 0.05


def stored(folder: Path) -> dict[str, bytes]:
    paths = [*folder.glob("media/*/original"), *folder.glob("features/*/*.safetensors")]
    return {str(path): path.read_bytes() for path in paths}


def unfound(space: FrameSpace) -> list[str]:
    numbered = enumerate(OLD, 1)
    return [
        f"not found: {n}" for n, c in numbered if set(found_videos(space, content_id(c))) != {n}
    ]


def level(folder: Path, *, fill: Callable[[], None], free: Callable[[], None]) -> dict[str, object]:
    """A library of two videos; a third is added while the disk is full, and once more after."""
    build_folder(folder, OLD)
    before, wrong, reported, opened = stored(folder), list[str](), "", False
    new = folder.parent / "three.mp4"
    new.write_bytes(NEW)
    fill()
    try:
        with open_library(folder, settings=small_settings()) as library:
            space = open_space(library)
            wrong += unfound(space)
            opened = True
            worker = jobs.Worker(library, FakePipeline(library, space), settings=library.settings)
            worker.enqueue(new, name="three.mp4")
            worker.start()
            end = time.monotonic() + SOON
            while not worker.paused and not all(job.state.ended for job in worker.jobs()):
                if time.monotonic() > end:
                    wrong.append("neither paused nor ended")
                    break
                time.sleep(0.002)
            [job] = worker.jobs()
            reported = worker.paused or f"{job.state}: {job.reason}"
            wrong += unfound(space)
            if {path: stored(folder).get(path) for path in before} != before:
                wrong.append("what was stored has changed")
            free()
            while not all(job.state.ended for job in worker.jobs()):
                if time.monotonic() > end:
                    wrong.append(f"did not go on: {worker.paused}")
                    break
                time.sleep(0.002)
            if worker.job(job.job_id).state is JobState.FAILED:
                worker.retry(job.job_id)
                worker.wait_idle(SOON)
            if worker.job(job.job_id).state is not JobState.INDEXED:
                wrong.append(f"afterwards: {worker.job(job.job_id)}")
    except StoreError as error:
        reported = f"refused: {error}"
        wrong += [] if opened else ["could not be opened to be searched"]
        if {path: stored(folder).get(path) for path in before} != before:
            wrong.append("what was stored has changed")
        free()
        acknowledged = [("indexed", content_id(content)) for content in OLD]
    else:
        acknowledged = [("indexed", content_id(content)) for content in (*OLD, NEW)]
    wrong += violations(folder, acknowledged)
    return {"reported": reported, "wrong": wrong}


def on_tmpfs(root: Path, left_kib: int) -> dict[str, object]:
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_KIB}k", "tmpfs", str(root)], check=True
    )
    filler = root / "filler"

    def fill() -> None:
        with filler.open("wb") as file:
            free = shutil.disk_usage(root).free - left_kib * 1024
            file.write(bytes(max(0, free)))

    try:
        return level(root / "library", fill=fill, free=filler.unlink)
    finally:
        subprocess.run(["umount", "-l", str(root)], check=True)


def with_limit(root: Path, size: int) -> dict[str, object]:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]

    def limit(value: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (value, hard))

    folder = root / str(size)
    folder.mkdir()
    return level(folder / "library", fill=lambda: limit(size), free=lambda: limit(hard))


def main() -> None:
    run = on_tmpfs if sys.argv[1] == "tmpfs" else with_limit
    for text in sys.argv[3:]:
        read, write = os.pipe()
        child = os.fork()  # no thread runs here yet
        if child == 0:
            os.dup2(write, 1)
            try:
                found = run(Path(sys.argv[2]), int(text))
            except BaseException as error:
                found = {"reported": "", "wrong": [f"{type(error).__name__}: {error}"]}
            os.write(write, json.dumps({"level": int(text), **found}).encode())
            os._exit(0)
        os.close(write)
        with os.fdopen(read, "rb") as pipe:
            line = pipe.read().decode()
        _, status = os.waitpid(child, 0)
        ended = os.waitstatus_to_exitcode(status)
        print(
            line if ended == 0 else json.dumps({"level": int(text), "wrong": [ended]}), flush=True
        )


if __name__ == "__main__":
    main()
