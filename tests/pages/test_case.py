"""The case page (pages/case.py), and pinning where the evidence is."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.support.benches import copy_library
from tests.support.page_world import Open, pages, run_until, texts
from tests.support.pair_world import copy_world, ids
from visil_dash.cases.make import make_case
from visil_dash.cases.pins import pin, pins
from visil_dash.library.paths import media_file
from visil_dash.ui.shell import backend


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return copy_library(copy_world(), tmp_path / "library")


@pytest.fixture
def opened(folder: Path) -> Iterator[Open]:
    with pages(folder) as open_page:
        yield open_page


def pin_the_copy(note: str = "the same market") -> None:
    pin(backend.workbench(), "market.mp4", "excerpt.mp4", note=note, by="ann")


def button(page: AppTest, label: str) -> AppTest:
    next(b for b in page.button if b.label.startswith(label)).click().run()
    return page


def test_a_match_is_pinned_where_it_is_found_and_taken_out_again(opened: Open) -> None:
    page = opened("search")
    page.query_params["q"] = ids()["market.mp4"]
    page = run_until(page, lambda p: any(b.label == "Pin" for b in p.button))
    page = button(page, "Pin")
    assert [(p.query, p.reference) for p in pins(backend.workbench())] == [
        (ids()["market.mp4"], ids()["excerpt.mp4"])
    ]
    page = button(page, "Pinned")
    assert pins(backend.workbench()) == ()


def test_the_compare_page_pins_its_pair(opened: Open) -> None:
    page = opened("compare")
    page.query_params["q"] = ids()["market.mp4"]
    page.query_params["r"] = ids()["excerpt.mp4"]
    page = run_until(page, lambda p: any(b.label == "Pin" for b in p.button))
    button(page, "Pin")
    assert len(pins(backend.workbench())) == 1


def test_an_empty_case_tells_how_to_pin(opened: Open) -> None:
    page = opened("case").run()
    assert "Nothing is pinned yet" in texts(page)
    assert not page.exception


def test_notes_are_written_and_pins_taken_out(opened: Open) -> None:
    page = opened("case").run()
    pin_the_copy()
    page.run()
    text = texts(page)
    assert "market.mp4" in text
    assert "excerpt.mp4" in text
    assert "Pinned by ann" in text
    page.text_area[0].set_value("a closer look").run()
    assert [p.note for p in pins(backend.workbench())] == ["a closer look"]
    button(page, "Take out")
    assert pins(backend.workbench()) == ()


def test_the_case_file_is_made_and_offered(opened: Open) -> None:
    page = opened("case").run()
    pin_the_copy()
    page.run()
    page.text_area[0].set_value("written just before the click")
    page = run_until(button(page, "Make the case file"), lambda p: "is made" in texts(p))
    assert [p.note for p in pins(backend.workbench())] == ["written just before the click"]
    assert [d.label for d in page.get("download_button")] == [
        "ZIP, with everything",
        "HTML, one page",
    ]


def test_a_case_file_is_checked_and_refused_once_a_video_is_changed(
    opened: Open, folder: Path, tmp_path: Path
) -> None:
    page = opened("case").run()
    pin_the_copy()
    case = tmp_path / "case.zip"
    _, digest = make_case(backend.workbench(), case)
    page.file_uploader(key="case_upload").set_value(("case.zip", case.read_bytes(), "zip"))
    page = run_until(button(page.run(), "Check"), lambda p: bool(p.success))
    assert "The case holds" in page.success[0].value
    page.text_input(key="case_noted").set_value("0" * 64).run()
    assert "does not hold" in page.error[0].value
    page.text_input(key="case_noted").set_value(digest).run()
    assert "The case holds" in page.success[0].value
    media = media_file(folder, ids()["market.mp4"])
    data = bytearray(media.read_bytes())
    data[-1] ^= 1
    media.write_bytes(data)
    page = run_until(button(page, "Check"), lambda p: bool(p.error))
    assert "does not hold" in page.error[0].value
    states = dict(zip(*(page.dataframe[0].value[c] for c in ("Video", "State")), strict=True))
    assert states == {"market.mp4": "changed", "excerpt.mp4": "unchanged"}
