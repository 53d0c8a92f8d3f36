"""Labels as a list and as files: what was judged, taken back, brought in and given out."""

from typing import Any

import pandas as pd
import streamlit as st

from visil_dash.errors import InputError, VisilDashError
from visil_dash.labels.csv_file import MOST_LABEL_CHARACTERS, labels_csv, read_labels
from visil_dash.labels.label import Label
from visil_dash.ui.collection.table import VERDICT_WORDS
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.errors import show_kept_errors
from visil_dash.ui.shell.text import plural, safe_name
from visil_dash.ui.shell.widgets import minute_of

_FILE = "labels_file"


def labels_menu(labels: tuple[Label, ...]) -> None:
    """Labels out of and into the library."""
    with st.popover("Labels", icon=":material/sell:"):
        st.caption(
            "Verdicts are kept in the library. They hide rejected pairs and are what Evaluate and"
            " Threshold measure against."
        )
        st.download_button(
            "Download as CSV",
            lambda: labels_csv(labels, backend.library_videos().values()),
            file_name="labels.csv",
            mime="text/csv",
            on_click="ignore",
            icon=":material/download:",
            disabled=not labels,
            width="stretch",
        )
        if backend.workbench().library.read_only:
            return
        st.button(
            "Label the demo's videos",
            icon=":material/movie:",
            on_click=_label_demo,
            width="stretch",
            help="Takes the demo set's own relations (ND, DS, CS, IS of each anchor) for the demo"
            " videos that are in this library. What you judged stays.",
        )
        key = state.uploader_key(_FILE)
        st.file_uploader(
            "Add from CSV",
            type=["csv", "tsv", "txt"],
            key=key,
            on_change=_take_file,
            args=(key,),
            help="Columns query, reference, verdict (match, not_match, unsure) and relation (ND,"
            " DS, CS, IS); videos by file name or id. A pair that is labelled already gets the"
            " file's label.",
        )
    show_kept_errors()
    told = st.session_state.pop(state.REVIEW_TOLD, "")
    if told:
        st.toast(told, icon=":material/sell:")


def _take_file(key: str) -> None:
    file = st.session_state.get(key)
    if file is None:
        return
    try:
        if file.size > MOST_LABEL_CHARACTERS:
            raise InputError(file.name, "is longer than 20 MB", "split the file")
        try:
            text = file.getvalue().decode("utf-8")
        except UnicodeDecodeError:
            raise InputError(
                file.name, "is not UTF-8 text", "save it as CSV with the encoding UTF-8"
            ) from None
        library = backend.workbench().library
        labels = read_labels(text, library.videos(), name=safe_name(file.name))
        library.set_label(*labels)
        st.session_state[state.REVIEW_TOLD] = f"{plural(len(labels), 'label')} added"
    except VisilDashError as error:
        st.session_state.setdefault(state.ERRORS, []).append(error)
    state.next_upload_round()


def _label_demo() -> None:
    from visil_dash.workbench.collection import add_demo_labels

    try:
        added = add_demo_labels(backend.workbench())
    except VisilDashError as error:
        st.session_state.setdefault(state.ERRORS, []).append(error)
        return
    st.session_state[state.REVIEW_TOLD] = (
        f"{plural(added, 'label')} added" if added else "Nothing to add: no unlabelled demo pair"
    )


def judged_pairs(labels: tuple[Label, ...]) -> None:
    """All labels, the latest first; a chosen one can be taken back or judged again."""
    if not labels:
        return
    with st.expander(f"Judged: {plural(len(labels), 'pair')}"):
        rows = sorted(labels, key=lambda label: label.updated, reverse=True)
        names = {
            video: safe_name(record.name) for video, record in backend.library_videos().items()
        }
        event: Any = st.dataframe(
            pd.DataFrame(
                {
                    "Query": [names.get(row.query, row.query) for row in rows],
                    "Reference": [names.get(row.reference, row.reference) for row in rows],
                    "Verdict": [VERDICT_WORDS[row.verdict] for row in rows],
                    "Relation": [row.relation for row in rows],
                    "From": [safe_name(row.source or "unknown") for row in rows],
                    "When (UTC)": [minute_of(row.updated) for row in rows],
                }
            ),
            hide_index=True,
            # A new key after each change: a chosen row must not stay chosen for another pair.
            key=f"{state.REVIEW_TABLE}-{backend.workbench().library.labels_revision()}",
            on_select="rerun",
            selection_mode="single-row",
            lazy=False,
            height=min(420, 38 + 35 * len(rows)),
        )
        chosen = event["selection"]["rows"]
        if not chosen or chosen[0] >= len(rows):
            st.caption("Choose a row to judge it again or to take its verdict back.")
            return
        row = rows[chosen[0]]
        with st.container(horizontal=True):
            st.button("Judge again", on_click=_look, args=(row,), icon=":material/fact_check:")
            st.button(
                "Take back",
                on_click=_take_back,
                args=(row,),
                icon=":material/undo:",
                disabled=backend.workbench().library.read_only,
            )


def _look(label: Label) -> None:
    st.session_state[state.REVIEW_PAIR] = (label.query, label.reference)


def _take_back(label: Label) -> None:
    try:
        backend.workbench().library.remove_label(label.query, label.reference)
    except VisilDashError as error:
        st.session_state.setdefault(state.ERRORS, []).append(error)
