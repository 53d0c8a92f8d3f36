"""The compare page in a real browser: players in step, a dragged box, views, segments, links."""

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.browser_harness import PHONE, App, exceptions_shown, open_page, wait_until_idle
from tests.support.clips import make_clip, regular
from tests.support.scenes import RATE, SIZE, make_scene, scene_picture
from visil_dash.clock import clock
from visil_dash.records import Comparison
from visil_dash.settings import Settings
from visil_dash.ui.compare.loops import box_range
from visil_dash.workbench.bench import Workbench, open_workbench

PATIENCE = 180_000  # milliseconds, for a machine that does much else
SCENES = {"market.mp4": (1, 0, 12), "excerpt.mp4": (1, 4, 6)}

_AT = """(chart, [across, down]) => {
    const {xaxis, yaxis} = chart._fullLayout;
    const box = chart.getBoundingClientRect();
    const ms = (seconds) => Date.UTC(2000, 0, 1) + seconds * 1000;
    return [
        box.left + xaxis._offset + xaxis.d2p(ms(across)),
        box.top + yaxis._offset + yaxis.d2p(ms(down)),
    ];
}"""
# Both playheads, read in one go: two questions would be two moments.
_HEADS = """player => [...player.querySelectorAll('video')].map(video => video.currentTime)"""
# Playheads while the range plays until the query has begun anew (or `most` samples were taken);
# moments at which one of `settled` is still seeking tell nothing.
_WATCH = """async (player, [most, settled]) => {
    const seen = [];
    for (let n = 0; n < most; n++) {
        await new Promise(done => setTimeout(done, 50));
        const videos = [...player.querySelectorAll('video')];
        if (settled.some(n => videos[n].seeking || videos[n].readyState < 3)) continue;
        seen.push(videos.map(v => v.currentTime));
        const last = seen.length - 1;
        if (last > 0 && seen[last][0] < seen[last - 1][0] - 0.5) break;
    }
    return seen;
}"""


@pytest.fixture(scope="module")
def app_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scene, a part of it, and that part backwards."""
    root = tmp_path_factory.mktemp("player")
    for name, (scene, start, seconds) in SCENES.items():
        make_scene(root / name, scene, start=start, seconds=seconds)
    pictures = [scene_picture(1, 4 + n / RATE) for n in range(6 * RATE)]
    times = regular(6 * RATE, RATE)
    make_clip(root / "backwards.mp4", times, size=SIZE, pictures=pictures[::-1])
    folder = root / "library"
    with open_workbench(settings=Settings(min_free_bytes=0), library=folder) as bench:
        bench.add_paths([*(root / name for name in SCENES), root / "backwards.mp4"])
        assert bench.worker.wait_idle(120)
        assert len(bench.videos()) == 3, bench.jobs()
    return folder


@pytest.fixture(scope="module")
def bench(app_library: Path) -> Iterator[Workbench]:
    with open_workbench(
        settings=Settings(min_free_bytes=0), library=app_library, start_worker=False
    ) as opened:
        yield opened


@pytest.fixture(scope="module")
def pair(bench: Workbench) -> Comparison:
    return compared(bench, "excerpt.mp4")


def compared(bench: Workbench, query: str) -> Comparison:
    ids = {video.name: video.video_id for video in bench.videos()}
    found = bench.compare(ids[query], ids["market.mp4"])
    assert found.segments, "a part of a video must be found in it"
    return found


def address(pair: Comparison, more: str = "") -> str:
    return f"compare?q={pair.query[:16]}&r={pair.reference[:16]}{more}"


def open_player(page: Page, app: App, pair: Comparison, more: str = "") -> Locator:
    open_page(page, app, address(pair, more))
    player = page.locator(".player")
    expect(player).to_have_attribute("data-state", re.compile("paused|playing"), timeout=PATIENCE)
    ready(page, player)
    return player


def ready(page: Page, player: Locator) -> None:
    page.wait_for_function(
        "player => [...player.querySelectorAll('video')]"
        ".every(v => v.readyState >= 3 && !v.seeking)",
        arg=player.element_handle(),
        timeout=PATIENCE,
    )


def loop_text(pair: Any) -> str:
    q, r = ((f"{side}_start", f"{side}_end") for side in ("query", "reference"))
    spans = ["–".join(clock(getattr(pair, end), digits=1) for end in ends) for ends in (q, r)]
    return f"Loop: query {spans[0]}, reference {spans[1]}"


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Drags a box on the first map; corners are (query, reference) seconds."""
    plot = page.locator(".js-plotly-plot", has=page.locator(".heatmaplayer image")).first
    expect(plot.locator(".heatmaplayer image")).to_have_count(1, timeout=PATIENCE)
    expect(plot).to_have_attribute("data-heard", "")
    plot.scroll_into_view_if_needed()
    a, b = (plot.evaluate(_AT, [reference, query]) for query, reference in (start, end))
    page.mouse.move(*a)
    page.mouse.down()
    page.mouse.move((a[0] + b[0]) / 2, (a[1] + b[1]) / 2, steps=3)
    page.mouse.move(*b, steps=3)
    page.mouse.up()


