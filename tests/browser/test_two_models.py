"""Two models beside each other in a real browser, on a query and on labels."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browser_harness import UNPROVED, App, clean_app, open_page, wait_until_idle
from tests.support.lab_world import PATIENCE, Library, table
from visil_dash.labels.label import Label
from visil_dash.matching.headline import headline
from visil_dash.models.bundle import BUNDLED, read_bundle, save_bundle
from visil_dash.records import SearchResult
from visil_dash.settings import Settings
from visil_dash.workbench.bench import open_workbench

SECOND = "plain"


@dataclass(frozen=True)
class World:
    app: App
    library: Library
    models: Path

    def answer(self, model: str) -> SearchResult:
        """What the model answers to the excerpt, from the library itself."""
        settings = Settings(models=self.models, min_free_bytes=0)
        with open_workbench(
            settings=settings, library=self.library.folder, model=model, start_worker=False
        ) as bench:
            return bench.search(self.library.id_of("excerpt.mp4"))


@pytest.fixture(scope="module")
def world(
    browser: Browser, scene_library: Library, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """The scenes, and beside the bundled model one without its comparator and its attention."""
    root = tmp_path_factory.mktemp("two-models")
    bundle = read_bundle(BUNDLED / "compact")
    meta = vars(bundle.meta) | {"name": SECOND, "title": "Without a comparator", "evidence": None}
    save_bundle(
        root / "models" / "own" / SECOND,
        backbone=bundle.backbone,
        whitening=bundle.whitening,
        context=bundle.context.flip(0),
        gain=bundle.gain,
        meta={key: value for key, value in meta.items() if key not in ("sha256", "bytes")},
    )
    made = scene_library.copied(root / "library")
    with open_workbench(
        settings=Settings(), library=made.folder, model="compact", start_worker=False
    ) as bench:
        excerpt, market, station = map(made.id_of, ("excerpt.mp4", "market.mp4", "station.mp4"))
        bench.library.set_label(
            Label(excerpt, market, "match", "DS", "review"),
            Label(excerpt, station, "not_match", "", "review"),
        )
    with clean_app(
        library=made.folder,
        log_path=root / "streamlit.log",
        environment=UNPROVED | {"VISIL_DASH_MODELS": str(root / "models")},
    ) as app:
        yield World(app, made, root / "models")


def choose_second(page: Page, name: str) -> None:
    page.get_by_role("combobox", name="Second model").click()
    page.get_by_role("option", name=name).click()
    wait_until_idle(page)


def test_a_query_is_answered_by_both_models_on_shared_rows(page: Page, world: World) -> None:
    open_page(page, world.app, world.library.link("search", "excerpt.mp4"))
    expect(page.locator(".st-key-match-1")).to_be_visible(timeout=PATIENCE)
    page.get_by_role("button", name="Advanced").filter(visible=True).click()
    choose_second(page, SECOND)
    page.keyboard.press("Escape")
    offer = page.locator(".st-key-other-model")
    expect(offer).to_contain_text("has no features for any video of this library yet")
    expect(offer).to_contain_text("of features", timeout=PATIENCE)
    expect(offer).to_contain_text("on this machine", timeout=PATIENCE)
    offer.get_by_role("button", name=f"Extract with {SECOND}").click()
    expect(page.locator(".st-key-model-answer-2")).to_be_visible(timeout=PATIENCE)
    wait_until_idle(page)
    assert f"second={SECOND}" in page.url
    assert_both_answers(page, world, "compact", SECOND)
    page.reload()
    assert_both_answers(page, world, "compact", SECOND)
    page.get_by_role("button", name=f"Use {SECOND}").click()
    assert_both_answers(page, world, SECOND, "compact")
    assert f"model={SECOND}" in page.url
    assert "second=compact" in page.url
    page.get_by_role("button", name=f"Only {SECOND}").click()
    expect(page.locator(".st-key-match-1")).to_be_visible(timeout=PATIENCE)
    wait_until_idle(page)
    assert "second=" not in page.url
    page.go_back()
    assert_both_answers(page, world, SECOND, "compact")


def assert_both_answers(page: Page, world: World, first: str, second: str) -> None:
    for number, model in enumerate((first, second), 1):
        card = page.locator(f".st-key-model-answer-{number}")
        expect(card).to_contain_text(model, timeout=PATIENCE)
        expect(card).to_contain_text(headline(world.answer(model)))
    wait_until_idle(page)
    shown = {
        row.locator(".vd-name").inner_text(): row.inner_text()
        for row in page.locator('[class*="st-key-shared-"]').all()
    }
    answers = [{m.name: m for m in world.answer(model).matches} for model in (first, second)]
    assert set(shown) == {*answers[0], *answers[1]}
    for name, text in shown.items():
        strengths = [f"strength {a[name].strength:.2f}" for a in answers if name in a]
        assert [part in text for part in strengths] == [True] * len(strengths)


def test_the_metrics_of_both_models_stand_beside_each_other_with_their_differences(
    page: Page, world: World
) -> None:
    open_page(page, world.app, "evaluate")
    choose_second(page, SECOND)
    both = page.get_by_role("button", name="Evaluate both")
    offered = page.get_by_role("button", name=f"Extract with {SECOND}")
    expect(both.or_(offered)).to_be_visible(timeout=PATIENCE)
    if offered.is_visible():  # no test before this one has read the videos with it
        offered.click()
    both.click(timeout=PATIENCE)
    expect(page.locator(".st-key-evaluate_models_pr")).to_be_visible(timeout=PATIENCE)
    wait_until_idle(page)
    rows = table(page)
    assert list(rows[0]) == ["Metric", "compact", SECOND, "Difference"]
    by_name = {row["Metric"]: row for row in rows}
    # The copy is the first of both models' two videos.
    assert (by_name["mAP"]["compact"], by_name["mAP"][SECOND]) == ("1.000", "1.000")
    assert by_name["mAP"]["Difference"] == "0"
    address = page.url
    assert f"second={SECOND}" in address
    page.reload()
    expect(page.locator(".st-key-evaluate_models_pr")).to_be_visible(timeout=PATIENCE)
    assert page.url == address
    page.get_by_test_id("stDataFrame").nth(1).scroll_into_view_if_needed()
