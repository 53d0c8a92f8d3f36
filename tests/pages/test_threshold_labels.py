"""The threshold page with labels: counts, suggestions, bands, the match score, history, undo."""

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.support.benches import copy_library
from tests.support.labelled_pairs import QUERIES, RELATIONS, nearest
from tests.support.page_world import Open, fact, pages, run_until, texts
from tests.support.pair_world import copy_world, features, figures, ids, plain_score, values
from visil_dash.labels.label import Label
from visil_dash.library.store import open_library
from visil_dash.settings import Settings
from visil_dash.ui.shell import backend
from visil_dash.workbench.thresholds import history


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = copy_library(copy_world(), tmp_path_factory.mktemp("labels") / "library")
    with open_library(folder, settings=Settings(min_free_bytes=0)) as library:
        for (query, reference), relation in RELATIONS.items():
            verdict = "match" if relation in ("ND", "DS") else "not_match"
            library.set_label(Label(ids()[query], ids()[reference], verdict, relation, "review"))
    return folder


@pytest.fixture
def opened(labelled: Path, tmp_path: Path) -> Iterator[Open]:
    with pages(copy_library(labelled, tmp_path / "library")) as open_page:
        yield open_page


def page_of(open_page: Open, *, view: str, **params: str) -> AppTest:
    page = open_page("threshold")
    for name, value in params.items():
        page.query_params[name] = value
    page.session_state["threshold_view"] = view
    run_until(page, lambda p: "Measuring the labelled" not in texts(p))
    assert not page.exception
    return page


def expected(closeness: dict[tuple[str, str], float], least: float) -> dict[str, tuple[int, int]]:
    kinds: dict[str, list[bool]] = {}
    for pair, value in closeness.items():
        kinds.setdefault(RELATIONS.get(pair, "unlabelled"), []).append(value >= least)
    return {kind: (sum(inside), len(inside)) for kind, inside in kinds.items()}


def told_kinds(page: AppTest) -> dict[str, tuple[int, int]]:
    table = next(d.value for d in page.dataframe if "Admitted" in d.value)
    return {
        re.sub(r".*\((\w+)\)", r"\1", row["Labelled as"]): (row["Admitted"], row["Total"])
        for _, row in table.iterrows()
    }


def check(page: AppTest, closeness: dict[tuple[str, str], float], least: float) -> None:
    counts = expected(closeness, least)
    assert told_kinds(page) == counts
    copies = [counts[kind] for kind in ("ND", "DS")]
    right = sum(inside for inside, _ in copies)
    called = sum(inside for inside, _ in counts.values())
    precision = "no value" if not called else f"{right / called:.3f}"
    assert fact(page, "Precision").startswith(precision)
    assert fact(page, "Recall").startswith(f"{right / 2:.3f}")
    figure = figures(page)
    if called:
        diamonds = [t for f in figure for t in f["data"] if t.get("name") == "this threshold"]
        at = [(values(d["x"])[0], values(d["y"])[0]) for d in diamonds]
        assert at[0] == pytest.approx((right / 2, right / called))
        others = sum(n for kind, (_, n) in counts.items() if kind in ("CS", "unlabelled"))
        assert at[1] == pytest.approx(((called - right) / others, right / 2))


def test_every_threshold_shows_its_effect_on_the_labels(opened: Open) -> None:
    distances = nearest()
    page = page_of(opened, view="Labels")
    ordered = sorted(distances.values())
    for level in (0.0, *((a + b) / 2 for a, b in itertools.pairwise(ordered)), 99.0):
        page.number_input(key="threshold_number").set_value(level).run()
        assert not page.exception
        check(page, {pair: -d for pair, d in distances.items()}, -level)


def test_a_wider_task_counts_more_as_copies(opened: Open) -> None:
    page = page_of(opened, view="Labels", t="99")
    assert fact(page, "Precision").startswith(f"{2 / 6:.3f}")
    page.button_group(key="labels_upto").set_value("CS").run()
    assert fact(page, "Precision").startswith(f"{3 / 6:.3f}")
    page.toggle(key="labels_strangers").set_value(False)
    run_until(page, lambda p: "Measuring the labelled" not in texts(p))
    assert fact(page, "Precision").startswith(f"{3 / 3:.3f}")


def test_a_suggestion_is_used_saved_and_taken_back(opened: Open) -> None:
    page = page_of(opened, view="Labels")
    bench = backend.workbench()
    before = bench.threshold()
    page.number_input(key="labels_recall").set_value(1.0).run()
    page.button(key="use_distance_recall").click().run()
    chosen = page.number_input(key="threshold_number").value
    distances = nearest()
    copies = [d for pair, d in distances.items() if RELATIONS.get(pair) in ("ND", "DS")]
    beyond = [d for d in distances.values() if d > max(copies) + 1e-6]
    assert max(copies) < chosen
    assert all(chosen < d for d in beyond)
    page.text_input(key="threshold_who").set_value("Ada")
    page.text_input(key="threshold_why").set_value("no copy may be lost").run()
    page.button(key="threshold_save").click().run()
    assert bench.threshold() == chosen
    step = history(bench, "distance")[-1]
    assert (step.value, step.previous, step.who, step.why) == (
        chosen,
        None,
        "Ada",
        "no copy may be lost",
    )
    assert (step.labels, len(step.labels_digest)) == (3, 64)
    page.button(key="threshold_undo_distance").click().run()
    assert bench.threshold() == before
    assert page.button(key="threshold_undo_distance").disabled
    page.button_group(key="threshold_view").set_value("History").run()
    table = page.dataframe[0].value
    assert list(table["Who"]) == ["Ada", "Ada"]
    assert list(table["Why"]) == ["undo", "no copy may be lost"]
    assert "From labels" in table


