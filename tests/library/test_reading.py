"""What is read again and what is not: counts of statements and of checks, where times vary."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from tests.support.fakes import fake_model
from tests.support.library_fakes import (
    DIM,
    EXTRACTOR,
    REGIONS,
    build_folder,
    content_id,
    open_space,
    put,
    small_settings,
)
from visil_dash.errors import StoreDamaged
from visil_dash.library import rereading, viewer
from visil_dash.library.paths import blob_file
from visil_dash.library.store import Library, open_library
from visil_dash.workbench.bench import Workbench


@contextmanager
def statements() -> Iterator[list[str]]:
    """The statements that reach the catalogue meanwhile."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    sa.event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(Engine, "before_cursor_execute", note)


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that are checked against their checksums meanwhile, old enough to be trusted."""
    seen: list[str] = []
    whole = viewer.decode_features

    def decode(data: bytes, *, name: str) -> object:
        seen.append(Path(name).stem)
        return whole(data, name=name)

    monkeypatch.setattr(viewer, "decode_features", decode)
    monkeypatch.setattr(rereading, "SETTLED_SECONDS", -1.0)
    return seen


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with open_library(tmp_path / "library", settings=small_settings()) as opened:
        yield opened


def test_a_feature_file_is_checked_once_and_read_the_same_again(
    library: Library, checks: list[str]
) -> None:
    video = put(library, b"one", "a.mp4").video_id
    first = library.features(video, extractor=EXTRACTOR)
    again = library.features(video, extractor=EXTRACTOR)
    assert checks == [video]
    np.testing.assert_array_equal(again.regions, first.regions)
    np.testing.assert_array_equal(again.timestamps, first.timestamps)
    assert (again.video_id, again.picture) == (first.video_id, first.picture)


def test_a_file_that_was_changed_since_is_checked_again(
    library: Library, checks: list[str]
) -> None:
    video = put(library, b"one", "a.mp4").video_id
    library.features(video, extractor=EXTRACTOR)
    path = blob_file(library.folder, EXTRACTOR, video)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(StoreDamaged):
        library.features(video, extractor=EXTRACTOR)
    path.unlink()
    with pytest.raises(StoreDamaged):
        library.features(video, extractor=EXTRACTOR)


def test_a_file_written_a_moment_ago_is_not_trusted_yet(
    library: Library, checks: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rereading, "SETTLED_SECONDS", 60.0)
    video = put(library, b"one", "a.mp4").video_id
    for _ in range(2):
        library.features(video, extractor=EXTRACTOR)
    assert checks == [video, video]


def test_verify_reads_every_file_anew(library: Library, checks: list[str]) -> None:
    video = put(library, b"one", "a.mp4").video_id
    for _ in range(2):
        library.features(video, extractor=EXTRACTOR)
        assert library.verify() == ()
    assert checks == [video] * 3


def test_rows_are_read_once_until_something_is_committed(library: Library) -> None:
    one = put(library, b"one", "a.mp4")
    library.videos(), library.features_ids(EXTRACTOR)
    with statements() as seen:
        for _ in range(5):
            assert library.videos() == (one,)
            assert library.features_ids(EXTRACTOR) == (one.video_id,)
    assert seen == []
    two = put(library, b"two", "b.mp4")
    assert library.features_ids(EXTRACTOR) == (one.video_id, two.video_id)
    library.rename(one.video_id, "c.mp4")
    assert [v.name for v in library.videos()] == ["c.mp4", "b.mp4"]
    library.remove(one.video_id)
    assert library.features_ids(EXTRACTOR) == (two.video_id,)


def test_a_viewer_sees_at_once_what_another_process_committed(tmp_path: Path) -> None:
    build_folder(tmp_path / "library", [b"one"])
    with (
        open_library(tmp_path / "library", settings=small_settings()) as writer,
        open_library(tmp_path / "library", settings=small_settings(), read_only=True) as other,
    ):
        assert [v.video_id for v in other.videos()] == [content_id(b"one")]
        put(writer, b"two", "b.mp4")
        assert len(other.videos()) == len(other.features_ids(EXTRACTOR)) == 2


@pytest.mark.parametrize("exhaustive", [True, False])
def test_a_search_asks_the_catalogue_as_often_whatever_the_number_of_videos(
    tmp_path: Path, checks: list[str], exhaustive: bool
) -> None:
    model = fake_model(extractor=EXTRACTOR, regions=REGIONS, dim=DIM)
    asked = []
    for number in (2, 9):
        folder = tmp_path / str(number)
        build_folder(folder, [bytes([i]) for i in range(number)])
        settings = small_settings(library=folder)
        with Workbench(
            open_library(folder, settings=settings), model, settings, start_worker=False
        ) as bench:
            query = content_id(bytes([0]))
            bench.search(query, exhaustive=exhaustive, threshold=4.0)
            checks.clear()
            with statements() as seen:
                found = bench.search(query, exhaustive=exhaustive, threshold=4.0)
            assert len(found.matches) == number - 1
            assert checks == [], "checked when the library was first searched"
            asked.append(len(seen))
    assert asked[0] == asked[1]


def test_opening_a_library_and_its_index_reads_no_feature_file(
    tmp_path: Path, checks: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = [b"clip %d" % i for i in range(5)]
    build_folder(tmp_path / "library", contents)
    checks.clear()
    read: list[Path] = []
    whole = Path.read_bytes

    def note(path: Path) -> bytes:
        if "features" in path.parts:
            read.append(path)
        return whole(path)

    monkeypatch.setattr(Path, "read_bytes", note)
    with open_library(tmp_path / "library", settings=small_settings()) as library:
        space = open_space(library)
        assert len(space.view().ordinals) == len(contents)
        assert not checks
        assert not read
        library.features(content_id(contents[0]), extractor=EXTRACTOR)
        assert [path.stem for path in read] == checks
