"""The Dimensions page: a threshold that served with another model, carried into the one in use."""

import streamlit as st

from visil_dash.errors import VisilDashError
from visil_dash.laboratory.dimensions.models import ModelTransfer, keep_carried, other_models
from visil_dash.reduction.transfer import Transfer
from visil_dash.ui.laboratory import dimensions_tasks
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.text import md, percent, plural
from visil_dash.ui.shell.waiting import finished
from visil_dash.ui.shell.widgets import empty_state, facts


def another_model() -> None:
    """From which model, which threshold; what it becomes here, with its error; keep it."""
    bench = backend.workbench()
    others = {m.extractor: m for m in other_models(bench)}
    if not others:
        empty_state(
            "No other model",
            f"All features here are of {bench.extractor}. After a change of the model, and"
            " extracting again on the Library page, the old threshold can be carried over.",
        )
        return
    st.markdown(
        "The same frames have features of both models. The threshold is carried so that 99 % of"
        " the pairs of frames within it there are within it here."
    )
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        extractor = st.selectbox(
            "From the model",
            list(others),
            key=state.DIMENSIONS_OTHER,
            persist_state="session",
            width=260,
        )
        threshold = st.number_input(
            "Threshold there",
            min_value=0.0,
            value=others[extractor].threshold,
            format="%.4f",
            key=state.DIMENSIONS_OTHER_THRESHOLD,
            placeholder="none was saved",
            width=200,
            help="Squared L2 in that model's space. What was saved for this library is filled in.",
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
        st.caption(f"{shared} have features of both models; its space: {others[extractor].space}.")
        return
    if finished(dimensions_tasks.carried(*asked), title="Carrying over", name=extractor):
        _offer(dimensions_tasks.carried(*asked).result)


def _offer(found: ModelTransfer) -> None:
    if found.carried is None:
        st.info("No pair of sampled frames lies within that threshold: nothing can be carried.")
        return
    bench = backend.workbench()
    with st.container(border=True, key="carried"):
        facts(transfer_facts(found.carried), big=True, meanings=TOLD)
        st.caption(
            md(
                f"Measured on {plural(found.frames, 'frame')} of {plural(found.videos, 'video')}."
                f" In force here: {bench.threshold():.4g}."
            )
        )
        st.button(
            "Use it for this library",
            icon=":material/check:",
            type="primary",
            key="dimensions_other_keep",
            disabled=bench.library.read_only or bench.threshold() == found.carried.threshold,
            on_click=_keep,
            args=(found,),
            help="Noted in the threshold's history on the Threshold page, where it can be undone.",
        )


TOLD = {"On frames left out": "Bootstrap over query frames, mean and 95 %."}


def transfer_facts(carried: Transfer) -> dict[str, str]:
    """A carried threshold with its measured error."""
    unseen = f"{percent(carried.unseen_low, digits=1)} to {percent(carried.unseen_high, digits=1)}"
    return {
        "Threshold there": f"{carried.source:.4g}",
        "Carried over": f"{carried.threshold:.4g}",
        "95 % interval": f"{carried.low:.4g} to {carried.high:.4g}",
        "Pairs kept": f"{percent(carried.recall, digits=1)} of {carried.admitted:,}",
        "On frames left out": f"{percent(carried.unseen_recall, digits=1)} ({unseen})",
        "Further pairs": f"{carried.extra:.2f} for each",
    }


def _keep(found: ModelTransfer) -> None:
    try:
        step = keep_carried(backend.workbench(), found)
        st.toast(f"Searches use {step.value:.4g} from now on", icon=":material/check:")
    except VisilDashError as error:
        st.session_state.setdefault(state.ERRORS, []).append(error)
