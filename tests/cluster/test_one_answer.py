"""One library, two configurations: with the index in the process and with a Milvus server a search
gives the same videos with the same scores, in the command line and in a browser."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

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
from tests.support.lab_world import make_library
from tests.support.realdata import real_data
from tests.support.servers import Server
from visil_dash.installed import DEMO
from visil_dash.workbench.bench import open_workbench

DEMO_CLIPS, REAL_CLIPS = 6, 3
THRESHOLD = 1.7  # admits most videos
OPTIONS = ("--threshold", str(THRESHOLD), "--inside", "never", "--proof", "0")
SECONDS = 120.0


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scene of the demo with its copies, and short real clips where they are."""
    clips = sorted((DEMO / "videos").glob("*.mp4"))[:DEMO_CLIPS]
    folder = real_data()
    if folder is not None:
        real = sorted((folder / "videos").rglob("*.mp4"), key=lambda path: path.stat().st_size)
        clips += real[:REAL_CLIPS]
    return make_library(tmp_path_factory.mktemp("one") / "library", clips).folder


@pytest.fixture(scope="module")
def cluster(library: Path, milvus: tuple[Server, str]) -> dict[str, str]:
    """The settings of the other configuration, whose server holds the library already."""
    _, address = milvus
    settings = page_settings(library, index="milvus", milvus=address)
    with open_workbench(settings=settings, library=library, start_worker=False) as bench:
        end = time.monotonic() + SECONDS
        while bench.space.status().behind or bench.space.view().tail:
            assert time.monotonic() < end, bench.space.status()
            bench.space.wait(0.2)
    return {"VISIL_DASH_INDEX": "milvus", "VISIL_DASH_MILVUS": address}


def queries(library: Path) -> dict[str, str]:
    """Ids of some videos by name."""
    with open_workbench(settings=page_settings(library), library=library, start_worker=False) as b:
        return {video.name: video.video_id for video in b.videos()[::5]}


def by_shell(library: Path, names: Iterable[str], settings: dict[str, str]) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "visil_dash", "search", *names]
    answered = subprocess.run(
        [*command, *OPTIONS, "--library", str(library), "--json"],
        cwd=ROOT,
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=True,
        timeout=SECONDS,
    )
    return [json.loads(line) for line in answered.stdout.splitlines()]


def check_same(got: dict[str, Any], want: dict[str, Any]) -> None:
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
    library: Path,
    cluster: dict[str, str],
    browser: Browser,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    asked = queries(library)
    embedded = by_shell(library, asked, {})
    for got, want in zip(by_shell(library, asked, cluster), embedded, strict=True):
        check_same(got, want)
    with (
        clean_app(
            library=library, log_path=tmp_path / "log", environment=UNPROVED | cluster
        ) as app,
        fresh_page(browser, color_scheme="light") as page,
    ):
        screens = screen_taker(page, request.config.getoption("--screens"))
        open_page(page, app)
        health = page.locator(".st-key-health")
        health.locator("summary").click()
        expect(health).to_contain_text(f"Milvus at {cluster['VISIL_DASH_MILVUS']}")
        expect(page.locator("body")).not_to_contain_text("The index server lacks")
        wait_until_idle(page)
        screens("cluster-library")
        for want in embedded:
            open_page(page, app, f"search?q={asked[want['query']][:16]}&t={THRESHOLD}")
            expect(page.locator(".st-key-match-1")).to_be_visible(timeout=SECONDS * 1000)
            wait_until_idle(page)
            page.get_by_role("button", name="Download").click()
            with page.expect_download() as saved:
                page.get_by_role("button", name="JSON, the complete result").click()
            check_same(json.loads(saved.value.path().read_text()), want)
            page.keyboard.press("Escape")
        wait_until_idle(page)
        screens("cluster-search")
