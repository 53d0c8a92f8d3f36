"""What is ready while the rest of its page is still being drawn is shown soon after."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser_harness import open_page, running_app

# The picture comes after it was drawn as a blank and before the page is at its end.
SCRIPT = """
from threading import Event

import streamlit as st

from visil_dash.ui.shell.runs import arrived, drawing, fragment
from visil_dash.ui.shell.tasks import Tasks


@st.cache_resource
def coming():
    go, tasks = Event(), Tasks()
    return go, tasks.start(("picture",), lambda watch: go.wait(60)), tasks


def picture():
    go, task, _ = coming()
    st.write("the picture" if {THERE} else "a blank")
    go.set()
    task.wait(10)


@fragment
def part():
    picture()


@st.fragment(run_every=0.5)
def at_the_end():
    if coming()[1].ended:
        st.rerun()


with drawing():
    {HOW}
    st.write("the rest")
"""


def shown_at_last(page: Page, folder: Path, *, there: str, how: str) -> bool:
    script = folder / "page.py"
    script.write_text(SCRIPT.replace("{THERE}", there).replace("{HOW}", how))
    start = ("-m", "streamlit", "run", str(script))
    with running_app(library=folder / "library", log_path=folder / "log", start=start) as app:
        open_page(page, app)
        expect(page.get_by_text("the rest")).to_be_visible()
        page.wait_for_timeout(3_000)
        shown = page.get_by_text("the picture").is_visible()
        page.goto("about:blank")  # it would ask for its server, which ends now
        return shown


@pytest.mark.parametrize("how", ["picture()", "part()"])
@pytest.mark.parametrize("there", ["arrived(task)", "arrived(task, together=True)"])
def test_what_comes_while_the_page_is_drawn_is_shown(
    page: Page, tmp_path: Path, there: str, how: str
) -> None:
    assert shown_at_last(page, tmp_path, there=there, how=how)


def test_the_control_a_page_that_asks_at_its_end_what_is_missing_stays_blank(
    page: Page, tmp_path: Path
) -> None:
    how = "picture()\n    if not coming()[1].ended: at_the_end()"
    assert not shown_at_last(page, tmp_path, there="task.ended", how=how)
