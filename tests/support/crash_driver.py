"""Runs a library's life in children that kill themselves, for tests/reliability/test_crash.py.

One JSON request a line on stdin; each runs in a fork of this process (imports cost a second, a
fork does not) and is answered by one JSON line. No thread runs here, so forking is safe.
"""

import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.support.library_fakes import (
    MANIFEST,
    FakePipeline,
    fake_video_features,
    open_space,
    small_settings,
)
from visil_dash.library import store
from visil_dash.library.blobs import StepHook, encode_features, sha256_hex
from visil_dash.library.jobs import Worker
from visil_dash.library.paths import blob_file
from visil_dash.library.rows import put_feature_row
from visil_dash.library.store import Library, open_library
from visil_dash.records import JobState, VideoFeatures

Acknowledge = Callable[[str, str], None]


def life(folder: Path, files: list[Path], step: StepHook, acknowledge: Acknowledge) -> None:
    """Adds files, removes the first one, rebuilds; may be repeated after a crash."""
    with open_library(folder, settings=small_settings(), step=step) as library:
        space = open_space(library)
        worker = Worker(library, FakePipeline(library, space), settings=library.settings)
        worker.start()
        known = {job.name for job in worker.jobs()}
        for file in files:
            if file.name not in known:
                worker.enqueue(file, name=file.name)
            if not worker.wait_idle(60):
                raise TimeoutError(f"{file.name} is not done: {worker.jobs()}")
            for job in worker.jobs():
                if job.state is JobState.INDEXED:
                    acknowledge("indexed", job.video_id)
        space.wait()
        gone = [v for v in library.videos() if v.name == files[0].name]
        for video in gone:
            acknowledge("removing", video.video_id)
            space.remove_video(video.ordinal)
            library.remove(video.video_id)
            acknowledge("removed", video.video_id)
        for _ in range(2):
            space.rebuild(background=False)


def naive_put_features(self: Library, features: VideoFeatures, _manifest: object) -> None:
    """The control: the row is committed before its blob, which is written in place."""
    data = encode_features(features, MANIFEST, origin={})
    with self.catalogue.write() as connection:
        put_feature_row(
            connection,
            MANIFEST,
            video_id=features.video_id,
            frames=len(features),
            sha256=sha256_hex(data),
            size=len(data),
        )
    path = blob_file(self.folder, MANIFEST.extractor, features.video_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(data[:100])
        file.flush()
        self.step("blob:half-written")
        file.write(data[100:])


def run(request: dict[str, object]) -> None:
    """In the child: ends by os._exit or by the kill that was asked for."""
    counts: Counter[str] = Counter()
    kill_at, nth = request["kill"] or ("", 0)  # type: ignore[misc]

    def step(name: str) -> None:
        counts[name] += 1
        if name == kill_at and counts[name] == nth:
            os.kill(os.getpid(), signal.SIGKILL)

    told: set[tuple[str, str]] = set()
    log = os.open(str(request["log"]), os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def acknowledge(event: str, video_id: str) -> None:
        if (event, video_id) not in told:
            told.add((event, video_id))
            os.write(log, f"{event} {video_id}\n".encode())

    if request["naive"]:
        store.Library.put_features = naive_put_features  # type: ignore[method-assign]
    files = [Path(str(file)) for file in request["files"]]  # type: ignore[attr-defined]
    life(Path(str(request["folder"])), files, step, acknowledge)
    os.write(log, f"counts {json.dumps(counts)}\n".encode())


def main() -> None:
    fake_video_features("0" * 64)  # BLAS and random numbers are set up before the first fork
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            code = 1
            try:
                run(request)
                code = 0
            finally:
                os._exit(code)
        if request["after"] is not None:
            time.sleep(request["after"])
            os.kill(child, signal.SIGKILL)  # of a child that ended: not reaped yet, so harmless
        _, status = os.waitpid(child, 0)
        print(json.dumps(os.waitstatus_to_exitcode(status)), flush=True)


if __name__ == "__main__":
    main()
