"""The frame of the dashboard in a real browser, over an empty library."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.support.browser_harness import (
    ROOT,
    App,
    broken_pictures,
    exceptions_shown,
    open_page,
    wait_until_idle,
    watch,
)

_LISTED_OR_NOT = re.findall(
    r'st\.Page\(\s*"pages/(\w+)\.py",\s*title="([^"]+)"([^()]*)\)', (ROOT / "app.py").read_text()
)
PAGES = [(name, title) for name, title, _ in _LISTED_OR_NOT]
LISTED = [(name, title) for name, title, more in _LISTED_OR_NOT if "hidden" not in more]
COURSE = [page for page in PAGES if page not in LISTED]


def test_the_navigation_holds_exactly_the_pages_of_the_app(page: Page, empty_app: App) -> None:
    open_page(page, empty_app)
    links = page.locator('[data-testid="stSidebarNavLink"]')
    assert [text.split("\n")[-1] for text in links.all_inner_texts()] == [t for _, t in LISTED]
    expect(page.locator('[data-testid="stSidebarLogo"]')).to_be_visible()


def test_the_laboratory_opens_every_page_of_its_course(page: Page, empty_app: App) -> None:
    open_page(page, empty_app)
    steps = page.get_by_test_id("stSidebar").get_by_test_id("stPageLink")
    expect(steps).to_have_count(0)
    page.locator('[data-testid="stSidebarNavLink"]', has_text="Laboratory").click()
    heading = page.locator('[data-testid="stMain"] h1')
    for number, (_, title) in enumerate(COURSE):
        expect(steps).to_have_count(len(COURSE))
        steps.nth(number).locator("a").click()
        expect(heading).to_have_text(title)
        wait_until_idle(page)
    assert exceptions_shown(page) == []


@pytest.mark.parametrize(("name", "title"), LISTED)
def test_every_page_opens_on_an_empty_library(
    page: Page, empty_app: App, screens: Callable[..., None], name: str, title: str
) -> None:
    open_page(page, empty_app)
    page.locator('[data-testid="stSidebarNavLink"]', has_text=title).click()
    wait_until_idle(page)
    expect(page.locator('[data-testid="stMain"] h1')).to_be_visible()
    assert exceptions_shown(page) == []
    screens(f"empty-{name}")


@pytest.mark.parametrize(("name", "title"), PAGES)
def test_every_page_opens_by_a_link_of_its_own_name(
    page: Page, empty_app: App, name: str, title: str
) -> None:
    open_page(page, empty_app)  # until then pages are found by their files, and every name is known
    open_page(page, empty_app, name)
    wait_until_idle(page)
    expect(page.locator('[data-testid="stMain"] h1')).to_have_text(title)
    if (name, title) in LISTED:
        expect(page.locator('[data-testid="stSidebarNavLink"][aria-current="page"]')).to_have_text(
            re.compile(title)
        )
    expect(page.get_by_role("dialog")).to_have_count(0)  # "Page not found"


def test_the_watch_notices_what_it_is_for(browser: Browser) -> None:
    page = browser.new_page()
    problems = watch(page)
    page.set_content("<script>console.error('one'); throw new Error('two')</script>")
    page.wait_for_function("true")
    assert any("one" in text for text in problems)
    assert any("two" in text for text in problems)
    page.set_content('<div data-testid="stException">three</div>')
    assert exceptions_shown(page) == ["three"]
    page.set_content("<img id=four src='http://127.0.0.1:9/four.jpg'>")
    page.wait_for_function("document.getElementById('four').complete")
    assert broken_pictures(page) == ["http://127.0.0.1:9/four.jpg"]
    page.close()


def test_a_running_script_is_not_idle(browser: Browser) -> None:
    page = browser.new_page()
    state = '<div data-testid="stApp" data-test-connection-state="CONNECTED" data-test-script-state'
    page.set_content(f'{state}="running"></div>')
    with pytest.raises(PlaywrightTimeout):
        wait_until_idle(page, seconds=1)
    page.set_content(f'{state}="notRunning"></div>')
    wait_until_idle(page, seconds=5)
    page.close()
