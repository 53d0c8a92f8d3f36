"""Searches and pair tables in shards: the same scores as in one process, however they are cut,
in the order of promise, and whatever happens to a worker."""

import pickle
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.benches import copy_library, fake_bench
from tests.support.fakes import fake_model
from tests.support.library_fakes import (
    EXTRACTOR,
    fake_info,
    fake_video_features,
    put,
    small_settings,
)
from tests.support.library_fakes import MANIFEST as FAKE
from tests.support.pair_world import copy_world
from visil_dash.collection.library_pairs import library_pair_table
from visil_dash.collection.table import KnownPairs, pair_tiles
from visil_dash.engines.ahead import Piece, PoolBroken
from visil_dash.engines.comparing import ComparedQuery, rerank_on
from visil_dash.errors import Cancelled
from visil_dash.framing.views import IN_WIDE, SuitsByShape
from visil_dash.library.store import Library, open_library
from visil_dash.matching.alignment import AlignOptions
from visil_dash.matching.rerank import rerank
from visil_dash.matching.similarity import CHAMFER
from visil_dash.progress import UNWATCHED, Progress, Watch
from visil_dash.records import WHOLE, Candidate, Match, SearchResult, VideoFeatures

OPTIONS = AlignOptions(frame_level=0.7)
VIDEOS, COPIES, FRAMES = 24, 6, 24


class AtOnce:
    """A pool that runs each piece when it is begun, on what survives pickling."""

    name = "a pool"

    def __init__(self, *, loses: int = 0, places: int = 1) -> None:
        self.begun: list[Piece] = []
        self._loses, self._places = loses, places

    def places(self) -> int:
        return self._places

    def shared(self, value: Any) -> Any:
        return value

    def submit(self, piece: Piece) -> "Future[Any]":
        self.begun.append(piece)
        done: Future[Any] = Future()
        if self._loses:
            self._loses -= 1
            done.set_exception(PoolBroken("lost"))
        else:
            arguments = pickle.loads(pickle.dumps(dict(piece.arguments)))
            done.set_result(pickle.loads(pickle.dumps(piece.work(**arguments))))
        return done

    def done(self, handle: "Future[Any]", seconds: float) -> bool:
        return handle.done()

    def result(self, handle: "Future[Any]") -> Any:
        return handle.result()

    def cancel(self, handle: "Future[Any]") -> None:
        pass

    def close(self) -> None:
        pass


@pytest.fixture(scope="module")
def query() -> VideoFeatures:
    return fake_video_features(f"{7:064x}", frames=FRAMES)


