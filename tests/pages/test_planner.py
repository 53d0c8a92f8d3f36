"""The planner page (pages/planner.py): a collection in, this machine's costs out."""

from pathlib import Path
from unittest.mock import patch

from tests.support.benches import copy_library
from tests.support.page_world import fact, labels, pages, run_until, shared_library, texts
from tests.support.rates import RATES
from visil_dash.laboratory.planner.costs import Collection, estimate_costs
from visil_dash.ui.laboratory.planner import duration_text
from visil_dash.ui.shell.text import size


def test_measured_rates_become_the_plan_that_the_arithmetic_gives(tmp_path: Path) -> None:
    with (
        pages(copy_library(shared_library(), tmp_path / "library")) as open_page,
        patch("visil_dash.laboratory.planner.rates.measure_rates", lambda *_, **__: RATES),
    ):
        page = open_page("planner").run()
        assert fact(page, "Times") == "not measured yet"
        assert fact(page, "Frames") == "3,600,000"
        next(b for b in page.button if b.label == "Measure this machine").click()
        page = run_until(page, lambda p: "Measured rates" in texts(p))
        page.number_input(key="planner_hours").set_value(50_000.0)
        page.number_input(key="planner_dims").set_value(256)
        page.number_input(key="planner_media").set_value(6.0)
        page.number_input(key="planner_query").set_value(3.0).run()
        asked = Collection(50_000, 1, 1, 256, "fp32", 9 * 32, 100_000)
        made = estimate_costs(asked, RATES, query_minutes=3)
        assert fact(page, "Frames") == "180,000,000"
        assert fact(page, "Disk") == size(made.disk_bytes)
        assert fact(page, "Memory of the index") == size(made.index_memory_bytes)
        assert fact(page, "Extraction") == duration_text(made.extraction_hours * 3600)
        assert fact(page, "Candidates per query") == duration_text(made.candidate_seconds_per_query)
        assert any("index server" in w.value for w in page.warning)
        assert "Measure again" in labels(page)
        views = next(t.value for t in page.dataframe if "Views" in t.value.columns)
        assert list(views["Views"]) == [1, 2, 15]
        assert set(views["Added to the index"]) == {"nothing"}


def test_an_empty_library_can_be_planned_for(tmp_path: Path) -> None:
    with pages(tmp_path / "library") as open_page:
        page = open_page("planner").run()
        assert not page.exception
        assert "Measure this machine" in labels(page)
