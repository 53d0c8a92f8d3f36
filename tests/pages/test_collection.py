"""The collection page (pages/collection.py): everything against everything, both ways."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tests.support.benches import SOON
from tests.support.page_world import Open, fact, labels, pages, run_until, shared_library, texts
from tests.support.pair_world import copy_world, features, figures, ids, plain_score, values
from visil_dash.collection.rows import pair_rows
from visil_dash.errors import Cancelled
from visil_dash.library.store import open_library
from visil_dash.records import PairTable
from visil_dash.safe_csv import to_csv
from visil_dash.settings import Settings
from visil_dash.workbench.bench import Workbench


@pytest.fixture(scope="module")
def opened() -> Iterator[Open]:
    with pages(copy_world()) as open_page:
        yield open_page


def computed(page: AppTest) -> AppTest:
    return run_until(page, lambda p: "Matching pairs" in texts(p))


def view(page: AppTest, name: str, *, least: float | None = None) -> AppTest:
    page.session_state["collection_view"] = name
    if least is not None:
        page.session_state["collection_least"] = least
    return computed(page)


def test_the_matrix_holds_the_score_of_every_ordered_pair(opened: Open) -> None:
    figure = figures(view(opened("collection"), "Matrix"))[0]
    names = figure["layout"]["yaxis"]["ticktext"]
    assert sorted(names) == sorted(features())
    scores = values(figure["data"][1]["customdata"]).reshape(4, 4)
    for row, query in enumerate(names):
        for column, reference in enumerate(names):
            expected = plain_score(features()[query], features()[reference])
            assert scores[row, column] == pytest.approx(expected, abs=1e-5)
    assert abs(names.index("market.mp4") - names.index("excerpt.mp4")) == 1, "alike side by side"


def test_a_chosen_cell_names_its_pair_and_leads_to_compare(opened: Open) -> None:
    page = opened("collection")
    page.session_state["collection_pair"] = (ids()["excerpt.mp4"], ids()["market.mp4"])
    view(page, "Matrix")
    query, reference = features()["excerpt.mp4"], features()["market.mp4"]
    assert fact(page, "Query → reference") == f"{plain_score(query, reference):.3f}"
    assert fact(page, "Reference → query") == f"{plain_score(reference, query):.3f}"
    assert "Compare" in labels(page)


def test_a_chosen_pair_that_was_removed_is_forgotten(opened: Open) -> None:
    page = opened("collection")
    page.session_state["collection_pair"] = ("ab" * 32, ids()["market.mp4"])
    assert "Choose a pair" in texts(view(page, "Matrix"))


@pytest.mark.parametrize("least", [0.3, 0.55, 0.6, 0.9])
def test_the_table_holds_the_pairs_that_reach_the_score(opened: Open, least: float) -> None:
    page = view(opened("collection"), "Pairs", least=least)
    found = features()
    scores = {(a, b): plain_score(found[a], found[b]) for a in found for b in found if a != b}
    best = {frozenset(p) for p, score in scores.items() if score >= least}
    assert fact(page, "Matching pairs") == str(len(best))
    once = page.dataframe[0].value
    assert len(once) == len(best)
    assert (once["Score"] >= once["Reverse score"]).all()

    page.toggle(key="collection_once").set_value(False).run()
    table = page.dataframe[0].value
    displayed = {(row["Query"], row["Reference"]) for _, row in table.iterrows()}
    assert displayed == {p for p, score in scores.items() if score >= least}
    for _, row in table.iterrows():
        pair = row["Query"], row["Reference"]
        assert row["Score"] == pytest.approx(scores[pair], abs=1e-5)
        assert row["Reverse score"] == pytest.approx(scores[pair[::-1]], abs=1e-5)
    assert (np.diff(table["Score"]) <= 0).all()


def test_a_match_score_that_no_pair_reaches_has_an_empty_state(opened: Open) -> None:
    page = view(opened("collection"), "Pairs", least=1.0)
    assert "No pair reaches this match score" in texts(page)
    assert "No groups" in texts(view(page, "Groups", least=1.0))
    assert fact(page, "Groups") == "0"


def test_a_copy_and_its_source_make_a_group(opened: Open) -> None:
    page = view(opened("collection"), "Groups", least=0.9)
    text = texts(page)
    assert "Group 1 · 2 videos" in text
    assert text.count("market.mp4") >= 1
    assert text.count("excerpt.mp4") >= 1
    assert "Group 2" not in text
    assert "station.mp4" not in text
    assert fact(page, "Videos in a group") == "2"


def test_exported_names_are_no_formulas_and_numbers_are_whole() -> None:
    scores = np.array([[1, 0.123456], [-0.5, 1]], np.float32)
    table = PairTable(("a", "b"), ("=cmd|' /C calc'!A0.mp4", "+b.mp4"), scores, "x")
    header, *rows = csv.reader(io.StringIO(to_csv(pair_rows(table)), newline=""))
    assert header[:4] == ["query", "reference", "score", "reverse"]
    assert [row[:2] for row in rows] == [
        ["'=cmd|' /C calc'!A0.mp4", "'+b.mp4"],
        ["'+b.mp4", "'=cmd|' /C calc'!A0.mp4"],
    ]
    assert [[float(cell) for cell in row[2:4]] for row in rows] == [
        [float(scores[0, 1]), -0.5],
        [-0.5, float(scores[0, 1])],
    ]


def test_the_work_shows_its_progress_stops_and_goes_on() -> None:
    begun, real = Event(), Workbench.pairwise

    def slow(self: Workbench, **options: Any) -> Any:
        options["watch"].step("Comparing pairs", 0.4)
        begun.set()
        while not options["watch"].stopped():
            pass
        raise Cancelled("The pairwise table was stopped; the pairs done so far are kept.")

    with pages(shared_library()) as open_page:
        page = open_page("collection")
        with patch.object(Workbench, "pairwise", slow):
            page.run()
            assert begun.wait(SOON)
            page.run()
            assert "Comparing all pairs" in texts(page)
            page.button(key="cancel_task").click()
            page = run_until(page, lambda p: bool(p.info))
            assert "stopped" in page.info[0].value
        with patch.object(Workbench, "pairwise", real):
            next(b for b in page.button if b.label == "Continue").click()
            page = computed(page)
    assert fact(page, "Videos") == "3"


def test_pairs_need_two_videos(tmp_path: Path) -> None:
    with pages(tmp_path / "library") as open_page:
        page = open_page("collection").run()
        assert not page.exception
        assert "The library is empty" in texts(page)
        assert "Add videos" in labels(page)


def test_one_video_makes_no_pair(tmp_path: Path) -> None:
    folder = tmp_path / "library"
    with open_library(copy_world(), settings=Settings(), read_only=True) as source:
        record = source.videos()[0]
        path = source.media_path(record.video_id)
        with open_library(folder, settings=Settings(min_free_bytes=0)) as library:
            staged = library.stage(record.name)
            staged.write_bytes(path.read_bytes())
            library.put_video(staged, name=record.name, info=record.info)
    with pages(folder) as open_page:
        assert "Two videos are needed" in texts(open_page("collection").run())
