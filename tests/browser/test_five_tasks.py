"""The five tasks of a demonstration, each within three clicks from Search: find, see why, judge,
tune, report."""

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.browser_harness import exceptions_shown, open_page, wait_until_idle
from tests.support.lab_world import PATIENCE, Lab

MOST = 3  # clicks


@pytest.fixture(params=["demo_lab", "real_lab"])
def lab(request: pytest.FixtureRequest) -> Lab:
    found: Lab = request.getfixturevalue(request.param)
    return found


class Hand:
    """Clicks, and counts them."""

    def __init__(self, page: Page) -> None:
        self.page, self.clicks = page, 0

    def click(self, element: Locator) -> None:
        element.click(timeout=PATIENCE)
        self.clicks += 1
        wait_until_idle(self.page)


@pytest.fixture
def hand(page: Page, lab: Lab) -> Hand:
    """A hand on the Search page, whose first example was clicked: that has found its copies."""
    open_page(page, lab.app, "search")
    hand = Hand(page)
    hand.click(page.locator(".st-key-example_0").get_by_role("button"))
    expect(page.locator(".st-key-match-1 img").nth(1)).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("Verifying, ")).to_have_count(0, timeout=PATIENCE)
    wait_until_idle(page)
    return hand


def test_find(page: Page, hand: Hand) -> None:
    assert hand.clicks == 1
    expect(page.get_by_role("heading", name="share")).to_be_in_viewport()
    expect(page.locator(".st-key-match-1")).to_contain_text("Proved on the pixels")


def test_see_why(page: Page, hand: Hand) -> None:
    hand.click(page.locator(".st-key-match-1").get_by_role("button", name="Compare"))
    expect(page.locator(".st-key-verdict")).to_be_in_viewport(timeout=PATIENCE)
    expect(page.locator(".st-key-proof")).to_contain_text("proved on the pixels", timeout=PATIENCE)
    wait_until_idle(page)
    hand.click(page.get_by_text("the scores of every scorer"))
    expect(page.get_by_text("By scorer")).to_be_visible()
    assert hand.clicks <= MOST


def test_judge(page: Page, hand: Hand) -> None:
    match = page.locator(".st-key-match-1").get_by_role("radio", name="Match", exact=True)
    hand.click(match)
    expect(match).to_be_checked()
    assert hand.clicks <= MOST
    match.click()  # takes it back: the library is left as it was
    expect(match).not_to_be_checked()
    wait_until_idle(page)


def test_tune(page: Page, hand: Hand) -> None:
    hand.click(page.get_by_role("button", name="Tune"))
    expect(page.locator('[data-testid="stMain"] h1')).to_have_text("Threshold", timeout=PATIENCE)
    expect(page.get_by_text("All distances of this query")).to_be_visible(timeout=PATIENCE)
    assert hand.clicks <= MOST


def test_report(page: Page, hand: Hand) -> None:
    asked = hand.clicks
    hand.click(page.get_by_role("button", name="Download"))
    hand.click(page.get_by_role("button", name="Create an HTML report with frames"))
    with page.expect_download(timeout=PATIENCE) as download:
        hand.click(page.get_by_role("button", name="HTML report with frames", exact=True))
    assert hand.clicks - asked <= MOST, "from the answer on"
    report = Path(download.value.path()).read_text()
    assert "On the pixels: proved" in report
    assert "<polyline" in report
    assert exceptions_shown(page) == []
