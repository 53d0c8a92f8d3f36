"""Fixtures for tests in a real browser. A module that wants videos overrides `app_library`."""

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browser_harness import (
    UNPROVED,
    App,
    clean_app,
    fresh_page,
    screen_taker,
)
from tests.support.lab_world import DEMO, REAL, Lab, Library, make_library
from tests.support.realdata import NO_REAL_DATA, real_data
from tests.support.scenes import make_scene

# name: (scene, start, seconds); the excerpt is a part of the market, encoded anew.
SCENES = {"market.mp4": (1, 0, 12), "excerpt.mp4": (1, 4, 6), "station.mp4": (2, 0, 8)}
CLIPS = {"stalls.mp4": (1, 2, 5), "platform.mp4": (2, 1, 5)}
HERE = Path(__file__).parent
expect.set_options(timeout=20_000)  # ms; two busy cores


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def empty_app(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """The dashboard over a library without a video; its tests add none."""
    root = tmp_path_factory.mktemp("empty")
    with clean_app(library=root / "library", log_path=root / "streamlit.log") as started:
        yield started


@pytest.fixture(scope="session")
def scene_library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """The library of `SCENES`; its videos and a folder in/ with clips of them lie beside it."""
    root = tmp_path_factory.mktemp("scenes")
    for folder in ("videos", "in", "out"):
        (root / folder).mkdir()
    for folder, made in (("videos", SCENES), ("in", CLIPS)):
        for name, (scene, start, seconds) in made.items():
            make_scene(root / folder / name, scene, start=start, seconds=seconds)
    return make_library(root / "library", [root / "videos" / name for name in SCENES])


@pytest.fixture(scope="session")
def scene_app(browser: Browser, scene_library: Library) -> Iterator[App]:
    """The dashboard over `scene_library`, where the paths in in/ are allowed; every test leaves the
    library as it was."""
    root = scene_library.folder.parent
    with clean_app(
        library=scene_library.folder,
        log_path=root / "streamlit.log",
        environment=UNPROVED | {"VISIL_DASH_ALLOWED_FOLDERS": str(root / "in")},
    ) as started:
        yield started


@pytest.fixture(scope="module")
def app_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library folder of the module's app: empty unless the module says otherwise."""
    return tmp_path_factory.mktemp("app") / "library"


@pytest.fixture(scope="module")
def app(
    browser: Browser, app_library: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[App]:
    """The real dashboard over `app_library`. What it printed must hold no traceback."""
    log_path = tmp_path_factory.mktemp("log") / "streamlit.log"
    with clean_app(library=app_library, log_path=log_path, environment=UNPROVED) as started:
        yield started


@pytest.fixture(scope="module")
def app_url(app: App) -> str:
    return app.url


# Nothing answers on this port, so whoever tries to leave the machine is displayed so at once.
_NO_NETWORK = dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"), "http://127.0.0.1:9")


@contextlib.contextmanager
def _laboratory(library: Library, root: Path) -> Iterator[Lab]:
    made = library.copied(root / "library")
    log_path = root / "streamlit.log"
    with clean_app(
        library=made.folder, log_path=log_path, environment=_NO_NETWORK | {"NO_PROXY": "127.0.0.1"}
    ) as app:
        yield Lab(**vars(made), app=app)


def _made_once(factory: pytest.TempPathFactory, name: str, paths: list[Path]) -> Library:
    """The library of these files, whose features are extracted once for all processes of a run."""
    root = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    with (root / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return make_library(root / name, paths)


@pytest.fixture(scope="session")
def demo_library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """The demo library, made once; copy it before it is opened."""
    return _made_once(tmp_path_factory, "demo-library", sorted((DEMO / "videos").glob("*.mp4")))


@pytest.fixture(scope="session")
def real_library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """The same of a few real clips, where a machine has them."""
    data = real_data()
    if data is None:
        pytest.skip(NO_REAL_DATA)
    return _made_once(tmp_path_factory, "real-library", [data / "videos" / name for name in REAL])


@pytest.fixture(scope="session")
def demo_lab(
    browser: Browser, demo_library: Library, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Lab]:
    """A dashboard over the demo library, left by every test as it was found."""
    with _laboratory(demo_library, tmp_path_factory.mktemp("demo-lab")) as lab:
        yield lab


@pytest.fixture(scope="session")
def real_lab(
    browser: Browser, real_library: Library, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Lab]:
    """The same over a few real clips."""
    with _laboratory(real_library, tmp_path_factory.mktemp("real-lab")) as lab:
        yield lab


@pytest.fixture(scope="module")
def module_page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """Like `page`, but one for all tests of a module that look at what one visit showed."""
    with fresh_page(browser, color_scheme=request.config.getoption("--color-scheme")) as opened:
        yield opened


@pytest.fixture(scope="module")
def module_screens(module_page: Page, request: pytest.FixtureRequest) -> Callable[..., None]:
    return screen_taker(module_page, request.config.getoption("--screens"))


@pytest.fixture
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A fresh session at 1440×900; fails the test on errors of the page or on its console."""
    with fresh_page(browser, color_scheme=request.config.getoption("--color-scheme")) as opened:
        yield opened


@pytest.fixture
def screens(page: Page, request: pytest.FixtureRequest) -> Callable[..., None]:
    """`screens(name)` writes screenshots of `page` when pytest was given `--screens DIR`."""
    return screen_taker(page, request.config.getoption("--screens"))
