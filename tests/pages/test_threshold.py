"""The threshold page (pages/threshold.py): one number and all that it lets through."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tests.support.benches import copy_library
from tests.support.directions import directions
from tests.support.page_world import Open, fact, labels, pages, texts
from tests.support.pair_world import copy_world, features, figures, ids, values
from visil_dash.library.store import open_library
from visil_dash.records import Array
from visil_dash.settings import Settings
from visil_dash.ui.shell import backend

QUERY = "excerpt.mp4"


@pytest.fixture(scope="module")
def opened() -> Iterator[Open]:
    with pages(copy_world()) as open_page:
        yield open_page


def page_of(open_page: Open, query: str = QUERY, *, threshold: float | None = None) -> AppTest:
    page = open_page("threshold")
    page.query_params["q"] = ids()[query][:16]
    if threshold is not None:
        page.query_params["t"] = str(threshold)
    page.run()
    assert not page.exception
    return page


def distances(query: str = QUERY) -> dict[str, Array]:
    """Squared L2 of every frame of the query to every frame of each other video, by loops."""
    vectors = {name: directions(f) for name, f in features().items()}
    return {
        name: np.array([[((a - b) ** 2).sum() for b in other] for a in vectors[query]])
        for name, other in vectors.items()
        if name != query
    }


def check_numbers(page: AppTest, threshold: float) -> None:
    """What the page says about a threshold against plain counting."""
    by_video = distances()
    inside = {name: d <= threshold for name, d in by_video.items()}
    total = sum(d.size for d in by_video.values())
    assert (
        fact(page, "Pairs of frames") == f"{sum(i.sum() for i in inside.values()):,} of {total:,}"
    )
    assert fact(page, "Candidate videos") == f"{sum(i.any() for i in inside.values())} of 3"
    query_frames = np.any([i.any(1) for i in inside.values()], axis=0).sum()
    assert fact(page, "Query frames") == f"{query_frames} of {len(features()[QUERY])}"
    frames = sum(d.shape[1] for d in by_video.values())
    assert (
        fact(page, "Library frames")
        == f"{sum(i.any(0).sum() for i in inside.values())} of {frames}"
    )
    candidates = {
        name: (i.any(1).sum(), i.sum(), i.any(0).sum(), by_video[name].min())
        for name, i in inside.items()
        if i.any()
    }
    if not candidates:
        assert "No candidate" in texts(page)
        return
    table = page.dataframe[0].value
    displayed = {
        row["Video"]: (row["Query frames"], row["Pairs"], row["Library frames"])
        for _, row in table.iterrows()
    }
    assert displayed == {name: facts[:3] for name, facts in candidates.items()}
    for _, row in table.iterrows():
        assert row["Nearest"] == pytest.approx(candidates[row["Video"]][3], abs=1e-3)


@pytest.fixture(scope="module")
def levels() -> list[float]:
    """Thresholds between neighbouring distances, from admitting nothing to admitting all."""
    ordered = np.sort(np.concatenate([d.ravel() for d in distances().values()]))
    at = [0, 3, len(ordered) // 4, len(ordered) // 2, len(ordered) - 1]
    gaps = [(ordered[i] + ordered[i + 1]) / 2 for i in at[:-1]]
    return [ordered[0] / 2, *gaps, ordered[-1] + 1]


def test_it_starts_at_the_librarys_threshold(opened: Open) -> None:
    page = page_of(opened)
    bench = backend.workbench()
    assert page.number_input(key="threshold_number").value == pytest.approx(bench.threshold())
    check_numbers(page, bench.threshold())


def test_every_number_is_that_of_plain_counting(opened: Open, levels: list[float]) -> None:
    page = page_of(opened)
    for level in levels:
        page.number_input(key="threshold_number").set_value(level).run()
        assert not page.exception
        check_numbers(page, level)


def test_slider_number_and_link_hold_one_value(opened: Open) -> None:
    page = page_of(opened)
    page.slider(key="threshold_slider").set_value(1.5).run()
    moved = page.slider(key="threshold_slider").value
    assert page.number_input(key="threshold_number").value == moved == pytest.approx(1.5, abs=0.05)
    assert float(page.query_params["t"]) == pytest.approx(moved, rel=1e-5)
    page.number_input(key="threshold_number").set_value(1.7123).run()
    assert page.slider(key="threshold_slider").value == pytest.approx(1.7123)
    assert page.query_params["t"] == "1.7123"
    check_numbers(page, 1.7123)


def test_a_number_beyond_the_slider_is_kept(opened: Open) -> None:
    page = page_of(opened)
    page.number_input(key="threshold_number").set_value(500.0).run()
    slider = page.slider(key="threshold_slider")
    assert slider.value == slider.max < 500
    assert page.number_input(key="threshold_number").value == 500
    check_numbers(page, 500)


def test_a_link_opens_at_its_threshold(opened: Open) -> None:
    page = page_of(opened, threshold=1.25)
    assert page.number_input(key="threshold_number").value == 1.25
    check_numbers(page, 1.25)


@pytest.mark.parametrize("wrong", ["nan", "inf", "-3", "many"])
def test_a_link_with_nonsense_opens_at_the_librarys_threshold(opened: Open, wrong: str) -> None:
    page = opened("threshold")
    page.query_params["q"] = ids()[QUERY][:16]
    page.query_params["t"] = wrong
    page.run()
    assert not page.exception
    expected = backend.workbench().threshold()
    assert page.number_input(key="threshold_number").value == pytest.approx(expected)


def test_candidates_are_those_that_a_search_proposes(opened: Open, levels: list[float]) -> None:
    for level in levels[1:4]:
        page = page_of(opened, threshold=level)
        result = backend.workbench().search(ids()[QUERY], threshold=level)
        names = {video: name for name, video in ids().items()}
        table = page.dataframe[0].value
        assert list(table["Video"]) == [names[c.video_id] for c in result.candidates]
        assert list(table["Pairs"]) == [c.hits for c in result.candidates]


def test_the_tables_tell_the_nearest_frames_and_mask_those_beyond(opened: Open) -> None:
    by_video = distances()
    flat = np.concatenate(list(by_video.values()), axis=1)
    where = [(name, j) for name, d in by_video.items() for j in range(d.shape[1])]
    threshold = float(np.quantile(flat, 0.2))
    page = page_of(opened, threshold=threshold)
    numbers, masked = page.dataframe[1].value, page.dataframe[2].value
    assert list(masked["Query at"]) == [f"0:{i:02}" for i in range(len(flat))]
    for i, row in enumerate(flat):
        order = np.argsort(row)[:10]
        displayed = [numbers[str(rank + 1)][i] for rank in range(10)]
        np.testing.assert_allclose(displayed, row[order], atol=1e-3)
        for rank, column in enumerate(order):
            name, frame = where[column]
            expected = f"0:{frame:02} {name}" if row[column] <= threshold else ""
            assert masked[str(rank + 1)][i] == expected
    assert (masked[[str(r) for r in range(1, 11)]] == "").any().any()


def test_the_histogram_counts_all_and_marks_the_levels(opened: Open) -> None:
    page = page_of(opened, threshold=6.0)
    figure = figures(page)[0]
    counts = values(figure["data"][0]["y"])
    assert counts.sum() == sum(d.size for d in distances().values())
    bench = backend.workbench()
    expected = [6.0, bench.default_threshold(), bench.levels().unrelated, bench.levels().orthogonal]
    assert [shape["x0"] for shape in figure["layout"]["shapes"]] == pytest.approx(expected)
    assert figure["layout"]["yaxis"]["type"] == "log"
    page.toggle(key="threshold_log").set_value(False).run()
    assert figures(page)[0]["layout"]["yaxis"]["type"] == "linear"


def test_a_threshold_can_be_saved_for_the_library_and_taken_back(tmp_path: Path) -> None:
    folder = copy_library(copy_world(), tmp_path / "library")
    with pages(folder) as open_page:
        page = page_of(open_page)
        page.number_input(key="threshold_number").set_value(3.5).run()
        page.button(key="threshold_save").click().run()
        assert not page.exception
        bench = backend.workbench()
        default = bench.default_threshold()
        assert bench.threshold() == 3.5
        assert "Saved distance threshold: 3.5" in texts(page)
        assert page.button(key="threshold_save").disabled
        page.button(key="threshold_default").click().run()
        assert page.number_input(key="threshold_number").value == pytest.approx(default)
        assert bench.threshold() == 3.5, "what searches use changes by saving only"
        page.button(key="threshold_save").click().run()
        assert bench.threshold() == pytest.approx(default)
    with pages(folder) as open_page:
        page_of(open_page)
        assert backend.workbench().threshold() == pytest.approx(default)


def test_a_read_only_library_saves_nothing(tmp_path: Path) -> None:
    folder = copy_library(copy_world(), tmp_path / "library")
    with (
        open_library(folder, settings=Settings(min_free_bytes=0)) as writer,
        pages(folder) as open_page,
    ):
        assert not writer.read_only
        page = page_of(open_page)
        page.number_input(key="threshold_number").set_value(3.5).run()
        assert page.button(key="threshold_save").disabled


def test_it_asks_for_a_query_and_for_videos(opened: Open) -> None:
    assert "Choose a query" in texts(opened("threshold").run())


def test_an_empty_library_leads_to_adding(tmp_path: Path) -> None:
    with pages(tmp_path / "library") as open_page:
        page = open_page("threshold").run()
        assert not page.exception
        assert "The library is empty" in texts(page)
        assert "Add videos" in labels(page)
