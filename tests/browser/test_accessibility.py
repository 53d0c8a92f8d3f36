"""Every page under axe-core: nothing serious or critical, in both lights, wide and on a phone."""

import tomllib
from importlib.resources import files
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browser_harness import (
    PHONE,
    ROOT,
    WIDE,
    App,
    open_page,
    wait_until_idle,
    wait_until_still,
)
from tests.support.lab_world import Library
from visil_dash.ui.shell.waiting import MEANWHILE


def rgb(colour: str) -> str:
    """#0c1322 → rgb(12, 19, 34), as a browser tells it."""
    return f"rgb({', '.join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5))})"


Light = Literal["light", "dark"]
LIGHTS: tuple[Light, ...] = ("light", "dark")
THEME = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())["theme"]
GROUNDS = {light: rgb(THEME[light]["backgroundColor"]) for light in LIGHTS}
OF_COLOURS = ("color-contrast",)  # what the second light can change: the page is the same otherwise
PATIENCE = 180_000  # milliseconds, for a machine that does much else
AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text()
PAGES = sorted(path.stem for path in (ROOT / "pages").glob("*.py"))
PLACES = ["" if name == "library" else name for name in PAGES]  # the first page has no path
VIEWS = ("pairs", "graph", "map", "matrix")  # of the collection page, beside its first


def faults(page: Page, *rules: str) -> list[str]:
    """Serious and critical findings on the page as it stands, one line an element; of these rules
    alone, where some are named."""
    options = {"resultTypes": ["violations"]} | ({"runOnly": list(rules)} if rules else {})
    found: dict[str, Any] = page.evaluate("options => axe.run(options)", options)
    return [
        f"{rule['id']} ({rule['impact']}): {node['html'][:300]} {node['failureSummary'][-200:]}"
        for rule in found["violations"]
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]


def findings(browser: Browser, app: App, places: list[str]) -> list[str]:
    """What axe finds on the pages in both lights and sizes, with everything that folds opened."""
    # Without the pages' security policy, or the script that looks at them cannot be put in.
    context = browser.new_context(bypass_csp=True)
    context.add_init_script(AXE)
    page = context.new_page()
    found = []
    for place in places:
        page.set_viewport_size(WIDE)
        open_page(page, app, place)
        expect(page.locator('[data-testid="stMain"] h1')).to_be_visible()
        expect(page.get_by_text("Page not found")).to_have_count(0)
        working = page.get_by_text(MEANWHILE)
        expect(working).to_have_count(0, timeout=PATIENCE)
        folded = page.locator("details:not([open]) > summary")
        while folded.count():
            folded.first.click()
            wait_until_idle(page)
        for size in (WIDE, PHONE):
            page.set_viewport_size(size)
            for light in LIGHTS:
                page.emulate_media(color_scheme=light)
                ground = page.locator('[data-testid="stApp"]')
                expect(ground).to_have_css("background-color", GROUNDS[light])
                wait_until_idle(page)
                wait_until_still(page)
                rules = () if light == "light" else OF_COLOURS
                found += [
                    f"{place} {light} {size['width']}: {fault}" for fault in faults(page, *rules)
                ]
    context.close()
    return found


def test_no_page_of_an_empty_library_has_a_serious_finding(
    browser: Browser, empty_app: App
) -> None:
    found = findings(browser, empty_app, PLACES)
    assert not found, "\n".join(found)


def test_no_page_with_videos_has_a_serious_finding(
    browser: Browser, scene_library: Library, scene_app: App
) -> None:
    pair = scene_library.link("", "excerpt.mp4", "market.mp4").removeprefix("?")
    places = [f"{place}?{pair}" for place in PLACES]
    places += [f"collection?view={view}&score=0" for view in VIEWS]
    places += [f"search?{pair}&at=2", "threshold?m=0.5"]
    found = findings(browser, scene_app, places)
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("rule", "markup"),
    [
        ("button-name", "<button></button>"),
        ("color-contrast", '<p style="color: #999; background: #fff">faint</p>'),
        ("listitem", "<div><li>in no list</li></div>"),
    ],
)
def test_a_page_with_a_fault_is_noticed(browser: Browser, rule: str, markup: str) -> None:
    page = browser.new_page()
    page.add_init_script(AXE)
    page.goto("about:blank")
    page.set_content(f'<html lang="en"><title>t</title><main>{markup}</main></html>')
    assert [fault.split(" ", 1)[0] for fault in faults(page)] == [rule]
    page.close()
