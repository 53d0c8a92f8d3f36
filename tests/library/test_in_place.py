"""Files that are used where they lie: nothing is copied, nothing of them is changed, and whatever
becomes of them, what is known of their videos stays."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.benches import SOON, fake_bench
from tests.support.scenes import make_scene
from visil_dash.errors import MediaRefused, StoreDamaged
from visil_dash.library.in_place import files as in_place_files
from visil_dash.library.sharing.beside_writer import hand_over
from visil_dash.progress import UNWATCHED
from visil_dash.records import JobRecord, JobState
from visil_dash.safekeeping.backup import build_indexes, make_backup, restore_backup, verify_backup
from visil_dash.safekeeping.doctor import State, check_library, repaired
from visil_dash.tidying.places import places_of
from visil_dash.workbench.bench import Workbench
from visil_dash.workbench.ingest import ingest
from visil_dash.workbench.pictures import jpegs
from visil_dash.workbench.trash import move_to_trash, restore


@pytest.fixture
def films(tmp_path: Path) -> Path:
    folder = tmp_path / "films"
    folder.mkdir()
    for scene, name in enumerate(("a.mp4", "b.mp4", "c.mp4")):
        make_scene(folder / name, scene, seconds=3.0)
    return folder


@pytest.fixture
def bench(tmp_path: Path, films: Path) -> Iterator[Workbench]:
    with fake_bench(tmp_path / "library") as opened:
        add(opened, films)
        yield opened


def add(bench: Workbench, *paths: Path) -> list[JobRecord]:
    jobs = bench.add_paths(paths, in_place=True)
    assert bench.worker.wait_idle(SOON)
    return [bench.worker.job(job.job_id) for job in jobs]


def states(bench: Workbench, *folders: Path, anew: bool = False) -> dict[str, str]:
    places = places_of(bench.library, folders, anew=anew)
    return {place.path.name: place.state.value for place in places}


def flip_a_byte(path: Path, *, keep_times: bool = False) -> None:
    status, data = path.stat(), bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    if keep_times:
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_nothing_is_copied_and_the_files_are_searched_and_shown(
    bench: Workbench, films: Path
) -> None:
    before = {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in films.iterdir()}
    assert [v.name for v in bench.videos()] == ["a.mp4", "b.mp4", "c.mp4"]
    assert list(bench.library.folder.rglob("original")) == []
    assert bench.search("a.mp4").library_videos == 3
    copy = shutil.copy(films / "a.mp4", films.parent / "query.mp4")
    clip = bench.open_clip(Path(copy))
    assert bench.compare(clip.query_id, "b.mp4").reference == bench.library.video("b.mp4").video_id
    assert jpegs(bench, "a.mp4", [1.0], long_side=64)[0][:2] == b"\xff\xd8"
    assert bench.library.media_path(bench.library.video("b.mp4").video_id) == films / "b.mp4"
    assert bench.verify() == ()
    assert {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in films.iterdir()} == before


def test_a_file_that_is_in_place_is_not_read_again(
    bench: Workbench, films: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = 1_000_000_000
    for path in films.iterdir():
        os.utime(path, (old, old))
    monkeypatch.setattr(in_place_files, "SETTLED_SECONDS", 0.0)  # as if they were written long ago
    assert set(states(bench).values()) == {"same"}
    assert add(bench, films) == []
    with monkeypatch.context() as patched:
        patched.setattr(bench.library.in_place, "hashed", None)  # reading would be an error
        assert set(states(bench).values()) == {"same"}


def test_changed_missing_moved_and_brought_back_are_each_reported_and_nothing_is_lost(
    bench: Workbench, films: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    shutil.copytree(films, kept)
    b = bench.library.video("b.mp4").video_id
    bench.library.set_tags(b, ("holiday",))
    flip_a_byte(films / "a.mp4", keep_times=True)
    (films / "b.mp4").unlink()
    archive = tmp_path / "archive"
    archive.mkdir()
    (films / "c.mp4").rename(archive / "renamed.mp4")
    assert states(bench) == {"a.mp4": "changed", "b.mp4": "missing", "c.mp4": "missing"}
    wrong = [str(finding) for finding in bench.library.verify()]
    assert len(wrong) == 3
    assert all("Put the file back" in text for text in wrong)
    # Features, tags and the search need no file.
    assert bench.search("b.mp4").library_videos == 3
    assert bench.library.video(b).tags == ("holiday",)
    assert states(bench, archive)["c.mp4"] == "moved"
    assert bench.library.media_path(bench.library.video("c.mp4").video_id) == (
        archive / "renamed.mp4"
    )
    assert bench.library.video("c.mp4").places == (str(archive / "renamed.mp4"),)
    for name in ("a.mp4", "b.mp4"):
        shutil.copy(kept / name, films / name)
    assert states(bench) == {"a.mp4": "back", "b.mp4": "back", "renamed.mp4": "same"}
    assert set(states(bench).values()) == {"same"}
    assert bench.verify() == ()


def test_an_altered_file_is_neither_played_nor_decoded_nor_proved(
    bench: Workbench, films: Path
) -> None:
    video = bench.library.video("a.mp4").video_id
    flip_a_byte(films / "a.mp4", keep_times=True)
    with pytest.raises(StoreDamaged, match="was altered"):
        bench.library.media_path(video)
    with pytest.raises(StoreDamaged, match="was altered"):
        jpegs(bench, video, [1.0], long_side=64)
    (films / "a.mp4").unlink()
    (films / "a.mp4").symlink_to(films / "b.mp4")
    with pytest.raises(StoreDamaged, match="is gone"):
        bench.library.media_path(video)


def test_other_bytes_at_a_known_place_are_another_video(bench: Workbench, films: Path) -> None:
    make_scene(films / "a.mp4", 7, seconds=3.0)
    (job,) = add(bench, films / "a.mp4")
    assert job.state is JobState.INDEXED
    assert len(bench.videos()) == 4
    (films / "other name.mp4").write_bytes((films / "b.mp4").read_bytes())
    (same,) = add(bench, films / "other name.mp4")
    b = bench.library.video("b.mp4")
    assert (same.duplicate_of, b.other_names) == (b.video_id, ("other name.mp4",))
    assert set(b.places) == {str(films / "b.mp4"), str(films / "other name.mp4")}
    (films / "b.mp4").unlink()  # one of two copies: the other is used
    assert bench.library.media_path(b.video_id) == films / "other name.mp4"
    assert bench.library.verify() != ()  # of a.mp4 only
    assert not any("b.mp4" in finding.artefact for finding in bench.library.verify())
    left = bench.library.remove_name(b.video_id, "b.mp4")
    assert left.places == (str(films / "other name.mp4"),)
    assert bench.library.media_path(b.video_id) == films / "other name.mp4"


@pytest.mark.parametrize("what", ["link", "inside"])
def test_links_and_the_librarys_own_files_are_refused(
    bench: Workbench, films: Path, what: str
) -> None:
    path = films / "link.mp4" if what == "link" else bench.library.folder / "own.mp4"
    if what == "link":
        path.symlink_to(films / "a.mp4")
    else:
        shutil.copy(films / "a.mp4", path)
    (job,) = add(bench, path)
    assert job.state is JobState.REFUSED
    assert ("it is a link" if what == "link" else "a part of the library") in job.reason


def test_a_file_that_changes_while_it_is_decoded_is_refused(bench: Workbench, films: Path) -> None:
    path = make_scene(films / "new.mp4", 9, seconds=3.0)
    digest, _ = bench.library.in_place.hashed(path)
    job = JobRecord("j", "new.mp4", JobState.HASHED, video_id=digest, in_place=True)

    def enter(state: JobState) -> None:
        if state is JobState.FEATURES:
            flip_a_byte(path, keep_times=True)

    with pytest.raises(MediaRefused, match="changed while it was being decoded"):
        ingest(
            job,
            path,
            library=bench.library,
            space=bench.space,
            model=bench.model,
            settings=bench.settings,
            enter=enter,
            watch=UNWATCHED,
        )
    assert len(bench.videos()) == 3


def test_a_file_too_large_to_be_copied_may_stay_where_it_is(tmp_path: Path, films: Path) -> None:
    with fake_bench(tmp_path / "library", max_copied_bytes=1000) as bench:
        (copied,) = bench.add_paths([films / "a.mp4"])
        assert bench.worker.wait_idle(SOON)
        assert bench.worker.job(copied.job_id).state is JobState.REFUSED
        assert add(bench, films / "a.mp4")[0].state is JobState.INDEXED


def test_a_catalogue_that_is_lost_is_remade_though_the_files_are_away(
    tmp_path: Path, films: Path, bench: Workbench
) -> None:
    names = [video.name for video in bench.videos()]
    bench.close()
    away = films.rename(tmp_path / "away")
    for path in (tmp_path / "library").glob("catalogue.db*"):
        path.unlink()
    with fake_bench(tmp_path / "library") as again:
        assert [video.name for video in again.videos()] == names
        assert set(states(again).values()) == {"missing"}
        away.rename(films)
        assert set(states(again).values()) == {"back"}
        assert again.verify() == ()
        assert again.search("a.mp4").library_videos == 3


def test_removal_and_its_undo_leave_the_file_alone(bench: Workbench, films: Path) -> None:
    video, data = bench.library.video("a.mp4"), (films / "a.mp4").read_bytes()
    bench.library.set_tags(video.video_id, ("holiday",))
    trashed = move_to_trash(bench, [], [video.video_id])
    assert (films / "a.mp4").read_bytes() == data
    assert len(bench.videos()) == 2
    restore(bench, [], trashed.batch)
    again = bench.library.video("a.mp4")
    assert (again.tags, again.places, again.bytes) == (("holiday",), video.places, video.bytes)
    assert bench.library.media_path(video.video_id) == films / "a.mp4"
    assert (films / "a.mp4").stat().st_nlink == 1  # a second name would let it be changed


def test_a_file_in_place_can_be_moved_to_the_trash_and_back(bench: Workbench, films: Path) -> None:
    video, data = bench.library.video("a.mp4").video_id, (films / "a.mp4").read_bytes()
    trashed = move_to_trash(bench, [], [video], outside=[films])
    assert not (films / "a.mp4").exists()
    restore(bench, [], trashed.batch, outside=[films])
    assert (films / "a.mp4").read_bytes() == data
    assert bench.library.media_path(video) == films / "a.mp4"
    assert bench.verify() == ()


def test_a_backup_holds_their_places_and_features_but_not_the_files(
    bench: Workbench, films: Path, tmp_path: Path
) -> None:
    made = make_backup(bench.library.folder, tmp_path / "backup", settings=bench.settings)
    assert (made.videos, made.in_place, made.left_out) == (3, 3, ())
    assert verify_backup(tmp_path / "backup", made) == ()
    size = sum(path.stat().st_size for path in films.iterdir())
    assert not any(file.path.startswith("media/") for file in made.files), size
    restore_backup(tmp_path / "backup", tmp_path / "restored")
    build_indexes(tmp_path / "restored", settings=bench.settings)
    with fake_bench(tmp_path / "restored") as again:
        assert again.verify() == ()
        assert again.library.media_path(again.videos()[0].video_id) == films / "a.mp4"


def test_the_doctor_reports_and_never_moves_them(bench: Workbench, films: Path) -> None:
    flip_a_byte(films / "a.mp4", keep_times=True)
    checks = check_library(bench)
    wrong = [check.text for check in checks if check.state is State.PROBLEM]
    assert [str(films / "a.mp4") in text for text in wrong] == [True]
    repaired(bench, checks)
    assert (films / "a.mp4").is_file()


def test_a_copy_that_is_added_later_makes_the_library_independent(
    bench: Workbench, films: Path, fill_copy: Callable[[Path], None], tmp_path: Path
) -> None:
    shutil.copy(films / "a.mp4", tmp_path / "copy.mp4")
    fill_copy(tmp_path / "copy.mp4")
    video = bench.library.video("a.mp4").video_id
    (films / "a.mp4").unlink()
    assert bench.library.media_path(video).name == "original"
    assert not any(f.media_of == video for f in bench.library.verify())


@pytest.fixture
def fill_copy(bench: Workbench) -> Callable[[Path], None]:
    def run(path: Path) -> None:
        bench.add_paths([path])
        assert bench.worker.wait_idle(SOON)

    return run


def test_a_shell_hands_files_in_place_to_the_writer(bench: Workbench, films: Path) -> None:
    make_scene(films / "d.mp4", 8, seconds=3.0)
    (job_id,) = hand_over(bench.library, sorted(films.iterdir())[3:], in_place=True)
    assert bench.worker.wait_idle(SOON)
    assert bench.worker.job(job_id).state is JobState.INDEXED
    assert list(bench.library.folder.rglob("original")) == []
