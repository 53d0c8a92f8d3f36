"""What a library keeps to with its files in a store, whichever the store is."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.library_fakes import (
    EXTRACTOR,
    MANIFEST,
    FakePipeline,
    content_id,
    fake_video_features,
    found_videos,
    open_space,
    put,
    small_settings,
)
from visil_dash.errors import StoreAway, StoreDamaged
from visil_dash.library.blobs import StepHook
from visil_dash.library.jobs import Worker
from visil_dash.library.remote.keys import media_key
from visil_dash.library.remote.remote import MARKER, Remote
from visil_dash.library.store import Library, open_library
from visil_dash.records import JobState

Open = Callable[..., Library]
MIB = 2**20


class Tampering:
    """What happens to objects behind the library's back: by the file system of fsspec itself."""

    def __init__(self, url: str) -> None:
        import fsspec

        self.system, self.root = fsspec.core.url_to_fs(url, use_listings_cache=False)

    def objects(self) -> set[str]:
        """Names of all objects without the library's own folder, and without its marker."""
        self.system.invalidate_cache()
        try:
            paths = self.system.find(self.root)
        except FileNotFoundError:
            return set()
        names = {path[len(self.root) :].strip("/").split("/", 1)[1] for path in paths}
        return names - {MARKER}

    def path(self, key: str) -> str:
        self.system.invalidate_cache()
        [path] = [path for path in self.system.find(self.root) if path.endswith(key)]
        return str(path)

    def alter(self, key: str, change: Callable[[bytes], bytes]) -> None:
        path = self.path(key)
        self.system.pipe_file(path, change(self.system.cat_file(path)))

    def delete(self, key: str) -> None:
        self.system.rm_file(self.path(key))


def remote_of(library: Library) -> Remote:
    assert library.remote is not None
    return library.remote


def empty_cache(library: Library) -> None:
    for pattern in ("media/*/original", "features/*/*", "reductions/*/*"):
        for path in library.folder.glob(pattern):
            path.unlink()


def cached(library: Library) -> list[Path]:
    patterns = ("media/*/original", "features/*/*.safetensors")
    return [path for pattern in patterns for path in library.folder.glob(pattern)]


def half_files(library: Library) -> list[Path]:
    return [path for path in library.folder.rglob(".*.tmp") if "index" not in path.parts]


def copied_catalogue(library: Library, folder: Path) -> None:
    """The catalogue alone, as another machine sees it."""
    import sqlite3

    folder.mkdir(exist_ok=True)
    source = sqlite3.connect(library.folder / "catalogue.db")
    target = sqlite3.connect(folder / "catalogue.db")
    source.backup(target)
    source.close()
    target.close()


class Killed(BaseException):
    """In place of the end of the process: nothing that handles errors runs."""


def killed_at(step: str) -> StepHook:
    def at(name: str) -> None:
        if name == step:
            raise Killed

    return at


