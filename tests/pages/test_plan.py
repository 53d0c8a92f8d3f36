"""The plan of the collection page: shown first, carried out on a click, and undone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.support.benches import copy_library
from tests.support.page_world import Open, pages, run_until, texts
from tests.support.pair_world import copy_world
from visil_dash.tidying.carry_out import log_of
from visil_dash.ui.shell import backend


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    with pages(copy_library(copy_world(), tmp_path / "library")) as open_page:
        yield open_page


def groups(page: AppTest) -> AppTest:
    page.session_state["collection_view"] = "Groups"
    return run_until(page, lambda p: "Matching pairs" in texts(p))


def plan(page: AppTest) -> dict[str, str]:
    table = next(d.value for d in page.dataframe if "Why" in d.value.columns)
    return dict(zip(table["Video"], table["Plan"], strict=True))


def names() -> set[str]:
    return {video.name for video in backend.workbench().videos()}


def test_a_plan_is_shown_and_nothing_is_done(opened: Open) -> None:
    page = groups(opened("collection"))
    assert plan(page) == {"market.mp4": "keep", "excerpt.mp4": "trash"}
    assert {"market.mp4", "excerpt.mp4"} <= names()
    page.multiselect(key="plan_rules").set_value(["smallest"])
    assert plan(groups(page)) == {"market.mp4": "trash", "excerpt.mp4": "keep"}
    page.multiselect(key="plan_rules").set_value([])
    page = groups(page)
    assert "Choose what decides" in texts(page)


def test_the_plan_is_carried_out_logged_and_undone(opened: Open) -> None:
    page = groups(opened("collection"))
    page.button(key="carry_out_plan").click().run()
    assert not page.exception
    assert "market.mp4" in names()
    assert "excerpt.mp4" not in names()
    bench = backend.workbench()
    assert [entry["action"] for entry in log_of(bench)] == ["plan carried out"]
    page = groups(page)
    page.button(key="undo_plan_0").click().run()
    assert [entry["action"] for entry in log_of(bench)][1:] == ["undone"]
    assert {"market.mp4", "excerpt.mp4"} <= names()


def test_what_is_kept_by_hand_stays(opened: Open) -> None:
    page = groups(opened("collection"))
    going = page.multiselect(key="plan_kept").options
    assert going == ["excerpt.mp4"]
    video = next(v.video_id for v in backend.workbench().videos() if v.name == "excerpt.mp4")
    page.multiselect(key="plan_kept").set_value([video])
    page = groups(page)
    assert page.button(key="carry_out_plan").disabled
