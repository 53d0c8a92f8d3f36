"""Clicking a cell of a map and moving the distance slider, in a real browser on a real library."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.browser_harness import App, exceptions_shown, open_page, wait_until_idle
from tests.support.directions import directions
from tests.support.lab_world import Library, plain_similarity
from visil_dash.records import VideoFeatures

PATIENCE = 180_000  # milliseconds, for a machine that does much else
NAMES = ("market.mp4", "excerpt.mp4", "station.mp4")

# Where a point of a figure's data lies on the screen. Markers know their place in the plot.
_POINT = """(chart, [trace, index]) => {
    const {xaxis, yaxis} = chart._fullLayout;
    const box = chart.getBoundingClientRect();
    const data = chart._fullData[trace];
    return [
        box.left + xaxis._offset + xaxis.d2p(data.x[index]),
        box.top + yaxis._offset + yaxis.d2p(data.y[index]),
    ];
}"""


@pytest.fixture
def app(scene_app: App) -> App:
    return scene_app


@pytest.fixture(scope="module")
def found(scene_library: Library) -> dict[str, VideoFeatures]:
    return scene_library.features


@pytest.fixture(scope="module")
def scores(scene_library: Library) -> dict[tuple[str, str], float]:
    """Of the ordered pairs of all videos, whether the model has a comparator or not."""
    names = scene_library.names
    rows = {
        (q, r): float(scene_library.scores[i, j])
        for i, q in enumerate(names)
        for j, r in enumerate(names)
    }
    for name in names:
        itself = plain_similarity(scene_library.features[name], scene_library.features[name])
        rows[name, name] = float(scene_library.output(itself).max(1).mean())
    return rows


def chart(page: Page, place: int = 0) -> Locator:
    plot = page.locator(".js-plotly-plot", has=page.locator(".heatmaplayer image")).nth(place)
    expect(plot).to_be_visible(timeout=PATIENCE)
    plot.scroll_into_view_if_needed()
    return plot


def click_point(page: Page, plot: Locator, trace: int, index: int) -> None:
    x, y = plot.evaluate(_POINT, [trace, index])
    # Plotly takes for a click what it saw hovering first.
    page.mouse.move(x - 2, y)
    page.mouse.move(x, y)
    page.mouse.click(x, y)
    wait_until_idle(page)


def link(found: dict[str, VideoFeatures], query: str, reference: str = "") -> str:
    out = f"q={found[query].video_id[:16]}"
    return out + (f"&r={found[reference].video_id[:16]}" if reference else "")


def test_a_clicked_cell_shows_its_two_frames(
    page: Page, app: App, found: dict[str, VideoFeatures], screens: Callable[..., None]
) -> None:
    query, reference = found["excerpt.mp4"], found["market.mp4"]
    similarity = plain_similarity(query, reference)
    open_page(page, app, "compare?" + link(found, "excerpt.mp4", "market.mp4"))
    card = page.locator(".st-key-cell")
    for row, column in ((5, 0), (0, 11), (2, 6)):
        expect(chart(page)).to_have_attribute("data-heard", "")
        click_point(page, chart(page), 1, row * len(reference) + column)
        expect(card.locator(".vd-meta")).to_have_text(
            [f"at 0:{row:02}.00", f"at 0:{column:02}.00"], timeout=PATIENCE
        )
        expect(card.locator("dd").nth(2)).to_have_text(f"{similarity[row, column]:.3f}")
        expect(card.locator("img")).to_have_count(1)  # both frames, with lines between
    assert exceptions_shown(page) == []
    screens("compare", whole=True)


def test_a_clicked_cell_of_the_matrix_leads_to_its_comparison(
    page: Page,
    app: App,
    found: dict[str, VideoFeatures],
    scores: dict[tuple[str, str], float],
    screens: Callable[..., None],
) -> None:
    open_page(page, app, "collection?view=matrix")
    plot = chart(page)
    names = plot.evaluate("chart => chart._fullLayout.yaxis.ticktext")
    row, column = names.index("excerpt.mp4"), names.index("market.mp4")
    click_point(page, plot, 1, row * len(names) + column)
    card = page.locator(".st-key-pair")
    score = scores["excerpt.mp4", "market.mp4"]
    expect(card.locator("dd").first).to_have_text(f"{score:.3f}")
    screens("collection", whole=True)
    card.get_by_role("button", name="Compare").click()
    page.wait_for_url(re.compile(r"/compare\?"))
    wait_until_idle(page)
    assert found["excerpt.mp4"].video_id[:16] in page.url
    assert found["market.mp4"].video_id[:16] in page.url


def numbers(page: Page) -> dict[str, str]:
    """Labels and values of the page's facts."""
    labels = page.locator(".vd-facts dt").all_inner_texts()
    return dict(zip(labels, page.locator(".vd-facts dd").all_inner_texts(), strict=True))


