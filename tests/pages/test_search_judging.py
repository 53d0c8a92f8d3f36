"""Verdicts on the cards of a search, and what can be clicked before there is a query."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.support.benches import copy_library
from tests.support.page_world import Open, labels, pages, run_until, shared_library, texts
from tests.support.pair_world import copy_world
from tests.support.scenes import make_scene
from visil_dash.labels.label import Label
from visil_dash.ui.shell import backend


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    with pages(copy_library(shared_library(), tmp_path / "library")) as open_page:
        yield open_page


def ids() -> dict[str, str]:
    return {video.name: video.video_id for video in backend.open_benches[0].videos()}


def kept() -> dict[str, Label]:
    """Labels by the name of the reference."""
    bench = backend.open_benches[0]
    names = {video.video_id: video.name for video in bench.videos()}
    return {names[label.reference]: label for label in bench.library.labels()}


@pytest.fixture
def excerpt(tmp_path: Path) -> Iterator[AppTest]:
    """What the excerpt of the market finds, in a library that may be changed."""
    with pages(copy_library(copy_world(), tmp_path / "copies")) as open_page:
        page = open_page("search").run()
        page.session_state["search_query"] = ids()["excerpt.mp4"]
        yield run_until(page, lambda p: "1. market.mp4" in texts(p))


def verdict(page: AppTest, name: str) -> Any:
    return page.segmented_control(key=f"verdict-{ids()[name]}")


def test_a_match_is_judged_on_its_card_and_the_verdict_taken_back(excerpt: AppTest) -> None:
    page = excerpt
    assert verdict(page, "market.mp4").value is None
    verdict(page, "market.mp4").select("Match").run()
    assert kept()["market.mp4"].verdict == "match"
    assert kept()["market.mp4"].query == ids()["excerpt.mp4"]
    assert verdict(page, "market.mp4").value == "match"
    verdict(page, "market.mp4").set_value(None).run()
    assert kept() == {}
    assert verdict(page, "market.mp4").value is None


def test_what_is_judged_not_to_match_is_hidden_until_it_is_shown_again(excerpt: AppTest) -> None:
    page = excerpt
    verdict(page, "market.mp4").select("Not a match").run()
    assert kept()["market.mp4"].verdict == "not_match"
    assert "1. market.mp4" not in texts(page)
    page.toggle(key="search_rejected").set_value(True).run()
    assert "1. market.mp4" in texts(page)
    verdict(page, "market.mp4").select("Unsure").run()
    assert kept()["market.mp4"].verdict == "unsure"


def test_a_verdict_keeps_a_relation_that_agrees_with_it(excerpt: AppTest) -> None:
    pair = ids()["excerpt.mp4"], ids()["market.mp4"]
    backend.open_benches[0].library.set_label(Label(*pair, "match", "DS", "csv:mine.csv"))
    page = excerpt.run()
    verdict(page, "market.mp4").select("Unsure").run()
    assert kept()["market.mp4"].relation == ""
    backend.open_benches[0].library.set_label(Label(*pair, "not_match", "DS", "csv:mine.csv"))
    page.run()
    page.toggle(key="search_rejected").set_value(True).run()
    verdict(page, "market.mp4").select("Match").run()
    assert (kept()["market.mp4"].relation, kept()["market.mp4"].source) == ("DS", "review")


def searched(opened: Open) -> AppTest:
    """All other videos, for harbour.mp4, as matches that a card shows."""
    page = opened("search")
    page.session_state["search_mode"] = "Exhaustive"
    page.run()
    page.session_state["search_query"] = ids()["harbour.mp4"]
    return run_until(page, lambda p: "All 3 videos compared" in texts(p))


def test_examples_stand_where_nothing_is_searched_for(opened: Open) -> None:
    page = opened("search").run()
    examples = [b for b in page.button if b.key and b.key.startswith("example_")]
    assert [b.label.replace("\\", "") for b in examples] == [
        "harbour.mp4",
        "market.mp4",
        "station.mp4",
    ]
    examples[1].click()
    page = run_until(page, lambda p: "· model " in texts(p))
    assert page.session_state["search_query"] == ids()["market.mp4"]
    assert not [b for b in page.button if b.key and b.key.startswith("example_")]


def test_the_form_folds_into_a_line_once_there_is_a_query(opened: Open) -> None:
    page = opened("search").run()
    assert page.session_state["search_change"]
    page = searched(opened)
    assert not page.session_state["search_change"]
    line = page.expander[0].label.replace("\\", "")
    assert line.startswith("**harbour.mp4** · 0:10 · 128×96 · ")
    assert line.endswith("Change]")
    page.selectbox(key="search_query").set_value(None).run()
    assert page.session_state["search_change"]


def test_of_clips_that_came_together_the_first_readable_one_is_shown(
    opened: Open, tmp_path: Path
) -> None:
    clip = make_scene(tmp_path / "clip.mp4", 2, start=1, seconds=4).read_bytes()
    page = opened("search").run()
    files = [("no.txt", b"no video", "video/mp4"), ("clip.mp4", clip, "video/mp4")]
    page.file_uploader[0].set_value(files)
    page = run_until(page, lambda p: "1 searched · 1 failed" in texts(p))
    assert page.expander[0].label.replace("\\", "").startswith("**clip.mp4**")
    assert "it is text" in texts(page)
    # The one that cannot be read can be looked at all the same.
    next(b for b in page.button if b.label == "Show").click().run()
    assert page.expander[0].label.replace("\\", "").startswith("**no.txt**")


def test_a_clip_from_outside_is_judged_once_it_is_in_the_library(
    opened: Open, tmp_path: Path
) -> None:
    clip = make_scene(tmp_path / "clip.mp4", 2, start=1, seconds=4).read_bytes()
    page = opened("search").run()
    page.file_uploader[0].set_value([("clip.mp4", clip, "video/mp4")])
    page = run_until(page, lambda p: "· model " in texts(p))
    assert "Verdicts need both videos in the library" in texts(page)
    page.button(key="add_clip").click().run()
    assert backend.open_benches[0].worker.wait_idle(60)
    page = run_until(page, lambda p: "Verdicts need both videos" not in texts(p))
    (choice,) = [c for c in page.segmented_control if c.label == "Your verdict"]
    choice.select("Match").run()
    assert kept()["station.mp4"].verdict == "match"
    assert "Add this clip to the library" not in labels(page)
