"""The dimensions page (pages/dimensions.py): measured, changed, changed back."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.support.benches import copy_library
from tests.support.page_world import labels, pages, run_until, texts
from tests.support.pair_world import copy_world, features
from visil_dash.laboratory.dimensions.library import plans
from visil_dash.ui.shell import backend
from visil_dash.workbench.thresholds import history


@pytest.fixture
def page(tmp_path: Path) -> Iterator[AppTest]:
    with pages(copy_library(copy_world(), tmp_path / "library")) as open_page:
        yield open_page("dimensions")


def section(page: AppTest, name: str) -> None:
    page.session_state["dimensions_section"] = name
    page.run()


def test_it_asks_before_it_measures_and_tells_the_full_space_exactly(page: AppTest) -> None:
    page.run()
    assert not page.exception
    assert "Not measured yet" in texts(page)
    page.button(key="dimensions_measure").click()
    run_until(page, lambda p: bool(p.dataframe))
    table = page.dataframe[0].value
    full = table[(table["Space"] == "Full") & (table["Precision"] == "fp32")].iloc[0]
    assert full["Recall@10"] == 1
    assert full["Candidate recall"] == full["mAP"] == full["Top 10 kept"] == 1
    width = next(iter(features().values())).frame_vectors.shape[1]
    assert full["Bytes a frame"] == 4 * width
    assert full["Threshold"] == pytest.approx(backend.workbench().threshold())
    binary = table[table["Precision"] == "binary"]
    assert set(binary["Bytes a frame"]) == {-(-d // 8) for d in binary["Dims"]}
    section(page, "Curse of dimensionality")
    assert not page.exception
    assert len(page.get("plotly_chart")) == 3


def test_the_graph_is_measured_at_the_sliders_values(page: AppTest) -> None:
    page.run()
    section(page, "Graph")
    run_until(page, lambda p: bool(p.get("plotly_chart")))
    assert "Recall@10" in texts(page)
    assert "its searches are exact" in texts(page)


def test_a_change_is_worked_out_offered_applied_and_undone(page: AppTest) -> None:
    page.run()
    section(page, "Index")
    bench = backend.workbench()
    before, version = bench.space.status(), bench.space.version
    threshold = bench.threshold()
    page.selectbox(key="dimensions_dims").set_value(16).run()
    page.button(key="dimensions_work_out").click()
    run_until(page, lambda p: "Carried over" in texts(p))
    assert bench.space.version == version, "working out changes nothing"
    offered = page.radio[0].options
    assert offered[0].startswith("Carry it over")
    page.radio[0].set_value(offered[0]).run()
    page.button(key="dimensions_apply").click()
    run_until(page, lambda p: bench.space.status().dim == 16)
    page.run()
    assert not page.exception
    assert plans(bench).current.method == "pca16"
    assert bench.threshold() != threshold
    assert f"{bench.threshold():.4g}" in offered[0]
    (step,) = history(bench, "distance")
    assert step.value == bench.threshold()
    assert step.why == f"carried over from {threshold:.4g} in full"
    section(page, "Index")
    assert "Back to PCA, 256 dims" in labels(page)
    page.button(key="dimensions_undo").click()
    run_until(page, lambda p: "Change to PCA, 256 dims" in texts(p))
    page.button(key="dimensions_apply").click()
    run_until(page, lambda p: bench.space.status().dim == before.dim)
    assert bench.space.status().reduction == before.reduction
    assert bench.threshold() == pytest.approx(threshold)


def test_too_few_frames_for_a_reduction_are_told(page: AppTest) -> None:
    page.run()
    section(page, "Index")
    page.selectbox(key="dimensions_method").set_value("lpp").run()
    page.selectbox(key="dimensions_dims").set_value(128).run()
    page.button(key="dimensions_work_out").click()
    run_until(page, lambda p: "it needs 256 frames" in texts(p))
    assert plans(backend.workbench()).former is None


def test_an_empty_library_leads_to_adding(tmp_path: Path) -> None:
    with pages(tmp_path / "library") as open_page:
        page = open_page("dimensions").run()
        assert not page.exception
        assert "Add videos" in labels(page)
