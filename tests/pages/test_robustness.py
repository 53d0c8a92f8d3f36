"""The robustness page (pages/robustness.py): edits, their looks, a run and where it breaks."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.support.page_world import Open, pages, run_until, texts
from tests.support.pair_world import copy_world, figures, ids, values
from visil_dash.laboratory.robustness.run import run_robustness
from visil_dash.ui.shell import backend


@pytest.fixture(scope="module")
def opened() -> Iterator[Open]:
    with pages(copy_world()) as open_page:
        yield open_page


def page_of(open_page: Open, name: str, *kinds: str) -> AppTest:
    page = open_page("robustness")
    page.query_params["q"] = ids()[name][:16]
    page.session_state["robustness_kinds"] = list(kinds)
    page.session_state["robustness_steps"] = 2
    page.session_state[f"robustness_seconds-{ids()[name][:16]}"] = 4.0
    return page


def test_a_run_shows_the_curves_that_the_library_gives(opened: Open) -> None:
    page = page_of(opened, "station.mp4", "blur").run()
    assert "3 copies of 4 s" in texts(page)
    next(b for b in page.button if b.label == "Run").click()
    page = run_until(page, lambda p: "Where matching fails" in texts(p))
    expected = run_robustness(
        backend.workbench(), ids()["station.mp4"], kinds=("blur",), steps=2, seconds=4.0
    )
    scores, ranks = figures(page)
    assert values(scores["data"][0]["x"]).tolist() == [0.0, 0.5, 1.0]
    assert values(scores["data"][0]["y"]) == pytest.approx([t.score for t in expected.trials])
    assert ranks["data"][0]["y"] == [t.candidate_rank for t in expected.trials]
    table = page.dataframe[0].value
    assert table["Score"].tolist() == pytest.approx([t.score for t in expected.trials])
    ranks_shown = [str(t.candidate_rank or "not a candidate") for t in expected.trials]
    assert table["Candidate rank"].tolist() == ranks_shown
    assert not any("_" in column for column in table.columns)
    below = sum(not t.is_match for t in expected.trials)
    assert f">Not matched</dt><dd>{below}<" in texts(page)


def test_copies_are_verified_on_the_pixels_when_asked(opened: Open) -> None:
    page = page_of(opened, "station.mp4", "blur")
    page.query_params["proof"] = "yes"
    page.run()
    assert "and verified on the pixels" in texts(page)
    next(b for b in page.button if b.label == "Run").click()
    page = run_until(page, lambda p: "Where matching fails" in texts(p))
    expected = run_robustness(
        backend.workbench(), ids()["station.mp4"], kinds=("blur",), steps=2, seconds=4.0, proof=True
    )
    strengths, motions, *_ = figures(page)[2]["data"]
    proofs = [t.proof for t in expected.trials]
    assert motions["y"] == pytest.approx([p.motion for p in proofs if p])
    assert strengths["y"] == pytest.approx([t.match_strength for t in expected.trials])
    assert page.dataframe[0].value["Proof"].tolist() == [
        p.state.value for p in proofs if p and p.state
    ]
    assert f">Proved</dt><dd>{sum(t.is_proved for t in expected.trials)}<" in texts(page)
    assert "The pixels prove" in texts(page)


def test_an_edit_is_looked_at_before_it_is_run(opened: Open) -> None:
    page = page_of(opened, "station.mp4", "grey")
    page = run_until(page, lambda p: "from its file\\: stark" in texts(p))
    assert texts(page).count("copy at 0:0") == 3


def test_too_many_kinds_are_told(opened: Open) -> None:
    kinds = ("crop", "blur", "noise", "grey", "flip", "scale", "pad")
    page = page_of(opened, "station.mp4", *kinds).run()
    next(b for b in page.button if b.label == "Run").click().run()
    page = run_until(page, lambda p: bool(p.error))
    assert "got 7" in page.error[0].value


def test_an_empty_library_and_no_choice_say_what_to_do(opened: Open, tmp_path: Path) -> None:
    assert "Choose a clip" in texts(opened("robustness").run())
    page = page_of(opened, "station.mp4").run()
    assert "Choose an edit" in texts(page)
    with pages(tmp_path / "library") as open_page:
        assert "The library is empty" in texts(open_page("robustness").run())