def longest(pair: Comparison) -> Any:
    return max(pair.segments, key=lambda s: s.query_end - s.query_start)


def test_both_videos_play_the_segment_in_step_and_over_again(
    page: Page, app: App, pair: Comparison, bench: Workbench, screens: Callable[..., None]
) -> None:
    player = open_player(page, app, pair)
    segment = longest(pair)
    expect(player.locator(".range")).to_contain_text(loop_text(segment))
    for video, video_id in zip(
        player.locator("video").all(), (pair.query, pair.reference), strict=True
    ):
        served = page.request.get(video.get_attribute("src") or "").body()
        assert served == bench.library.media_path(video_id).read_bytes()
    screens("compare-players", whole=True)
    player.locator("[data-do=play]").focus()
    player.get_by_role("button", name="Play", exact=True).click()
    seen = player.evaluate(_WATCH, [1200, [0, 1]])
    assert len(seen) > 10, "the pictures move"
    assert seen[-1][0] < seen[-2][0], f"after {segment.query_end} s it begins anew"
    lag = [abs((r - segment.reference_start) - (q - segment.query_start)) for q, r in seen]
    assert sorted(lag)[int(0.9 * len(lag))] < 0.25, "nine of ten times within a quarter second"
    assert max(q for q, _ in seen) <= segment.query_end + 0.15
    assert min(q for q, _ in seen) >= segment.query_start
    assert max(r for _, r in seen) <= segment.reference_end + 0.3
    assert min(r for _, r in seen) >= segment.reference_start - 0.1


def test_steps_offsets_and_keys_move_both(page: Page, app: App, pair: Comparison) -> None:
    player = open_player(page, app, pair)
    segment, times = longest(pair), [float(t) for t in pair.query_times]

    def stand(query: float, offset: float = 0.0) -> None:
        shown = player.locator(".clocks [data-text]")
        reference = query - segment.query_start + segment.reference_start + offset
        expect(shown).to_have_text([clock(query, digits=2), clock(reference, digits=2)])
        ready(page, player)
        heads = player.evaluate(_HEADS)
        assert heads == pytest.approx([query, reference], abs=0.01)

    player.get_by_role("button", name="One sampled frame forward").click()
    stand(times[1])
    player.focus()
    page.keyboard.press("ArrowRight")
    stand(times[2])
    page.keyboard.press("ArrowLeft")
    stand(times[1])
    player.get_by_role("button", name="Reference a tenth of a second later").click()
    stand(times[1], 0.1)
    player.get_by_role("button", name="Reference one second earlier").click()
    stand(times[1], -0.9)
    expect(player.locator("[data-text=offset]")).to_have_text("−0.9 s")
    player.locator("[data-text=offset]").click()
    stand(times[1])
    player.focus()
    page.keyboard.press("Tab")
    outline = "e => getComputedStyle(e).outlineStyle"
    assert player.locator(":focus").evaluate(outline) == "solid", "focus is visible"
    player.focus()
    page.keyboard.press(" ")
    expect(player).to_have_attribute("data-state", "playing")
    page.keyboard.press(" ")
    expect(player).to_have_attribute("data-state", "paused")


def test_swipe_and_difference_lay_one_over_the_other(
    page: Page, app: App, pair: Comparison, screens: Callable[..., None]
) -> None:
    player = open_player(page, app, pair)
    boxes = [video.bounding_box() for video in player.locator("video").all()]
    assert boxes[0] is not None
    assert boxes[1] is not None
    assert boxes[1]["x"] > boxes[0]["x"] + boxes[0]["width"] - 1
    player.get_by_role("button", name="Swipe").click()
    over, divider = player.locator(".over"), player.locator(".divider")
    boxes = [video.bounding_box() for video in player.locator("video").all()]
    assert boxes[0] == pytest.approx(boxes[1], abs=1.5)
    left = divider.bounding_box()
    stage = player.locator(".stage").bounding_box()
    assert left is not None
    assert stage is not None
    page.mouse.move(left["x"] + left["width"] / 2, left["y"] + 20)
    page.mouse.down()
    page.mouse.move(stage["x"] + stage["width"] * 0.25, left["y"] + 20, steps=3)
    page.mouse.up()
    expect(divider).to_have_attribute("aria-valuenow", "25")
    divider.focus()
    page.keyboard.press("ArrowRight")
    expect(divider).to_have_attribute("aria-valuenow", "30")
    assert "30%" in over.evaluate("e => getComputedStyle(e).clipPath")
    screens("compare-swipe", whole=True)
    player.get_by_role("button", name="Difference").click()
    expect(divider).to_be_hidden()
    assert over.evaluate("e => getComputedStyle(e).mixBlendMode") == "difference"
    screens("compare-difference", whole=True)