def expected(found: dict[str, VideoFeatures], query: str, threshold: float) -> dict[str, str]:
    vectors = {name: directions(f) for name, f in found.items()}
    by_video = {
        name: ((vectors[query][:, None] - other[None]) ** 2).sum(2)
        for name, other in vectors.items()
        if name != query
    }
    inside: dict[str, Any] = {name: d <= threshold for name, d in by_video.items()}
    pairs, total = sum(i.sum() for i in inside.values()), sum(i.size for i in inside.values())
    query_frames = np.any([i.any(1) for i in inside.values()], axis=0).sum()
    frames = sum(i.any(0).sum() for i in inside.values())
    return {
        "Candidate videos": f"{sum(i.any() for i in inside.values())} of {len(inside)}",
        "Pairs of frames": f"{pairs:,} of {total:,}",
        "Query frames": f"{query_frames} of {len(vectors[query])}",
        "Library frames": f"{frames} of {sum(i.shape[1] for i in inside.values())}",
    }


def test_moving_the_slider_changes_every_number(
    page: Page, app: App, found: dict[str, VideoFeatures], screens: Callable[..., None]
) -> None:
    open_page(page, app, "threshold?" + link(found, "excerpt.mp4"))
    field = page.get_by_label("Exact value")
    thumb = page.get_by_role("slider")
    start = numbers(page)
    assert start == expected(found, "excerpt.mp4", float(field.input_value()))
    seen = {tuple(start.values())}
    # Page keys move a slider by a tenth of its length.
    for key in ("Home", "PageUp", "PageUp", "PageUp", "End"):
        before = field.input_value()
        thumb.focus()
        page.keyboard.press(key)
        expect(field).not_to_have_value(before)
        wait_until_idle(page)
        value = float(re.search(r"[?&]t=([^&]+)", page.url)[1])  # type: ignore[index]
        assert float(field.input_value()) == pytest.approx(value, abs=1e-4)
        displayed = numbers(page)
        assert displayed == expected(found, "excerpt.mp4", value)
        seen.add(tuple(displayed.values()))
    assert len(seen) >= 3
    field.fill("1.5")
    field.press("Enter")
    page.wait_for_url(re.compile(r"[?&]t=1\.5(&|$)"))
    wait_until_idle(page)
    assert numbers(page) == expected(found, "excerpt.mp4", 1.5)
    assert float(thumb.input_value()) == pytest.approx(1.5, abs=0.01)
    assert exceptions_shown(page) == []
    screens("threshold", whole=True)


def test_the_numbers_move_while_the_slider_is_dragged(
    page: Page, app: App, found: dict[str, VideoFeatures]
) -> None:
    open_page(page, app, "threshold?t=0.2&" + link(found, "excerpt.mp4"))
    wait_until_idle(page)
    field, thumb = page.get_by_label("Exact value"), page.get_by_role("slider")
    saved = field.input_value()
    box = page.locator(
        ".st-key-threshold_slider [data-testid=stSlider] [role=group]"
    ).bounding_box()
    knob = thumb.evaluate(
        "e => { const b = e.parentElement.getBoundingClientRect();"
        " return [b.x + b.width / 2, b.y + b.height / 2]; }"
    )
    assert box is not None
    page.mouse.move(*knob)
    page.mouse.down()
    seen = set()
    for share in (0.3, 0.6, 0.9):
        page.mouse.move(box["x"] + share * box["width"], knob[1], steps=4)
        value = float(thumb.input_value())
        wanted = expected(found, "excerpt.mp4", value)
        pairs = page.locator(".vd-facts dd").nth(1)
        expect(pairs).to_have_text(wanted["Pairs of frames"], timeout=PATIENCE)
        assert numbers(page) == wanted
        assert field.input_value() == saved  # nothing was sent yet
        seen.add(tuple(wanted.values()))
    assert len(seen) >= 2
    page.mouse.up()
    expect(field).not_to_have_value(saved, timeout=PATIENCE)
    wait_until_idle(page)
    assert numbers(page) == expected(found, "excerpt.mp4", float(field.input_value()))


def test_hundreds_of_fast_arrow_keys_leave_a_page_that_answers(
    page: Page, app: App, found: dict[str, VideoFeatures]
) -> None:
    received: list[int] = []
    page.on(
        "websocket",
        lambda socket: socket.on("framereceived", lambda data: received.append(len(data or ""))),
    )
    open_page(page, app, f"threshold?{link(found, 'excerpt.mp4')}")
    slider = page.get_by_role("slider")
    expect(slider).to_be_visible(timeout=PATIENCE)
    wait_until_idle(page)
    slider.focus()
    for burst in range(8):
        for _ in range(40):
            page.keyboard.press("ArrowLeft" if burst % 2 else "ArrowRight")
        page.wait_for_timeout(150 * (burst % 4))
    wait_until_idle(page)
    print(f"{sum(received):,} bytes in {len(received)} messages")
    assert "MISS" not in app.log
    assert "Bad message format" not in page.inner_text("body")
    before = page.get_by_label("Exact value").input_value()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_label("Exact value")).not_to_have_value(before)
