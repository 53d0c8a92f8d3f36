"""R5: a changed byte in any stored file is noticed before it is used, and harms nothing else."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.support.library_fakes import (
    EXTRACTOR,
    FRAMES,
    FakePipeline,
    content_id,
    fake_video_features,
    found_videos,
    open_space,
    put,
    small_settings,
)
from visil_dash.errors import StoreDamaged, VisilDashError
from visil_dash.index.hnsw import HnswIndex
from visil_dash.library.blobs import sha256_file
from visil_dash.library.jobs import Worker
from visil_dash.library.store import open_library
from visil_dash.library.wal import wal_damage
from visil_dash.records import JobState

CONTENTS = [b"clip %d" % i for i in range(4)]
IDS = [content_id(content) for content in CONTENTS]
NAMES = [f"clip {i}.mp4" for i in range(4)]


def damaged_kinds(folder: Path) -> dict[str, Path]:
    """One stored file of each kind; `wal` is there because the copy was taken while open."""
    [reduction] = folder.glob("reductions/*/*.safetensors")
    [index] = folder.glob("index/*/pca16-*")
    number = (index / "CURRENT").read_text().strip()
    return {
        "blob": folder / "features" / EXTRACTOR / f"{IDS[1]}.safetensors",
        "db": folder / "catalogue.db",
        "wal": folder / "catalogue.db-wal",
        "graph": index / number / "index.bin",
        "ids": index / number / "ids.npy",
        "vectors": index / number / "vectors.npy",
        "manifest": index / number / "manifest.json",
        "current": index / "CURRENT",
        "reduction": reduction,
        "media": folder / "media" / IDS[1] / "original",
    }


def flip(data: bytes, seeded: random.Random) -> bytes:
    changed = bytearray(data)
    changed[seeded.randrange(len(data))] ^= 1 << seeded.randrange(8)
    return bytes(changed)


def cut(data: bytes, seeded: random.Random) -> bytes:
    return data[: seeded.randrange(len(data))]


def empty(_data: bytes, _seeded: random.Random) -> bytes:
    return b""


def overwrite(data: bytes, seeded: random.Random) -> bytes:
    start = seeded.randrange(len(data))
    length = min(512, len(data) - start)
    return data[:start] + seeded.randbytes(length) + data[start + length :]


def append(data: bytes, seeded: random.Random) -> bytes:
    return data + seeded.randbytes(64)


MUTATIONS = [flip, cut, empty, overwrite, append]
KINDS = [
    "blob",
    "db",
    "wal",
    "graph",
    "ids",
    "vectors",
    "manifest",
    "current",
    "reduction",
    "media",
]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed library and its published index; its last changes are only in the log (WAL)."""
    folder = tmp_path_factory.mktemp("template")
    with open_library(folder / "live", settings=small_settings()) as library:
        for content, name in zip(CONTENTS, NAMES, strict=True):
            put(library, content, name)
        space = open_space(library)
        space.wait()
        library.set_setting("threshold", 4.0)
        shutil.copytree(folder / "live", folder / "copy")
    assert (folder / "copy" / "catalogue.db-wal").stat().st_size > 0
    return folder / "copy"


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hash of every file that hnswlib was given."""
    hashes: list[str] = []
    load = HnswIndex.load.__func__  # type: ignore[attr-defined]

    def spy(cls: type[HnswIndex], path: Path, **options: int) -> HnswIndex:
        hashes.append(sha256_file(path)[0])
        return load(cls, path, **options)  # type: ignore[no-any-return]

    monkeypatch.setattr(HnswIndex, "load", classmethod(spy))
    return hashes


def state(folder: Path) -> tuple[list[str], list[str], object]:
    """Everything a user would miss, the program's messages about the folder, and counts."""
    messages: list[str] = []
    with open_library(folder, settings=small_settings()) as library:
        space = open_space(library)
        messages += [text for text in (library.notice, space.status().notice) if text]
        held: list[str] = [str(library.setting("threshold"))]
        for video in library.videos():
            held += [video.video_id, video.name, str(video.frames)]
            try:
                features = library.features(video.video_id, extractor=EXTRACTOR)
                held.append(str(features.regions.sum()))
                held.append(str(sorted(set(found_videos(space, video.video_id)))))
            except VisilDashError as error:
                messages.append(str(error))
                held.append("no features")
        if space.wait(30):
            messages += [text for text in (space.status().notice,) if text]
        messages += [finding.problem for finding in library.verify()]
        counts = np.bincount(space.snapshot()[0] >> 20).tolist() if len(space) else []
    return held, messages, counts


def check_one(folder: Path, kind: str, mutate: Callable[..., bytes], seeded: random.Random) -> None:
    whole = state_of_template(folder)
    path = damaged_kinds(folder)[kind]
    data = path.read_bytes()
    changed = mutate(data, seeded)
    if changed == data:
        return
    path.write_bytes(changed)
    held, messages, counts = state(folder)
    # Either there was a message or nothing has changed: never silently different. One change cannot
    # be detected: a log that ends earlier is the log of a crash, and the last change of a name or
    # setting is lost with it. Videos are restored from their blobs.
    if kind == "wal" and held[0] == "None":
        held[0] = whole[0][0]
    assert messages or (held, counts) == whole, (kind, mutate.__name__)
    if kind not in ("db", "wal", "current"):
        assert messages, (kind, mutate.__name__)
    # Nobody else is affected: all other videos are there, whole and findable.
    for i in (0, 2, 3):
        assert IDS[i] in held, (kind, mutate.__name__, messages)
        place = held.index(IDS[i])
        assert held[place + 1] == NAMES[i]
        features = fake_video_features(IDS[i]).regions.astype(np.float32)
        assert held[place + 3] == str(features.sum())
        assert held[place + 4] == f"[{i + 1}]"
    # Once reported and repaired, the second opening reports only what needs the user.
    _, again, _ = state(folder)
    assert all("media" in text or "altered" in text or "no row" in text for text in again), again


