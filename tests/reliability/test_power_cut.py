"""R3: a power cut at any step keeps what was acknowledged, though nothing unflushed is on the disk.

The cut is simulated (see tests/support/power_cut.py); real disks that lie about a flush are not.
"""

import itertools
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.crash_driver import life
from tests.support.library_fakes import violations
from tests.support.power_cut import Disk

pytestmark = pytest.mark.slow

Image = tuple[Path, list[tuple[str, str]]]


def cuts(
    folder: Path, *, images: Path, wanted: Callable[[int], bool], tears: int = 1
) -> list[Image]:
    """Lives through adding, removing and a rebuild; what a cut at each wanted step leaves, torn in
    so many ways, and what had been acknowledged by then."""
    library_folder, made, steps = folder / "library", list[Image](), itertools.count(1)
    library_folder.mkdir(parents=True)
    images.mkdir()
    disk, acknowledged = Disk(library_folder), list[tuple[str, str]]()

    def step(_name: str) -> None:
        number = next(steps)  # the worker and a rebuild take steps at once
        if wanted(number) and (library_folder / "catalogue.db").exists():
            for tear in range(tears):
                image, before = images / f"{number} {tear}", list(acknowledged)
                disk.cut(image, random.Random(1000 * tear + number))
                # Another thread may have begun to remove a video meanwhile.
                removing = [event for event in acknowledged if event[0] == "removing"]
                made.append((image, before + removing))

    def acknowledge(event: str, video_id: str) -> None:
        acknowledged.append((event, video_id))

    files = [folder / f"{number}.mp4" for number in range(3)]
    for number, file in enumerate(files):
        file.write_bytes(b"clip %d" % number)
    with disk.watch():
        life(library_folder, files, step, acknowledge)
    return made


def wrong(images: list[Image]) -> dict[str, list[str]]:
    found = {image.name: violations(image, events) for image, events in images}
    return {name: problems for name, problems in found.items() if problems}


@pytest.mark.parametrize(
    ("every", "tears", "least"),
    [(2, 1, 50), pytest.param(1, 5, 500, marks=pytest.mark.night)],
    ids=["every 2nd step", "every step, torn in five ways"],
)
def test_a_power_cut_loses_nothing_acknowledged(
    tmp_path: Path, every: int, tears: int, least: int
) -> None:
    images = cuts(
        tmp_path,
        images=tmp_path / "images",
        wanted=lambda n: n > 12 and n % every == 0,
        tears=tears,
    )
    assert len(images) >= least
    assert wrong(images) == {}


@pytest.mark.parametrize("forgotten", ["fsync_folder", "fsync_file"])
def test_the_control_without_one_flush_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forgotten: str
) -> None:
    """Kill -9 would not show it: the kernel still holds what the program forgot to flush."""
    monkeypatch.setattr(f"visil_dash.library.blobs.{forgotten}", lambda _path: None)
    monkeypatch.setattr("visil_dash.library.store.fsync_folder", lambda _path: None)
    images = cuts(tmp_path, images=tmp_path / "images", wanted=lambda n: n > 12 and n % 4 == 0)
    problems = [text for texts in wrong(images).values() for text in texts]
    assert any("lost" in text or "gone" in text or "altered" in text for text in problems), problems
