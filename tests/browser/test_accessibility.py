"""Every page under axe-core: nothing serious or critical, in both lights, empty and with videos."""

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import pytest
from browser_harness import WIDE, App, open_page, running_app, wait_until_idle
from page_world import SOON
from playwright.sync_api import Browser
from scenes import make_scene

from visil_dash.services import open_workbench
from visil_dash.settings import Settings

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text()
PAGES = sorted(path.stem for path in (Path(__file__).parents[2] / "pages").glob("*.py"))
LIGHTS: tuple[Literal["light", "dark"], ...] = ("light", "dark")
# What Streamlit's own markup breaks and no page can mend: (rule, part of the element's HTML): why.
STREAMLITS: dict[tuple[str, str], str] = {}


@pytest.fixture(scope="module")
def empty(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    folder = tmp_path_factory.mktemp("empty")
    with running_app(library=folder / "library", log_path=folder / "log") as app:
        yield app


@pytest.fixture(scope="module")
def filled(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[App, str]]:
    """A copy and its original beside a third scene; the address of the pair's query."""
    folder = tmp_path_factory.mktemp("filled")
    videos = [
        make_scene(folder / "market.mp4", 1),
        make_scene(folder / "excerpt.mp4", 1, start=3, seconds=6),
        make_scene(folder / "harbour.mp4", 0),
    ]
    library = folder / "library"
    bench = open_workbench(settings=Settings(min_free_bytes=0), library=library)
    try:
        bench.add_paths(videos)
        assert bench.worker.wait_idle(4 * SOON)
        ids = [v.video_id[:16] for v in bench.videos()]
    finally:
        bench.close()
    with running_app(library=library, log_path=folder / "log") as app:
        yield app, f"?q={ids[1]}&r={ids[0]}"


def findings(browser: Browser, app: App, path: str, light: Literal["light", "dark"]) -> list[str]:
    """Serious and critical findings of a page, one line an element."""
    context = browser.new_context(viewport=WIDE, color_scheme=light, bypass_csp=True)
    page = context.new_page()
    try:
        open_page(page, app, path)
        wait_until_idle(page)
        page.evaluate(AXE)
        found: dict[str, Any] = page.evaluate("axe.run({resultTypes: ['violations']})")
    finally:
        context.close()
    return [
        f"{path} {light}: {rule['id']} ({rule['impact']}): {node['html'][:200]}"
        for rule in found["violations"]
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
        if not any(rule["id"] == r and part in node["html"] for r, part in STREAMLITS)
    ]


@pytest.mark.parametrize("light", LIGHTS)
def test_no_page_of_an_empty_library_has_a_serious_finding(
    browser: Browser, empty: App, light: Literal["light", "dark"]
) -> None:
    found = [line for name in PAGES for line in findings(browser, empty, name, light)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("light", LIGHTS)
def test_no_page_with_videos_has_a_serious_finding(
    browser: Browser, filled: tuple[App, str], light: Literal["light", "dark"]
) -> None:
    app, query = filled
    found = [line for name in PAGES for line in findings(browser, app, name + query, light)]
    assert not found, "\n".join(found)


def test_a_page_with_a_fault_is_noticed(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content('<html lang="en"><title>t</title><main><button></button></main></html>')
    page.evaluate(AXE)
    found = page.evaluate("axe.run({resultTypes: ['violations']})")
    page.close()
    assert "button-name" in [rule["id"] for rule in found["violations"]]
