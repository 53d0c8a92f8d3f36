"""What the user chose on the Compare page: a cell of the map or a range, in session and address."""

import time

import streamlit as st

from visil_dash.records import Comparison
from visil_dash.ui.compare.link import (
    PARAMS,
    PairView,
    is_own,
    linked_view,
    note_written,
    view_params,
)
from visil_dash.ui.compare.loops import LoopRange
from visil_dash.ui.shell import state
from visil_dash.ui.shell.links import address_counts


def choose_cell(pair: Comparison, cell: tuple[int, int]) -> None:
    """Shows the frames of a cell; a callback."""
    st.session_state[state.COMPARE_CELL] = (pair.query, pair.reference, *cell)
    st.session_state[state.COMPARE_FRAMES] = True


def choose_range(pair: Comparison, span: LoopRange) -> None:
    """Plays a range; a callback."""
    # The count makes a range that is chosen again a new choice: the players go to its start.
    chosen = pair.query, pair.reference, span, times_chosen() + 1
    st.session_state[state.COMPARE_RANGE] = chosen


def chosen_cell(pair: Comparison) -> tuple[int, int] | None:
    """(query frame, reference frame) that the user chose in this pair."""
    query, reference, row, column = st.session_state.get(state.COMPARE_CELL, ("", "", 0, 0))
    return (row, column) if (query, reference) == (pair.query, pair.reference) else None


def chosen_range(pair: Comparison) -> LoopRange | None:
    query, reference, span, _ = st.session_state.get(state.COMPARE_RANGE, ("", "", None, 0))
    return span if (query, reference) == (pair.query, pair.reference) else None


def times_chosen() -> int:
    count: int = st.session_state.get(state.COMPARE_RANGE, ("", "", None, 0))[3]
    return count


# ---- links ----


def follow_link(pair: Comparison) -> None:
    """Takes over the view of a link that was opened, but not an address that this page wrote."""
    given = {name: st.query_params[name] for name in PARAMS if name in st.query_params}
    if {name for name in PARAMS if address_counts(name)}:
        # What the address does not name is not chosen.
        st.session_state.pop(state.COMPARE_CELL, None)
        st.session_state[state.COMPARE_RANGE] = ("", "", None, times_chosen())
    else:
        written = st.session_state.get(state.COMPARE_LINK, ())
        if not given or is_own(given, written, now=time.monotonic()):
            return
    view = linked_view(given, pair)
    st.session_state[state.COMPARE_DIRECTION] = view.direction
    if view.cell is not None:
        choose_cell(pair, view.cell)
    if view.span is not None:
        choose_range(pair, view.span)
    _note(given)


def write_link(view: PairView, pair: Comparison) -> None:
    params = view_params(view, pair)
    for name in PARAMS:
        if name not in params:
            st.query_params.pop(name, None)
        elif st.query_params.get(name) != params[name]:
            st.query_params[name] = params[name]
    _note(params)


def _note(params: dict[str, str]) -> None:
    written = st.session_state.get(state.COMPARE_LINK, ())
    st.session_state[state.COMPARE_LINK] = note_written(written, params, now=time.monotonic())
