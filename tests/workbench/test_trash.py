"""Removal that can be undone (workbench/trash.py), and files outside the library."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.support.benches import copy_library, fake_bench, fill
from tests.support.page_world import shared_library
from tests.support.scenes import make_scene
from tests.support.store_contract import empty_cache
from visil_dash.errors import NotFound, StoreReadOnly
from visil_dash.labels.label import Label
from visil_dash.library.remote.moving import send_all
from visil_dash.workbench.bench import Workbench
from visil_dash.workbench.trash import empty_trash, move_to_trash, restore, trash_of


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    folder = copy_library(shared_library(), tmp_path / "library")
    with fake_bench(folder) as opened:
        yield opened


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    return folder


def ids(bench: Workbench) -> dict[str, str]:
    return {v.name: v.video_id for v in bench.videos()}


def added(bench: Workbench, path: Path) -> str:
    """Adds the file by its path; its id."""
    fill(bench, [make_scene(path, 11, seconds=4)])
    return ids(bench)[path.name]


def test_undo_brings_back_all_that_was_known_of_a_video(bench: Workbench) -> None:
    query, other = ids(bench)["market.mp4"], ids(bench)["station.mp4"]
    bench.library.set_tags(query, ("food", "2024"))
    bench.library.set_label(Label(query, other, "not_match", "CS", "review"))
    was, vectors = bench.library.video(query), bench.clip(query).features.regions
    media, frames = bench.library.media_path(query).read_bytes(), len(bench.space)

    trashed = move_to_trash(bench, [bench], [query])
    assert trashed.names == ("market.mp4",)
    assert trashed.bytes > len(media)
    assert "market.mp4" not in ids(bench)
    assert len(bench.space) < frames
    assert bench.library.labels() == ()
    assert bench.verify() == ()

    restore(bench, [bench], trashed.batch)
    now = bench.library.video(query)
    assert (now.name, now.tags, now.info, now.places) == (was.name, was.tags, was.info, was.places)
    assert bench.library.media_path(query).read_bytes() == media
    assert np.array_equal(bench.clip(query).features.regions, vectors)
    assert len(bench.space) == frames
    (label,) = bench.library.labels()
    assert (label.verdict, label.relation) == ("not_match", "CS")
    assert trash_of(bench) == ()
    assert bench.verify() == ()


def test_several_go_together_and_the_latest_comes_first(bench: Workbench) -> None:
    first = move_to_trash(bench, [], [ids(bench)["market.mp4"]])
    both = [ids(bench)[name] for name in ("station.mp4", "harbour.mp4")]
    second = move_to_trash(bench, [], both)
    assert [t.batch for t in trash_of(bench)] == [second.batch, first.batch]
    assert second.names == ("station.mp4", "harbour.mp4")
    assert bench.videos() == ()
    restore(bench, [], second.batch)
    assert sorted(ids(bench)) == ["harbour.mp4", "station.mp4"]
    empty_trash(bench, [first.batch])
    assert trash_of(bench) == ()
    with pytest.raises(NotFound):
        restore(bench, [], first.batch)


def test_a_file_outside_is_not_touched_unless_asked(bench: Workbench, outside: Path) -> None:
    path = outside / "new.mp4"
    video = added(bench, path)
    content = path.read_bytes()
    trashed = move_to_trash(bench, [], [video])
    assert (trashed.moved, trashed.left) == ((), ())
    assert path.read_bytes() == content


def test_asked_for_it_goes_to_the_trash_and_undo_puts_it_back(
    bench: Workbench, outside: Path
) -> None:
    path = outside / "new.mp4"
    video = added(bench, path)
    content = path.read_bytes()
    trashed = move_to_trash(bench, [], [video], outside=[outside])
    assert trashed.moved == (str(path),)
    assert not path.exists()
    restore(bench, [], trashed.batch, outside=[outside])
    assert path.read_bytes() == content
    assert bench.library.video(video).places == (str(path),)
    assert trash_of(bench) == ()


def test_a_file_that_changed_or_lies_elsewhere_stays_and_the_reason_is_named(
    bench: Workbench, outside: Path, tmp_path: Path
) -> None:
    path = outside / "new.mp4"
    video = added(bench, path)
    kept = move_to_trash(bench, [], [video], outside=[tmp_path / "library"])
    assert dict(kept.left) == {str(path): "it is outside the folders that the dashboard may change"}
    restore(bench, [], kept.batch)
    path.write_bytes(b"another film")
    changed = move_to_trash(bench, [], [video], outside=[outside])
    assert dict(changed.left) == {str(path): "it has changed since it was added"}
    restore(bench, [], changed.batch)
    path.unlink()
    gone = move_to_trash(bench, [], [video], outside=[outside])
    assert "no such file" in dict(gone.left)[str(path)]


def test_a_link_to_a_file_elsewhere_moves_nothing(
    bench: Workbench, outside: Path, tmp_path: Path
) -> None:
    path = outside / "new.mp4"
    video = added(bench, path)
    real = tmp_path / "real.mp4"
    path.rename(real)
    path.symlink_to(real)
    trashed = move_to_trash(bench, [], [video], outside=[outside])
    assert trashed.moved == ()
    assert real.is_file()
    assert path.is_symlink()


def test_a_file_whose_place_was_taken_stays_in_the_trash(bench: Workbench, outside: Path) -> None:
    path = outside / "new.mp4"
    video = added(bench, path)
    trashed = move_to_trash(bench, [], [video], outside=[outside])
    path.write_bytes(b"someone else's")
    put_back = restore(bench, [], trashed.batch, outside=[outside])
    assert [source for source, _ in put_back.left] == [str(path)]
    assert path.read_bytes() == b"someone else's"
    assert bench.library.video(video).name == "new.mp4"
    (left,) = trash_of(bench)
    assert (left.names, left.moved) == ((), (str(path),))


def test_a_name_that_leads_out_of_the_trash_is_refused(bench: Workbench, tmp_path: Path) -> None:
    (tmp_path / "batch.json").write_text(json.dumps({"at": "", "videos": [], "files": []}))
    for batch in ("../..", "..", ".", "", "gone"):
        with pytest.raises(NotFound):
            empty_trash(bench, [batch])
    assert (tmp_path / "batch.json").is_file()


def test_a_viewer_removes_nothing(bench: Workbench) -> None:
    with fake_bench(bench.library.folder) as viewer:
        assert viewer.library.read_only
        with pytest.raises(StoreReadOnly):
            move_to_trash(viewer, [], [ids(viewer)["market.mp4"]])
    assert trash_of(bench) == ()


def test_undo_brings_back_what_lay_in_a_store_alone(tmp_path: Path) -> None:
    folder = copy_library(shared_library(), tmp_path / "library")
    with fake_bench(folder, store=f"file://{tmp_path / 'store'}") as bench:
        assert send_all(bench.library).lacking == ()
        video = ids(bench)["market.mp4"]
        content = bench.library.media_path(video).read_bytes()
        regions = bench.library.features(video, extractor=bench.extractor).regions
        empty_cache(bench.library)
        gone = move_to_trash(bench, [], [video])
        assert not [*(tmp_path / "store").glob(f"*/*/{video}*")]
        restore(bench, [], gone.batch)
        empty_cache(bench.library)
        assert bench.library.media_path(video).read_bytes() == content
        again = bench.library.features(video, extractor=bench.extractor)
        np.testing.assert_array_equal(again.regions, regions)
        assert bench.verify() == ()
