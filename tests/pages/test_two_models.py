"""A second model beside the one in use, on the pages Search, Evaluate and Models."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
from streamlit.testing.v1 import AppTest

from tests.support.benches import copy_library
from tests.support.fakes import fake_model
from tests.support.labelled_pairs import RELATIONS
from tests.support.page_world import Open, labels, pages, run_until, texts
from tests.support.pair_world import copy_world, ids
from visil_dash.labels.label import Label
from visil_dash.library.store import open_library
from visil_dash.models.bundle import BUNDLED, META
from visil_dash.settings import Settings
from visil_dash.ui.shell import backend
from visil_dash.workbench.upkeep import extract_missing

OTHER = fake_model(dim=3, name="mine", extractor="mine-1")


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """Pages over the library with a copy in it; the model "mine" is here and has no features."""
    folder = copy_library(copy_world(), tmp_path / "library")
    own = tmp_path / "models" / "own" / "mine"
    shutil.copytree(BUNDLED / "compact", own)
    meta = json.loads((own / META).read_text())
    (own / META).write_text(json.dumps(meta | {"name": "mine"}))
    with (
        patch("visil_dash.workbench.beside.load_model", lambda *_, **__: OTHER),
        pages(folder, models=tmp_path / "models") as open_page,
    ):
        yield open_page


def labelled() -> list[Label]:
    return [
        Label(ids()[q], ids()[r], "match" if kind in ("ND", "DS") else "not_match", kind, "review")
        for (q, r), kind in RELATIONS.items()
    ]


def search(opened: Open, second: str = "mine") -> AppTest:
    page = opened("search")
    page.query_params["q"] = ids()["excerpt.mp4"][:16]
    page.query_params["second"] = second
    return page


def extract() -> None:
    backend.workbench("compact")
    extract_missing(backend.workbench("mine"))


def test_a_model_without_features_offers_to_extract_them_with_the_cost(opened: Open) -> None:
    page = search(opened).run()
    assert "Model mine has no features for any video of this library yet" in texts(page)
    assert "4 videos" in texts(page)
    assert not any(b.key == "swap_models" for b in page.button)
    page.button(key="extract_again").click()
    page = run_until(page, lambda p: any(b.key == "swap_models" for b in p.button))
    assert "has no features" not in texts(page)


def test_both_answers_stand_beside_each_other_and_rows_hold_both_ranks(opened: Open) -> None:
    page = search(opened).run()
    extract()
    page = run_until(page, lambda p: any(b.key == "swap_models" for b in p.button))
    assert [s.value.startswith("1 video shares") for s in page.subheader[:1]] == [True]
    assert len(page.subheader) == 2
    strengths = [
        {m.name: f"strength {m.strength:.2f}" for m in bench.search(ids()["excerpt.mp4"]).matches}
        for bench in (backend.workbench("compact"), backend.workbench("mine"))
    ]
    text = texts(page)
    rows = [row for row in text.split('<div class="vd-two">') if "vd-one" in row]
    assert len(rows) == len({*strengths[0], *strengths[1]})
    for row in rows:
        name = row.split('title="', 1)[1].split('"', 1)[0]
        cells = row.split("vd-two-model")[1:]
        for cell, known in zip(cells, strengths, strict=True):
            assert known.get(name, "not a candidate") in cell
    assert "nothing is verified on the pixels here" in text


def test_the_models_change_places_and_one_can_be_left_out(opened: Open) -> None:
    page = search(opened).run()
    extract()
    page = run_until(page, lambda p: any(b.key == "swap_models" for b in p.button))
    page.button(key="one_model").click().run()
    assert page.session_state["search_second"] == ""
    assert "second" not in page.query_params
    assert any(b.key == "compare-1" for b in page.button)


def test_a_second_model_that_is_not_here_opens_none(opened: Open) -> None:
    page = search(opened, "gone").run()
    assert "The second model **gone** is not here" in page.error[0].value
    assert not page.subheader
    next(b for b in page.button if b.label == "Go on without it").click()
    page = run_until(page, lambda p: any(b.key == "compare-1" for b in p.button))
    assert "second" not in page.query_params


@pytest.mark.parametrize("name", ["search", "evaluate"])
def test_with_one_model_a_sentence_says_how_to_get_another(tmp_path: Path, name: str) -> None:
    folder = copy_library(copy_world(), tmp_path / "library")
    with open_library(folder, settings=Settings(min_free_bytes=0)) as library:
        library.set_label(*labelled())
    with pages(folder, models=tmp_path / "models") as open_page:
        page = open_page(name)
        page.query_params["q"] = ids()["excerpt.mp4"][:16]
        page.run()
        said = [c.value for c in page.caption]
        assert any(text.startswith("Only one model is on this machine.") for text in said), said


def test_evaluate_shows_the_metrics_of_both_with_their_difference(
    tmp_path: Path, opened: Open
) -> None:
    backend.workbench("compact").library.set_label(*labelled())
    page = opened("evaluate")
    page.query_params["second"] = "mine"
    page.run()
    assert "has no features" in texts(page)
    assert "Evaluate both" not in labels(page)
    extract()
    page.run()
    page.button(key="evaluate_both").click()
    page = run_until(page, lambda p: bool(p.dataframe))
    table = page.dataframe[0].value
    assert list(table.columns) == ["Metric", "fake", "mine", "Difference"]
    assert list(table["Metric"])[:2] == ["mAP", "uAP"]
    assert not page.exception
    again = opened("evaluate")  # the address alone brings the result back
    again.query_params["second"] = "mine"
    again.run()
    assert list(again.dataframe[0].value["Metric"]) == list(table["Metric"])


def test_a_model_that_is_not_in_use_can_be_set_beside_the_other(opened: Open) -> None:
    page = opened("models").run()
    assert any(b.key == "beside-mine" for b in page.button)