@pytest.fixture(scope="module")
def library(query: VideoFeatures, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """Videos of which every fourth holds some seconds of the query."""
    folder = tmp_path_factory.mktemp("sharded") / "library"
    with open_library(folder, settings=small_settings()) as made:
        for number in range(VIDEOS):
            staged = made.stage()
            staged.write_bytes(b"%d" % number)
            record = made.put_video(staged, name=f"{number}.mp4", info=fake_info(FRAMES))
            features = fake_video_features(record.video_id, frames=FRAMES)
            regions = features.regions.copy()
            if number % 4 == 0:
                regions[3 : 3 + 8] = query.regions[5 : 5 + 8]
            times = features.timestamps
            made.put_features(VideoFeatures(record.video_id, EXTRACTOR, regions, times), FAKE)
        yield made


def in_one_process(
    library: Library, views: dict[str, VideoFeatures], align_top: int
) -> tuple[Match, ...]:
    ids = library.features_ids(EXTRACTOR)
    matches, skipped = rerank(
        views,
        dict.fromkeys(views, ids),
        load=lambda video_id: library.features(video_id, extractor=EXTRACTOR),
        names={v.video_id: v.name for v in library.videos()},
        candidates={},
        scorer=CHAMFER,
        options=OPTIONS,
        suits=SuitsByShape({v.video_id: v.info for v in library.videos()}),
        align_top=align_top,
    )
    assert not skipped
    return matches


def on_pool(
    pool: Any,
    library: Library,
    views: dict[str, VideoFeatures],
    *,
    align_top: int,
    ids: tuple[str, ...] | None = None,
    candidates: dict[str, Candidate] | None = None,
    watch: Watch = UNWATCHED,
) -> tuple[Match, ...]:
    matches, skipped = rerank_on(
        pool,
        ComparedQuery(views, CHAMFER, OPTIONS, align_top),
        dict.fromkeys(views, ids or library.features_ids(EXTRACTOR)),
        library=library,
        scorer=CHAMFER,
        candidates=candidates or {},
        shard_frames=3 * FRAMES,
        watch=watch,
    )
    assert not skipped
    return matches


def check_same(got: tuple[Match, ...], want: tuple[Match, ...]) -> None:
    assert [m.video_id for m in got] == [m.video_id for m in want]
    for mine, theirs in zip(got, want, strict=True):
        assert (mine.view, len(mine.segments)) == (theirs.view, len(theirs.segments))
        assert mine.score == pytest.approx(theirs.score, abs=1e-6)
        assert mine.reverse_score == pytest.approx(theirs.reverse_score, abs=1e-6)
        assert mine.part_score == pytest.approx(theirs.part_score, abs=1e-6)


@pytest.mark.parametrize("align_top", [4, 50])
@pytest.mark.parametrize(("loses", "begun"), [(0, 8), (1, 9), (5, 12)])
def test_a_search_in_shards_is_the_search(
    library: Library, query: VideoFeatures, align_top: int, loses: int, begun: int
) -> None:
    """Also with more than one view, and with shards that are lost: each is begun again once, and
    done here when it is lost again."""
    views = {WHOLE: query, IN_WIDE.key: fake_video_features(f"{8:064x}", frames=FRAMES)}
    want = in_one_process(library, views, align_top)
    assert sum(bool(m.segments) for m in want) == min(align_top, COPIES)
    pool = AtOnce(loses=loses, places=2)
    check_same(on_pool(pool, library, views, align_top=align_top), want)
    assert len(pool.begun) == begun


def test_the_most_promising_are_compared_first_and_the_best_is_named_as_it_comes(
    library: Library, query: VideoFeatures
) -> None:
    ids = library.features_ids(EXTRACTOR)
    copies = [v.video_id for v in library.videos() if int(v.name.removesuffix(".mp4")) % 4 == 0]
    order = (*copies, *(v for v in ids if v not in copies))
    seen: list[Progress] = []
    pool, watch = AtOnce(), Watch(seen.append)
    found = on_pool(pool, library, {WHOLE: query}, align_top=50, ids=order, watch=watch)
    first = pool.begun[0].arguments["shard"]
    assert list(first.names) == copies[:3]
    assert [p.done for p in seen] == list(range(0, VIDEOS + 1, 3))
    assert found[0].name in seen[2].what


def test_a_stopped_search_stops(library: Library, query: VideoFeatures) -> None:
    seen: list[Progress] = []
    watch = Watch(seen.append, stopped=lambda: len(seen) == 3)
    with pytest.raises(Cancelled):
        on_pool(AtOnce(), library, {WHOLE: query}, align_top=50, watch=watch)


def test_features_that_a_worker_cannot_trust_are_compared_here_and_reported_as_ever(
    query: VideoFeatures, tmp_path: Path
) -> None:
    with open_library(tmp_path / "library", settings=small_settings()) as own:
        records = []
        for number in range(4):
            staged = own.stage()
            staged.write_bytes(b"own %d" % number)
            records.append(own.put_video(staged, name=f"{number}.mp4", info=fake_info(FRAMES)))
            own.put_features(fake_video_features(records[-1].video_id, frames=FRAMES), FAKE)
        damaged = own.folder / "features" / EXTRACTOR / f"{records[1].video_id}.safetensors"
        damaged.write_bytes(damaged.read_bytes()[:-1] + b"x")
        matches, skipped = rerank_on(
            AtOnce(),
            ComparedQuery({WHOLE: query}, CHAMFER, OPTIONS),
            {WHOLE: own.features_ids(EXTRACTOR)},
            library=own,
            scorer=CHAMFER,
            candidates={},
            watch=UNWATCHED,
        )
    assert {m.video_id for m in matches} == {r.video_id for r in records} - {records[1].video_id}
    assert "altered" in skipped[records[1].video_id]


def test_a_worker_reads_from_the_store_what_the_folder_lacks(
    query: VideoFeatures, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = small_settings(store=f"file://{tmp_path / 'store'}")
    with open_library(tmp_path / "library", settings=settings) as own:
        ids = [put(own, b"stored %d" % number, f"{number}.mp4").video_id for number in range(3)]
        want = in_one_process(own, {WHOLE: query}, 50)
        (own.folder / "features" / EXTRACTOR / f"{ids[1]}.safetensors").unlink()
        check_same(on_pool(AtOnce(), own, {WHOLE: query}, align_top=50), want)
        assert not (own.folder / "features" / EXTRACTOR / f"{ids[1]}.safetensors").exists()
    assert "left to this process" not in caplog.text


# -- pairs ----------------------------------------------------------------------------------


def test_tiles_hold_each_unknown_pair_once_and_keep_the_order_of_promise() -> None:
    ids = [f"v{i}" for i in range(60)]
    known = KnownPairs()
    known.keep("v1", "v2", 0.5, 0.5)
    tiles = pair_tiles(ids, None, known)
    pairs = [pair for tile in tiles for pair in tile]
    assert len(pairs) == len(set(pairs)) == 60 * 61 // 2 - 1
    assert all(len({v for pair in tile for v in pair}) <= 48 for tile in tiles)
    likely = pair_tiles(ids, [("v59", "v58"), ("v1", "v0"), ("v50", "gone"), ("v57", "v59")], known)
    assert likely == [[("v58", "v59"), ("v57", "v59")], [("v0", "v1")]]


def test_a_collection_compared_by_processes_has_the_scores_of_one_process(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """By the setting and in a search, too; nothing is compared twice."""
    folder = copy_library(copy_world(), tmp_path / "library")
    with fake_bench(folder) as bench:
        table, found = bench.pairwise(), every(bench)
    with fake_bench(folder, engine="processes", engine_processes=2) as bench:
        seen: list[Progress] = []
        shared = bench.pairwise(watch=Watch(seen.append))
        np.testing.assert_allclose(shared.scores, table.scores, atol=1e-6)
        assert {p.what for p in seen} == {"Comparing pairs by 2 processes"}
        for got, want in zip(every(bench), found, strict=True):
            check_same(got.matches, want.matches)
            assert (got.background, got.mode) == (pytest.approx(want.background), want.mode)
    assert "shard" not in caplog.text, "this process compared some of them"


def every(bench: Any) -> list[SearchResult]:
    return [bench.search(v.video_id, exhaustive=True) for v in bench.videos()[:2]]


def test_pairs_that_no_worker_can_read_are_left_to_the_table(
    library: Library, caplog: pytest.LogCaptureFixture
) -> None:
    ids = library.features_ids(EXTRACTOR)[:5]
    known = KnownPairs()
    broken = AtOnce(loses=99)
    model = fake_model(extractor=EXTRACTOR)
    table = library_pair_table(
        library, model, [(ids[0], ids[4])], known=known, pool=broken, watch=UNWATCHED
    )
    assert "left to this process" in caplog.text
    place = {video_id: i for i, video_id in enumerate(table.video_ids)}
    assert np.isfinite(table.scores[place[ids[0]], place[ids[4]]])
    assert np.isfinite(table.scores).sum() == 2
