"""R4: a disk that fills stops new work with a sentence, changes nothing stored, and is waited for.

On a small disk of its own (a tmpfs in a namespace of the test's), and with a limit on the
size of files, which every system has.
"""

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import hnswlib
import numpy as np
import pytest

from visil_dash.errors import VisilDashError
from visil_dash.index.hnsw import HnswIndex

ROOT = Path(__file__).resolve().parents[2]
# As root, else as a user who is root in a namespace of its own.
WAYS_TO_MOUNT = (["unshare", "--mount"], ["unshare", "--user", "--map-root-user", "--mount"])
SENTENCES = (
    "disk is full",
    "must stay free",
    "Check the disk and its free space",  # SQLite reports a full disk as an I/O error at times
)


def works(way: list[str]) -> bool:
    script = "mount -t tmpfs tmpfs /mnt"
    try:
        return subprocess.run([*way, "sh", "-c", script], capture_output=True).returncode == 0
    except OSError:
        return False


def way_to_mount() -> list[str]:
    """How a process gets a disk of its own here; fails with a sentence where it cannot."""
    found = next(filter(works, WAYS_TO_MOUNT), None)
    if found is None:
        text = "this system lets no test mount a disk of its own, so no disk was filled"
        if os.environ.get("VISIL_DASH_FULL_DISK") == "untested":
            pytest.skip(text)
        pytest.fail(f"{text}; allow user namespaces, or set VISIL_DASH_FULL_DISK=untested")
    return found


def run(kind: str, folder: Path, levels: list[int], *, prefix: list[str]) -> list[dict[str, Any]]:
    script = ROOT / "tests" / "support" / "full_disk_driver.py"
    done = subprocess.run(
        [*prefix, sys.executable, str(script), kind, str(folder), *map(str, levels)],
        env=os.environ | {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def check(found: list[dict[str, Any]], levels: list[int]) -> None:
    assert [level["level"] for level in found] == levels
    assert {level["level"]: level["wrong"] for level in found if level["wrong"]} == {}
    full = [level for level in found if level["reported"] != "indexed: "]
    assert full
    for level in full:
        assert any(text in level["reported"] for text in SENTENCES), level


@pytest.mark.slow
@pytest.mark.parametrize(
    "levels",
    [[0, 40, 150], pytest.param([*range(0, 300, 15)], marks=pytest.mark.night)],
    ids=["3 levels", "20 levels"],
)
def test_a_disk_that_fills_is_reported_and_waited_for(tmp_path: Path, levels: list[int]) -> None:
    check(run("tmpfs", tmp_path, levels, prefix=way_to_mount()), levels)


@pytest.mark.slow
def test_a_user_without_rights_fills_a_disk_of_its_own_too(tmp_path: Path) -> None:
    """Also where no test runs as root, unless the system forbids namespaces to users."""
    if not works(WAYS_TO_MOUNT[1]):
        way_to_mount()
        pytest.skip("user namespaces are disabled here; the mount as root is tested above")
    check(run("tmpfs", tmp_path, [0], prefix=WAYS_TO_MOUNT[1]), [0])


def test_the_control_without_any_way_to_mount_the_test_fails_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tests.reliability.test_full_disk.WAYS_TO_MOUNT", (["false"], ["gone-"]))
    with pytest.raises(pytest.fail.Exception, match="no disk was filled; allow user namespaces"):
        way_to_mount()


@pytest.mark.slow
@pytest.mark.parametrize(
    "levels",
    [[100, 50_000], pytest.param([*range(0, 100_000, 4000)], marks=pytest.mark.night)],
    ids=["2 sizes", "25 sizes"],
)
def test_files_that_may_grow_no_further_change_nothing(tmp_path: Path, levels: list[int]) -> None:
    check(run("limit", tmp_path, levels, prefix=[]), levels)


def saved_without_room(path: Path, *, naive: bool) -> str:
    """In a child whose files may hold 100 bytes: what saving a graph answers."""
    vectors = np.random.default_rng(1).normal(size=(50, 8)).astype(np.float32)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
        answer = "saved"
        try:
            if naive:
                plain = hnswlib.Index("l2", 8)
                plain.init_index(50)
                plain.add_items(vectors, num_threads=1)
                plain.save_index(str(path))
            else:
                index = HnswIndex(dim=8, capacity=50, threads=1)
                index.add(vectors, np.arange(50))
                index.save(path)
        except VisilDashError as error:
            answer = str(error)
        os.write(write, answer.encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    return answer


def test_the_control_hnswlib_alone_saves_half_an_index_without_a_word(tmp_path: Path) -> None:
    assert saved_without_room(tmp_path / "naive", naive=True) == "saved"
    assert (tmp_path / "naive").stat().st_size <= 100
    assert "not saved whole" in saved_without_room(tmp_path / "index", naive=False)
