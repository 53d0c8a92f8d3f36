"""Saving a threshold for the library: who, why and from which labels; its history; undo."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from visil_dash.labels.label import Label
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.errors import keep_errors
from visil_dash.ui.shell.tables import chosen_row
from visil_dash.ui.shell.text import plural, safe_name
from visil_dash.ui.shell.widgets import empty_state, minute_of
from visil_dash.workbench.thresholds import (
    ThresholdChange,
    ThresholdKind,
    current_threshold,
    history,
    save_threshold,
    undo,
    undoable,
)

_NAMES = {"distance": "distance threshold", "match": "match score"}
_SAVING = {
    "distance": "Searches use it unless they set a threshold themselves.",
    "match": "All pages, reports and commands use it to decide what is a match.",
}


def draw_saving(
    kind: ThresholdKind, value: float, default: float, labels: tuple[Label, ...]
) -> None:
    bench = backend.workbench()
    saved = current_threshold(bench, kind)
    key = state.THRESHOLD_SAVE if kind == "distance" else f"{kind}_save"
    st.button(
        "Save for this library",
        key=key,
        icon=":material/save:",
        on_click=_save,
        args=(kind, value, labels),
        disabled=bench.library.read_only or abs(saved - value) < 1e-9,
        help=_SAVING[kind]
        + (f" The {plural(len(labels), 'label')} in use are recorded with it." if labels else ""),
    )
    with st.popover("Who and why", icon=":material/edit_note:", type="tertiary"):
        st.text_input("Who", key=state.THRESHOLD_WHO, max_chars=60, persist_state="session")
        st.text_input("Why", key=state.THRESHOLD_WHY, max_chars=200, persist_state="session")
        st.caption("Both are recorded in the history with the next change.")
    step = undoable(bench, kind)
    st.button(
        "Undo",
        key=f"{state.THRESHOLD_UNDO}_{kind}",
        icon=":material/undo:",
        on_click=_undo,
        args=(kind,),
        disabled=bench.library.read_only or step is None,
        type="tertiary",
        help="Reverts the last saved change."
        if step is None
        else f"Reverts the change of {minute_of(step.when)} to {_as_text(step.previous, default)}.",
    )
    st.caption(f"Saved {_NAMES[kind]}: {saved:.4g}", width="content")


def _as_text(value: float | None, default: float) -> str:
    return f"model default ({default:.4g})" if value is None else f"{value:.4g}"


def _save(
    kind: ThresholdKind, value: float | None, labels: tuple[Label, ...], why: str = ""
) -> None:
    with keep_errors():
        save_threshold(
            backend.workbench(),
            kind,
            value,
            who=st.session_state.get(state.THRESHOLD_WHO) or "",
            why=why or st.session_state.get(state.THRESHOLD_WHY) or "",
            labels=labels,
        )
        st.toast("Saved for this library", icon=":material/save:")
        st.session_state[state.THRESHOLD_WHY] = ""  # a reason belongs to one change


def _undo(kind: ThresholdKind) -> None:
    who = st.session_state.get(state.THRESHOLD_WHO) or ""
    with keep_errors():
        if undo(backend.workbench(), kind, who=who) is not None:
            st.toast("Change reverted", icon=":material/undo:")


def draw_history(kind: ThresholdKind, default: float) -> None:
    """Every change, the latest first; a row can be restored."""
    bench = backend.workbench()
    steps = history(bench, kind)[::-1]
    if not steps:
        empty_state(
            "Never changed",
            f"The model default, {default:.4g}, is in use. Saved changes are listed here with who"
            " made them, when, why and from how many labels.",
        )
        return
    chosen = chosen_row(
        _history_frame(steps, default), key=f"{state.THRESHOLD_HISTORY}_{kind}_{len(steps)}"
    )
    if chosen is None:
        st.caption("Choose a row to restore its threshold.")
        return
    step = steps[chosen]
    st.button(
        f"Restore {_as_text(step.value, default)}",
        icon=":material/history:",
        type="primary",
        key=f"restore_{kind}",
        on_click=_save,
        args=(kind, step.value, (), f"restored from {minute_of(step.when)}"),
        disabled=bench.library.read_only,
    )


def _history_frame(steps: Sequence[ThresholdChange], default: float) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "When (UTC)": [minute_of(s.when) for s in steps],
            "Threshold": [_as_text(s.value, default) for s in steps],
            "Before": [_as_text(s.previous, default) for s in steps],
            "Who": [safe_name(s.who) if s.who else "" for s in steps],
            "Why": [safe_name(s.why, longest=200) if s.why else "" for s in steps],
            "From labels": [
                f"{s.labels:,} ({s.labels_digest[:8]})" if s.labels else "" for s in steps
            ],
        }
    )
