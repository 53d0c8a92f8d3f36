"""The laboratory page (pages/laboratory.py): one entry to its experiments, in order."""

import re
from pathlib import Path

from streamlit.testing.v1 import AppTest

from tests.support.benches import SOON
from tests.support.page_world import ROOT, pages

STEPS = re.findall(r'"pages/(\w+)\.py",[^)]*visibility="hidden"', (ROOT / "app.py").read_text())


def test_the_experiments_stand_in_the_order_of_the_course(tmp_path: Path) -> None:
    with pages(tmp_path / "library", models=tmp_path / "models"):
        page = AppTest.from_file(str(ROOT / "app.py"), default_timeout=SOON).run()
        assert not page.sidebar.get("page_link")
        page.switch_page("pages/laboratory.py").run()
        assert not page.exception
        links = [link.proto.page for link in page.main.get("page_link")]
        assert links == STEPS
        steps = [link.proto.label for link in page.sidebar.get("page_link")]
        assert [step.split(". ")[0] for step in steps] == [str(i + 1) for i in range(len(STEPS))]


def test_a_page_of_the_course_leads_to_the_next_one(tmp_path: Path) -> None:
    with pages(tmp_path / "library", models=tmp_path / "models"):
        page = AppTest.from_file(str(ROOT / "app.py"), default_timeout=SOON)
        page.switch_page("pages/walkthrough.py").run()
        assert [link.proto.page for link in page.main.get("page_link")] == [STEPS[1]]
        page.switch_page(f"pages/{STEPS[-1]}.py").run()
        assert not page.main.get("page_link")
