"""The Dimensions page: carrying the distance threshold of another model to the present one."""

import streamlit as st

from visil_dash.laboratory.dimensions.models import ModelTransfer, keep_carried, other_models
from visil_dash.reduction.transfer import Transfer
from visil_dash.ui.laboratory import dimensions_tasks
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.errors import keep_errors
from visil_dash.ui.shell.links import choice_in_address, number_in_address
from visil_dash.ui.shell.text import md, percent, plural
from visil_dash.ui.shell.waiting import finished
from visil_dash.ui.shell.widgets import empty_state, facts


def draw_other_model() -> None:
    bench = backend.workbench()
    others = {m.extractor: m for m in other_models(bench)}
    if not others:
        empty_state(
            "No other model",
            f"All features are of {bench.extractor}. After you change the model and extract"
            " features again on the Library page, the old threshold can be carried over.",
        )
        return
    st.markdown(
        "The same frames have features of both models. The threshold is carried over so that 99 %"
        " of the pairs of frames within it in the other model are within it in this one."
    )
    _take_from_address({extractor: other.threshold for extractor, other in others.items()})
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        extractor = st.selectbox(
            "Other model",
            list(others),
            key="dimensions_other",
            on_change=lambda: st.session_state.update(
                dimensions_other_threshold=others[st.session_state["dimensions_other"]].threshold
            ),
            persist_state="session",
            width=260,
        )
        threshold = st.number_input(
            "Its threshold",
            min_value=0.0,
            format="%.4f",
            key="dimensions_other_threshold",
            placeholder="none saved",
            width=200,
            help="Squared-L2 distance in that model's space; by default the one saved for this"
            " library.",
        )
        if st.button(
            "Measure",
            icon=":material/science:",
            type="primary",
            key="dimensions_other_measure",
            disabled=threshold is None,
        ):
            st.session_state[state.DIMENSIONS_OTHER_ASKED] = extractor, threshold
    asked = st.session_state.get(state.DIMENSIONS_OTHER_ASKED)
    if asked is None or asked != (extractor, threshold):
        shared = plural(others[extractor].shared, "video")
        st.caption(
            f"{shared} with features of both models; space of the other: {others[extractor].space}."
        )
        return
    if finished(dimensions_tasks.carry_task(*asked), title="Carrying over", name=extractor):
        _draw_transfer(dimensions_tasks.carry_task(*asked).result)


def _take_from_address(saved: dict[str, float | None]) -> None:
    """`saved`: the threshold of each other model, by extractor."""
    names = {extractor: extractor for extractor in saved}
    choice_in_address("dimensions_other", "other", names, default=next(iter(saved)))
    number_in_address(
        "dimensions_other_threshold",
        state.PARAM_THRESHOLD,
        low=0,
        high=1e9,
        default=saved[st.session_state["dimensions_other"]],
    )


def _draw_transfer(result: ModelTransfer) -> None:
    if result.carried is None:
        st.info("No pair of sampled frames is within that threshold, so it cannot be carried over.")
        return
    bench = backend.workbench()
    with st.container(border=True, key="carried"):
        facts(transfer_facts(result.carried), big=True, meanings=TRANSFER_MEANINGS)
        st.caption(
            md(
                f"Measured on {plural(result.frames, 'frame')} of {plural(result.videos, 'video')}."
                f" Present threshold: {bench.threshold():.4g}."
            )
        )
        st.button(
            "Use it for this library",
            icon=":material/check:",
            type="primary",
            key="dimensions_other_keep",
            disabled=bench.library.read_only or bench.threshold() == result.carried.threshold,
            on_click=_keep,
            args=(result,),
            help="The history on the Threshold page records it and can undo it.",
        )


TRANSFER_MEANINGS = {"On held-out frames": "Bootstrap over query frames: mean and 95 % interval."}


def transfer_facts(carried: Transfer) -> dict[str, str]:
    unseen = f"{percent(carried.unseen_low, digits=1)} to {percent(carried.unseen_high, digits=1)}"
    return {
        "Its threshold": f"{carried.source:.4g}",
        "Carried over": f"{carried.threshold:.4g}",
        "95 % interval": f"{carried.low:.4g} to {carried.high:.4g}",
        "Pairs kept": f"{percent(carried.recall, digits=1)} of {carried.admitted:,}",
        "On held-out frames": f"{percent(carried.unseen_recall, digits=1)} ({unseen})",
        "Further pairs": f"{carried.extra:.2f} per kept pair",
    }


def _keep(result: ModelTransfer) -> None:
    with keep_errors():
        step = keep_carried(backend.workbench(), result)
        st.toast(f"Searches now use the threshold {step.value:.4g}", icon=":material/check:")
