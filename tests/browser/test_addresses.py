"""The state of a page is its address: reload, Back and a copied link reopen the same view."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support.browser_harness import App, app_with_libraries, open_page, wait_until_idle
from tests.support.lab_world import Library
from tests.support.own_model import own_model

PATIENCE = 180_000  # milliseconds, for a machine that does much else


@pytest.fixture(scope="module")
def app(
    browser: Browser, scene_library: Library, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[App]:
    """The dashboard over an empty main library, with the scenes in a second one, "films".

    Beside the bundled model there is a copy of it, "mine".
    """
    root = tmp_path_factory.mktemp("addresses")
    own_model(root / "models" / "own" / "mine")
    films = scene_library.copied(root / "libraries" / "films")
    assert films.folder.is_dir()
    with app_with_libraries(root) as started:
        yield started


@pytest.fixture(scope="module")
def clip(scene_library: Library) -> Path:
    return scene_library.folder.parent / "in" / "stalls.mp4"


def heading(page: Page, text: str) -> None:
    expect(page.locator('[data-testid="stMain"] h1')).to_have_text(text, timeout=PATIENCE)


def a_match(page: Page, name: str) -> Locator:
    """The card of a video, wherever it ranks: an excerpt of it may rank before it."""
    cards = page.locator('[class*="st-key-match-"]').filter(has_text=re.compile(r"^\d+\. "))
    return cards.filter(has_text=name).first


def searched(page: Page, app: App, clip: Path) -> str:
    """Searches "films" with the clip; the address then."""
    open_page(page, app, "search?library=films")
    page.locator('input[type="file"]').set_input_files(clip)
    expect(a_match(page, "market.mp4")).to_be_visible(timeout=PATIENCE)
    wait_until_idle(page)
    return page.url


def test_a_reload_keeps_the_uploaded_clip_and_another_browser_does_not_see_it(
    page: Page, app: App, clip: Path
) -> None:
    address = searched(page, app, clip)
    assert re.search(r"[?&]q=[0-9a-f]{16}", address)
    assert "library=films" in address
    page.reload()
    expect(a_match(page, "market.mp4")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("stalls.mp4").first).to_be_visible()
    assert page.url == address
    context = page.context.browser.new_context()  # type: ignore[union-attr]
    other = context.new_page()
    other.goto(address)
    expect(other.get_by_text("private to a browser").first).to_be_visible(timeout=PATIENCE)
    assert other.locator(".st-key-match-1").count() == 0
    context.close()
    page.locator(".st-key-query-line summary").click()
    page.get_by_role("button", name="Remove this clip").click()
    wait_until_idle(page)
    page.goto(address)
    expect(page.get_by_text("This clip was deleted, upload it again.")).to_be_visible(
        timeout=PATIENCE
    )


def test_the_library_is_in_every_address_and_an_unknown_one_opens_none(
    page: Page, app: App
) -> None:
    open_page(page, app)
    expect(page.get_by_text("No videos yet")).to_be_visible(timeout=PATIENCE)
    assert "library=" not in page.url
    open_page(page, app, "?library=films")
    expect(page.get_by_text("market.mp4").first).to_be_visible(timeout=PATIENCE)
    for name in ("Search", "Collection", "Threshold"):
        page.locator('[data-testid="stSidebarNavLink"]', has_text=name).click()
        heading(page, name)
        wait_until_idle(page)
        assert "library=films" in page.url
    page.go_back()
    heading(page, "Collection")
    wait_until_idle(page)
    assert "library=films" in page.url
    expect(page.get_by_text("The library is empty")).to_have_count(0)
    page.reload()
    heading(page, "Collection")
    wait_until_idle(page)
    expect(page.get_by_text("The library is empty")).to_have_count(0)
    for name in ("gone", "../main", "."):
        open_page(page, app, f"search?library={name}")
        expect(page.get_by_text("There is no library named")).to_be_visible(timeout=PATIENCE)
        expect(page.get_by_text("Upload one or more clips")).to_have_count(0)
    page.get_by_role("button", name="Open the main library").click()
    expect(page.get_by_text("The library is empty")).to_be_visible(timeout=PATIENCE)
    wait_until_idle(page)
    assert "library=" not in page.url


def test_the_model_is_in_every_address_and_one_that_is_not_here_opens_none(
    page: Page, app: App
) -> None:
    open_page(page, app, "?library=films")
    expect(page.get_by_text("market.mp4").first).to_be_visible(timeout=PATIENCE)
    assert "model=" not in page.url
    page.get_by_role("combobox", name="Model").click()
    page.get_by_role("option", name="mine").click()
    offer = page.get_by_role("button", name="Extract again with mine")
    expect(offer).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("on this machine")).to_be_visible(timeout=PATIENCE)
    page.locator('[data-testid="stSidebarNavLink"]', has_text="Models").click()
    heading(page, "Models")
    wait_until_idle(page)
    assert "library=films" in page.url
    assert "model=mine" in page.url
    expect(page.locator(".st-key-model-mine")).to_contain_text("in use")
    page.reload()
    expect(page.locator(".st-key-model-mine")).to_contain_text("in use", timeout=PATIENCE)
    for name in ("visil", "gone"):
        open_page(page, app, f"search?library=films&model={name}")
        expect(page.get_by_text(f"The model {name} is not here.")).to_be_visible(timeout=PATIENCE)
        expect(page.get_by_text("Upload one or more clips")).to_have_count(0)
    page.get_by_role("button", name="Use compact", exact=True).click()
    heading(page, "Search")
    wait_until_idle(page)
    assert "model=" not in page.url


def test_back_leaves_the_library_that_was_switched_to(page: Page, app: App) -> None:
    open_page(page, app)
    page.get_by_role("combobox", name="Library").click()
    page.get_by_role("option", name="films").click()
    expect(page.get_by_text("market.mp4").first).to_be_visible(timeout=PATIENCE)
    wait_until_idle(page)
    assert "library=films" in page.url
    page.go_back()
    wait_until_idle(page)
    assert "library=" not in page.url
    expect(page.get_by_text("No videos yet")).to_be_visible(timeout=PATIENCE)
    page.go_forward()
    expect(page.get_by_text("market.mp4").first).to_be_visible(timeout=PATIENCE)


def test_back_leaves_the_view_of_one_frame(page: Page, app: App, scene_library: Library) -> None:
    query = scene_library.features["market.mp4"].video_id[:16]
    open_page(page, app, f"search?library=films&q={query}")
    expect(page.locator(".st-key-match-1")).to_be_visible(timeout=PATIENCE)
    wait_until_idle(page)
    page.get_by_role("button", name="One frame").filter(visible=True).click()
    page.locator(".st-key-moment-3").get_by_role("button").click()
    expect(page.get_by_text("One frame, at")).to_be_visible(timeout=PATIENCE)
    wait_until_idle(page)
    assert re.search(r"[?&]at=", page.url)
    page.go_back()
    expect(page.locator(".st-key-match-1")).to_be_visible(timeout=PATIENCE)
    wait_until_idle(page)
    assert not re.search(r"[?&]at=", page.url)
    page.go_forward()
    expect(page.get_by_text("One frame, at")).to_be_visible(timeout=PATIENCE)
    page.reload()
    expect(page.get_by_text("One frame, at")).to_be_visible(timeout=PATIENCE)