def test_a_dragged_box_becomes_the_loop_and_a_click_still_shows_frames(
    page: Page, app: App, pair: Comparison, bench: Workbench
) -> None:
    player = open_player(page, app, pair)
    corners = ((1.5, 5.6), (4.4, 9.3))
    wanted = box_range(pair, query=(1.5, 4.4), reference=(5.6, 9.3), options=bench.options)
    drag(page, corners[1], corners[0])
    expect(player.locator(".range")).to_contain_text(loop_text(wanted))
    expect(player).to_have_attribute("data-state", "playing")
    for video in player.locator("video").all():
        expect(video).to_be_in_viewport()  # the box was drawn on a map far below
    seen = player.evaluate(_WATCH, [1200, [0, 1]])
    assert max(q for q, _ in seen) <= wanted.query_end + 0.15
    assert max(r for _, r in seen) <= wanted.reference_end + 0.3
    assert seen[-1][0] == pytest.approx(wanted.query_start, abs=0.6)

    plot = page.locator(".js-plotly-plot", has=page.locator(".heatmaplayer image")).first
    expect(plot.locator(".heatmaplayer image")).to_have_count(1, timeout=PATIENCE)
    expect(plot).to_have_attribute("data-heard", "")
    x, y = plot.evaluate(_AT, [7, 3])
    page.mouse.move(x - 2, y)
    page.mouse.move(x, y)
    page.mouse.click(x, y)
    expect(page.locator(".st-key-cell .vd-meta")).to_have_text(
        ["at 0:03.00", "at 0:07.00"], timeout=PATIENCE
    )
    wait_until_idle(page)
    link = page.url
    assert re.search(r"[?&]cell=3\.000(,|%2C)7\.000(&|$)", link)

    # The link alone brings back the cell, and behind it the range.
    page.goto("about:blank")
    page.goto(link)
    expect(page.locator(".st-key-cell .vd-meta")).to_have_text(
        ["at 0:03.00", "at 0:07.00"], timeout=PATIENCE
    )
    expect(page.locator(".player .range")).to_contain_text(loop_text(wanted))
    assert exceptions_shown(page) == []


def test_a_segment_row_seeks_both_and_the_player_leads_to_its_frames(
    page: Page, app: App, pair: Comparison
) -> None:
    player = open_player(page, app, pair)
    drag(page, (0.6, 0.6), (2.4, 2.4))
    expect(player.locator(".range")).not_to_contain_text(loop_text(longest(pair)))
    wait_until_idle(page)
    table = page.locator('[data-testid="stDataFrame"]').first
    table.scroll_into_view_if_needed()
    row = pair.segments[0]
    table.click(position={"x": 16, "y": 52})  # the mark of the first row, below the header
    expect(player.locator(".range")).to_contain_text(loop_text(row), timeout=PATIENCE)
    player.locator("[data-do=play]").click()
    expect(player).to_have_attribute("data-state", "paused")
    page.keyboard.press("Home")
    ready(page, player)
    heads = player.evaluate(_HEADS)
    assert heads == pytest.approx([row.query_start, row.reference_start], abs=0.01)
    player.get_by_role("button", name="Inspect frames").click()
    expect(page.locator(".st-key-cell .vd-meta")).to_have_text(
        [f"at {clock(t, digits=2)}" for t in (row.query_start, row.reference_start)],
        timeout=PATIENCE,
    )
    expect(page.locator(".st-key-cell")).to_be_in_viewport()


def test_a_copy_that_plays_backwards_is_stepped_and_said(
    page: Page, app: App, bench: Workbench
) -> None:
    pair = compared(bench, "backwards.mp4")
    at = next(n for n, s in enumerate(pair.segments) if s.reversed)
    s = pair.segments[at]
    numbers = (s.query_start, s.query_end, s.reference_start, s.reference_end)
    span = ",".join(f"{n:.3f}" for n in numbers) + ",1.000,backwards"
    player = open_player(page, app, pair, f"&span={span}")
    expect(player.locator(".note")).to_contain_text("backwards")
    if player.get_attribute("data-state") == "paused":
        player.get_by_role("button", name="Play", exact=True).click()
    seen = player.evaluate(_WATCH, [600, [0]])
    forward = [b[0] - a[0] for a, b in pairwise(seen)]
    back = [b[1] - a[1] for a, b in pairwise(seen)]
    assert sum(step > 0 for step in forward) > 5
    assert min(back) < 0
    assert sum(step > 0.3 for step in back) <= 1, "forward only where the loop begins anew"


def test_every_control_has_a_name_and_the_phone_shows_all(
    page: Page, app: App, pair: Comparison
) -> None:
    page.set_viewport_size(PHONE)
    player = open_player(page, app, pair)
    nameless = player.evaluate(
        """player => [...player.querySelectorAll('button, input, select, video, [role=slider]')]
        .filter(e => !(e.getAttribute('aria-label') || e.textContent.trim()
            || e.closest('label')?.textContent.trim()))
        .map(e => e.outerHTML)"""
    )
    assert nameless == []
    wide = player.evaluate(
        """player => [...player.querySelectorAll('button, select, video')]
        .filter(e => e.offsetParent !== null)
        .filter(e => { const b = e.getBoundingClientRect(); return b.left < 0 || b.right > 390; })
        .map(e => e.outerHTML)"""
    )
    assert wide == []
