"""Pinning a match to the library's case, where the evidence is."""

import streamlit as st

from visil_dash.framing.views import QueryRef
from visil_dash.labels.label import by_pair, pair_of
from visil_dash.ui.shell import backend
from visil_dash.ui.shell.errors import keep_errors
from visil_dash.ui.shell.guard import person


def draw_pin(query_id: str, reference_id: str, *, key: str) -> None:
    """Puts the pair into the case or takes it out; nothing where one side is not in the library."""
    from visil_dash.cases.pins import is_pinned

    query, reference = QueryRef.parse(query_id).base, QueryRef.parse(reference_id).base
    videos = backend.library_videos()
    if query == reference or query not in videos or reference not in videos:
        return
    bench = backend.workbench()
    pinned = is_pinned(bench, query, reference)
    st.button(
        "Pinned" if pinned else "Pin",
        key=key,
        icon=":material/task_alt:" if pinned else ":material/keep:",
        type="tertiary",
        on_click=_unpin if pinned else _pin,
        args=(query, reference),
        disabled=bench.library.read_only,
        help="In the case; this takes it out" if pinned else "Put this match into the case",
    )


def _pin(query: str, reference: str) -> None:
    from visil_dash.cases.pins import pin

    bench = backend.workbench()
    label = by_pair(bench.library.labels()).get(pair_of(query, reference))
    with keep_errors():
        pin(bench, query, reference, note="" if label is None else label.note, by=person())
        st.toast("Pinned to the case", icon=":material/keep:")


def _unpin(query: str, reference: str) -> None:
    from visil_dash.cases.pins import unpin

    with keep_errors():
        unpin(backend.workbench(), query, reference)
        st.toast("Taken out of the case", icon=":material/keep_off:")
