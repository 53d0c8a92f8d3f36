"""A search result as files: CSV, JSON, and an HTML report that is created on a click."""

import streamlit as st

from visil_dash.exports.search import matches_csv, matches_json
from visil_dash.records import SearchResult
from visil_dash.ui.search.tasks import REPORT_MATCHES, report_task
from visil_dash.ui.shell import state
from visil_dash.ui.shell.errors import show_error
from visil_dash.ui.shell.runs import fragment
from visil_dash.ui.shell.text import md, percent
from visil_dash.ui.shell.widgets import download_button


def draw_downloads(result: SearchResult) -> None:
    with st.popover("Download", icon=":material/download:", disabled=not result.matches):
        stem = "matches-" + state.short(result.query_id)
        download_button(
            "CSV, one row per matched segment",
            matches_csv(result),
            file_name=f"{stem}.csv",
            width="stretch",
            icon=None,
        )
        download_button(
            "JSON, the complete result",
            matches_json(result),
            file_name=f"{stem}.json",
            width="stretch",
            icon=None,
        )
        _report(result, f"report-{state.short(result.query_id)}.html")


def _report(result: SearchResult, file_name: str) -> None:
    task = report_task(result)
    if task is None or (task.ended and task.error is not None):
        if task is not None and task.error is not None:
            show_error(task.error)
        st.button(
            "Create an HTML report with frames",
            icon=":material/description:",
            key="make_report",
            width="stretch",
            help=f"A single file: the {REPORT_MATCHES} best videos with their matched segments,"
            " frames of both sides, and the settings of the search",
            on_click=_begin,
            args=(result,),
        )
    elif not task.ended:
        _making(result)
    else:
        download_button(
            "HTML report with frames",
            task.result,
            file_name=file_name,
            icon=":material/description:",
            width="stretch",
            key="report_file",
        )


def _begin(result: SearchResult) -> None:
    report_task(result, begin=True)


@fragment(run_every=0.5)
def _making(result: SearchResult) -> None:
    task = report_task(result)
    if task is None or task.ended:
        st.rerun()
    else:
        st.progress(task.share, text=f"{md(task.what)}, {percent(task.share)}")
