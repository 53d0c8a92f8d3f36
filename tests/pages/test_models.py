"""The models page (pages/models.py): which model is in use, and getting others."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from unittest.mock import patch

import pytest
from streamlit.testing.v1 import AppTest

from tests.support.benches import SOON, copy_library
from tests.support.own_model import own_model
from tests.support.page_world import ROOT, Open, pages, run_until, shared_library, texts
from visil_dash.errors import ModelError
from visil_dash.models.variants import VARIANTS
from visil_dash.progress import Watch
from visil_dash.ui.shell import backend


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """Pages over a library of three videos; models are kept, and may be imported, in tmp_path."""
    folder = copy_library(shared_library(), tmp_path / "library")
    with pages(folder, models=tmp_path / "models", allowed_folders=str(tmp_path)) as open_page:
        yield open_page


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return own_model(tmp_path / "own")


def test_every_model_is_listed_with_its_licence_and_what_it_has_read(opened: Open) -> None:
    page = opened("models").run()
    assert not page.exception
    text = texts(page)
    for name in ("compact", *VARIANTS):
        assert f"use-{name}" in [b.key for b in page.button] or f"fetch-{name}" in [
            b.key for b in page.button
        ]
    assert "0 of 3 videos read" in text
    assert "Apache\\-2\\.0 \\(MKLab\\-ITI\\/visil\\)" in text


def test_a_download_waits_until_unchecked_files_are_accepted(opened: Open) -> None:
    begun = Event()

    def fetch(name: str, *, unverified: bool, watch: Watch, **_: object) -> None:
        assert (name, unverified) == ("visil", True)
        watch.step("Downloading visil.pth", 0.5)
        begun.set()
        watch.with_message("The download was stopped.").check()
        Event().wait(0.2)
        raise ModelError("The server is offline.")

    page = opened("models").run()
    assert page.button(key="fetch-visil").disabled
    page.checkbox(key="accept-visil").check().run()
    with patch("visil_dash.models.weights.download_weights", fetch):
        page.button(key="fetch-visil").click().run()
        assert begun.wait(SOON)
        page = run_until(page, lambda p: bool(p.error))
    assert "The server is offline" in page.error[0].value


def test_a_model_of_ones_own_is_imported_from_a_path_and_can_be_used(
    opened: Open, own: Path
) -> None:
    page = opened("models").run()
    page.text_input(key="model_path").set_value(str(own))
    submit(page)
    assert "cannot be checked" in page.error[0].value
    page.text_input(key="model_path").set_value(str(own))
    page.checkbox(key="model_unverified").check()
    submit(page)
    assert not page.error
    page.button(key="use-mine").click().run()
    assert page.session_state["model"] == "mine"


def test_a_path_outside_the_allowed_folders_is_refused(opened: Open) -> None:
    page = opened("models").run()
    page.text_input(key="model_path").set_value("/etc/passwd")
    submit(page)
    assert "within the allowed folders" in page.error[0].value


def submit(page: AppTest) -> None:
    next(b for b in page.button if b.label == "Import").click().run()


def test_reading_again_names_its_disk_at_once_and_its_time_when_asked(opened: Open) -> None:
    page = opened("models").run()
    caption = next(c.value for c in page.caption if "30 frames" in c.value)
    assert caption == "3 videos, 30 frames: 138 kB of features."
    page.button(key="time-compact").click()
    page = run_until(page, lambda p: any("on this machine" in c.value for c in p.caption))


def frame(**address: str) -> AppTest:
    page = AppTest.from_file(str(ROOT / "app.py"), default_timeout=SOON)
    for name, value in address.items():
        page.query_params[name] = value
    return page


def test_the_sidebar_offers_the_models_that_are_here(tmp_path: Path, own: Path) -> None:
    folder = copy_library(shared_library(), tmp_path / "library")
    shutil.copytree(own, tmp_path / "models" / "own" / "mine")
    with pages(folder, models=tmp_path / "models"):
        page = frame().run()
        assert page.selectbox(key="model_choice").options == ["compact", "mine"]
        page.selectbox(key="model_choice").select("mine").run()
        assert backend.open_benches[-1].library is backend.open_benches[0].library
        assert page.query_params["model"] == "mine"
        page.selectbox(key="model_choice").select("compact").run()
        assert "model" not in page.query_params


@pytest.mark.parametrize("name", ["visil", "gone"])
def test_an_address_with_a_model_that_is_not_here_opens_nothing(tmp_path: Path, name: str) -> None:
    folder = copy_library(shared_library(), tmp_path / "library")
    with pages(folder, models=tmp_path / "models"):
        page = frame(model=name).run()
        assert f"The model **{name}** is not here" in page.error[0].value
        assert "market.mp4" not in texts(page)
        next(b for b in page.button if b.label == "Use compact").click().run()
        assert "market.mp4" in texts(page)
