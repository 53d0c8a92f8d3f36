"""Milvus keeps the contract of every index: milvus-lite from a file and as a server, and a real
server; and a library finds the same through it as through the index of its own, by the shell and in
a browser too. All tests with Milvus are here: its port is one, and files run side by side."""

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
from playwright.sync_api import Browser, expect

from tests.support.benches import page_settings
from tests.support.browser_harness import (
    ROOT,
    UNPROVED,
    clean_app,
    fresh_page,
    open_page,
    screen_taker,
    wait_until_idle,
)
from tests.support.index_contract import IndexContract, MakeIndex, check_tag_filter, clustered
from tests.support.lab_world import make_library
from tests.support.library_fakes import (
    EXTRACTOR,
    FRAMES,
    MANIFEST,
    fake_video_features,
    open_space,
    put,
    small_settings,
)
from tests.support.postgres import PostgresServer
from tests.support.realdata import real_data
from tests.support.s3_server import BUCKET, moto_server, s3_variables
from tests.support.servers import Server
from visil_dash.candidates.generation import library_candidates
from visil_dash.errors import StoreError
from visil_dash.index.frames import FrameSpace
from visil_dash.index.ids import frame_ids
from visil_dash.index.milvus import MilvusIndex, MilvusServer, ServedVideo
from visil_dash.installed import DEMO
from visil_dash.library.store import Library, open_library
from visil_dash.workbench.bench import open_workbench

BACK_ENDS = ("lite-file", "lite-server", "server")
SECONDS = 10.0
DEMO_CLIPS, REAL_CLIPS = 6, 3
THRESHOLD = 1.7  # admits most videos
OPTIONS = ("--threshold", str(THRESHOLD), "--inside", "never", "--proof", "0")
PATIENCE = 120.0  # seconds