_WHOLE: dict[Path, tuple[list[str], object]] = {}


def state_of_template(folder: Path) -> tuple[list[str], object]:
    key = folder.parent
    if key not in _WHOLE:
        shutil.copytree(folder, folder.with_name("whole"))
        held, messages, counts = state(folder.with_name("whole"))
        assert messages == []
        _WHOLE[key] = held, counts
    return _WHOLE[key]


def run_kind(kind: str, template: Path, tmp_path: Path, loaded: list[str], *, rounds: int) -> None:
    sound = {sha256_file(path)[0] for path in template.rglob("index.bin")}
    seeded = random.Random(kind)
    for number in range(rounds):
        for mutate in MUTATIONS:
            folder = tmp_path / "library"
            shutil.copytree(template, folder)
            loaded.clear()
            check_one(folder, kind, mutate, seeded)
            rebuilt = {sha256_file(path)[0] for path in folder.rglob("index.bin")}
            assert set(loaded) <= sound | rebuilt, (kind, mutate.__name__, number)
            shutil.rmtree(folder)


@pytest.mark.parametrize("kind", KINDS)
def test_damage_is_noticed_before_use_and_mended(
    kind: str, template: Path, tmp_path: Path, loaded: list[str]
) -> None:
    run_kind(kind, template, tmp_path, loaded, rounds=1)


@pytest.mark.night
@pytest.mark.parametrize("kind", KINDS)
def test_damage_of_50_sorts_is_noticed_before_use_and_mended(
    kind: str, template: Path, tmp_path: Path, loaded: list[str]
) -> None:
    run_kind(kind, template, tmp_path, loaded, rounds=10)


def test_a_lost_catalogue_is_remade_from_the_blobs(template: Path, tmp_path: Path) -> None:
    folder = tmp_path / "library"
    shutil.copytree(template, folder)
    for path in folder.glob("catalogue.db*"):
        path.unlink()
    with open_library(folder, settings=small_settings()) as library:
        assert "it was missing); 4 videos were restored" in library.notice
        assert [v.name for v in library.videos()] == NAMES
        assert [v.ordinal for v in library.videos()] == [1, 2, 3, 4]
        assert library.verify() == ()
        assert put(library, b"new", "new.mp4").ordinal == 5
        space = open_space(library)
        assert len(space) == 5 * FRAMES
    with open_library(folder, settings=small_settings()) as library:
        assert library.notice == ""


def test_a_viewer_of_a_damaged_catalogue_is_warned_and_changes_nothing(
    template: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "library"
    shutil.copytree(template, folder)
    (folder / "catalogue.db-wal").unlink()
    database = folder / "catalogue.db"
    database.write_bytes(b"not a database" + bytes(5000))
    with pytest.raises(StoreDamaged):
        open_library(folder, settings=small_settings(), read_only=True)
    assert database.read_bytes() == b"not a database" + bytes(5000)


def test_damaged_features_can_be_remade_from_the_stored_video(
    template: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "library"
    shutil.copytree(template, folder)
    damaged_kinds(folder)["blob"].write_bytes(b"damaged")
    shutil.rmtree(folder / "index")
    with open_library(folder, settings=small_settings()) as library:
        space = open_space(library)
        assert "Features set aside" in library.notice
        assert len(list((folder / "quarantine").iterdir())) == 1
        assert space.view().ordinals == {1, 3, 4}
        worker = Worker(library, FakePipeline(library, space), settings=library.settings)
        again = tmp_path / "again.mp4"
        again.write_bytes(CONTENTS[1])
        worker.enqueue(again, name="again.mp4")
        worker.start()
        assert worker.wait_idle(30)
        assert worker.jobs()[0].state is JobState.INDEXED
        assert set(found_videos(space, IDS[1])) == {2}


def test_the_log_of_a_crash_is_no_damage_and_a_flipped_bit_is(
    template: Path, tmp_path: Path
) -> None:
    database, log = tmp_path / "catalogue.db", tmp_path / "catalogue.db-wal"
    data = (template / "catalogue.db-wal").read_bytes()
    assert wal_damage(database) == ""
    for length in (0, 10, 32, len(data), len(data) - 1, len(data) - 5000):
        log.write_bytes(data[:length])
        assert wal_damage(database) == "", length
    seeded = random.Random(2)
    frame = 24 + 4096
    whole = 32 + (len(data) - 32) // frame * frame
    salted = [s for s in range(32, whole, frame) if data[s + 8 : s + 16] == data[16:24]]
    for _ in range(30):
        start = seeded.choice(salted)
        place = start + seeded.choice([0, 4, 16, 24, seeded.randrange(24, frame)])
        changed = bytearray(data)
        changed[place] ^= 1 << seeded.randrange(8)
        log.write_bytes(changed)
        assert wal_damage(database) != "", place


def test_no_temporary_file_is_left_anywhere(template: Path) -> None:
    assert not [path for path in template.rglob("*") if path.name.endswith(".tmp")]
    assert (template / "catalogue.db").stat().st_size > 0
