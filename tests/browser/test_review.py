"""Judging pairs by keyboard in a real browser: verdicts outlive a reload, rejected pairs hide."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser_harness import App, open_page, wait_until_idle
from tests.support.scenes import make_scene
from visil_dash.library.store import open_library
from visil_dash.settings import Settings
from visil_dash.workbench.bench import open_workbench

PATIENCE = 180_000  # milliseconds, for a machine that does much else
SCENES = {
    "market.mp4": (1, 0.0, 7.0),
    "excerpt.mp4": (1, 2.0, 4.0),
    "station.mp4": (2, 0.0, 5.0),
    "harbour.mp4": (0, 0.0, 5.0),
}


@pytest.fixture(scope="module")
def app_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("review")
    paths = [
        make_scene(root / name, scene, start=start, seconds=seconds)
        for name, (scene, start, seconds) in SCENES.items()
    ]
    folder = root / "library"
    settings = Settings(library=folder, min_free_bytes=0)
    with open_workbench(settings=settings, library=folder) as bench:
        bench.add_paths(paths)
        assert bench.worker.wait_idle(120)
        assert len(bench.videos()) == len(SCENES), bench.jobs()
    return folder


def stored(folder: Path) -> list[tuple[frozenset[str], str, str]]:
    """What the library on disk holds of verdicts, read as another process would."""
    with open_library(folder, settings=Settings(), read_only=True) as library:
        names = {video.video_id: video.name for video in library.videos()}
        return [
            (frozenset((names[v.query], names[v.reference])), v.verdict, v.relation)
            for v in library.labels()
        ]


def shown_pair(page: Page) -> frozenset[str]:
    card = page.locator(".st-key-review")
    expect(card.get_by_text("most similar frames")).to_have_count(2, timeout=PATIENCE)
    return frozenset(card.locator(".vd-name").all_inner_texts())


def key(page: Page, name: str, judged: int) -> None:
    page.keyboard.press(name)
    expect(page.locator(".vd-facts dd").nth(1)).to_have_text(str(judged), timeout=PATIENCE)
    wait_until_idle(page)


def test_three_pairs_are_judged_by_keyboard_and_kept_over_a_reload(
    page: Page, app: App, screens: Callable[..., None]
) -> None:
    open_page(page, app, "review")
    seen = [shown_pair(page)]
    for judged, name in enumerate(("m", "n", "3"), 1):
        key(page, name, judged)
        seen.append(shown_pair(page))
    assert len(set(seen)) == 4, "each verdict brings another pair"
    verdicts = {pair: (verdict, relation) for pair, verdict, relation in stored(app.library)}
    assert verdicts == {
        seen[0]: ("match", ""),
        seen[1]: ("not_match", ""),
        seen[2]: ("not_match", "CS"),
    }
    page.reload()
    wait_until_idle(page)
    assert shown_pair(page) == seen[3], "it goes on where it stopped"
    page.get_by_text("Judged: 3 pairs").click()
    expect(page.get_by_test_id("stDataFrame")).to_be_visible()
    screens("review")

    undo = page.get_by_role("button", name=re.compile("^Undo"))
    expect(undo).to_be_disabled()  # a new session has nothing to take back

    key(page, "u", 4)
    key(page, "z", 3)
    assert shown_pair(page) == seen[3]
    assert len(stored(app.library)) == 3


def test_a_rejected_pair_is_gone_until_asked_for(page: Page, app: App) -> None:
    rejected = [pair for pair, verdict, _ in stored(app.library) if verdict == "not_match"]
    assert rejected, "the test before this one rejects pairs"
    open_page(page, app, "collection?view=pairs&score=-1.000")
    facts = page.locator(".vd-facts dd")
    expect(facts.nth(1)).to_have_text(str(6 - len(rejected)), timeout=PATIENCE)
    page.get_by_text("that you judged not to match").click()
    expect(facts.nth(1)).to_have_text("6", timeout=PATIENCE)
    assert "rejected=shown" in page.url
    wait_until_idle(page)


def test_a_lasso_on_the_map_lists_videos_and_a_link_reopens_the_choice(
    page: Page, app: App, screens: Callable[..., None]
) -> None:
    open_page(page, app, "collection?view=map&score=-1.000&rejected=shown")
    plot = page.locator(".js-plotly-plot")
    expect(plot.locator(".scatterlayer path.point").first).to_be_visible(timeout=PATIENCE)
    box = plot.locator(".nsewdrag").bounding_box()
    assert box is not None
    left, top = box["x"] + 2, box["y"] + 2
    right, bottom = box["x"] + box["width"] - 2, box["y"] + box["height"] - 2
    page.mouse.move(left, top)
    page.mouse.down()
    for x, y in ((right, top), (right, bottom), (left, bottom), (left, top + 4)):
        page.mouse.move(x, y, steps=6)
    page.mouse.up()
    wait_until_idle(page)
    tags = page.locator('[class*="st-key-thumb-chosen"]')
    expect(tags).to_have_count(len(SCENES), timeout=PATIENCE)
    expect(page.get_by_text("6 pairs, 6 matching")).to_be_visible()
    screens("map")
    address = page.url
    assert "pick=" in address
    page.goto(address)
    wait_until_idle(page)
    expect(tags).to_have_count(len(SCENES), timeout=PATIENCE)
