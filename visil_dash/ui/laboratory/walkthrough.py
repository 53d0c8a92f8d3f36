"""The Walkthrough page: the pair, the row of steps, and the step on show."""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from visil_dash.ui.laboratory import walkthrough_library as library
from visil_dash.ui.laboratory import walkthrough_steps as steps
from visil_dash.ui.laboratory.walkthrough_proof import draw_proof_step
from visil_dash.ui.laboratory.walkthrough_steps import WalkPair
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.links import from_link, to_link
from visil_dash.ui.shell.picker import pick_video
from visil_dash.ui.shell.runs import uninterrupted
from visil_dash.ui.shell.waiting import read_clip


@dataclass(frozen=True)
class WalkStep:
    """`summary`: one sentence; `draw` shows the step on the pair."""

    key: str
    title: str
    summary: str
    draw: Callable[[WalkPair], None]


STEPS = (
    WalkStep("sampling", "Sampling", "A video becomes a list of frames.", steps.draw_sampling),
    WalkStep("cnn", "CNN", "A network turns each frame into feature maps.", steps.draw_cnn),
    WalkStep("regions", "Region vectors", "Each of nine regions becomes one vector.",
         steps.draw_region_step),
    WalkStep("whitening", "Whitening", "Directions common to all pictures lose weight.",
         steps.draw_whitening),
    WalkStep("attention", "Attention", "Distinctive regions count more than plain ones.",
         steps.draw_attention),
    WalkStep("frames", "Frame to frame", "How similar is each frame of the query to each of the"
    " reference?",
         steps.draw_frame_to_frame),
    WalkStep("output", "ViSiL output", "A second network finds segments that match in time.",
         steps.draw_visil_output),
    WalkStep("video", "Video to video", "One score: how much of the query is in the reference.",
         steps.draw_video_to_video),
    WalkStep("asymmetry", "Asymmetry", "The reverse direction has a different score.",
         steps.draw_asymmetry),
    WalkStep("candidates", "Candidates", "Similar frames select the few videos to compare.",
         library.draw_candidate_step),
    WalkStep("reranking", "Re-ranking", "Only candidates are compared in full. How much does it"
    " save?",
         library.draw_reranking),
    WalkStep("proof", "Proof", "Both pictures are laid onto each other: does the same thing move at"
    " the same time?",
         draw_proof_step),
    WalkStep("dimensions", "Dimensions", "Shorter frame vectors make the index small and fast.",
         library.draw_dimensions),
)  # fmt: skip


def draw_pair_choice() -> WalkPair | None:
    """The pair that every step uses; initially two similar videos."""
    _begin_with_a_pair()
    left, right = st.columns(2, gap="medium")
    with left:
        query = pick_video("Query", key=state.WALK_QUERY, param=state.PARAM_QUERY)
    with right:
        reference = pick_video("Reference", key=state.WALK_REFERENCE, param=state.PARAM_REFERENCE)
    if query is None or reference is None:
        return None
    for chosen in {query, reference}:
        clip = backend.session_clip(chosen)
        if clip is not None and not read_clip(clip):
            return None
    return WalkPair(query, reference)


def _begin_with_a_pair() -> None:
    """Fills the pickers on the first visit: the first video and the one nearest to it."""
    with uninterrupted():
        wanted = st.session_state.pop(state.WALK_NEXT, None)
        if wanted is not None:
            st.session_state[state.WALK_QUERY], st.session_state[state.WALK_REFERENCE] = wanted
    given = state.PARAM_QUERY in st.query_params or state.WALK_QUERY in st.session_state
    videos = list(backend.library_videos())
    if given or len(videos) < 2:
        return
    st.session_state[state.WALK_QUERY] = videos[0]
    view = backend.query_distances(videos[0])
    nearest = view.profile.nearest
    st.session_state[state.WALK_REFERENCE] = (
        view.video_ids[int(nearest.argmin())] if len(nearest) else videos[1]
    )


def draw_step_choice() -> WalkStep:
    """The step on show, which is also in the address."""
    keys = [step.key for step in STEPS]
    from_link(
        state.WALK_STEP,
        "step",
        lambda text: text if text in keys else None,
        default=keys[0],
    )
    titles = {step.key: f"{i}. {step.title}" for i, step in enumerate(STEPS, 1)}
    chosen = st.pills(
        "Step",
        keys,
        format_func=titles.__getitem__,
        key=state.WALK_STEP,
        required=True,
        persist_state="session",
    )
    to_link("step", str(chosen))
    return STEPS[keys.index(str(chosen))]


def draw_step(step: WalkStep, pair: WalkPair) -> None:
    st.subheader(f"{STEPS.index(step) + 1}. {step.title}", anchor=False)
    st.markdown(step.summary)
    step.draw(pair)
    at = STEPS.index(step)
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        for icon, other, label in (
            ("arrow_back", at - 1, "Back"),
            ("arrow_forward", at + 1, "Next"),
        ):
            inside = 0 <= other < len(STEPS)
            st.button(
                f"{label}: {STEPS[other].title}" if inside else label,
                icon=f":material/{icon}:",
                key=f"walk_{icon}",
                disabled=not inside,
                on_click=st.session_state.update,
                args=({state.WALK_STEP: STEPS[other % len(STEPS)].key},),
            )
