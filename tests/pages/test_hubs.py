"""The hub frames page (pages/hubs.py): found, weighed, set aside, taken back."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.support.benches import copy_library
from tests.support.page_world import labels, pages, run_until, texts
from tests.support.pair_world import copy_world
from visil_dash.labels.label import NOT_MATCH, Label
from visil_dash.laboratory.hubs.library import excluded_frames
from visil_dash.ui.shell import backend
from visil_dash.workbench.thresholds import save_threshold


@pytest.fixture
def page(tmp_path: Path) -> Iterator[AppTest]:
    with pages(copy_library(copy_world(), tmp_path / "library")) as open_page:
        yield open_page("hubs")


def wide_open(page: AppTest) -> None:
    """A threshold at which every frame is near every video, and labels that call none a copy."""
    page.run()
    bench = backend.workbench()
    save_threshold(bench, "distance", 1000.0)
    videos = [v.video_id for v in bench.videos()]
    for i, one in enumerate(videos):
        bench.library.set_label(*(Label(one, other, NOT_MATCH) for other in videos[i + 1 :]))


def labels_and_texts(page: AppTest) -> str:
    return texts(page) + "".join(success.value for success in page.success)


def test_a_hub_is_shown_weighed_set_aside_and_taken_back(page: AppTest) -> None:
    wide_open(page)
    run_until(page, lambda p: "Nothing is worth setting aside" in labels_and_texts(p))
    assert "Preview setting aside" not in labels(page)
    page.toggle(key="hubs_others").set_value(True)
    run_until(page, lambda p: "Preview setting aside" in labels(p))
    bench = backend.workbench()
    assert "Near **3 unrelated videos**" in texts(page)
    before = {v.video_id: len(bench.search(v.video_id).candidates) for v in bench.videos()}
    assert set(before.values()) == {3}
    next(b for b in page.button if b.label == "Preview setting aside").click()
    run_until(page, lambda p: "Matches lost" in texts(p))
    assert "3.00 → 0.00" in texts(page)
    assert "0 of 0" in texts(page)
    assert excluded_frames(bench) == {}, "nothing is changed before it is asked for"
    page.button(key="hub-apply").click().run()
    assert not page.exception
    held = excluded_frames(bench)
    assert sum(map(len, held.values())) == len(bench.space)
    assert all(not bench.search(v.video_id).candidates for v in bench.videos())
    assert all(not bench.query_distances(v.video_id).distances.size for v in bench.videos())
    page.button(key="hub-all-back").click().run()
    assert excluded_frames(bench) == {}
    after = {v.video_id: len(bench.search(v.video_id).candidates) for v in bench.videos()}
    assert after == before


def test_without_a_hub_it_says_so(page: AppTest) -> None:
    page.run()
    save_threshold(backend.workbench(), "distance", 0.0)
    run_until(page, lambda p: "No hub frame" in texts(p))


def test_a_small_library_leads_to_adding(tmp_path: Path) -> None:
    with pages(tmp_path / "library") as open_page:
        page = open_page("hubs").run()
        assert not page.exception
        assert "Add videos" in labels(page)
