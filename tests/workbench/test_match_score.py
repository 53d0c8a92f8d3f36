"""A match score saved for a library decides everywhere what is a match, and undo does too."""

import json
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
from streamlit.testing.v1 import AppTest

from tests.support.benches import copy_library, fake_bench, page_settings
from tests.support.fakes import fake_model
from tests.support.page_world import pages, run_until, texts
from tests.support.pair_world import copy_world, ids
from visil_dash.cli import main
from visil_dash.library.store import open_library
from visil_dash.settings import PROOF_SECONDS
from visil_dash.workbench.bench import Workbench
from visil_dash.workbench.reports import search_report
from visil_dash.workbench.thresholds import save_threshold, undo

OWN = fake_model().default_match_score


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return copy_library(copy_world(), tmp_path / "library")


@pytest.fixture
def bench(folder: Path) -> Iterator[Workbench]:
    with fake_bench(folder) as bench:
        yield bench


def between(bench: Workbench) -> tuple[float, float]:
    """A score that the excerpt's best match reaches, and one that it does not."""
    score = bench.search(ids()["excerpt.mp4"]).matches[0].score
    return score - 0.01, score + 0.01


def test_a_report_calls_a_match_what_the_library_does(bench: Workbench) -> None:
    result = bench.search(ids()["excerpt.mp4"])
    reached, missed = between(bench)
    told = []
    for value in (reached, missed):
        save_threshold(bench, "match", value)
        report = search_report(bench, result, matches=1, spans=1)
        assert f"<dd>{value:.3f}</dd>" in report
        told.append("contains the query clip" in report)
    assert told == [True, False]
    undo(bench, "match")
    assert "contains the query clip" in search_report(bench, result, matches=1, spans=1)


def test_the_commands_call_a_match_what_the_library_does(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = page_settings(folder).model_copy(update={"proof_seconds": PROOF_SECONDS})

    def said(*arguments: str) -> str:
        with (
            patch("visil_dash.workbench.bench.load_model", lambda name, settings: fake_model()),
            patch("visil_dash.cli.main.get_settings", lambda: settings),
        ):
            assert main.main([*arguments, "--library", str(folder)]) == 0
        return capsys.readouterr().out

    def matches(*proof: str) -> list[bool]:
        found = json.loads(said("search", "excerpt.mp4", "--json", *proof))
        pair = json.loads(said("compare", "excerpt.mp4", "market.mp4", "--json", *proof))
        assert pair["match_score"] == found["match_score"]
        printed = said("search", "excerpt.mp4", *proof).splitlines()[1]
        sentence = said("compare", "excerpt.mp4", "market.mp4", *proof)
        return [
            found["matches"][0]["match"],
            pair["match"],
            printed.split()[0] == "match",
            sentence.startswith("match ("),
        ]

    def change(value: float | None) -> None:
        opened = fake_bench(folder)
        with opened:
            if value is None:
                undo(opened, "match")
            else:
                save_threshold(opened, "match", value)

    assert matches() == [True] * 4
    change(0.9999)
    assert matches("--proof", "0") == [False] * 4
    assert matches() == [True] * 4  # the pixels prove what no score reaches
    settings = settings.model_copy(update={"proof_seconds": 0.0})
    assert matches() == [False] * 4, "no time is spent on proofs where the settings give none"
    change(None)
    assert matches() == [True] * 4


def said(page: AppTest) -> str:
    return texts(page).replace("\\", "")  # escapes of Markdown


def drawn(page: AppTest, told: str) -> str:
    run_until(page, lambda p: told in said(p))
    return said(page)


def test_every_page_calls_a_match_what_the_library_does_and_follows_undo(folder: Path) -> None:
    excerpt, market = ids()["excerpt.mp4"], ids()["market.mp4"]
    with pages(folder) as open_page:
        search = open_page("search")
        search.session_state["search_query"] = excerpt
        compare = open_page("compare")
        compare.session_state["compare_query"] = excerpt
        compare.session_state["compare_reference"] = market
        collection = open_page("collection")
        assert "contains the query clip" in drawn(search, f"match score {OWN:.2f} ")
        assert f"the match score {OWN:.2f}" in drawn(compare, "By scorer")
        drawn(collection, "pairs compared")
        assert collection.number_input(key="collection_least").value == OWN

        from visil_dash.ui.shell import backend

        save_threshold(backend.workbench(), "match", 0.9999)
        assert "contains the query clip" not in drawn(search, "match score 1.00 ")
        assert "the match score 1.00" in drawn(compare, "the match score 1.00")
        assert "decides, match score 1.000" in said(compare)
        drawn(collection, "pairs compared")
        assert collection.number_input(key="collection_least").value == 1.0
        collection.number_input(key="collection_least").set_value(0.4).run()

        undo(backend.workbench(), "match")
        assert "contains the query clip" in drawn(search, f"match score {OWN:.2f} ")
        assert "the match score 1.00" not in drawn(compare, f"the match score {OWN:.2f}")
        drawn(collection, "pairs compared")
        # Whoever chose a score of their own keeps it.
        assert collection.number_input(key="collection_least").value == 0.4
        for page in (search, compare, collection):
            assert not page.exception


def test_a_saved_score_belongs_to_its_model(folder: Path) -> None:
    with fake_bench(folder) as bench:
        save_threshold(bench, "match", 0.9)
    other = fake_model(extractor="other-00000000")
    settings = page_settings(folder)
    with Workbench(open_library(folder, settings=settings), other, settings) as bench:
        assert bench.match_score() == OWN
