"""What a page shows without scrolling: the answer and its evidence, on every screen."""

import pytest
from playwright.sync_api import Locator, Page, ViewportSize, expect

from tests.support.browser_harness import PHONE, WIDE, open_page, wait_until_idle
from tests.support.lab_world import PATIENCE, Lab

LARGE: ViewportSize = {"width": 1920, "height": 1080}
QUERY = "harbour_anchor.mp4"


def ends_at(element: Locator) -> float:
    """The lower edge of an element, CSS pixels below the top of the page."""
    expect(element).to_be_visible(timeout=PATIENCE)
    box = element.bounding_box()
    assert box is not None
    return box["y"] + box["height"]


@pytest.mark.parametrize(
    ("size", "cards"), [(WIDE, 2), (LARGE, 2), (PHONE, 1)], ids=["wide", "large", "phone"]
)
def test_search_shows_its_answer_and_the_first_cards(
    page: Page, demo_lab: Lab, size: ViewportSize, cards: int
) -> None:
    page.set_viewport_size(size)
    open_page(page, demo_lab.app, demo_lab.link("search", QUERY))
    card = page.locator(f".st-key-match-{cards}")
    expect(card.get_by_role("img", name="harbour").nth(1)).to_be_visible(timeout=PATIENCE)
    wait_until_idle(page)
    expect(page.get_by_role("heading", name="2 videos share footage")).to_be_in_viewport(ratio=1)
    assert ends_at(card) <= size["height"]
    for picture in card.get_by_role("img", name="harbour").all():
        expect(picture).to_be_in_viewport(ratio=1)
    expect(card.get_by_role("button", name="Compare")).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("size", [WIDE, LARGE, PHONE], ids=["wide", "large", "phone"])
def test_compare_shows_the_verdict_the_timeline_and_the_players(
    page: Page, demo_lab: Lab, size: ViewportSize
) -> None:
    page.set_viewport_size(size)
    open_page(page, demo_lab.app, demo_lab.link("compare", QUERY, "harbour_ds.mp4"))
    player = page.locator(".player")
    expect(player).to_have_attribute("data-state", "paused", timeout=PATIENCE)
    wait_until_idle(page)
    expect(page.get_by_role("heading", name="The two videos share a part")).to_be_in_viewport()
    for verdict in ("Match", "Not a match", "Unsure"):
        expect(page.get_by_role("radio", name=verdict, exact=True)).to_be_in_viewport(ratio=1)
    expect(page.locator(".st-key-compare_timeline")).to_be_in_viewport(ratio=1)
    for video in player.locator("video").all():
        expect(video).to_be_in_viewport(ratio=1)
    expect(player.get_by_role("button", name="Play", exact=True)).to_be_in_viewport(ratio=1)
    if size != PHONE:
        assert ends_at(player) <= size["height"]
