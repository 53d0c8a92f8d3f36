"""The proof of a pair on the pixels: the conclusion, one frame laid onto the other, the curve."""

from typing import TYPE_CHECKING, Literal

import streamlit as st

from visil_dash.clock import clock
from visil_dash.plots.proof import motion_curve
from visil_dash.progress import Watch
from visil_dash.proof.moments import is_shown
from visil_dash.records import Proof, ProofState
from visil_dash.ui.pair.swipe import SwipeSide, draw_swipe
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.links import choice_in_address
from visil_dash.ui.shell.tasks import Task
from visil_dash.ui.shell.text import md, percent
from visil_dash.ui.shell.waiting import finished
from visil_dash.ui.shell.widgets import draw_chart, facts

if TYPE_CHECKING:  # importing it takes most of a second (OpenCV)
    from visil_dash.proof.pictures import ProofPictures

_REGISTERED, _DIFFERENCE, _PLACE = _VIEWS = (
    "Registered",
    "Difference picture",
    "Crop and overlays",
)
_STATES: dict[ProofState, tuple[str, str, Literal["green", "red", "gray"]]] = {
    ProofState.PROVED: ("proved on the pixels", ":material/verified:", "green"),
    ProofState.CONTRADICTED: ("contradicted: another take", ":material/block:", "red"),
    ProofState.UNDECIDABLE: ("cannot be decided", ":material/help:", "gray"),
}
_MEANING = {
    "Motion alike": "Correlation of what changes from frame to frame, at the best time offset",
    "At other offsets": "The same at the best other time offset: what chance reaches here",
    "Detail alike": "Share of the common picture whose edges and texture agree",
    "Common": "Share of the query's picture that shows the reference",
    "Local features": "Points of both pictures that agree with the way they are laid onto each"
    " other",
}


def draw_proof_badge(proof: Proof) -> None:
    text, icon, colour = _STATES[proof.state]
    st.badge(text, icon=icon, color=colour, help=md(proof.reason))


def edits_text(proof: Proof) -> str:
    """What was done to the copy, as a sentence; empty where nothing is known."""
    text = ", ".join(proof.edits)
    return f"{text[0].upper()}{text[1:]}." if text else ""


def proof_line(proof: Proof) -> str:
    """What the pixels show, in a line beside a timeline, which says where it starts."""
    if proof.state is not ProofState.PROVED:
        return proof.reason
    edits = ", ".join(edit for edit in proof.edits if not edit.startswith("starts at"))
    return f"Proved on the pixels: {edits}." if edits else "Proved on the pixels."


def draw_proof_of(query_id: str, reference_id: str, proof: Proof) -> None:
    """All that a proof shows. `query_id` may be of a view: a proof is of the whole picture."""
    with st.container(border=True, key="proof"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.subheader("On the pixels", anchor=False, width="content")
            draw_proof_badge(proof)
        edits = edits_text(proof)
        st.markdown(md(proof.reason) + (f"  \n**{md(edits)}**" if edits else ""))
        pictures, numbers = st.columns([3, 2], gap="large")
        with pictures:
            _draw_pictures(query_id, reference_id, proof)
        with numbers:
            if proof.curve:
                draw_chart(motion_curve(proof), key="proof_curve", alt=_curve_text(proof))
            facts(_numbers(proof), meanings=_MEANING)


def _curve_text(proof: Proof) -> str:
    best = max(range(len(proof.curve)), key=proof.curve.__getitem__)
    return (
        f"Correlation of motion at every time offset: {proof.curve[best]:.2f} where the match"
        f" begins at {clock(proof.offsets[best], digits=1)} of the reference, at most"
        f" {max(0.0, proof.other_motion):.2f} elsewhere"
    )


def _numbers(proof: Proof) -> dict[str, str]:
    numbers = {}
    if proof.curve:
        numbers["Motion alike"] = f"{proof.motion:.2f}"
        numbers["At other offsets"] = f"{proof.other_motion:.2f}"
    if proof.registration is not None:
        numbers["Detail alike"] = percent(proof.detail)
        numbers["Common"] = percent(proof.registration.common)
        numbers["Local features"] = f"{proof.registration.inliers:,}"
    return numbers


# ---- pictures ----


def _pictures_task(query_id: str, reference_id: str, proof: Proof) -> Task:
    """`result`: ProofPictures."""
    bench = backend.workbench()
    backend.name_of(query_id), backend.name_of(reference_id)

    def work(watch: Watch) -> "ProofPictures | None":
        from visil_dash.workbench.pictures import proof_pictures

        watch.step("Laying the pictures onto each other", 0.0)
        return proof_pictures(bench, query_id, reference_id, proof)

    key = ("proof pictures", *backend.task_scope(), query_id, reference_id, proof.times)
    return backend.tasks().start(key, work)


def _draw_pictures(query_id: str, reference_id: str, proof: Proof) -> None:
    if proof.times is None or not is_shown(proof):
        st.caption("The pictures do not lie on each other well enough to be shown so.")
        return
    task = _pictures_task(query_id, reference_id, proof)
    title = "Laying the pictures onto each other"
    if not finished(task, title=title, name=backend.name_of(query_id), key="cancel_pictures"):
        return
    view = _draw_view()
    pictures: ProofPictures = task.result
    there, here = (clock(time, digits=1) for time in proof.times)
    if view == _REGISTERED:
        draw_swipe(
            SwipeSide(pictures.query, "Query", f"Query clip at {there}"),
            SwipeSide(
                pictures.registered,
                "Reference",
                f"Reference video at {here}, laid onto the picture of the query clip",
            ),
            key="proof_swipe",
        )
        st.caption(
            f"The query clip at {there}, and the reference video at {here} laid onto it. Drag the"
            " divider, or move it with the arrow keys."
        )
    elif view == _DIFFERENCE:
        alt = f"Difference of the query clip at {there} and the reference video at {here}"
        st.image(pictures.difference, width="stretch", alt=alt)
        st.caption(
            "Black where both agree, after light and contrast were evened; amplified three times."
            " What stands out was added, or moves otherwise."
        )
    else:
        _draw_places(pictures, there, here)


def _draw_view() -> str:
    named = {view.split()[0].lower(): view for view in _VIEWS}
    choice_in_address(state.PROOF_VIEW, state.PARAM_PROOF, named, default=_REGISTERED)
    view = st.segmented_control(
        "Pictures of the proof",
        _VIEWS,
        required=True,
        key=state.PROOF_VIEW,
        persist_state="session",
        label_visibility="collapsed",
        wrap=True,
    )
    return str(view)


def _draw_places(pictures: "ProofPictures", there: str, here: str) -> None:
    left, right = st.columns(2, gap="small")
    with left:
        st.image(pictures.mask, width="stretch", alt=f"Query clip at {there}, the copied part")
        st.caption("Query clip. Dark: not of the reference. Orange boxes: overlays.")
    with right:
        st.image(pictures.source, width="stretch", alt=f"Reference at {here}, what is shown of it")
        st.caption("Reference video. Box: the part that the query clip shows.")