def test_what_no_threshold_reaches_is_said(opened: Open) -> None:
    page = page_of(opened, view="Labels")
    # harbour and station share nothing: unlabelled pairs of the excerpt are as near or nearer.
    distances = nearest()
    hard = distances["harbour.mp4", "station.mp4"]
    assert any(d < hard for pair, d in distances.items() if pair not in RELATIONS)
    page.number_input(key="labels_precision").set_value(1.0).run()
    reached = "Precision ≥ 1.00: not reached" in texts(page)
    first = min(distances, key=lambda pair: distances[pair])
    assert reached == (RELATIONS.get(first) not in ("ND", "DS"))


def test_the_bands_count_the_labelled_pairs(opened: Open) -> None:
    page = page_of(opened, view="Bands", q=ids()["excerpt.mp4"][:16])
    distances = nearest()
    slider = next(s for s in page.slider if s.label.startswith("Limits"))
    ordered = sorted(distances.values())
    gaps = [(a + b) / 2 for a, b in itertools.pairwise(ordered) if b - a > 0.1]
    low, high = gaps[0], gaps[-1]
    slider.set_value((low, high)).run()
    low, high = next(s for s in page.slider if s.label.startswith("Limits")).value
    table = next(d.value for d in page.dataframe if "Duplicate" in d.value)
    assert table["Duplicate"].sum() == sum(d <= low for d in distances.values())
    assert table["Related"].sum() == sum(low < d <= high for d in distances.values())
    assert table["Distinct"].sum() == sum(d > high for d in distances.values())
    mine = [d for (query, _), d in distances.items() if query == "excerpt.mp4"]
    assert fact(page, "Duplicate") == str(sum(d <= low for d in mine))
    page.button(key="bands_save").click().run()
    assert not page.exception
    assert f"Saved: {low:.4g} and {high:.4g}" in texts(page)


def test_the_match_score_is_a_threshold_of_its_own(opened: Open) -> None:
    page = page_of(opened, view="Labels", m="0.9")
    found = features()
    scores = {
        (query, other): plain_score(found[query], found[other])
        for query in QUERIES
        for other in found
        if other != query
    }
    check(page, scores, 0.9)
    for level in sorted(scores.values())[::2]:
        page.number_input(key="match_number").set_value(round(level - 1e-3, 4)).run()
        check(page, scores, round(level - 1e-3, 4))
    assert float(page.query_params["m"]) == page.slider(key="match_slider").value
    page.button(key="match_save").click().run()
    bench = backend.workbench()
    assert bench.match_score() == page.slider(key="match_slider").value
    page.button(key="threshold_undo_match").click().run()
    assert bench.match_score() == bench.model.default_match_score


def test_without_labels_the_page_explains_where_they_come_from(tmp_path: Path) -> None:
    with pages(copy_library(copy_world(), tmp_path / "library")) as open_page:
        page = page_of(open_page, view="Labels")
        assert "No labels yet" in texts(page)


def test_restoring_from_the_history_is_a_step_of_its_own(opened: Open) -> None:
    page = page_of(opened, view="History")
    assert "Never changed" in texts(page)
    bench = backend.workbench()
    for value in (2.0, 3.0):
        page.number_input(key="threshold_number").set_value(value).run()
        page.button(key="threshold_save").click().run()
    assert [s.value for s in history(bench, "distance")] == [2.0, 3.0]
    table: Any = page.dataframe[0]
    assert list(table.value["Threshold"]) == ["3", "2"]
    assert next(iter(table.value["Before"])) == "2"


def test_a_few_verdicts_do_not_replace_a_larger_set_of_labels(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    larger = tuple(
        Label(query, reference, "not_match", source="demo")
        for query, reference in itertools.combinations(ids().values(), 2)
    )
    assert len(larger) > len(RELATIONS)
    monkeypatch.setattr("visil_dash.ui.threshold.labels_in_use.demo_labels", lambda _: larger)
    page = opened("evaluate").run()
    assert not page.exception
    assert page.selectbox(key="labels_source").value == "The demo set's labels"
    assert f"This library's labels: {len(RELATIONS)}" in texts(page).replace("\\", "")


def test_recall_at_the_budget_is_measured_on_a_click(opened: Open) -> None:
    page = page_of(opened, view="Labels", t="1000")
    page.button(key="measure_budget").click()
    run_until(page, lambda p: "Among the re-ranked" in texts(p))
    copies = sum(relation in ("ND", "DS") for relation in RELATIONS.values())
    assert fact(page, "Among the candidates") == f"{copies} of {copies}"
    assert fact(page, "Among the re-ranked") == f"{copies} of {copies}"
    assert fact(page, "Candidates per query") == "3.0"
