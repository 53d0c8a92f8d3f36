"""The walkthrough page: a pair, a row of steps, and one step at a time."""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from visil_dash.ui.laboratory import walkthrough_library as library
from visil_dash.ui.laboratory import walkthrough_steps as steps
from visil_dash.ui.laboratory.walkthrough_steps import Pair
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.picker import pick_video
from visil_dash.ui.shell.waiting import read_clip


@dataclass(frozen=True)
class Step:
    """`answers`: what the step is for, in one sentence; `draw` shows it on the pair."""

    key: str
    title: str
    answers: str
    draw: Callable[[Pair], None]


STEPS = (
    Step("sampling", "Sampling", "A video becomes a short list of still pictures.", steps.sampling),
    Step("cnn", "CNN", "A network turns each picture into maps of what is where.", steps.cnn),
    Step("regions", "Region vectors", "Each ninth of the picture becomes one vector.",
         steps.regions),
    Step("whitening", "Whitening", "Directions that all pictures share are taken down.",
         steps.whitening),
    Step("attention", "Attention", "Regions that say much count more than plain ones.",
         steps.attention),
    Step("frames", "Frame to frame", "How alike is each frame of one video to each of the other?",
         steps.frame_to_frame),
    Step("output", "ViSiL output", "A second network looks for stretches that run in step.",
         steps.visil_output),
    Step("video", "Video to video", "One number: how much of the query is in the reference.",
         steps.video_to_video),
    Step("asymmetry", "Asymmetry", "Asked the other way round, the number is another.",
         steps.asymmetry),
    Step("candidates", "Candidates", "Near frames propose the few videos worth comparing.",
         library.candidates),
    Step("reranking", "Re-ranking", "Only the candidates are compared in full. What does it save?",
         library.reranking),
    Step("dimensions", "Dimensions", "Shorter frame vectors make the index small and quick.",
         library.dimensions),
)  # fmt: skip


def choose_pair() -> Pair | None:
    """The pair that every step is computed on; a likely one to begin with."""
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
    return Pair(query, reference)


def _begin_with_a_pair() -> None:
    """Fills the pickers on the first visit: the first video, and the one nearest to it."""
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


def choose_step() -> Step:
    """The step on show, also in the address."""
    keys = [step.key for step in STEPS]
    if st.session_state.get(state.WALK_STEP) not in keys:
        wanted = st.query_params.get("step", keys[0])
        st.session_state[state.WALK_STEP] = wanted if wanted in keys else keys[0]
    titles = {step.key: f"{i}. {step.title}" for i, step in enumerate(STEPS, 1)}
    chosen = st.pills(
        "Step",
        keys,
        format_func=titles.__getitem__,
        key=state.WALK_STEP,
        required=True,
        persist_state="session",
    )
    st.query_params["step"] = str(chosen)
    return STEPS[keys.index(str(chosen))]


def show(step: Step, pair: Pair) -> None:
    """The step, and the ways to its neighbours."""
    st.subheader(f"{STEPS.index(step) + 1}. {step.title}", anchor=False)
    st.markdown(step.answers)
    step.draw(pair)
    at = STEPS.index(step)
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        for icon, other, label in (("arrow_back", at - 1, "Back"), ("arrow_forward", at + 1, "On")):
            inside = 0 <= other < len(STEPS)
            st.button(
                f"{label}: {STEPS[other].title}" if inside else label,
                icon=f":material/{icon}:",
                key=f"walk_{label.lower()}",
                disabled=not inside,
                on_click=_go,
                args=(STEPS[other % len(STEPS)].key,),
            )


def _go(key: str) -> None:
    st.session_state[state.WALK_STEP] = key
