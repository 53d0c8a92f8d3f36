"""A proof in a real browser: the overlay with its swipe, the difference, the boxes, the curve."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, ViewportSize, expect

from tests.support.browser_harness import PHONE, WIDE, exceptions_shown, open_page, wait_until_idle
from tests.support.lab_world import PATIENCE, Lab, chart, facts

COPY, ORIGINAL = "crossing_nd.mp4", "crossing_anchor.mp4"  # a broadcast with logo and ticker
SIZES = pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])


def proved(page: Page, lab: Lab, size: ViewportSize) -> Locator:
    """The proof of the pair on the Compare page."""
    page.set_viewport_size(size)
    open_page(page, lab.app, lab.link("compare", COPY, ORIGINAL))
    proof = page.locator(".st-key-proof")
    expect(proof).to_contain_text("proved on the pixels", timeout=PATIENCE)
    expect(proof.locator(".swipe")).to_be_visible(timeout=PATIENCE)
    wait_until_idle(page)
    return proof


def drawn(picture: Locator) -> bool:
    """Whether the browser has the picture's pixels."""
    return bool(picture.evaluate("image => image.complete && image.naturalWidth > 100"))


@SIZES
def test_the_divider_swipes_between_the_two_pictures_by_hand_and_by_keys(
    page: Page, demo_lab: Lab, size: ViewportSize, screens: Callable[..., None]
) -> None:
    proof = proved(page, demo_lab, size)
    swipe = proof.locator(".swipe")
    under, over = swipe.locator(".under"), swipe.locator(".over")
    for picture in (under, over):
        expect(picture).to_have_attribute("alt", re.compile(r"at 0:\d\d\.\d"))
        assert drawn(picture)
    assert under.bounding_box() == over.bounding_box(), "one lies over the other"
    box = swipe.bounding_box()
    assert box is not None
    assert 0 <= box["x"] < box["x"] + box["width"] <= size["width"]

    divider = swipe.get_by_role("slider")
    divider.focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    expect(divider).to_have_value("60")
    assert "60%" in over.evaluate("e => getComputedStyle(e).clipPath")
    page.keyboard.press("Home")
    expect(divider).to_have_value("0")

    swipe.scroll_into_view_if_needed()
    stage = swipe.locator(".stage").bounding_box()
    assert stage is not None
    page.mouse.move(stage["x"] + stage["width"] * 0.5, stage["y"] + 40)
    page.mouse.down()
    page.mouse.move(stage["x"] + stage["width"] * 0.25, stage["y"] + 40, steps=3)
    page.mouse.up()
    expect(divider).to_have_value("25")
    screens("proof-swipe", whole=True)


@SIZES
def test_the_difference_and_the_boxes_are_pictures_too(
    page: Page, demo_lab: Lab, size: ViewportSize, screens: Callable[..., None]
) -> None:
    proof = proved(page, demo_lab, size)
    for view, pictures in (("Difference picture", 1), ("Crop and overlays", 2)):
        proof.get_by_role("radio", name=view).click()
        wait_until_idle(page)
        shown = proof.get_by_test_id("stImage").locator("img")
        expect(shown).to_have_count(pictures)
        for picture in shown.all():
            expect(picture).to_be_visible()
            assert drawn(picture)
        screens(f"proof-{view.split()[0].lower()}", whole=True)
    assert exceptions_shown(page) == []


@SIZES
def test_the_curve_has_one_sharp_peak_where_the_match_begins(
    page: Page, demo_lab: Lab, size: ViewportSize
) -> None:
    proof = proved(page, demo_lab, size)
    line, peak = chart(page, "proof_curve").evaluate(
        "c => c._fullData.map(t => [Array.from(t.x), Array.from(t.y)])"
    )
    at, value = peak[0][0], peak[1][0]
    assert abs(at) < 0.3, "the whole film is shown, from its start"
    assert value > 0.5
    elsewhere = [y for x, y in zip(*line, strict=True) if abs(x - at) > 1]
    assert max(elsewhere) < value / 2
    displayed = facts(page, proof)
    assert displayed["Motion alike"] == f"{value:.2f}"
    box = proof.locator(".js-plotly-plot").bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= size["width"]


def test_a_search_shows_its_answer_first_and_then_what_is_proved(
    page: Page, demo_lab: Lab, screens: Callable[..., None]
) -> None:
    open_page(page, demo_lab.app, demo_lab.link("search", COPY))
    first = page.locator(".st-key-match-1")
    expect(first).to_contain_text(f"1. {ORIGINAL}", timeout=PATIENCE)
    expect(first).to_contain_text("Proved on the pixels: ", timeout=PATIENCE)
    expect(page.get_by_text("Verifying, ")).to_have_count(0, timeout=PATIENCE)
    wait_until_idle(page)
    expect(page.get_by_text("proved first, then the strongest")).to_be_visible()
    first.get_by_role("button", name="Details").click()
    expect(page.get_by_test_id("stPopoverBody")).to_contain_text("proved on the pixels")
    screens("search-proved", whole=True)