@pytest.fixture(scope="module", params=BACK_ENDS)
def address(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    if request.param == "lite-file":
        return str(tmp_path_factory.mktemp("lite") / "index.db")
    name = "milvus" if request.param == "server" else "milvus_lite"
    return str(request.getfixturevalue(name)[1])


@pytest.fixture
def make(address: str) -> Iterator[MakeIndex]:
    made: list[MilvusIndex] = []

    def index(dim: int) -> MilvusIndex:
        server = MilvusServer(address, seconds=SECONDS)
        made.append(MilvusIndex(server, f"test_{secrets.token_hex(6)}", dim=dim))
        return made[-1]

    yield index
    for each in made:
        each.drop()
        each.close()


class TestMilvus(IndexContract):
    def test_videos_are_replaced_dropped_and_left_out(self, make: MakeIndex) -> None:
        index = make(32)
        assert isinstance(index, MilvusIndex)
        vectors, _ = clustered(4)
        parts = np.split(vectors, 4)
        videos = [
            ServedVideo(o, frame_ids(o, 50), part, f"{o:064x}") for o, part in enumerate(parts)
        ]
        index.put_videos(videos)
        index.put_videos(videos[:1])  # the same again
        assert (len(index), index.videos()) == (200, {v.ordinal: v.features for v in videos})
        near = index.search(parts[1], 5, without=[1])[0]
        assert near.shape == (50, 5)
        assert not (near >> 20 == 1).any()
        ids, _ = index.nearest(parts[1], 60, only=[0, 2], without=[2])
        assert (np.sort(ids[:, :50] >> 20, axis=1) == 0).all()  # the 50 frames of that video
        assert (ids[:, 50:] == -1).all()
        index.put_videos([ServedVideo(2, frame_ids(2, 30), parts[2][:30], "b" * 64)])
        assert (len(index), index.videos()[2]) == (180, "b" * 64)
        index.drop_videos([0, 99])
        assert (len(index), sorted(index.videos())) == (130, [1, 2, 3])
        ids, stored = index.everything(only=[3])
        np.testing.assert_array_equal(ids, frame_ids(3, 50))
        np.testing.assert_array_equal(stored, parts[3])


# -- a library ------------------------------------------------------------------------------


@pytest.fixture
def library(address: str, tmp_path: Path) -> Iterator[Library]:
    settings = small_settings(index="milvus", milvus=address, milvus_seconds=SECONDS)
    with open_library(tmp_path / "library", settings=settings) as opened:
        yield opened


def settled(space: FrameSpace) -> FrameSpace:
    end = time.monotonic() + 60
    while space.status().behind or not space.wait(0.1) or space.view().tail:
        assert time.monotonic() < end, space.status()
        time.sleep(0.1)
    return space


def check_as_embedded(
    library: Library, space: FrameSpace, *, thresholds: Sequence[float] = (0.3, 1.5)
) -> None:
    """The same frames within thresholds that admit few and many, by the same distances."""
    plain = small_settings()
    with open_library(library.folder, settings=plain, read_only=True) as other:
        embedded = open_space(other)
        assert embedded.reduction.reduction_id == space.reduction.reduction_id
        np.testing.assert_array_equal(space.view().ids, np.sort(embedded.view().ids))
        for threshold in thresholds:
            query = fake_video_features(library.videos()[0].video_id)
            got = library_candidates(query, threshold, library=library, view=space.view())
            want = library_candidates(query, threshold, library=other, view=embedded.view())
            assert len(got) == len(want)
            for mine, theirs in zip(got, want, strict=True):
                assert vars(mine) == pytest.approx(vars(theirs), abs=1e-4)


def test_a_library_finds_the_same_as_by_its_own_index(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Added, removed, extracted anew, opened again: always what the catalogue has."""
    space = open_space(library)
    for i in range(15):  # enough frames for the reduction to be fitted on
        record = put(library, b"clip %d" % i, f"{i}.mp4")
        space.add_video(record.ordinal, fake_video_features(record.video_id).frame_vectors)
    settled(space)
    assert space.reduction.method == "pca16"
    assert space.status().engine.startswith("Milvus at ")
    check_as_embedded(library, space)
    check_tag_filter(library, space.view(), thresholds=(1.5, 9.0))
    monkeypatch.setattr("visil_dash.index.served.FILTERED_FOR", 3)  # of more, others are dropped
    check_tag_filter(library, space.view(), thresholds=(1.5,))
    gone = library.video("3.mp4")
    space.remove_video(gone.ordinal)
    library.remove(gone.video_id)
    assert gone.ordinal not in space.view().ordinals
    shorter = library.video("4.mp4")
    library.take_out_features(shorter.video_id, extractor=EXTRACTOR)
    anew = fake_video_features(shorter.video_id, frames=FRAMES // 2)
    library.put_features(anew, MANIFEST)
    space.add_video(shorter.ordinal, anew.frame_vectors)
    settled(space)
    assert space.verify() == ()
    space.close()
    again = settled(open_space(library))
    assert len(again) == 14 * FRAMES - FRAMES // 2
    check_as_embedded(library, again, thresholds=(5.0,))


# -- the shell and a browser ----------------------------------------------------------------


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library of a demo scene with its copies, and of short real clips where they are."""
    paths = sorted((DEMO / "videos").glob("*.mp4"))[:DEMO_CLIPS]
    folder = real_data()
    if folder is not None:
        real = sorted((folder / "videos").rglob("*.mp4"), key=lambda path: path.stat().st_size)
        paths += real[:REAL_CLIPS]
    return make_library(tmp_path_factory.mktemp("one") / "library", paths).folder


@pytest.fixture(scope="module")
def cluster(
    clips: Path,
    milvus: tuple[Server, str],
    postgres: PostgresServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Path, dict[str, str]]]:
    """The same library with its frames in Milvus, its catalogue in PostgreSQL, and its media and
    features in a store alone; and the settings that say so."""
    folder = shutil.copytree(clips, tmp_path_factory.mktemp("cluster") / "library")
    s3, port = moto_server(tmp_path_factory.mktemp("moto"))
    s3.start()
    variables = s3_variables(port)
    fsspec.filesystem(
        "s3", key="test", secret="hidden-key", endpoint_url=variables["AWS_ENDPOINT_URL"]
    ).mkdir(BUCKET)
    settings = variables | {
        "VISIL_DASH_STORE": f"s3://{BUCKET}/cluster",
        "VISIL_DASH_CATALOGUE": postgres.new_database(),
    }
    shell("store", "send", library=folder, settings=settings)
    shell("catalogue", "move", library=folder, settings=settings)
    for name in ("media", "features"):
        shutil.rmtree(folder / name)
    # The server holds the library already: a copy has the name of the same collection.
    with open_workbench(
        settings=page_settings(clips, index="milvus", milvus=milvus[1]),
        library=clips,
        start_worker=False,
    ) as bench:
        settled(bench.space)
    yield folder, settings | {"VISIL_DASH_INDEX": "milvus", "VISIL_DASH_MILVUS": milvus[1]}
    s3.kill()


def queries(library: Path) -> dict[str, str]:
    """Ids of some videos by name."""
    with open_workbench(settings=page_settings(library), library=library, start_worker=False) as b:
        return {video.name: video.video_id for video in b.videos()[::5]}


def shell(*words: str, library: Path, settings: dict[str, str]) -> str:
    return subprocess.run(
        [sys.executable, "-m", "visil_dash", *words, "--library", str(library)],
        cwd=ROOT,
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    ).stdout


def by_shell(library: Path, names: Iterable[str], settings: dict[str, str]) -> list[dict[str, Any]]:
    found = shell("search", *names, *OPTIONS, "--json", library=library, settings=settings)
    return [json.loads(line) for line in found.splitlines()]


def check_same_answer(got: dict[str, Any], want: dict[str, Any]) -> None:
    assert "Milvus" in got["index"]
    assert "Milvus" not in want["index"]
    assert len(want["matches"]) > 2
    assert [m["video_id"] for m in got["matches"]] == [m["video_id"] for m in want["matches"]]
    for mine, theirs in zip(got["matches"], want["matches"], strict=True):
        for name in ("score", "reverse_score", "strength", "min_distance"):
            assert mine[name] == pytest.approx(theirs[name], abs=1e-4), (mine["name"], name)
        assert mine["candidate_frames"] == theirs["candidate_frames"]
        assert mine["relation"] == theirs["relation"]


def test_both_configurations_give_one_answer_in_the_shell_and_in_a_browser(
    clips: Path,
    cluster: tuple[Path, dict[str, str]],
    browser: Browser,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    asked = queries(clips)
    embedded = by_shell(clips, asked, {})
    folder, settings = cluster
    for got, want in zip(by_shell(folder, asked, settings), embedded, strict=True):
        check_same_answer(got, want)
    with (
        clean_app(
            library=folder, log_path=tmp_path / "log", environment=UNPROVED | settings
        ) as app,
        fresh_page(browser, color_scheme="light") as page,
    ):
        screens = screen_taker(page, request.config.getoption("--screens"))
        open_page(page, app)
        health = page.locator(".st-key-health")
        health.locator("summary").click()
        expect(health).to_contain_text(f"Milvus at {settings['VISIL_DASH_MILVUS']}, up to date")
        expect(health).to_contain_text("PostgreSQL at")
        expect(page.locator("body")).to_contain_text(settings["VISIL_DASH_STORE"])
        expect(page.locator("body")).not_to_contain_text("The index server lacks")
        wait_until_idle(page)
        screens("cluster-library")
        for want in embedded:
            open_page(page, app, f"search?q={asked[want['query']][:16]}&t={THRESHOLD}")
            expect(page.locator(".st-key-match-1")).to_be_visible(timeout=PATIENCE * 1000)
            wait_until_idle(page)
            page.get_by_role("button", name="Download").click()
            with page.expect_download() as saved:
                page.get_by_role("button", name="JSON, the complete result").click()
            check_same_answer(json.loads(saved.value.path().read_text()), want)
            page.keyboard.press("Escape")
        wait_until_idle(page)
        screens("cluster-search")


def test_a_killed_server_is_reported_and_catches_up_when_it_is_back(
    milvus: tuple[Server, str], tmp_path: Path
) -> None:
    """Also in a process that opens the library while the server is away."""
    server, address = milvus
    settings = small_settings(index="milvus", milvus=address, milvus_seconds=2.0)
    with open_library(tmp_path / "library", settings=settings) as library:
        first = put(library, b"before", "before.mp4")
        space = settled(open_space(library))
        server.kill()
        query = space.reduction(fake_video_features(first.video_id).frame_vectors)
        with pytest.raises(StoreError, match="does not answer"):
            space.view().search(query, 3)
        later = put(library, b"meanwhile", "meanwhile.mp4")
        space.add_video(later.ordinal, fake_video_features(later.video_id).frame_vectors)
        space.wait(30)
        assert space.status().behind == 1
        assert "does not answer" in space.status().notice
    with open_library(tmp_path / "library", settings=settings) as library:
        space = open_space(library)
        assert space.status().state in ("degraded", "rebuilding")
        with pytest.raises(StoreError, match="does not answer"):
            space.view().search(query, 3)
        server.start()
        settled(eventually(space, lambda: space.status().state == "ready"))
        check_as_embedded(library, space, thresholds=(5.0,))
        assert space.verify() == ()


def eventually(space: FrameSpace, what: Callable[[], bool]) -> FrameSpace:
    end = time.monotonic() + 60
    while not what():
        assert time.monotonic() < end, space.status()
        space.view()
        time.sleep(0.2)
    return space
