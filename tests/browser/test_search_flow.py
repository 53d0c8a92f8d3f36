"""The main job in a real browser: a clip goes in, its video and span come out, the pair opens."""

import re
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browser_harness import App, open_page, running_app, wait_until_idle
from tests.support.clips import make_clip, regular
from tests.support.scenes import make_scene
from visil_dash.settings import Settings
from visil_dash.workbench.bench import open_workbench

NAMES = ("harbour.mp4", "market.mp4", "station.mp4")
PATIENCE = 180_000  # milliseconds, for a machine that does much else


@pytest.fixture(scope="module")
def app_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three scenes in the library of the app, indexed with the bundled model."""
    folder = tmp_path_factory.mktemp("flow")
    videos = [make_scene(folder / name, scene) for scene, name in enumerate(NAMES)]
    library = folder / "library"
    bench = open_workbench(settings=Settings(min_free_bytes=0), library=library, model="compact")
    try:
        bench.add_paths(videos)
        assert bench.worker.wait_idle(120)
        assert len(bench.videos()) == len(NAMES), bench.jobs()
    finally:
        bench.close()
    return library


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seconds 3 to 8 of the market, under a name that tries to be more than a name."""
    folder = tmp_path_factory.mktemp("clip")
    made = make_scene(folder / "made.mp4", 1, start=3, seconds=5)
    return made.rename(folder / "my <b>clip :red[x].mp4")


def test_upload_to_result_to_compare(
    page: Page, app: App, clip: Path, screens: Callable[..., None]
) -> None:
    open_page(page, app)
    page.locator('[data-testid="stSidebarNavLink"]', has_text="Search").click()
    # The Library page, where the test comes from, has an upload box of its own.
    expect(page.locator('[data-testid="stMain"] h1')).to_have_text("Search")
    wait_until_idle(page)
    page.locator('input[type="file"]').set_input_files(clip)

    first = page.locator(".st-key-match-1")
    expect(first).to_be_visible(timeout=PATIENCE)
    wait_until_idle(page)
    expect(first).to_contain_text("1. market.mp4")
    expect(first).to_contain_text(
        "0:00–0:05 of the query clip matches 0:03–0:08 of the reference video"
    )
    expect(first.locator(".js-plotly-plot")).to_be_visible()
    expect(page.get_by_text("my <b>clip :red[x].mp4", exact=True)).to_be_visible()
    screens("search-result", whole=True)

    query = re.search(r"[?&]q=([0-9a-f]{16})", page.url)
    assert query is not None
    first.get_by_role("button", name="Compare").click()
    expect(page.locator('[data-testid="stMain"] h1')).to_have_text("Compare", timeout=PATIENCE)
    wait_until_idle(page)
    found = re.search(r"[?&]q=([0-9a-f]{16}).*[?&]r=([0-9a-f]{16})", page.url)
    assert found is not None
    assert found[1] == query[1]
    expect(page.get_by_text("market.mp4").filter(visible=True).first).to_be_visible()


def test_the_player_of_a_match_plays_the_bytes_that_it_names(
    page: Page, app: App, clip: Path
) -> None:
    open_page(page, app)
    page.locator('[data-testid="stSidebarNavLink"]', has_text="Search").click()
    # The Library page, where the test comes from, has an upload box of its own.
    expect(page.locator('[data-testid="stMain"] h1')).to_have_text("Search")
    wait_until_idle(page)
    page.locator('input[type="file"]').set_input_files(clip)
    first = page.locator(".st-key-match-1")
    expect(first).to_be_visible(timeout=PATIENCE)
    wait_until_idle(page)
    first.get_by_role("button", name="Play from 0:03").click()
    player = page.get_by_role("dialog", name="Player").locator("video")
    expect(player).to_be_visible(timeout=PATIENCE)
    source = player.get_attribute("src") or ""
    served = page.request.get(source.split("#")[0]).body()
    originals = [p.read_bytes() for p in app.library.glob("media/*/original")]
    assert served in originals
    assert player.evaluate(
        "v => new Promise(done => v.readyState >= 1 ? done(v.currentTime)"
        " : v.addEventListener('loadeddata', () => done(v.currentTime)))"
    ) == pytest.approx(3, abs=0.5)


