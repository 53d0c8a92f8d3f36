"""R12 and R19 to R21 through the pages: hostile names, closed tabs, look-alikes, dead addresses.

The dashboard with its bundled model, looked at with a real Chromium.
"""

import contextlib
import hashlib
import re
import struct
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import psutil
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browser_harness import (
    UNPROVED,
    App,
    clean_app,
    exceptions_shown,
    open_page,
    wait_until_idle,
    watch,
)
from tests.support.hostile import HOSTILE_NAMES
from tests.support.lab_world import make_library
from tests.support.scenes import make_scene
from visil_dash.library.store import open_library
from visil_dash.records import VideoRecord
from visil_dash.settings import Settings

pytestmark = [pytest.mark.slow, pytest.mark.browser]

PATIENCE = 180_000  # milliseconds, for a machine that does much else
MIB = 2**20
TELLING = tuple(name for name in HOSTILE_NAMES if re.search(r"[<\n\u202e`]|link|http:", name))


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    with clean_app(
        library=tmp_path / "library",
        log_path=tmp_path / "log",
        environment=UNPROVED | {"VISIL_DASH_THREADS": "1", "VISIL_DASH_MIN_FREE_BYTES": "0"},
    ) as started:
        yield started


def padded(video: bytes, filler: bytes) -> bytes:
    """The same video, with a box of filler that no player looks at."""
    return video + struct.pack(">I", len(filler) + 8) + b"free" + filler


def videos_in(app: App, *, at_least: int) -> tuple[VideoRecord, ...]:
    """The videos of the running dashboard's library, once so many are indexed."""
    end = time.monotonic() + PATIENCE / 1000
    while True:
        if (app.library / "catalogue.db").exists():
            with open_library(app.library, settings=Settings(), read_only=True) as library:
                videos = tuple(v for v in library.videos() if v.frames)
            if len(videos) >= at_least:
                return videos
        assert time.monotonic() < end, f"{len(videos)} of {at_least} videos"
        time.sleep(0.5)


# -- R12: names ------------------------------------------------------------------------------


_MADE_FROM_NAMES = """() => [
    ...document.querySelectorAll('img[src="x"], [onerror], a[href*="evil"], a[href*="secret"]'),
    ...[...document.querySelectorAll('code')].filter(e => e.textContent.includes('touch pwned')),
].map(e => e.outerHTML)"""
SHOWN_BADLY = re.compile("[\u202a-\u202e\u2066-\u2069\u200b\x1b]")


def made_from_names(page: Page) -> list[str]:
    """Elements that come from a name, and characters that change what is beside them."""
    found: list[str] = page.evaluate(_MADE_FROM_NAMES)
    return found + SHOWN_BADLY.findall(page.locator("body").inner_text())


@pytest.mark.parametrize(
    "names",
    [TELLING, pytest.param(HOSTILE_NAMES, marks=pytest.mark.night)],
    ids=["the telling ones", "all 34"],
)
def test_names_make_no_element_no_request_and_no_path(
    browser: Browser, app: App, tmp_path: Path, names: Sequence[str]
) -> None:
    video = make_scene(tmp_path / "a.mp4", 1, seconds=3.0).read_bytes()
    context = browser.new_context()
    page = context.new_page()
    asked, dialogs, problems = list[str](), list[str](), watch(page)
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    open_page(page, app)
    page.locator('input[type="file"]').first.set_input_files(
        [
            {"name": name, "mimeType": "video/mp4", "buffer": padded(video, bytes([number]))}
            for number, name in enumerate(names)
        ]
    )
    videos = videos_in(app, at_least=len(names))
    hostile = next(video.video_id for video in videos if "<img" in video.name)
    other = next(video.video_id for video in videos if "http:" in video.name)
    for path in (
        "",
        f"search?q={hostile[:16]}",
        f"compare?q={hostile[:16]}&r={other[:16]}",
        "collection",
    ):
        open_page(page, app, path)
        assert made_from_names(page) == [], path
        assert exceptions_shown(page) == [], path
    context.close()
    assert (dialogs, problems) == ([], [])
    outside = [url for url in asked if not url.startswith((app.url, "data:", "blob:"))]
    assert outside == []
    assert [url for url in asked if re.search("evil|secret|pwned", url)] == []
    stored = [path.name for path in app.library.rglob("*")]
    assert [name for name in stored if re.search(r"evil|secret|pwned|img|touch|\.mp4", name)] == []
    assert len(videos) == len(names) == len({video.name for video in videos})


