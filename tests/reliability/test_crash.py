"""kill -9 at named steps and at random times: nothing acknowledged is lost, nothing half is found.

R1 and R2 of the reliability matrix. `make night` runs them with larger numbers. The libraries lie
in memory where that can be had: what a killed process wrote is there for the next one on any disk,
and waiting for flushes would be most of the time. What a flush is for is tested in
test_power_cut.py.
"""

import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.library_fakes import content_id, open_space, small_settings, violations
from visil_dash.library.store import open_library

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
KILLED = -9


class Driver:
    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(ROOT / "tests" / "support" / "crash_driver.py")],
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "OPENBLAS_NUM_THREADS": "1",
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(
        self,
        folder: Path,
        *,
        kill: tuple[str, int] | None = None,
        after: float | None = None,
        naive: bool = False,
    ) -> int:
        """One life of the library; the exit code of the child, -9 when it was killed."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        request = {
            "folder": str(folder / "library"),
            "log": str(folder / "log"),
            "files": [str(file) for file in sorted(folder.glob("*.mp4"))],
            "kill": kill,
            "after": after,
            "naive": naive,
        }
        stdin.write(json.dumps(request) + "\n")
        stdin.flush()
        return int(json.loads(stdout.readline()))

    def close(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()
        self._process.wait(30)


@pytest.fixture(scope="module")
def driver() -> Iterator[Driver]:
    made = Driver()
    yield made
    made.close()


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    memory = Path("/dev/shm")
    if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2**28:
        with tempfile.TemporaryDirectory(dir=memory, prefix="visil-dash-") as folder:
            yield Path(folder)
    else:
        yield tmp_path_factory.mktemp("places")


@pytest.fixture
def place(places: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    made = places / re.sub(r"\W", "-", request.node.name)
    made.mkdir()
    yield made
    shutil.rmtree(made)


def fresh(folder: Path) -> Path:
    folder.mkdir()
    for i in range(3):
        (folder / f"{i}.mp4").write_bytes(b"clip %d" % i)
    return folder


def acknowledged(folder: Path) -> list[tuple[str, str]]:
    log = folder / "log"
    lines = log.read_text().splitlines() if log.exists() else []
    pairs = [line.split(" ", 1) for line in lines]
    return [(event, video) for event, video in pairs if event != "counts"]


def after_crash(folder: Path) -> list[str]:
    """What is wrong right after the crash; no library is right if nothing was acknowledged."""
    if not (folder / "library").exists():
        return ["the library is gone"] if acknowledged(folder) else []
    return violations(folder / "library", acknowledged(folder))


def after_restart(driver: Driver, folder: Path) -> list[str]:
    """Runs the library to its end, then demands that nothing of the crash is left."""
    if driver.run(folder) != 0:
        return ["the restart failed"]
    found = violations(folder / "library", acknowledged(folder))
    with open_library(folder / "library", settings=small_settings()) as library:
        names = sorted(video.name for video in library.videos())
        if names != ["1.mp4", "2.mp4"]:
            found.append(f"after the restart there are {names}")
        found += [f"{f.artefact}: {f.problem}" for f in library.verify()]
        space = open_space(library)
        found += space.verify()
        if space.status().tail_frames:
            found.append("the last build is not in use")
        left = [*library.folder.glob("incoming/*"), *library.folder.rglob(".*tmp")]
        found += [f"left behind: {path}" for path in left]
    return found


@pytest.fixture(scope="module")
def steps(driver: Driver, places: Path) -> dict[str, int]:
    """How often each step comes in an undisturbed life."""
    folder = fresh(places / "steps")
    assert after_restart(driver, folder) == []
    counts = [line for line in (folder / "log").read_text().splitlines() if line[:6] == "counts"]
    return dict(json.loads(counts[0].split(" ", 1)[1]))


def crash_and_check(driver: Driver, folder: Path, *, kill: tuple[str, int]) -> list[str]:
    fresh(folder)
    code = driver.run(folder, kill=kill)
    if code != KILLED:
        return [f"was not killed, ended with {code}"]
    return after_crash(folder) + after_restart(driver, folder)


def test_a_kill_at_any_named_step_loses_nothing_acknowledged(
    driver: Driver, steps: dict[str, int], place: Path
) -> None:
    """R2, once a step; what shares its writing with the blobs only at its two telling steps."""
    kinds = {name.split(":")[0] for name in steps}
    assert len(steps) >= 12
    assert kinds >= {
        "migrate",
        "copy",
        "media",
        "blob",
        "row",
        "reduction",
        "index",
        "manifest",
        "current",
        "delete",
    }
    wrong = {}
    alike = {
        f"{kind}:{step}"
        for kind in ("manifest", "current", "reduction")
        for step in ("written", "flushed", "folder-flushed")
    }
    for i, name in enumerate(sorted(steps.keys() - alike)):
        count = steps[name]
        found = crash_and_check(driver, place / str(i), kill=(name, (count + 1) // 2))
        if found:
            wrong[name] = found
    assert wrong == {}


def test_a_kill_while_sweeping_what_a_kill_left_loses_nothing(driver: Driver, place: Path) -> None:
    for i, (first, second) in enumerate(
        [
            (("blob:flushed", 2), ("sweep:temp", 1)),
            (("delete:committed", 1), ("delete:blob", 1)),
            (("reduction:written", 1), ("sweep:temp", 1)),
        ]
    ):
        folder = fresh(place / str(i))
        assert driver.run(folder, kill=first) == KILLED
        assert driver.run(folder, kill=second) == KILLED
        assert after_crash(folder) + after_restart(driver, folder) == [], (first, second)


@pytest.mark.parametrize("times", [100, pytest.param(1000, marks=pytest.mark.night)])
def test_kills_at_random_times_lose_nothing_acknowledged(
    driver: Driver, place: Path, times: int
) -> None:
    """R1"""
    kill_randomly(driver, place, times=times)


@pytest.mark.night
def test_five_kills_at_each_named_step_lose_nothing_acknowledged(
    driver: Driver, steps: dict[str, int], place: Path
) -> None:
    """R2: of a step that comes often five occurrences, the first and the last among them."""
    wrong = {}
    for row, (name, count) in enumerate(sorted(steps.items())):
        for time_ in range(5):
            nth = 1 + round(time_ * (count - 1) / 4)
            folder = place / f"{row} {time_}"
            found = crash_and_check(driver, folder, kill=(name, nth))
            if found:
                wrong[f"{name} {nth}"] = found
            shutil.rmtree(folder)
    print(f"{5 * len(steps)} kills at {len(steps)} steps")
    assert wrong == {}


@pytest.mark.night
def test_kills_at_every_occurrence_of_every_step_lose_nothing_acknowledged(
    driver: Driver, steps: dict[str, int], place: Path
) -> None:
    for name, count in sorted(steps.items()):
        for nth in range(1, count + 1):
            folder = place / f"{name.replace(':', ' ')} {nth}"
            fresh(folder)
            driver.run(folder, kill=(name, nth))
            assert after_crash(folder) + after_restart(driver, folder) == [], (name, nth)


def kill_randomly(driver: Driver, place: Path, *, times: int) -> None:
    """Kills until `times` lives were cut short; those that had ended before do not count."""
    wrong, seeded, killed, acknowledgements = {}, random.Random(1), 0, 0
    started = time.monotonic()
    assert driver.run(fresh(place / "undisturbed")) == 0
    longest = time.monotonic() - started
    for number in range(3 * times):
        folder, after = fresh(place / str(number)), seeded.uniform(0.0, longest)
        if driver.run(folder, after=after) == KILLED:
            killed += 1
            acknowledgements += len(acknowledged(folder))
        found = after_crash(folder) + after_restart(driver, folder)
        if found:
            wrong[f"{number}: {after:.3f} s"] = found
        shutil.rmtree(folder)
        if killed == times:
            break
    print(f"{killed} kills of {number + 1} lives, {acknowledgements} acknowledgements before them")
    assert (killed, wrong) == (times, {})
    assert acknowledgements >= times // 2  # else they came before there was anything to lose


def test_the_naive_control_is_caught(driver: Driver, place: Path) -> None:
    """Row before blob, blob in place: the same check must fail, else it proves nothing."""
    folder = fresh(place / "naive")
    assert driver.run(folder, kill=("blob:half-written", 2), naive=True) == KILLED
    found = after_crash(folder)
    assert any("Features set aside" in text for text in found)


def test_a_lost_acknowledged_video_is_caught(driver: Driver, place: Path) -> None:
    """The check itself: an acknowledgement that came too early must show."""
    folder = fresh(place / "early")
    assert driver.run(folder, kill=("blob:renamed", 2)) == KILLED
    with (folder / "log").open("a") as log:
        log.write(f"indexed {content_id(b'clip 1')}\n")
    assert f"acknowledged video is lost: {content_id(b'clip 1')}" in after_crash(folder)
    assert after_restart(driver, folder) == []
