"""Ways to ask, in a real browser: several clips at once, a path, and another match score."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.browser_harness import App, open_page, wait_until_idle
from tests.support.lab_world import Library
from visil_dash.settings import Settings
from visil_dash.workbench.bench import open_workbench

PATIENCE = 180_000  # milliseconds, for a machine that does much else
CLIPS = {"stalls.mp4": 5, "platform.mp4": 5}  # seconds


@pytest.fixture(scope="module")
def folder(scene_library: Library) -> Path:
    """in/ with the clips, where paths are allowed; out/ with another; a file that is no video."""
    root = scene_library.folder.parent
    (root / "out/secret.mp4").write_bytes((root / "in/stalls.mp4").read_bytes())
    (root / "in/notes.mp4").write_text("this is no video\n" * 40)
    return root


@pytest.fixture(scope="module")
def scores(scene_library: Library, folder: Path) -> dict[str, list[tuple[str, float]]]:
    """What each clip and the excerpt find in the library, best first."""
    with open_workbench(
        settings=Settings(), library=scene_library.folder, model="compact", start_worker=False
    ) as bench:
        ids = {name: bench.open_clip(folder / "in" / name).query_id for name in CLIPS}
        ids["excerpt.mp4"] = scene_library.id_of("excerpt.mp4")
        return {
            name: [(m.name, m.score) for m in bench.search(query).matches]
            for name, query in ids.items()
        }


@pytest.fixture
def app(scene_app: App) -> App:
    return scene_app


def row(page: Page, name: str) -> Locator:
    """The row of one of several clips."""
    return page.locator('[class*="st-key-clip-"]').filter(has_text=name)


def test_each_of_several_clips_has_its_progress_its_answer_and_its_failure(
    page: Page,
    app: App,
    folder: Path,
    scores: dict[str, list[tuple[str, float]]],
    screens: Callable[..., None],
) -> None:
    open_page(page, app, "search")
    page.locator('input[type="file"]').set_input_files(
        [folder / "in" / name for name in (*CLIPS, "notes.mp4")]
    )
    panel = page.locator(".st-key-several")
    expect(panel).to_contain_text("3 clips", timeout=PATIENCE)
    expect(panel).to_contain_text("2 searched · 1 failed", timeout=PATIENCE)
    wait_until_idle(page)
    for name in CLIPS:
        best, score = scores[name][0]
        expect(row(page, name)).to_contain_text(f"{best}, ")
        expect(row(page, name)).to_contain_text("with this query clip")
    expect(row(page, "notes.mp4")).to_contain_text("it is text")
    expect(row(page, "notes.mp4").get_by_role("button", name="Try again")).to_be_visible()

    # Each row opens its own results; the one that is shown has a badge.
    for name in reversed(CLIPS):
        if row(page, name).get_by_role("button", name="Show").count():
            row(page, name).get_by_role("button", name="Show").click()
        expect(row(page, name)).to_contain_text("shown below")
        wait_until_idle(page)
        best, score = scores[name][0]
        first = page.locator(".st-key-match-1")
        expect(first).to_contain_text(f"1. {best}", timeout=PATIENCE)
        expect(first.locator(".vd-card-line")).to_contain_text("confidence")
        first.get_by_role("button", name="Details").click()
        details = page.get_by_test_id("stPopoverBody")
        displayed = details.locator(".vd-facts > div", has_text="Score").locator("dd").first
        expect(displayed).to_have_text(f"{score:.3f}")
        page.keyboard.press("Escape")
        page.get_by_role("button", name="One frame").filter(visible=True).click()
        expect(page.locator(".st-key-strip img")).to_have_count(CLIPS[name])
        page.keyboard.press("Escape")
        wait_until_idle(page)
    expect(page.locator(".vd-blank")).to_have_count(0)  # a picture that arrives draws anew
    wait_until_idle(page)
    screens("search-several", whole=True)

    with page.expect_download(timeout=PATIENCE) as download:
        panel.get_by_role("button", name="CSV of all results").click()
    lines = Path(download.value.path()).read_text().splitlines()
    assert {line.split(",")[0] for line in lines[1:]} == set(CLIPS)


def test_a_path_of_an_allowed_folder_is_searched_for_and_no_other(
    page: Page, app: App, folder: Path, scores: dict[str, list[tuple[str, float]]]
) -> None:
    open_page(page, app, "search")
    box = page.get_by_role("textbox", name="Or a file on this machine")
    search = page.get_by_role("button", name="Search", exact=True)
    alert = page.get_by_role("alert")
    for typed in (folder / "out/secret.mp4", folder / "in/../out/secret.mp4"):
        box.fill(str(typed))
        search.click()
        expect(alert).to_contain_text(f"{typed.name}: there is no such file", timeout=PATIENCE)
        assert page.locator('[class*="st-key-match-"]').count() == 0
    box.fill(str(folder / "in/stalls.mp4"))
    box.press("Enter")
    first = page.locator(".st-key-match-1")
    expect(first).to_contain_text(f"1. {scores['stalls.mp4'][0][0]}", timeout=PATIENCE)
    expect(alert).to_have_count(0)
    expect(page.locator(".st-key-query-line summary")).to_contain_text("your clip")


def test_a_saved_match_score_decides_on_search_and_compare_until_it_is_taken_back(
    page: Page,
    app: App,
    scores: dict[str, list[tuple[str, float]]],
    screens: Callable[..., None],
) -> None:
    best, score = scores["excerpt.mp4"][0]
    raised = 0.99
    assert best == "market.mp4"
    assert score < raised, "the excerpt is a copy by the model's own match score, not by this one"
    link: list[str] = []

    def searched() -> tuple[str, str]:
        """The match score on the page, and the text of the best video."""
        open_page(page, app, "search" + (link[0] if link else ""))
        if not link:
            page.get_by_label("Or pick a video").click()
            page.get_by_role("option", name="excerpt.mp4").click()
        first = page.locator(".st-key-match-1")
        expect(first).to_contain_text("1. market.mp4", timeout=PATIENCE)
        wait_until_idle(page)
        link[:] = ["?" + page.url.split("?")[1]]
        displayed = re.search(r"match score (-?\d\.\d+) · model", page.content())
        assert displayed is not None
        return displayed[1], first.inner_text()

    sure = re.compile(r"near duplicate|contains the query clip|shares a part")
    before, card = searched()
    assert sure.search(card)

    open_page(page, app, f"threshold?m={raised}")
    expect(page.get_by_label("Exact value")).to_have_value(re.compile(rf"^{raised:g}0*$"))
    page.get_by_role("button", name="Save for this library").click()
    expect(page.get_by_text(f"Saved match score: {raised:.4g}")).to_be_visible(timeout=PATIENCE)
    wait_until_idle(page)
    screens("threshold-match-saved")

    displayed, card = searched()
    assert displayed == f"{raised:.2f}"
    assert not sure.search(card)
    page.locator(".st-key-match-1").get_by_role("button", name="Compare").click()
    page.get_by_text("the scores of every scorer").click(timeout=PATIENCE)
    expect(page.get_by_text(f"decides, match score {raised:.3f}")).to_be_visible()

    open_page(page, app, f"threshold?m={raised}")
    page.get_by_role("button", name="Undo").click()
    saved = page.get_by_text(f"Saved match score: {raised:.4g}")
    expect(saved).to_have_count(0, timeout=PATIENCE)
    wait_until_idle(page)
    displayed, card = searched()
    assert displayed == before
    assert sure.search(card)
