"""The compare page (pages/compare.py): whether two videos share footage, where, and why."""

import json
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tests.support.benches import SOON, copy_library
from tests.support.fakes import fake_model
from tests.support.page_world import Open, labels, pages, run_until, texts
from tests.support.pair_world import (
    copy_world,
    features,
    figures,
    ids,
    plain_score,
    plain_similarity,
    values,
)
from visil_dash.errors import Cancelled
from visil_dash.ui.shell import backend
from visil_dash.ui.shell.pictures import pictures_at
from visil_dash.ui.shell.waiting import MEANWHILE
from visil_dash.workbench.bench import Workbench


@pytest.fixture(scope="module")
def opened() -> Iterator[Open]:
    with pages(copy_world()) as open_page:
        yield open_page


def pair(open_page: Open, query: str, reference: str) -> AppTest:
    page = open_page("compare")
    page.query_params["q"] = ids()[query][:16]
    page.query_params["r"] = ids()[reference][:16]
    return page


def frames_of(open_page: Open, query: str, reference: str) -> AppTest:
    """The pair with two of its frames on show."""
    page = pair(open_page, query, reference)
    page.session_state["compare_frames"] = True
    return page


def compared(page: AppTest) -> AppTest:
    """The page with its comparison, which may take longer than the page itself waits."""
    return run_until(page, lambda p: MEANWHILE not in texts(p))


def player(page: AppTest) -> dict[str, Any]:
    """What the paired player was given."""
    found = [c.proto for c in page.get("bidi_component") if "player" in c.proto.component_name]
    assert len(found) == 1
    data: dict[str, Any] = json.loads(found[0].json)
    return data


def maps(page: AppTest) -> list[Any]:
    """The figures that are maps of similarity, among them no timeline."""
    return [figure for figure in figures(page) if "z" in figure["data"][0]]


def shown(page: AppTest) -> str:
    """The page's words without Markdown's backslashes."""
    assert not page.exception
    return texts(page).replace("\\", "")


def test_it_asks_for_two_videos(opened: Open) -> None:
    page = opened("compare").run()
    assert "Choose two videos" in shown(page)
    page.selectbox(key="compare_query").select_index(0).run()
    assert "Choose two videos" in shown(page)


def test_a_link_opens_its_pair_with_the_scores_of_plain_loops(opened: Open) -> None:
    page = compared(pair(opened, "excerpt.mp4", "market.mp4"))
    text = shown(page)
    query, reference = features()["excerpt.mp4"], features()["market.mp4"]
    assert f">{plain_score(query, reference):.3f}<" in text
    assert f">{plain_score(reference, query):.3f}<" in text
    assert page.session_state["compare_query"] == ids()["excerpt.mp4"]


def test_an_excerpt_is_found_and_located(opened: Open) -> None:
    text = shown(compared(pair(opened, "excerpt.mp4", "market.mp4")))
    assert "The reference contains the query" in text or "near duplicates" in text
    assert "plays 0:00–0:06 of the query at 0:03–0:09 of the reference" in text
    assert "1 segment covers 5.8 s of the query's 5.8 s" in text


