"""Pages by file, in this process: a small real library, the fake model, caches of their own."""

import atexit
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.support.benches import SOON, filled_library, page_settings
from tests.support.fakes import fake_model
from tests.support.scenes import make_scene
from visil_dash.models.load import Model
from visil_dash.ui.shell import backend
from visil_dash.workbench.bench import Workbench

ROOT = Path(__file__).resolve().parents[2]
SESSION = "test session id"  # what AppTest calls the one session of all its pages
Open = Callable[[str], AppTest]
NAMES = ("harbour.mp4", "market.mp4", "station.mp4")


@cache
def shared_library() -> Path:
    """A library of three scenes of ten seconds each, made once; copy it before a change."""
    root = Path(tempfile.mkdtemp(prefix="visil-dash-pages-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    folder, videos = root / "library", root / "videos"
    videos.mkdir()
    paths = [make_scene(videos / name, scene) for scene, name in enumerate(NAMES)]
    return filled_library(folder, paths)


@contextmanager
def pages(folder: Path, *, model: Model | None = None, **changes: Any) -> Iterator[Open]:
    """`open_page("search")` gives the page over the library in `folder`, not run yet."""
    settings = page_settings(folder, **changes)
    loaded = fake_model() if model is None else model
    with (
        patch("visil_dash.workbench.bench.load_model", lambda *_, **__: loaded),
        patch("visil_dash.ui.shell.backend.get_settings", lambda: settings),
    ):
        st.cache_resource.clear()
        st.cache_data.clear()
        benches: list[Workbench] = []
        with patch.object(backend, "open_benches", benches):
            try:
                yield lambda name: AppTest.from_file(
                    str(ROOT / "pages" / f"{name}.py"), default_timeout=SOON
                )
            finally:
                backend.tasks().close()
                backend.poster_tasks().close()
                backend.clip_store().close()
                for bench in benches:
                    bench.close()
                st.cache_resource.clear()
                st.cache_data.clear()


def run_until(page: AppTest, done: Callable[[AppTest], bool], *, seconds: float = SOON) -> AppTest:
    """Runs the page again, as its fragments do in a browser, until `done`."""
    end = time.monotonic() + seconds
    page.run()
    while not done(page):
        assert not page.exception, page.exception
        assert time.monotonic() < end, texts(page)
        page.run()
    return page


def texts(page: AppTest) -> str:
    """All that the page says, in its order; labels of widgets and the style sheet are left out."""
    kinds = {"markdown", "caption", "subheader", "title", "error", "info", "warning", "html"}
    said = []
    for element in page.main:
        if element.type in kinds:
            said.append(str(element.proto.body if element.type == "html" else element.value))
    return "\n".join(text for text in said if not text.startswith("<style>"))


def labels(page: AppTest) -> list[str]:
    return [button.label for button in page.button]


def fact(page: AppTest, label: str) -> str:
    """The value beside `label` in a list of facts."""
    return texts(page).split(f">{label}</dt><dd", 1)[1].split(">", 1)[1].split("<", 1)[0]