def test_the_control_a_page_that_takes_names_for_markup_is_noticed(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content("<br>".join(HOSTILE_NAMES))
    found = made_from_names(page)
    page.close()
    assert any("onerror" in text for text in found)
    assert "\u202e" in found


# -- R20: bytes ------------------------------------------------------------------------------


def twins(folder: Path, *, count: int) -> list[Path]:
    """Videos of more than 3 MiB with equal head, middle and tail."""
    video = make_scene(folder / "a.mp4", 1, seconds=3.0).read_bytes()
    (folder / "twins").mkdir()
    made = []
    for number in range(count):
        filler = bytearray(b"\x5a" * 3 * MIB)
        filler[600 * 1024] = number
        made.append(folder / "twins" / f"{number}.mp4")
        made[-1].write_bytes(padded(video, bytes(filler)))
    return made


@pytest.mark.parametrize("count", [2, pytest.param(10, marks=pytest.mark.night)])
def test_each_player_gets_the_bytes_of_the_video_that_it_names(
    browser: Browser, tmp_path: Path, count: int
) -> None:
    paths = twins(tmp_path, count=count)
    made = make_library(tmp_path / "library", paths)
    with clean_app(library=made.folder, log_path=tmp_path / "log", environment=UNPROVED) as app:
        page = browser.new_page()
        for query, reference in zip(paths[::2], paths[1::2], strict=True):
            open_page(page, app, made.link("compare", query.name, reference.name))
            players = page.locator(".player video")
            expect(players).to_have_count(2, timeout=PATIENCE)
            sent = [
                hashlib.sha256(page.request.get(f"{app.url}{address}").body()).hexdigest()
                for address in players.evaluate_all(
                    "all => all.map(v => new URL(v.currentSrc || v.src).pathname)"
                )
            ]
            assert sent == [made.id_of(path.name) for path in (query, reference)]
        page.close()


# -- R21: what is left of a session ------------------------------------------------------------


@pytest.mark.night
def test_the_address_of_a_clip_is_dead_within_five_minutes_of_its_session(
    browser: Browser, tmp_path: Path
) -> None:
    scene = make_scene(tmp_path / "market.mp4", 1, seconds=12.0)
    clip = make_scene(tmp_path / "clip.mp4", 1, start=2.0, seconds=5.0)
    made = make_library(tmp_path / "library", [scene])
    with clean_app(library=made.folder, log_path=tmp_path / "log", environment=UNPROVED) as app:
        context, other = browser.new_context(), browser.new_context()
        page = context.new_page()
        open_page(page, app, "search")
        page.locator('input[type="file"]').set_input_files(clip)
        card = page.locator(".st-key-match-1")
        expect(card).to_be_visible(timeout=PATIENCE)
        wait_until_idle(page)
        card.get_by_role("button", name="Compare").click()
        player = page.locator(".player video").first
        expect(player).to_be_visible(timeout=PATIENCE)
        address = player.evaluate("v => v.currentSrc || v.src")
        assert other.request.get(address).body() == clip.read_bytes()
        context.close()
        closed = time.monotonic()
        while other.request.get(address).status == 200:
            assert time.monotonic() - closed < 300
            time.sleep(5)
        print(f"dead after {time.monotonic() - closed:.0f} s")
        other.close()


# -- R19: tabs -------------------------------------------------------------------------------


def decoders_of(app: App) -> list[psutil.Process]:
    """Decoding processes below the dashboard that are alive."""
    found = []
    for server in psutil.process_iter(["cmdline"]):
        if f"--server.port={app.url.rsplit(':', 1)[1]}" not in (server.info["cmdline"] or ()):
            continue
        with contextlib.suppress(psutil.NoSuchProcess):
            for child in server.children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                    if any("visil_dash.media.child" in part for part in child.cmdline()):
                        found.append(child)
    return found


@pytest.mark.parametrize("times", [1, pytest.param(20, marks=pytest.mark.night)])
def test_a_tab_that_is_closed_while_its_video_is_added_changes_nothing(
    browser: Browser, app: App, tmp_path: Path, times: int
) -> None:
    scene = make_scene(tmp_path / "market.mp4", 1, seconds=20.0)
    alone = make_library(tmp_path / "alone", [scene]).features["market.mp4"]
    seen = 0
    for number in range(times):
        context = browser.new_context()
        page = context.new_page()
        open_page(page, app)
        if number:  # an empty library has the box on the page itself
            page.get_by_role("button", name="Add videos").click()
        data = padded(scene.read_bytes(), number.to_bytes(2, "big"))
        page.locator('input[type="file"]').first.set_input_files(
            {"name": f"{number}.mp4", "mimeType": "video/mp4", "buffer": data}
        )
        end = time.monotonic() + 60
        while not decoders_of(app) and time.monotonic() < end:
            time.sleep(0.02)
        seen += bool(decoders_of(app))
        context.close()
        video_id = hashlib.sha256(data).hexdigest()
        videos = videos_in(app, at_least=number + 1)
        assert video_id in [video.video_id for video in videos]
        with open_library(app.library, settings=Settings(), read_only=True) as library:
            features = library.features(video_id, extractor=alone.extractor)
            assert np.array_equal(features.regions, alone.regions)
        gone = time.monotonic() + 5
        while decoders_of(app) and time.monotonic() < gone:
            time.sleep(0.1)
        assert decoders_of(app) == []
    assert seen >= (times + 1) // 2
    assert not list(app.library.glob("incoming/*"))
