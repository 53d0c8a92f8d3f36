"""The figures of a collection: a group as a graph, a large matrix, pictures on the map."""

import numpy as np

from visil_dash.plots.collection import pair_matrix, similarity_dots
from visil_dash.plots.group_graph import clicked_link, group_figure
from visil_dash.plots.style import CLICK_TRACE
from visil_dash.records import PairTable


def test_a_group_figure_draws_each_kind_of_link_and_takes_clicks_on_their_middles() -> None:
    positions = np.array([[-1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    links = [(0, 1, 0.9, "direct"), (0, 2, 0.61, "holds"), (1, 2, float("nan"), "joined")]
    figure = group_figure(positions, ["a", "b<b>", "c"], links, pictures={1: "data:x"})
    middles = figure.data[CLICK_TRACE]
    assert list(zip(middles.x, middles.y, strict=True)) == [(0, 0), (-0.5, 0.5), (0.5, 0.5)]
    assert "0.900" in middles.text[0]
    assert "no score" in middles.text[2]
    assert "&lt;b&gt;" in middles.text[0]
    assert [image.source for image in figure.layout.images] == ["data:x"]
    click = [{"curve_number": CLICK_TRACE, "point_index": 2}]
    assert clicked_link(click, 3) == 2
    assert clicked_link(click, 2) is None
    assert clicked_link([{"curve_number": 4, "point_index": 0}], 3) is None


def test_a_large_matrix_names_every_row_and_column_and_can_be_enlarged() -> None:
    n = 100
    names = tuple(f"{i}.mp4" for i in range(n))
    table = PairTable(names, names, np.random.default_rng(0).random((n, n), np.float32), "x")
    figure = pair_matrix(table, range(n))
    assert list(figure.layout.yaxis.ticktext) == list(names)
    assert figure.layout.xaxis.showticklabels
    assert figure.layout.dragmode == "zoom"
    assert figure.layout.height > 12 * n
    few = pair_matrix(PairTable(names[:5], names[:5], table.scores[:5, :5], "x"), range(5))
    assert few.layout.dragmode is False
    assert not few.layout.xaxis.showticklabels


def test_pictures_on_the_map_stand_above_their_dots() -> None:
    positions = np.array([[0.0, 0.0], [1.0, 1.0]])
    figure = similarity_dots(
        positions, ["a", "b"], group=[0, -1], links=[], pictures={1: "data:image/jpeg;base64,eA=="}
    )
    (image,) = figure.layout.images
    assert (image.x, image.yanchor) == (1.0, "bottom")
    assert image.y > 1.0
