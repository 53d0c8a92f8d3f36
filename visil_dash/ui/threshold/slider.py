"""A threshold that is being tried: its value in session and address, and its controls."""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from visil_dash.ui.shell.links import address_counts, number, to_link


@dataclass(frozen=True)
class TriedValue:
    """Where the value is kept. `owner`: what it belongs to; for another owner it is dropped."""

    key: str
    param: str
    owner: str
    low: float
    high: float

    def get(self, saved: float) -> float:
        """The value: chosen in this session, else the link's, else the saved one."""
        owner, value = st.session_state.get(self.key, ("", 0.0))
        if address_counts(self.param) or owner != self.owner:
            linked = number(st.query_params.get(self.param, ""), low=self.low, high=self.high)
            value = saved if linked is None else linked
            st.session_state[self.key] = self.owner, value
        to_link(self.param, f"{value:.6g}", default=f"{saved:.6g}")
        return float(value)

    def set(self, value: float) -> None:
        """Takes another value; a callback."""
        kept = min(self.high, max(self.low, float(value)))
        st.session_state[self.key] = self.owner, kept


def draw_slider(
    label: str,
    value: float,
    *,
    low: float,
    top: float,
    step: float,
    exact_high: float | None = None,
    exact_step: float,
    slider_key: str,
    number_key: str,
    on_change: Callable[[float], None],
    help: str,  # noqa: A002 as Streamlit calls it
) -> None:
    """Slider and exact field for one value; `exact_high`: limit of the field, None for none."""

    def take(key: str) -> None:
        chosen = st.session_state[key]
        if chosen is not None:
            on_change(chosen)

    # Both widgets show the same value, whichever of them it came from.
    st.session_state[slider_key] = min(value, top)
    st.session_state[number_key] = value
    wide, narrow = st.columns([5, 1], vertical_alignment="bottom", gap="medium")
    with wide:
        st.slider(
            label,
            min_value=low,
            max_value=top,
            step=step,
            format="%.3f",
            key=slider_key,
            on_change=take,
            args=(slider_key,),
            help=help,
        )
    with narrow:
        st.number_input(
            "Exact value",
            min_value=low,
            max_value=exact_high,
            step=exact_step,
            format="%.4f",
            key=number_key,
            on_change=take,
            args=(number_key,),
        )
