"""The walkthrough page (pages/walkthrough.py): each step on a pair, its numbers recomputed."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tests.support.benches import copy_library
from tests.support.directions import directions
from tests.support.page_world import Open, fact, labels, pages, run_until, texts
from tests.support.pair_world import (
    copy_world,
    features,
    figures,
    ids,
    plain_score,
    plain_similarity,
    values,
)
from visil_dash.ui.laboratory.walkthrough import STEPS
from visil_dash.ui.laboratory.walkthrough_library import amount
from visil_dash.ui.shell import backend
from visil_dash.workbench.proving import prove_pair

QUERY, REFERENCE = "excerpt.mp4", "market.mp4"


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Open]:
    # A library of its own: it keeps the proofs that are made.
    with pages(
        copy_library(copy_world(), tmp_path_factory.mktemp("walk") / "library")
    ) as open_page:
        yield open_page


def at_step(open_page: Open, step: str) -> AppTest:
    page = open_page("walkthrough")
    page.query_params["q"] = ids()[QUERY][:16]
    page.query_params["r"] = ids()[REFERENCE][:16]
    page.query_params["step"] = step
    return page.run()


@pytest.mark.parametrize("step", [s.key for s in STEPS])
def test_every_step_opens_by_its_link(opened: Open, step: str) -> None:
    page = at_step(opened, step)
    assert not page.exception
    number = [s.key for s in STEPS].index(step) + 1
    assert any(s.value == f"{number}. {STEPS[number - 1].title}" for s in page.subheader)
    assert not page.error


def test_shapes_are_those_of_the_clip(opened: Open) -> None:
    query = features()[QUERY]
    assert fact(at_step(opened, "sampling"), "Tensor of the query") == f"[{len(query)}, 48, 48, 3]"
    stored = fact(at_step(opened, "attention"), "Stored features")
    assert stored == str(list(query.regions.shape))


def test_the_best_pair_of_frames_is_that_of_plain_loops(opened: Open) -> None:
    page = at_step(opened, "frames")
    expected = plain_similarity(features()[QUERY], features()[REFERENCE])
    assert fact(page, "Most similar pair") == f"{expected.max():.3f}"
    pairs, frames = figures(page)
    i, j = np.unravel_index(expected.argmax(), expected.shape)
    a, b = features()[QUERY].regions[i], features()[REFERENCE].regions[j]
    np.testing.assert_allclose(
        values(pairs["data"][0]["z"]), a.astype(float) @ b.astype(float).T, atol=1e-3
    )
    np.testing.assert_allclose(values(frames["data"][0]["z"]), expected, atol=1e-3)


def test_the_score_is_the_mean_of_the_rows(opened: Open) -> None:
    page = at_step(opened, "video")
    expected = plain_score(features()[QUERY], features()[REFERENCE])
    assert fact(page, "Score") == f"{expected:.3f}"
    bars = values(figures(page)[0]["data"][0]["y"])
    assert bars.mean() == pytest.approx(expected, abs=1e-5)


def test_the_most_lopsided_pair_is_found_and_walked_with(opened: Open) -> None:
    page = run_until(at_step(opened, "asymmetry"), lambda p: "Use this pair" in labels(p))
    found = features()
    gaps = {
        (a, b): plain_score(found[a], found[b]) - plain_score(found[b], found[a])
        for a in found
        for b in found
        if a != b
    }
    query, reference = max(gaps, key=lambda pair: gaps[pair])
    assert f">Query</dt><dd>{query}<" in texts(page)
    assert fact(page, "Score") == f"{plain_score(found[query], found[reference]):.3f}"
    next(b for b in page.button if b.label == "Use this pair").click().run()
    assert page.session_state["walk_query"] == ids()[query]
    assert page.session_state["walk_reference"] == ids()[reference]


def test_candidates_and_their_cost_are_counted(opened: Open) -> None:
    page = at_step(opened, "candidates")
    limit = backend.workbench().threshold()
    mine = directions(features()[QUERY])
    nearest = {
        name: min(((a - b) ** 2).sum() for a in mine for b in directions(other))
        for name, other in features().items()
        if name != QUERY
    }
    near = [name for name, distance in nearest.items() if distance <= limit]
    assert fact(page, "Candidates") == f"{len(near)} of 3"

    page = run_until(at_step(opened, "reranking"), lambda p: "Brute force took" in texts(p))
    lengths = {name: len(f) for name, f in features().items() if name != QUERY}
    tq, pair = len(mine), 81 * 32
    brute = tq * sum(lengths.values()) * pair
    reranking = tq * sum(lengths[name] for name in near) * pair
    scan = tq * sum(lengths.values()) * 9 * 32
    assert fact(page, "Brute force") == f"{amount(brute)} multiply–adds"
    assert fact(page, "Hierarchical") == f"{amount(reranking + scan)} multiply–adds"


def test_the_proof_is_that_of_the_pair(opened: Open) -> None:
    page = run_until(at_step(opened, "proof"), lambda p: bool(figures(p)))
    bench = backend.workbench()
    proof = prove_pair(bench, bench.compare(ids()[QUERY], ids()[REFERENCE])).proof
    assert proof is not None
    assert proof.reason in texts(page).replace("\\", "")
    (curve,) = figures(page)
    np.testing.assert_allclose(values(curve["data"][0]["y"]), proof.curve, atol=1e-6)
    assert fact(page, "Motion alike") == f"{proof.motion:.2f}"
    assert "Compare this pair" in labels(page)


def test_a_pair_without_a_segment_is_verified_as_well(opened: Open) -> None:
    page = opened("walkthrough")
    page.query_params["q"], page.query_params["r"] = (
        ids()[name][:16] for name in ("station.mp4", "harbour.mp4")
    )
    page.query_params["step"] = "proof"
    bench = backend.workbench()
    pair = bench.compare(ids()["station.mp4"], ids()["harbour.mp4"])
    assert not pair.segments
    proof = prove_pair(bench, pair).proof
    assert proof is not None
    assert run_until(page.run(), lambda p: proof.reason in texts(p).replace("\\", ""))


@pytest.mark.parametrize(
    ("count", "text"),
    [(999, "999"), (1500, "1.5 thousand"), (4_790_000, "4.79 million"), (2e12, "2 trillion")],
)
def test_amounts_are_said_in_words(count: float, text: str) -> None:
    assert amount(count) == text


def test_the_first_visit_begins_with_the_nearest_pair(opened: Open) -> None:
    page = opened("walkthrough").run()
    first = next(iter(features()))
    assert page.session_state["walk_query"] == ids()[first]
    assert page.session_state["walk_reference"] == ids()[QUERY if first != QUERY else REFERENCE]


def test_on_and_back_lead_through_the_steps(opened: Open) -> None:
    page = at_step(opened, "sampling")
    page.button(key="walk_arrow_forward").click().run()
    assert page.session_state["walk_step"] == "cnn"
    page.button(key="walk_arrow_back").click().run()
    assert page.session_state["walk_step"] == "sampling"
    assert page.button(key="walk_arrow_back").disabled


def test_an_empty_library_says_what_to_do(tmp_path: Path) -> None:
    with pages(tmp_path / "library") as open_page:
        page = open_page("walkthrough").run()
        assert "The library is empty" in texts(page)
        assert "Add videos" in labels(page)
