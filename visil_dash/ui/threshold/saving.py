"""Saving a threshold for the library: who, why and from which labels; its history; undo."""

from typing import Any

import pandas as pd
import streamlit as st

from visil_dash.errors import VisilDashError
from visil_dash.labels.label import Label
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.text import plural, safe_name
from visil_dash.ui.shell.widgets import empty_state, minute_of
from visil_dash.workbench.thresholds import (
    ThresholdKind,
    current_threshold,
    history,
    save_threshold,
    undo,
    undoable,
)

_SAVING = {
    "distance": "Searches without a threshold of their own use it from now on.",
    "match": "Every page, report and command calls a pair a match from this score on.",
}


def save_controls(
    kind: ThresholdKind, value: float, default: float, labels: tuple[Label, ...]
) -> None:
    """Save and undo, with who and why; what is in force now."""
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
        + (f" The {plural(len(labels), 'label')} in use are noted with it." if labels else ""),
    )
    with st.popover("Who and why", icon=":material/edit_note:", type="tertiary"):
        st.text_input("Who sets it", key=state.THRESHOLD_WHO, max_chars=60, persist_state="session")
        st.text_input("Why", key=state.THRESHOLD_WHY, max_chars=200, persist_state="session")
        st.caption("Both are kept in the history with the next change.")
    step = undoable(bench, kind)
    st.button(
        "Undo",
        key=f"{state.THRESHOLD_UNDO}_{kind}",
        icon=":material/undo:",
        on_click=_undo,
        args=(kind,),
        disabled=bench.library.read_only or step is None,
        type="tertiary",
        help="Takes back the last saved change."
        if step is None
        else f"Reverts the change of {minute_of(step.when)} to {told(step.previous, default)}.",
    )
    now = "Searches now use" if kind == "distance" else "A match now scores"
    st.caption(f"{now} {saved:.4g}{'.' if kind == 'distance' else ' or more.'}", width="content")


def told(value: float | None, default: float) -> str:
    return f"the model's own ({default:.4g})" if value is None else f"{value:.4g}"


def _save(
    kind: ThresholdKind, value: float | None, labels: tuple[Label, ...], why: str = ""
) -> None:
    given = st.session_state
    try:
        save_threshold(
            backend.workbench(),
            kind,
            value,
            who=given.get(state.THRESHOLD_WHO) or "",
            why=why or given.get(state.THRESHOLD_WHY) or "",
            labels=labels,
        )
        st.toast("Saved for this library", icon=":material/save:")
        given[state.THRESHOLD_WHY] = ""  # a reason belongs to one change
    except VisilDashError as error:
        given.setdefault(state.ERRORS, []).append(error)


def _undo(kind: ThresholdKind) -> None:
    who = st.session_state.get(state.THRESHOLD_WHO) or ""
    try:
        step = undo(backend.workbench(), kind, who=who)
        if step is not None:
            st.toast("Taken back", icon=":material/undo:")
    except VisilDashError as error:
        st.session_state.setdefault(state.ERRORS, []).append(error)


def history_list(kind: ThresholdKind, default: float) -> None:
    """Every change, the last first; a row can be restored."""
    bench = backend.workbench()
    steps = history(bench, kind)[::-1]
    if not steps:
        empty_state(
            "Never changed",
            f"The model's own threshold, {default:.4g}, is in use. Each saved change is listed"
            " here with who made it, when, why and from how many labels.",
        )
        return
    event: Any = st.dataframe(
        pd.DataFrame(
            {
                "When (UTC)": [minute_of(s.when) for s in steps],
                "Threshold": [told(s.value, default) for s in steps],
                "Before": [told(s.previous, default) for s in steps],
                "Who": [safe_name(s.who) if s.who else "" for s in steps],
                "Why": [safe_name(s.why, longest=200) if s.why else "" for s in steps],
                "From labels": [
                    f"{s.labels:,} ({s.labels_digest[:8]})" if s.labels else "" for s in steps
                ],
            }
        ),
        hide_index=True,
        key=f"{state.THRESHOLD_HISTORY}_{kind}_{len(steps)}",
        on_select="rerun",
        selection_mode="single-row",
        lazy=False,
        height=min(420, 38 + 35 * len(steps)),
    )
    chosen = event["selection"]["rows"]
    if chosen and chosen[0] < len(steps):
        step = steps[chosen[0]]
        st.button(
            f"Restore {told(step.value, default)}",
            icon=":material/history:",
            type="primary",
            key=f"restore_{kind}",
            on_click=_save,
            args=(kind, step.value, (), f"restored from {minute_of(step.when)}"),
            disabled=bench.library.read_only,
        )
    else:
        st.caption("Choose a row to restore its threshold.")
