"""The review page (pages/review.py), and what a verdict hides on other pages."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tests.support.benches import copy_library
from tests.support.fakes import fake_model
from tests.support.page_world import Open, pages, run_until, texts
from tests.support.pair_world import copy_world, features, figures, ids, plain_score
from visil_dash.labels.label import Label
from visil_dash.library.store import open_library
from visil_dash.settings import Settings
from visil_dash.ui.shell import backend

SETTINGS = Settings(min_free_bytes=0)
COPY = frozenset(("market.mp4", "excerpt.mp4"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return copy_library(copy_world(), tmp_path / "library")


@pytest.fixture
def opened(folder: Path) -> Iterator[Open]:
    with pages(folder) as open_page:
        yield open_page


def names() -> dict[str, str]:
    return {video_id: name for name, video_id in ids().items()}


def best_scores() -> dict[frozenset[str], float]:
    """The better score of each pair of file names, by plain loops."""
    found = features()
    return {
        frozenset((a, b)): max(plain_score(found[a], found[b]), plain_score(found[b], found[a]))
        for a, b in itertools.combinations(found, 2)
    }


def drawn(page: AppTest) -> AppTest:
    return run_until(page, lambda p: bool(asked(p)) or "Every pair is judged" in texts(p))


def asked(page: AppTest) -> frozenset[str]:
    """File names of the pair that is shown with its evidence."""
    text = texts(page)
    return (
        frozenset(n for n in ids() if f">{n}</div>" in text)
        if "most similar frames" in text
        else frozenset()
    )


def press(page: AppTest, key: str) -> AppTest:
    page.button(key=f"review_{key}").click()
    page.run()
    return drawn(page)


def stored() -> dict[frozenset[str], tuple[str, str]]:
    labels = backend.workbench().library.labels()
    return {
        frozenset((names()[v.query], names()[v.reference])): (v.verdict, v.relation) for v in labels
    }


def match_score() -> float:
    return round(fake_model().default_match_score, 3)


def test_pairs_are_asked_in_the_order_of_their_distance_to_the_match_score(opened: Open) -> None:
    page = drawn(opened("review"))
    seen = [asked(page)]
    for _ in range(5):
        seen.append(asked(press(page, "unsure")))
    assert len(set(seen)) == 6
    margins = [abs(best_scores()[pair] - match_score()) for pair in seen]
    # Pairs within a step of each other may go by their segments instead.
    steps = [int(margin / 0.02 + 1e-6) for margin in margins]
    assert steps == sorted(steps)
    page = press(page, "unsure")
    assert "Every pair is judged" in texts(page)
    assert len(stored()) == 6


def test_a_verdict_is_kept_and_the_next_pair_comes(opened: Open) -> None:
    page = drawn(opened("review"))
    first = asked(page)
    page = press(page, "match")
    second = asked(page)
    assert second != first
    page = press(page, "CS")
    assert stored() == {first: ("match", ""), second: ("not_match", "CS")}
    assert "Judged: 2 pairs" in [e.label for e in page.expander]
    # Another session, as after a reload, goes on where this one stopped.
    again = drawn(opened("review"))
    assert asked(again) == asked(page)
    assert stored() == {first: ("match", ""), second: ("not_match", "CS")}


def test_a_verdict_names_who_gave_it_where_that_is_known(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("visil_dash.ui.collection.verdict_buttons.person", lambda: "ann")
    press(press(drawn(opened("review")), "match"), "CS")
    labels = backend.workbench().library.labels()
    assert [label.by for label in labels] == ["ann", "ann"]
    assert [label.source for label in labels] == ["review:ann", "review:ann"]


def test_undo_takes_back_one_verdict_after_the_other(opened: Open) -> None:
    page = drawn(opened("review"))
    first = asked(page)
    assert page.button(key="review_undo").disabled
    second = asked(press(page, "ND"))
    page = press(page, "not_match")
    page = press(page, "undo")
    assert asked(page) == second
    assert stored() == {first: ("match", "ND")}
    page = press(page, "undo")
    assert asked(page) == first
    assert stored() == {}
    assert page.button(key="review_undo").disabled


def test_undo_brings_an_earlier_verdict_back(opened: Open, folder: Path) -> None:
    page = drawn(opened("review"))
    first = asked(page)
    press(page, "DS")
    page.session_state["review_pair"] = tuple(ids()[name] for name in first)
    page = drawn(page)
    page = press(page, "not_match")
    assert stored() == {first: ("not_match", "")}, "a verdict overrules another relation"
    press(page, "undo")
    assert stored() == {first: ("match", "DS")}


def test_arrows_move_without_judging(opened: Open) -> None:
    page = drawn(opened("review"))
    first = asked(page)
    assert page.button(key="review_back").disabled
    second = asked(press(page, "skip"))
    assert second != first
    assert asked(press(page, "back")) == first
    assert stored() == {}


def test_a_link_opens_the_pair_to_be_judged(opened: Open) -> None:
    page = opened("review")
    pair = ids()["station.mp4"], ids()["harbour.mp4"]
    page.query_params["q"], page.query_params["r"] = (v[:16] for v in pair)
    page = drawn(page)
    assert asked(page) == {"station.mp4", "harbour.mp4"}
    found = features()
    a, b = found["station.mp4"], found["harbour.mp4"]
    for score in (plain_score(a, b), plain_score(b, a)):
        assert f">{score:.3f}<" in texts(page)
    # The keys of a pair that nobody chose go into the address too.
    assert page.query_params["q"] == pair[0][:16]


def test_a_rejected_pair_is_hidden_until_asked_for(opened: Open) -> None:
    backend_pair = [ids()[name] for name in COPY]
    page = opened("collection")
    page.session_state["collection_view"] = "Groups"
    page.session_state["collection_least"] = 0.9
    page = run_until(page, lambda p: "Matching pairs" in texts(p))
    assert "Group 1 · 2 videos" in texts(page)

    backend.workbench().library.set_label(Label(*backend_pair, "not_match"))
    page.run()
    assert "No groups" in texts(page)
    assert "1 hidden by your verdicts" in texts(page)
    page.session_state["collection_view"] = "Pairs"
    page.run()
    assert not page.dataframe
    page.toggle(key="collection_rejected").set_value(True).run()
    assert page.query_params["rejected"] == "shown"
    row = page.dataframe[0].value.iloc[0]
    assert {row["Query"], row["Reference"]} == COPY
    assert row["Verdict"] == "not a match"


def test_search_hides_what_was_rejected_for_its_query(opened: Open) -> None:
    page = opened("search")
    page.session_state["search_query"] = ids()["excerpt.mp4"]
    page.session_state["search_mode"] = "Exhaustive"
    page = run_until(page, lambda p: "compared in" in texts(p))
    assert "market.mp4" in texts(page)
    backend.workbench().library.set_label(
        Label(ids()["market.mp4"], ids()["excerpt.mp4"], "not_match")
    )
    page.run()
    assert ">1. market.mp4<" not in texts(page)
    assert "1 hidden by your verdicts" in texts(page)
    page.toggle(key="search_rejected").set_value(True).run()
    assert "market.mp4" in texts(page)
    # For another query the same video is not hidden.
    page.session_state["search_query"] = ids()["station.mp4"]
    page = run_until(page, lambda p: "station" in p.expander[0].label and "compared in" in texts(p))
    assert "hidden by your verdicts" not in texts(page)


def test_candidate_pairs_are_those_with_near_frames_and_the_page_counts_them(opened: Open) -> None:
    page = opened("collection")
    page.query_params["pairs"] = "candidates"
    page.query_params["score"] = "0.300"
    page = run_until(page, lambda p: "Matching pairs" in texts(p))
    bench = backend.workbench()
    ordinal = {v.ordinal: v.name for v in bench.videos()}
    frame_ids, vectors = bench.space.snapshot()
    owner = np.array([ordinal[o] for o in (frame_ids >> 20).tolist()])
    near = {
        frozenset((a, b))
        for a, b in itertools.combinations(ordinal.values(), 2)
        if ((vectors[owner == a][:, None] - vectors[owner == b][None]) ** 2).sum(-1).min()
        <= bench.threshold()
    }
    assert COPY in near
    assert f"{len(near)} of 6 pairs compared" in texts(page)
    assert page.session_state["collection_least"] == pytest.approx(0.3)
    page.session_state["collection_view"] = "Pairs"
    page.run()
    displayed = {
        frozenset((row["Query"], row["Reference"])) for _, row in page.dataframe[0].value.iterrows()
    }
    assert displayed == {pair for pair in near if best_scores()[pair] >= 0.3}


def test_the_map_has_every_video_and_a_link_opens_a_selection(opened: Open) -> None:
    page = opened("collection")
    page.query_params["view"] = "map"
    page.query_params["pick"] = "~".join(ids()[name][:10] for name in sorted(COPY)) + "~" + "0" * 10
    page = run_until(page, lambda p: bool(p.get("plotly_chart")))
    dots = figures(page)[0]["data"][1]
    assert sorted(dots["text"]) == sorted(ids())
    assert set(page.multiselect(key="collection_chosen").value) == {ids()[n] for n in COPY}
    row = page.dataframe[0].value
    assert len(row) == 1
    assert row.iloc[0]["Score"] == pytest.approx(best_scores()[COPY], abs=1e-5)
    assert "explains" in texts(page)


def test_labels_come_from_a_file_and_a_bad_line_is_reported(opened: Open) -> None:
    page = drawn(opened("review"))
    good = b"query,reference,verdict\nmarket.mp4,excerpt.mp4,match\n"
    page.file_uploader[0].set_value(("mine.csv", good, "text/csv")).run()
    assert stored() == {COPY: ("match", "")}
    bad = b"query,reference,verdict\nmarket.mp4,nowhere.mp4,match\n"
    page.file_uploader[0].set_value(("bad.csv", bad, "text/csv")).run()
    assert "line 2" in page.error[0].value
    assert stored() == {COPY: ("match", "")}


def test_a_viewer_of_a_library_in_use_elsewhere_cannot_judge(folder: Path) -> None:
    with open_library(folder, settings=SETTINGS) as writer:
        writer.set_label(Label(*(ids()[name] for name in COPY), "match"))
        with pages(folder) as open_page:
            page = drawn(open_page("review"))
            assert "read-only" in page.warning[0].value
            assert page.button(key="review_match").disabled
            assert asked(page) != COPY, "what the writer judged is not asked again"