class StoreContract:
    """`url`: of an empty place. `fast` settings: failures are noticed at once."""

    @pytest.fixture
    def url(self) -> str:
        raise NotImplementedError

    @pytest.fixture
    def tampering(self, url: str) -> Tampering:
        return Tampering(url)

    @pytest.fixture
    def opened(self, url: str, tmp_path: Path) -> Any:
        made: list[Library] = []

        def open_it(name: str = "library", **changes: Any) -> Library:
            about = {"store": url, "store_seconds": 5.0} | changes
            read_only = about.pop("read_only", None)
            step = {"step": about.pop("step")} if "step" in about else {}
            settings = small_settings(**about)
            made.append(
                open_library(tmp_path / name, settings=settings, read_only=read_only, **step)
            )
            return made[-1]

        yield open_it
        for library in made:
            library.close()

    def test_what_is_acknowledged_is_in_the_store_and_comes_back(
        self, opened: Open, tampering: Tampering
    ) -> None:
        library = opened()
        record = put(library, b"one", "one.mp4")
        want = fake_video_features(record.video_id).regions.astype(np.float32)
        assert {key.split("/")[0] for key in tampering.objects()} == {"media", "features"}
        assert remote_of(library).left_over() == []
        empty_cache(library)
        assert library.media_path(record.video_id).read_bytes() == b"one"
        got = library.features(record.video_id, extractor=EXTRACTOR)
        np.testing.assert_array_equal(got.regions, want)
        assert half_files(library) == []
        assert library.verify() == ()

    def test_a_second_machine_finds_the_same_with_the_same_scores(
        self, opened: Open, tmp_path: Path
    ) -> None:
        library = opened()
        space = open_space(library)
        for i in range(15):  # enough frames for the reduction to be fitted on
            record = put(library, b"clip %d" % i, f"{i}.mp4")
            space.add_video(record.ordinal, fake_video_features(record.video_id).frame_vectors)
        space.wait()
        assert space.reduction.method == "pca16"
        copied_catalogue(library, tmp_path / "second")
        second = opened("second", read_only=True)
        there = open_space(second)
        assert there.reduction.reduction_id == space.reduction.reduction_id
        for video in library.videos():
            query = fake_video_features(video.video_id).frame_vectors
            mine = space.view().search(space.reduction(query), 5)
            theirs = there.view().search(there.reduction(query), 5)
            np.testing.assert_array_equal(mine[0], theirs[0])
            np.testing.assert_allclose(mine[1], theirs[1], atol=1e-6)
        assert second.media_path(record.video_id).read_bytes() == b"clip 14"

    def test_removed_is_removed_there_too(self, opened: Open, tampering: Tampering) -> None:
        library = opened()
        gone, stays = put(library, b"one", "one.mp4"), put(library, b"two", "two.mp4")
        library.remove(gone.video_id)
        assert not [key for key in tampering.objects() if gone.video_id in key]
        library.take_out_features(stays.video_id, extractor=EXTRACTOR)
        assert tampering.objects() == {media_key(stays.video_id)}
        assert remote_of(library).left_over() == []

    @pytest.mark.parametrize(
        "change",
        [lambda data: data[:-1] + b"?", lambda data: data[: len(data) // 2], lambda _: b""],
        ids=["altered", "torn", "empty"],
    )
    def test_other_bytes_are_refused_reported_and_mended(
        self, opened: Open, tampering: Tampering, change: Callable[[bytes], bytes]
    ) -> None:
        library = opened()
        record = put(library, b"one of them", "one.mp4")
        [blob] = [key for key in tampering.objects() if key.startswith("features/")]
        for key in (media_key(record.video_id), blob):
            tampering.alter(key, change)
        empty_cache(library)
        with pytest.raises(StoreDamaged, match="altered in the store"):
            library.media_path(record.video_id)
        with pytest.raises(StoreDamaged, match="altered in the store"):
            library.features(record.video_id, extractor=EXTRACTOR)
        assert cached(library) == half_files(library) == []
        found = library.verify()
        assert {(f.media_of, f.video_id) for f in found} == {
            (record.video_id, ""),
            ("", record.video_id),
        }
        assert all("altered in the store" in str(finding) for finding in found)
        staged = library.stage("again")
        staged.write_bytes(b"one of them")
        library.put_video(staged, name="one.mp4", info=record.info)
        library.take_out_features(record.video_id, extractor=EXTRACTOR)
        library.put_features(fake_video_features(record.video_id), MANIFEST)
        assert library.verify() == ()

    def test_missing_objects_are_named(self, opened: Open, tampering: Tampering) -> None:
        library = opened()
        record = put(library, b"one", "one.mp4")
        tampering.delete("original")
        [finding] = library.verify()
        assert finding.media_of == record.video_id
        assert "gone from the store" in str(finding)
        assert library.media_path(record.video_id).read_bytes() == b"one"  # its copy is here
        empty_cache(library)
        with pytest.raises(StoreDamaged, match="gone from the store"):
            library.media_path(record.video_id)

    def test_an_altered_copy_in_the_cache_is_fetched_anew(self, opened: Open) -> None:
        library = opened()
        record = put(library, b"one", "one.mp4")
        [blob] = library.folder.glob("features/*/*.safetensors")
        blob.write_bytes(b"half")
        got = library.features(record.video_id, extractor=EXTRACTOR, anew=True)
        assert got.video_id == record.video_id
        assert len(library.feature_rows(EXTRACTOR)) == 1

    def test_the_cache_keeps_to_its_budget(self, opened: Open) -> None:
        blob, media = 4_700, 1_000
        budget = 4 * (blob + media)
        library = opened(store_cache_bytes=budget)
        cache = remote_of(library).cache
        cache.spare_media_seconds = 0.0
        videos = [put(library, bytes([i]) * media, f"{i}.mp4") for i in range(12)]
        assert 0 < cache.held_bytes() <= budget
        for video in [*videos, *reversed(videos)]:
            library.features(video.video_id, extractor=EXTRACTOR)
            library.media_path(video.video_id)
            assert cache.held_bytes() <= budget
        kept = {path.stem for path in library.folder.glob("features/*/*.safetensors")}
        assert videos[0].video_id in kept  # the one used last
        assert videos[-1].video_id not in kept
        assert library.verify() == ()

    def test_a_copy_that_the_store_lacks_is_not_evicted(
        self, opened: Open, tampering: Tampering
    ) -> None:
        library = opened(store_cache_bytes=1)
        cache = remote_of(library).cache
        cache.spare_media_seconds = 600.0
        record = put(library, b"one", "one.mp4")
        for key in tampering.objects():
            tampering.delete(key)
        cache.spare_media_seconds = 0.0
        cache.make_room()
        assert library.media_path(record.video_id).read_bytes() == b"one"

    def test_killed_between_upload_and_commit_it_is_swept_and_added_again(
        self, opened: Open, tampering: Tampering
    ) -> None:
        for step in ("media:flushed", "media:before-commit", "blob:flushed", "row:before-commit"):
            library = opened(step=killed_at(step))
            with pytest.raises(Killed):
                put(library, b"one", "one.mp4")
            library.close()
            library = opened()
            known = [video.video_id for video in library.videos()]
            assert all(any(video in key for video in known) for key in tampering.objects())
            assert remote_of(library).left_over() == []
            record = put(library, b"one", "one.mp4")
            assert library.verify() == ()
            library.remove(record.video_id)
            library.close()

    def test_copies_of_a_video_that_another_machine_removed_bring_nothing_back(
        self, opened: Open, tmp_path: Path
    ) -> None:
        library = opened()
        gone, stays = put(library, b"one", "one.mp4"), put(library, b"two", "two.mp4")
        copied_catalogue(library, tmp_path / "second")
        second = opened("second")
        for record in (gone, stays):
            second.media_path(record.video_id)
            second.features(record.video_id, extractor=EXTRACTOR)
        second.close()
        library.remove(gone.video_id)
        (tmp_path / "second" / "catalogue.db").unlink()
        copied_catalogue(library, tmp_path / "second")
        second = opened("second")
        assert second.notice == ""
        assert [video.video_id for video in second.videos()] == [stays.video_id]
        assert {gone.video_id in str(path) for path in cached(second)} == {False}
        assert second.verify() == ()

    def test_a_lost_catalogue_is_remade_though_the_media_is_not_here(self, opened: Open) -> None:
        library = opened()
        record = put(library, b"one", "one.mp4")
        library.close()
        for path in library.folder.glob("media/*/original"):
            path.unlink()
        for path in library.folder.glob("catalogue.db*"):
            path.unlink()
        library = opened()
        assert "was missing" in library.notice
        assert library.media_path(record.video_id).read_bytes() == b"one"
        assert library.verify() == ()

    def test_a_place_that_is_not_this_librarys_is_refused(
        self, opened: Open, tampering: Tampering
    ) -> None:
        library = opened()
        record = put(library, b"one", "one.mp4")
        empty_cache(library)
        library.close()
        library = opened()
        for key in (MARKER, *tampering.objects()):
            tampering.delete(key)
        with pytest.raises(StoreAway, match="does not hold this library"):
            library.features(record.video_id, extractor=EXTRACTOR)
        assert library.has_features(record.video_id, extractor=EXTRACTOR)
        library.close()
        fresh = opened()
        with pytest.raises(StoreAway, match="does not hold this library"):
            put(fresh, b"two", "two.mp4")


class Outage:
    """A store that can be taken away and given back."""

    def begin(self) -> None:
        raise NotImplementedError

    def end(self) -> None:
        raise NotImplementedError


def check_outage(library: Library, outage: Outage) -> None:
    """Adding pauses with a sentence, what is cached is searched, a removal is made up for, and
    adding goes on by itself."""
    space = open_space(library)
    first, second = put(library, b"first", "first.mp4"), put(library, b"second", "second.mp4")
    for record in (first, second):
        space.add_video(record.ordinal, fake_video_features(record.video_id).frame_vectors)
    remote = remote_of(library)
    outage.begin()
    worker = Worker(library, FakePipeline(library, space), settings=library.settings)
    staged = library.stage("later")
    staged.write_bytes(b"later")
    job = worker.enqueue(staged, name="later.mp4", staged=True)
    worker.start()
    until(lambda: "The store" in worker.paused)
    assert library.features(first.video_id, extractor=EXTRACTOR) is not None
    assert set(found_videos(space, first.video_id)) == {first.ordinal}
    library.remove(second.video_id)
    assert len(remote.left_over()) >= 2
    outage.end()
    until(lambda: worker.job(job.job_id).state is JobState.INDEXED)
    worker.stop()
    until(lambda: remote.sweep() is None and remote.left_over() == [])
    assert [video.video_id for video in library.videos()] == [first.video_id, content_id(b"later")]
    assert library.verify() == ()


def until(what: Callable[[], bool], *, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, threading.enumerate()
        time.sleep(0.05)
