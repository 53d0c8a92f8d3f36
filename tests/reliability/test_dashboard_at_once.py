"""R16 in the running dashboard: eight sessions with the bundled model, three of them browsers.

Five work in the server's process as pages do, four that search and one that adds; of the browsers
two search with clips of their own and look around, and one sets thresholds.
"""

import json
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Error as BrowserError
from playwright.sync_api import Page, expect, sync_playwright

from tests.support.browser_harness import (
    CHROMIUM_ARGUMENTS,
    UNPROVED,
    App,
    exceptions_shown,
    find_chromium,
    open_page,
    running_app,
    wait_until_idle,
    watch,
)
from tests.support.lab_world import make_library
from tests.support.scenes import make_scene
from tests.support.sessions import MOST_GROWTH, SLOWEST, Load

SCENES = {"market.mp4": (1, 0, 12), "excerpt.mp4": (1, 4, 6), "station.mp4": (2, 0, 8)}
PATIENCE = 120_000  # milliseconds; two busy cores
PAUSE = 3.0  # seconds that a user looks at what came before doing the next thing


@dataclass
class Visit:
    """What one browser did and saw."""

    seconds: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def go(page: Page, title: str) -> None:
    page.get_by_test_id("stSidebarNavLink").filter(has_text=title).click()
    expect(page.locator('[data-testid="stMain"] h1')).to_have_text(title, timeout=PATIENCE)
    wait_until_idle(page)
    page.wait_for_timeout(PAUSE * 1000)


def searching(page: Page, app: App, clip: Path) -> Callable[[], None]:
    """Uploads the clip once; then searches with it, compares and looks around."""
    open_page(page, app, "search")
    page.locator('input[type="file"]').set_input_files(clip)
    found = page.locator('[class*="st-key-match-"]').filter(has_text="market.mp4").first
    expect(found).to_be_visible(timeout=PATIENCE)
    wait_until_idle(page)

    def once() -> None:
        for title in ("Library", "Compare", "Search"):
            go(page, title)
        expect(found).to_be_visible(timeout=PATIENCE)
        shown = page.locator("body").inner_text().replace(clip.name, "")
        assert "canary" not in shown, "another session's clip is shown"

    return once


def tuning(page: Page, app: App) -> Callable[[], None]:
    open_page(page, app, "threshold")
    numbers = iter(range(10**6))

    def once() -> None:
        exact = page.get_by_test_id("stMain").locator('input[type="number"]').first
        exact.fill(f"{1 + next(numbers) % 50 / 10}")
        exact.press("Enter")
        wait_until_idle(page)
        page.wait_for_timeout(PAUSE * 1000)
        go(page, "Library")
        go(page, "Threshold")

    return once


def visit(
    app: App, begin: Callable[[Page], Callable[[], None]], *, until: threading.Event
) -> Visit:
    """A browser of its own that goes round until the event."""
    made = Visit()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_chromium(), args=list(CHROMIUM_ARGUMENTS)
        )
        page = browser.new_page()
        made.problems = watch(page)
        try:
            once = begin(page)
            while not until.wait(PAUSE):
                started = time.monotonic()
                once()
                made.seconds.append(time.monotonic() - started - 3 * PAUSE)
                made.problems += exceptions_shown(page)
        except (AssertionError, BrowserError) as error:
            made.problems.append(
                f"{error}\n{page.url}\n{page.get_by_test_id('stMain').inner_text()[:2000]}"
            )
        finally:
            browser.close()
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The library of SCENES with the bundled model, clips and a file to add."""
    for name in ("videos", "clips", "browsers"):
        (tmp_path / name).mkdir()
    for name, (scene, start, seconds) in SCENES.items():
        make_scene(tmp_path / "videos" / name, scene, start=start, seconds=seconds)
    for number in range(6):
        where = "clips" if number < 4 else "browsers"
        path = tmp_path / where / f"canary {number}.mp4"
        make_scene(path, 1, start=1.0 + number * 0.5, seconds=5.0)
    make_scene(tmp_path / "new.mp4", 0, seconds=5.0)
    make_library(tmp_path / "library", sorted((tmp_path / "videos").iterdir()))
    return tmp_path


@pytest.mark.night
@pytest.mark.browser
def test_eight_sessions_three_of_them_browsers_fail_at_nothing(folder: Path) -> None:
    seconds = 600
    report, until = folder / "report.json", threading.Event()
    given = {"seconds": seconds, "folder": str(folder), "pause": PAUSE, "report": str(report)}
    with running_app(
        library=folder / "library",
        log_path=folder / "log",
        environment=UNPROVED | {"VISIL_DASH_THREADS": "1", "VISIL_DASH_MIN_FREE_BYTES": "0"},
        start=("-m", "tests.support.load_server"),
        arguments=(json.dumps(given),),
    ) as app:
        visits: dict[str, Visit] = {}
        begins = {
            clip.stem: lambda page, clip=clip: searching(page, app, clip)
            for clip in sorted((folder / "browsers").iterdir())
        } | {"thresholds": lambda page: tuning(page, app)}

        def session(name: str) -> None:
            visits[name] = visit(app, begins[name], until=until)

        threads = [threading.Thread(target=session, args=(name,)) for name in begins]
        for thread in threads:
            thread.start()
        end = time.monotonic() + 1.2 * seconds + 180
        while not report.exists() and time.monotonic() < end and any(map(alive, threads)):
            time.sleep(1.0)
        until.set()
        for thread in threads:
            thread.join(180)
        log = app.log
    found = json.loads(report.read_text())
    least = [round(mib) for _, mib in Load.least(found.pop("memory"))]
    rounds = {
        name: (len(v.seconds), round(float(np.quantile(v.seconds or [np.nan], 0.95)), 2))
        for name, v in visits.items()
    }
    print(json.dumps(found), "browsers (rounds, p95):", rounds, "load", os.getloadavg())
    print("least MiB of each half minute:", *least)
    for name, made in visits.items():
        print(name, *made.problems)
    assert set(rounds) == set(begins)
    assert (found["errors"], {n: v.problems for n, v in visits.items() if v.problems}) == ([], {})
    assert "Traceback (most recent call last)" not in log, log[-4000:]
    assert all(visits[name].seconds for name in begins)
    assert found["p95"] <= min(SLOWEST, 3 * max(found["alone"], 0.1))
    assert found["growth"] <= MOST_GROWTH


def alive(thread: threading.Thread) -> bool:
    return thread.is_alive()
