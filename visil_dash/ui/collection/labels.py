"""Labels as a list and as files: judged pairs, import and export."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from visil_dash.errors import InputError
from visil_dash.labels.csv_file import MOST_LABEL_CHARACTERS, labels_csv, read_labels
from visil_dash.labels.label import Label
from visil_dash.ui.pair.judging import VERDICT_WORDS
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.errors import keep_errors, show_kept_errors
from visil_dash.ui.shell.runs import uninterrupted
from visil_dash.ui.shell.tables import chosen_row
from visil_dash.ui.shell.text import plural, safe_name
from visil_dash.ui.shell.widgets import download_button, minute_of

_UPLOADER = "labels_file"


def draw_labels_menu(labels: tuple[Label, ...]) -> None:
    with st.popover("Labels", icon=":material/sell:"):
        st.caption(
            "Verdicts are stored in the library. Rejected pairs are hidden, and Evaluate and"
            " Threshold measure against the verdicts."
        )
        download_button(
            "Download as CSV",
            lambda: labels_csv(labels, backend.library_videos().values()),
            file_name="labels.csv",
            disabled=not labels,
            width="stretch",
        )
        if backend.workbench().library.read_only:
            return
        st.button(
            "Add the demo labels",
            icon=":material/movie:",
            on_click=_label_demo,
            width="stretch",
            help="Adds the known relations (ND, DS, CS, IS) of the demo videos in this library."
            " Your own verdicts are kept.",
        )
        key = state.uploader_key(_UPLOADER)
        st.file_uploader(
            "Import from CSV",
            type=["csv", "tsv", "txt"],
            key=key,
            on_change=_take_file,
            args=(key,),
            help="Columns query, reference, verdict (match, not_match, unsure) and relation (ND,"
            " DS, CS, IS); videos by file name or id. Existing labels of the same"
            " pairs are replaced.",
        )
    show_kept_errors("review/labels")
    with uninterrupted():
        message = st.session_state.pop(state.REVIEW_TOLD, "")
        if message:
            st.toast(message, icon=":material/sell:")


def _take_file(key: str) -> None:
    file = st.session_state.get(key)
    if file is None:
        return
    with keep_errors():
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
    state.next_upload_round()


def _label_demo() -> None:
    from visil_dash.workbench.collection import add_demo_labels

    with keep_errors():
        added = add_demo_labels(backend.workbench())
        st.session_state[state.REVIEW_TOLD] = (
            f"{plural(added, 'label')} added" if added else "All demo pairs are labelled already"
        )


def draw_judged_pairs(labels: tuple[Label, ...]) -> None:
    if not labels:
        return
    with st.expander(f"Judged: {plural(len(labels), 'pair')}"):
        rows = sorted(labels, key=lambda label: label.updated, reverse=True)
        chosen = chosen_row(
            _label_frame(rows),
            # A new key after each change: a chosen row must not stay chosen for another pair.
            key=f"review_table-{backend.workbench().library.labels_revision()}",
        )
        if chosen is None:
            st.caption("Choose a row to judge it again or to remove its verdict.")
            return
        label = rows[chosen]
        with st.container(horizontal=True):
            st.button(
                "Judge again", on_click=_judge_again, args=(label,), icon=":material/fact_check:"
            )
            st.button(
                "Remove verdict",
                on_click=_remove,
                args=(label,),
                icon=":material/undo:",
                disabled=backend.workbench().library.read_only,
            )


def _label_frame(rows: Sequence[Label]) -> pd.DataFrame:
    videos = backend.library_videos()
    names = {video: safe_name(record.name) for video, record in videos.items()}
    return pd.DataFrame(
        {
            "Query": [names.get(row.query, row.query) for row in rows],
            "Reference": [names.get(row.reference, row.reference) for row in rows],
            "Verdict": [VERDICT_WORDS[row.verdict] for row in rows],
            "Relation": [row.relation for row in rows],
            "Source": [safe_name(row.source or "unknown") for row in rows],
            "Note": [safe_name(row.note, longest=400) if row.note else "" for row in rows],
            "When (UTC)": [minute_of(row.updated) for row in rows],
        }
    )


def _judge_again(label: Label) -> None:
    st.session_state[state.REVIEW_PAIR] = (label.query, label.reference)


def _remove(label: Label) -> None:
    with keep_errors():
        backend.workbench().library.remove_label(label.query, label.reference)