def test_what_fits_at_any_moment_is_no_verdict(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("visil_dash.matching.verdict.IN_STEP", 1.1)
    monkeypatch.setattr("visil_dash.matching.verdict.SAME_PICTURE", 1.5)
    page = compared(pair(opened, "excerpt.mp4", "market.mp4"))
    text = shown(page)
    assert "Alike at any time offset" in text
    assert "Nothing in the matched segments distinguishes one time offset from another" in text
    assert "may contain the query clip" in text
    assert "Reason" not in text


def test_unrelated_videos_do_not_match_and_the_page_explains_why(opened: Open) -> None:
    page = compared(pair(opened, "station.mp4", "harbour.mp4"))
    text = shown(page)
    assert "No shared footage found" in text
    similarity = plain_similarity(features()["station.mp4"], features()["harbour.mp4"])
    back = plain_similarity(features()["harbour.mp4"], features()["station.mp4"])
    closest = ((similarity + back.T) / 2).max()
    assert f"have a similarity of {closest:.2f}; two frames count as the same from 0.70" in text
    assert "No matched segments" in text


def test_a_model_without_a_comparator_has_a_note_in_place_of_the_second_map(opened: Open) -> None:
    page = compared(pair(opened, "excerpt.mp4", "market.mp4"))
    assert "This model has no comparator" in shown(page)
    assert len(maps(page)) == 1


@pytest.mark.parametrize("direction", ["Query → reference", "Reference → query", "Symmetric"])
def test_the_map_follows_the_direction(opened: Open, direction: str) -> None:
    page = compared(pair(opened, "excerpt.mp4", "market.mp4"))
    page.segmented_control(key="compare_direction").select(direction).run()
    there = plain_similarity(features()["excerpt.mp4"], features()["market.mp4"])
    back = plain_similarity(features()["market.mp4"], features()["excerpt.mp4"]).T
    expected = {
        "Query → reference": there,
        "Reference → query": back,
        "Symmetric": (there + back) / 2,
    }[direction]
    np.testing.assert_allclose(values(maps(page)[0]["data"][0]["z"]), expected, atol=1e-5)


def test_the_brightest_colour_is_how_similar_a_video_is_to_itself(opened: Open) -> None:
    for query, reference in (("excerpt.mp4", "market.mp4"), ("station.mp4", "harbour.mp4")):
        figure = maps(compared(pair(opened, query, reference)))[0]["data"][0]
        own = np.diag(plain_similarity(features()[query], features()[query])).mean()
        assert figure["zmax"] == pytest.approx(own, abs=1e-4)
        assert figure["zmin"] == 0


def test_a_chosen_cell_shows_its_two_frames_at_their_true_times(opened: Open) -> None:
    page = frames_of(opened, "excerpt.mp4", "market.mp4")
    query, reference = features()["excerpt.mp4"], features()["market.mp4"]
    page.session_state["compare_cell"] = (query.video_id, reference.video_id, 4, 2)
    with patch("visil_dash.ui.compare.frames.pictures_at", wraps=pictures_at) as asked:
        page.run()
    assert [call.args for call in asked.call_args_list] == [
        (query.video_id, (query.timestamps[4],)),
        (reference.video_id, (reference.timestamps[2],)),
    ]
    text = shown(page)
    assert "at 0:04.00" in text
    assert "at 0:02.00" in text
    assert f">{plain_similarity(query, reference)[4, 2]:.3f}<" in text
    assert f">{plain_similarity(reference, query)[2, 4]:.3f}<" in text
    assert len(page.get("image")) == 1


def test_regions_answer_each_other_as_plain_products_say(opened: Open) -> None:
    page = frames_of(opened, "excerpt.mp4", "market.mp4")
    query, reference = features()["excerpt.mp4"], features()["market.mp4"]
    page.session_state["compare_cell"] = (query.video_id, reference.video_id, 1, 4)
    page.run()
    table = page.dataframe[0].value
    for region in range(9):
        products = [
            float(query.regions[1, region].astype(float) @ other.astype(float))
            for other in reference.regions[4]
        ]
        assert table["Best reference region"][region] == int(np.argmax(products)) + 1
        assert table["Similarity"][region] == pytest.approx(max(products), abs=1e-5)


def test_a_cell_of_another_pair_is_forgotten(opened: Open) -> None:
    page = frames_of(opened, "excerpt.mp4", "market.mp4")
    page.session_state["compare_cell"] = (ids()["station.mp4"], ids()["harbour.mp4"], 700, 900)
    text = shown(page.run())
    similarity = plain_similarity(features()["excerpt.mp4"], features()["market.mp4"])
    assert f">{similarity[:6, 3:9].max():.3f}<" in text, "the best cell of the segment is shown"


def test_players_start_where_the_segment_does(opened: Open) -> None:
    page = compared(pair(opened, "excerpt.mp4", "market.mp4"))
    given = player(page)
    span = given["range"]
    assert (span["query_start"], span["query_end"]) == (0, 6)
    assert (span["reference_start"], span["reference_end"]) == (3, 9)
    assert not span["play"], "nothing plays before it was asked for"
    assert given["times"] == [float(t) for t in features()["excerpt.mp4"].timestamps]
    assert [given[side]["name"] for side in ("query", "reference")] == ["excerpt.mp4", "market.mp4"]
    assert given["query"]["url"] != given["reference"]["url"]
    assert given["caption"] == "Loop: query 0:00.0–0:06.0, reference 0:03.0–0:09.0."
    segments = page.dataframe[0].value
    assert list(segments["Query"]) == ["0:00 – 0:06"]
    assert list(segments["Reference"]) == ["0:03 – 0:09"]


def test_a_link_reopens_direction_cell_and_range(opened: Open) -> None:
    page = pair(opened, "excerpt.mp4", "market.mp4")
    params = {
        "d": "reverse",
        "cell": "4.000,7.000",
        "span": "1.000,4.000,4.000,7.000,1.000,aligned",
    }
    for name, value in params.items():
        page.query_params[name] = value
    text = shown(page.run())
    query, reference = features()["excerpt.mp4"], features()["market.mp4"]
    assert page.segmented_control(key="compare_direction").value == "reference → query"
    assert page.session_state["compare_cell"] == (query.video_id, reference.video_id, 4, 7)
    assert "at 0:04.00" in text
    assert "at 0:07.00" in text
    back = plain_similarity(reference, query).T
    np.testing.assert_allclose(values(maps(page)[0]["data"][0]["z"]), back, atol=1e-5)
    assert player(page)["caption"] == "Loop: query 0:01.0–0:04.0, reference 0:04.0–0:07.0."
    assert {name: one(page, name) for name in params} == params


def one(page: AppTest, name: str) -> str:
    value = page.query_params[name]
    return value if isinstance(value, str) else value[0]


def test_the_cell_of_a_link_does_not_follow_to_another_pair(opened: Open) -> None:
    page = pair(opened, "excerpt.mp4", "market.mp4")
    page.query_params["cell"] = "4.000,7.000"
    page.run()
    page.selectbox(key="compare_query").set_value(ids()["station.mp4"]).run()
    assert not page.exception
    assert "cell" not in page.query_params


def test_an_invalid_link_opens_the_plain_pair(opened: Open) -> None:
    page = pair(opened, "excerpt.mp4", "market.mp4")
    page.query_params["cell"] = "<b>,1e999"
    page.query_params["span"] = "1,2,3"
    page.query_params["d"] = "up"
    assert "Where they agree" in shown(page.run())
    assert "cell" not in page.query_params
    assert player(page)["range"]["reference_start"] == 3


def test_scorers_stand_side_by_side_both_ways(opened: Open) -> None:
    text = shown(compared(pair(opened, "excerpt.mp4", "market.mp4")))
    there = plain_similarity(features()["excerpt.mp4"], features()["market.mp4"])
    back = plain_similarity(features()["market.mp4"], features()["excerpt.mp4"])
    both = (there + back.T) / 2
    row = text[text.index("Symmetric Chamfer") :]
    for score in (both.max(1).mean(), both.max(0).mean()):
        assert f"<td>{score:.3f}</td>" in row


def test_regions_are_drawn_as_lines_as_numbers_or_not_at_all(opened: Open) -> None:
    page = compared(frames_of(opened, "excerpt.mp4", "market.mp4"))
    assert "regions have their best match in the same place" in shown(page)
    seen = []
    for how in ("Lines", "Numbers", "Plain"):
        page.segmented_control(key="compare_regions").select(how).run()
        assert not page.exception
        seen.append([image.proto.imgs[0].url for image in page.get("image")])
    assert [len(urls) for urls in seen] == [1, 2, 2]
    assert len({url for urls in seen for url in urls}) == 5


def test_segments_can_be_copied_in_every_format(opened: Open) -> None:
    page = compared(pair(opened, "excerpt.mp4", "market.mp4"))
    starts = {"CSV": "number,query", "EDL": "TITLE: excerpt.mp4 in market.mp4", "ffmpeg": "ffmpeg"}
    for kind, start in starts.items():
        page.segmented_control(key="compare_export").select(kind).run()
        assert not page.exception
        text = page.get("code")[0].value
        assert text.startswith(start)
        assert "market.mp4" in text


def test_swapping_asks_the_other_way_round(opened: Open) -> None:
    page = compared(pair(opened, "excerpt.mp4", "market.mp4"))
    next(b for b in page.button if b.label == "Swap").click().run()
    assert page.session_state["compare_query"] == ids()["market.mp4"]
    assert page.query_params["q"] == ids()["market.mp4"][:16]
    assert page.query_params["r"] == ids()["excerpt.mp4"][:16]
    assert "Swap" in labels(page)


def test_a_video_is_wholly_found_in_itself(opened: Open) -> None:
    text = shown(compared(pair(opened, "station.mp4", "station.mp4")))
    assert "near duplicates" in text
    assert ">100 %<" in text


def test_a_link_to_what_is_not_there_is_explained(opened: Open) -> None:
    page = opened("compare")
    page.query_params["q"] = "ab" * 8
    page.run()
    assert "not in this library" in page.info[0].value


def test_a_comparator_has_a_map_of_its_own() -> None:
    model = fake_model(with_comparator=True)
    with (
        pages(copy_world()) as open_page,
        patch("visil_dash.workbench.bench.load_model", lambda name, settings: model),
    ):
        page = compared(pair(open_page, "excerpt.mp4", "market.mp4"))
        text = shown(page)
        assert model.compare is not None
        there = plain_similarity(features()["excerpt.mp4"], features()["market.mp4"])
        output = model.compare(there.astype(np.float32))
        frames, second = maps(page)
        np.testing.assert_allclose(values(second["data"][0]["z"]), output, atol=1e-5)
        assert second["layout"]["xaxis"]["range"] == frames["layout"]["xaxis"]["range"]
        assert f">{output.max(1).mean():.3f}<" in text
        assert "Raw Chamfer" in text
        assert "The comparator, which looks for frames that match in order," in text


def test_an_empty_library_leads_to_adding(tmp_path: Path) -> None:
    with pages(tmp_path / "library") as open_page:
        page = open_page("compare").run()
        assert "The library is empty" in shown(page)
        assert "Add videos" in labels(page)


def test_a_long_comparison_is_watched_stopped_and_begun_again(opened: Open) -> None:
    begun, real = Event(), Workbench.compare

    def slow(self: Workbench, query: str, reference: str, **options: Any) -> Any:
        if "watch" not in options:
            pytest.fail("the page waited for the comparison itself")
        options["watch"].step("Comparing frames", 0.37)
        begun.set()
        while not options["watch"].stopped():
            Event().wait(0.01)
        raise Cancelled("The comparison was stopped.")

    page = pair(opened, "harbour.mp4", "station.mp4")
    with patch.object(Workbench, "compare", slow):
        page.run()
        assert begun.wait(SOON)
        page.run()
        assert "Comparing the two videos" in shown(page)
        assert "harbour.mp4 with station.mp4" in shown(page)
        assert not page.get("plotly_chart")
        # Another run neither loses nor repeats the work.
        page.run()
        page.button(key="cancel_task").click()
        page = run_until(page, lambda p: bool(p.info))
        assert "stopped" in page.info[0].value
    with patch.object(Workbench, "compare", real):
        page.button(key="compare_again").click()
        page = run_until(page, lambda p: "By scorer" in texts(p))
    query, reference = features()["harbour.mp4"], features()["station.mp4"]
    assert f">{plain_score(query, reference):.3f}<" in shown(page)


def test_the_pair_is_judged_beside_its_evidence_with_a_note(tmp_path: Path) -> None:
    with pages(copy_library(copy_world(), tmp_path / "library")) as open_page:
        page = compared(pair(open_page, "excerpt.mp4", "market.mp4"))
        assert "give one first" in shown(page)
        page.segmented_control(key="compare_verdict").select("Match").run()
        page.text_area(key="compare_note").set_value(" The stalls, seconds 3 to 9. ").run()
        library = backend.open_benches[0].library
        (label,) = library.labels()
        assert (label.verdict, label.note) == ("match", "The stalls, seconds 3 to 9.")
        page.segmented_control(key="compare_verdict").select("Unsure").run()
        (label,) = library.labels()
        assert (label.verdict, label.note) == ("unsure", "The stalls, seconds 3 to 9.")
        assert page.text_area(key="compare_note").value == label.note
        assert not page.exception


def test_a_video_compared_with_itself_is_not_judged(opened: Open) -> None:
    page = compared(pair(opened, "station.mp4", "station.mp4"))
    assert not [c for c in page.segmented_control if c.label == "Your verdict"]
