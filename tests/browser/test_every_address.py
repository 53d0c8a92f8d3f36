"""Every page's address is its state: reload, Back and another browser reopen the same view.

A new page is tested by being in pages/; what it keeps in its address belongs in `VIEWS` too.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browser_harness import (
    ROOT,
    App,
    app_with_libraries,
    exceptions_shown,
    fresh_page,
    open_page,
    wait_until_idle,
)
from tests.support.lab_world import PATIENCE, Library
from tests.support.own_model import own_model
from visil_dash.labels.label import Label
from visil_dash.settings import Settings
from visil_dash.workbench.bench import open_workbench
from visil_dash.workbench.upkeep import extract_missing

PAGES = sorted(path.stem for path in (ROOT / "pages").glob("*.py"))
PLACE = {"library": "films", "model": "mine"}
QUERY, REFERENCE = "{market.mp4}", "{excerpt.mp4}"  # ids are put in their place
# What is chosen on a page, none of it the default.
VIEWS: dict[str, dict[str, str]] = {
    "library": {"find": "market", "sort": "name"},
    "search": {"q": QUERY, "mode": "exhaustive", "top": "3"},
    "compare": {"q": QUERY, "r": REFERENCE, "d": "reverse"},
    "collection": {"view": "pairs"},
    "review": {"q": QUERY, "r": REFERENCE},
    "threshold": {"of": "match", "m": "0.5"},
    "walkthrough": {"q": QUERY, "r": REFERENCE, "step": "attention"},
    "dimensions": {"view": "curse", "k": "7", "frames": "1000"},
    "hubs": {"least": "2"},
    "robustness": {"q": QUERY, "kinds": "grey", "steps": "3"},
    "evaluate": {"unlabelled": "ignored", "a": "hierarchical", "second": "compact"},
    "planner": {"hours": "50", "precision": "int8"},
    "fivr": {"events": "9"},
}
# The page's title, and what every control shows, by its label.
_SHOWN = """() => {
    const main = document.querySelector('[data-testid="stMain"]');
    const side = document.querySelector('[data-testid="stSidebar"]');
    const label = e => (e.closest('[data-testid^="st"]')?.querySelector('label, p')?.textContent
        || e.getAttribute('aria-label') || '').trim();
    const seen = [main.querySelector('h1')?.textContent];
    for (const e of [...side.querySelectorAll('[data-testid="stSelectbox"]'),
                     ...main.querySelectorAll('[data-testid="stSelectbox"]')])
        seen.push([label(e), e.querySelector('[role=combobox], input')?.value
            || e.querySelector('[value]')?.textContent || e.innerText]);
    for (const e of main.querySelectorAll('input:not([type=file]):not([role=combobox])'))
        seen.push([e.getAttribute('aria-label') || label(e),
                   ['checkbox', 'radio'].includes(e.type) ? e.checked : e.value]);
    for (const e of main.querySelectorAll('[role=radio], [data-testid="stButtonGroup"] button'))
        seen.push([e.textContent, e.getAttribute('aria-checked') ?? e.dataset.selected]);
    return seen;
}"""


@dataclass(frozen=True)
class World:
    app: App
    library: Library

    def address(self, name: str) -> str:
        """Of the page in the library "films" with the model "mine"."""
        chosen = {**PLACE, **VIEWS.get(name, {})}
        for video in ("market.mp4", "excerpt.mp4"):
            code = self.library.id_of(video)[:16]
            chosen = {k: v.replace(f"{{{video}}}", code) for k, v in chosen.items()}
        path = "" if name == "library" else name
        return path + "?" + "&".join(f"{key}={value}" for key, value in chosen.items())


@pytest.fixture(scope="module")
def world(
    browser: Browser, scene_library: Library, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """An empty main library, the scenes in "films" with a label, and a model with all features."""
    root = tmp_path_factory.mktemp("every-address")
    own_model(root / "models" / "own" / "mine")
    films = scene_library.copied(root / "libraries" / "films")
    settings = Settings(models=root / "models", min_free_bytes=0)
    with open_workbench(
        settings=settings, library=films.folder, model="mine", start_worker=False
    ) as bench:
        extract_missing(bench)
        excerpt, market = films.id_of("excerpt.mp4"), films.id_of("market.mp4")
        bench.library.set_label(Label(excerpt, market, "match", "DS", "review"))
    with app_with_libraries(root) as started:
        yield World(started, films)


def settled(page: Page) -> tuple[dict[str, list[str]], list[Any]]:
    """The parameters of the address and what the page shows, once it computes nothing and nothing
    changes any more."""
    wait_until_idle(page)
    before: list[Any] | None = None
    for _ in range(90):
        now = page.evaluate(_SHOWN)
        if now == before and now[0] and page.get_by_test_id("stProgress").count() == 0:
            return parse_qs(urlsplit(page.url).query), now
        before = now
        page.wait_for_timeout(700)
        wait_until_idle(page)
    raise AssertionError(f"{page.url}: its controls keep changing")


@pytest.mark.parametrize("name", PAGES)
def test_reload_back_and_another_browser_reopen_the_view(
    browser: Browser, page: Page, world: World, name: str
) -> None:
    address = world.address(name)
    asked = parse_qs(urlsplit(address).query)
    open_page(page, world.app, address)
    there, shown = settled(page)
    assert asked.items() <= there.items(), "the page dropped a part of its address"
    assert exceptions_shown(page) == []
    assert ["Library", "films"] in shown
    assert ["Model", "mine"] in shown

    page.reload()
    assert settled(page) == (there, shown), "after a reload"

    elsewhere = "Laboratory" if name != "laboratory" else "Models"
    page.locator('[data-testid="stSidebarNavLink"]', has_text=elsewhere).click()
    expect(page.locator('[data-testid="stMain"] h1')).to_have_text(elsewhere, timeout=PATIENCE)
    wait_until_idle(page)
    page.go_back()
    expect(page.locator('[data-testid="stMain"] h1')).to_have_text(shown[0], timeout=PATIENCE)
    assert settled(page) == (there, shown), "after Back"

    with fresh_page(browser, color_scheme="light") as another:
        another.goto(page.url)
        assert settled(another) == (there, shown), "in another browser"


def test_what_is_chosen_is_known_of_every_page_that_has_choices() -> None:
    """Keeps `VIEWS` honest: a page that is gone, or was renamed, leaves it."""
    assert set(VIEWS) <= set(PAGES)
    assert set(PAGES) - set(VIEWS) == {"case", "laboratory", "models"}  # nothing is chosen on these
