"""The compare page (pages/compare.py): whether two videos share footage, where, and why."""

from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from fakes import fake_model
from page_world import labels, pages, texts
from pair_world import copy_world, features, figures, ids, plain_score, plain_similarity, values
from streamlit.testing.v1 import AppTest

from visil_dash.ui import backend

Open = Callable[[str], AppTest]


@pytest.fixture(scope="module")
def opened() -> Iterator[Open]:
    with pages(copy_world()) as open_page:
        yield open_page


def pair(open_page: Open, query: str, reference: str) -> AppTest:
    page = open_page("compare")
    page.query_params["q"] = ids()[query][:16]
    page.query_params["r"] = ids()[reference][:16]
    return page


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
    page = pair(opened, "excerpt.mp4", "market.mp4").run()
    text = shown(page)
    query, reference = features()["excerpt.mp4"], features()["market.mp4"]
    assert f">{plain_score(query, reference):.3f}<" in text
    assert f">{plain_score(reference, query):.3f}<" in text
    assert page.session_state["compare_query"] == ids()["excerpt.mp4"]


def test_an_excerpt_is_found_and_located(opened: Open) -> None:
    text = shown(pair(opened, "excerpt.mp4", "market.mp4").run())
    assert "The query is found in the reference" in text or "share their footage" in text
    assert "plays 0:00–0:06 of the query at 0:03–0:09 of the reference" in text
    assert "1 segment covers 6.0 s of the query's 6.0 s" in text


def test_strangers_are_told_apart_and_why(opened: Open) -> None:
    page = pair(opened, "station.mp4", "harbour.mp4").run()
    text = shown(page)
    assert "No shared footage found" in text
    similarity = plain_similarity(features()["station.mp4"], features()["harbour.mp4"])
    back = plain_similarity(features()["harbour.mp4"], features()["station.mp4"])
    assert f"are {((similarity + back.T) / 2).max():.2f} similar; it takes 0.70" in text
    assert "No segment" in text


def test_a_model_without_a_comparator_says_so_in_place_of_the_second_map(opened: Open) -> None:
    page = pair(opened, "excerpt.mp4", "market.mp4").run()
    assert "This model has no comparator" in shown(page)
    assert len(figures(page)) == 1


@pytest.mark.parametrize("direction", ["Query → reference", "Reference → query", "Symmetric"])
def test_the_map_follows_the_direction(opened: Open, direction: str) -> None:
    page = pair(opened, "excerpt.mp4", "market.mp4").run()
    page.segmented_control(key="compare_direction").select(direction).run()
    there = plain_similarity(features()["excerpt.mp4"], features()["market.mp4"])
    back = plain_similarity(features()["market.mp4"], features()["excerpt.mp4"]).T
    expected = {
        "Query → reference": there,
        "Reference → query": back,
        "Symmetric": (there + back) / 2,
    }[direction]
    np.testing.assert_allclose(values(figures(page)[0]["data"][0]["z"]), expected, atol=1e-5)


def test_a_chosen_cell_shows_its_two_frames_at_their_true_times(opened: Open) -> None:
    page = pair(opened, "excerpt.mp4", "market.mp4")
    query, reference = features()["excerpt.mp4"], features()["market.mp4"]
    page.session_state["compare_cell"] = (query.video_id, reference.video_id, 4, 2)
    with patch.object(backend, "frames_at", wraps=backend.frames_at) as asked:
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
    assert len(page.get("image")) >= 2


def test_regions_answer_each_other_as_plain_products_say(opened: Open) -> None:
    page = pair(opened, "excerpt.mp4", "market.mp4")
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
    page = pair(opened, "excerpt.mp4", "market.mp4")
    page.session_state["compare_cell"] = (ids()["station.mp4"], ids()["harbour.mp4"], 700, 900)
    text = shown(page.run())
    similarity = plain_similarity(features()["excerpt.mp4"], features()["market.mp4"])
    assert f">{similarity[:6, 3:9].max():.3f}<" in text, "the best cell of the segment is shown"


def test_players_start_where_the_segment_does(opened: Open) -> None:
    page = pair(opened, "excerpt.mp4", "market.mp4").run()
    assert [video.proto.start_time for video in page.get("video")] == [0, 3]
    segments = page.dataframe[1].value
    assert list(segments["Query"]) == ["0:00 – 0:06"]
    assert list(segments["Reference"]) == ["0:03 – 0:09"]


def test_swapping_asks_the_other_way_round(opened: Open) -> None:
    page = pair(opened, "excerpt.mp4", "market.mp4").run()
    next(b for b in page.button if b.label == "Swap").click().run()
    assert page.session_state["compare_query"] == ids()["market.mp4"]
    assert page.query_params["q"] == ids()["market.mp4"][:16]
    assert page.query_params["r"] == ids()["excerpt.mp4"][:16]
    assert "Swap" in labels(page)


def test_a_video_is_wholly_found_in_itself(opened: Open) -> None:
    text = shown(pair(opened, "station.mp4", "station.mp4").run())
    assert "The two videos share their footage" in text
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
        patch("visil_dash.services.load_model", lambda name, settings: model),
    ):
        page = pair(open_page, "excerpt.mp4", "market.mp4").run()
        text = shown(page)
        assert model.compare is not None
        there = plain_similarity(features()["excerpt.mp4"], features()["market.mp4"])
        output = model.compare(there.astype(np.float32))
        frames, second = figures(page)
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
