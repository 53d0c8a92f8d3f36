"""The case page in a real browser: a match is pinned, made into a file, checked, and refused once
one byte of a video is another."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser_harness import ROOT, App, open_page, wait_until_idle
from visil_dash.settings import Settings
from visil_dash.workbench.bench import open_workbench

PATIENCE = 240_000  # milliseconds, for a machine that does much else
QUERY, REFERENCE = "launch_anchor.mp4", "launch_nd.mp4"


@pytest.fixture(scope="module")
def app_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("case") / "library"
    settings = Settings(library=folder, min_free_bytes=0)
    with open_workbench(settings=settings, library=folder) as bench:
        bench.add_paths([ROOT / "demo" / "videos" / name for name in (QUERY, REFERENCE)])
        assert bench.worker.wait_idle(240)
        assert len(bench.videos()) == 2, bench.jobs()
    return folder


def test_a_case_is_made_checked_and_refused_once_a_byte_is_changed(
    page: Page, app: App, screens: Callable[..., None], tmp_path: Path
) -> None:
    settings = Settings(library=app.library, min_free_bytes=0)
    with open_workbench(settings=settings, start_worker=False) as bench:
        video = bench.library.video(QUERY).video_id
    open_page(page, app, f"search?q={video}")
    pin = page.get_by_role("button", name="Pin", exact=True)
    pin.click(timeout=PATIENCE)
    expect(page.get_by_role("button", name="Pinned")).to_be_visible(timeout=PATIENCE)
    open_page(page, app, "case")
    page.get_by_role("textbox", name="Note").fill("The launch, scaled and dimmed")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Make the case file").click()
    with page.expect_download(timeout=PATIENCE) as saved:
        page.get_by_role("button", name="ZIP, with everything").click(timeout=PATIENCE)
    case = tmp_path / "case.zip"
    saved.value.save_as(case)
    wait_until_idle(page)
    screens("case")
    page.get_by_text("Check a case file").click()
    page.locator(".st-key-check-case input[type=file]").set_input_files(case)
    check = page.get_by_role("button", name="Check", exact=True)
    check.click(timeout=PATIENCE)
    expect(page.get_by_text("The case holds")).to_be_visible(timeout=PATIENCE)
    media = app.library / "media" / video / "original"
    data = bytearray(media.read_bytes())
    data[-1] ^= 1
    media.write_bytes(data)
    check.click()
    expect(page.get_by_text("The case does not hold")).to_be_visible(timeout=PATIENCE)