def test_a_clip_is_gone_from_another_session(page: Page, app: App, clip: Path) -> None:
    open_page(page, app)
    page.locator('[data-testid="stSidebarNavLink"]', has_text="Search").click()
    # The Library page, where the test comes from, has an upload box of its own.
    expect(page.locator('[data-testid="stMain"] h1')).to_have_text("Search")
    wait_until_idle(page)
    page.locator('input[type="file"]').set_input_files(clip)
    expect(page.locator(".st-key-match-1")).to_be_visible(timeout=PATIENCE)
    wait_until_idle(page)
    link = page.url
    context = page.context.browser.new_context()  # type: ignore[union-attr]
    other = context.new_page()
    other.goto(link)
    expect(other.get_by_text("private", exact=False).first).to_be_visible(timeout=PATIENCE)
    assert other.locator(".st-key-match-1").count() == 0
    context.close()


@pytest.mark.night
def test_the_clips_of_a_closed_tab_are_deleted_within_five_minutes(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory, app_library: Path, clip: Path
) -> None:
    """In a server of its own, whose temporary folder nobody else writes to."""
    temporary = tmp_path_factory.mktemp("temporary")
    log_path = temporary / "streamlit.log"
    with running_app(
        library=app_library, log_path=log_path, environment={"TMPDIR": str(temporary)}
    ) as app:
        context = browser.new_context()
        page = context.new_page()
        open_page(page, app, "search")
        page.locator('input[type="file"]').set_input_files(clip)
        expect(page.locator(".st-key-match-1")).to_be_visible(timeout=PATIENCE)
        kept = list(temporary.glob("visil_dash-*/*/*/original"))
        assert [path.read_bytes() for path in kept] == [clip.read_bytes()]
        context.close()
        end = time.monotonic() + 300
        while kept[0].exists():
            assert time.monotonic() < end
            time.sleep(1)
        wait = time.monotonic() + 45  # two more rounds of the sweeper, after its first deletion
        while time.monotonic() < wait:
            time.sleep(1)
        assert "Traceback" not in app.log


def test_a_video_is_removed_after_a_question(
    page: Page, app: App, screens: Callable[..., None]
) -> None:
    open_page(page, app)
    cards = page.locator('[class*="st-key-card-"]')
    expect(cards).to_have_count(3, timeout=PATIENCE)
    dialog = page.get_by_role("dialog", name="Video")

    def ask() -> None:
        cards.filter(has_text="station.mp4").get_by_role("button", name="Open").click()
        expect(dialog).to_contain_text("station.mp4")
        dialog.get_by_role("button", name="Remove from the library…").click()
        expect(dialog).to_contain_text("Remove this video?")

    ask()
    screens("library-remove")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).not_to_contain_text("Remove this video?")
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_have_count(0)
    expect(cards).to_have_count(3)
    ask()
    dialog.get_by_role("button", name="Remove", exact=True).click()
    expect(cards).to_have_count(2, timeout=PATIENCE)
    expect(cards.filter(has_text="station.mp4")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(cards.filter(has_text="station.mp4")).to_be_visible(timeout=PATIENCE)
    expect(cards).to_have_count(3)


def test_an_opened_video_stays_open_until_a_copy_of_it_plays(
    page: Page, app: App, tmp_path: Path
) -> None:
    """The page runs again when the copy that browsers play is made, and when a job ends."""
    old = make_clip(tmp_path / "old.avi", regular(40, 10), codec="mpeg4", clock=Fraction(1, 10))
    open_page(page, app)
    cards = page.locator('[class*="st-key-card-"]')
    page.get_by_role("button", name="Add videos").click()
    page.locator('input[type="file"]').set_input_files(old)
    expect(cards.filter(has_text="old.avi")).to_be_visible(timeout=PATIENCE)
    cards.filter(has_text="old.avi").get_by_role("button", name="Open").click()
    dialog = page.get_by_role("dialog", name="Video")
    expect(dialog.locator("video")).to_be_visible(timeout=PATIENCE)
    expect(dialog).to_contain_text("old.avi")
    wait_until_idle(page)
    expect(dialog).to_contain_text("browsers do not play mpeg4 in avi")
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_have_count(0)
    wait_until_idle(page)
    expect(dialog).to_have_count(0)
