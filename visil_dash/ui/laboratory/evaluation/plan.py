"""The form of the Evaluate page: one or two settings, and what else an evaluation needs."""

import streamlit as st

from visil_dash.laboratory.evaluation.manifest import EvaluationPlan
from visil_dash.laboratory.evaluation.run import EXHAUSTIVE, HIERARCHICAL, Setting
from visil_dash.laboratory.evaluation.scores import CHAMFER, COMPARATOR, pairs_to_score
from visil_dash.ui.laboratory.evaluation.proof import draw_proof_choice
from visil_dash.ui.laboratory.evaluation.task import evaluation_task, known_evaluation_task
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.links import choice_in_address, number_in_address
from visil_dash.ui.shell.runs import keep_click, kept_click
from visil_dash.ui.shell.text import plural, seconds
from visil_dash.ui.threshold.labels_in_use import LabelSet
from visil_dash.ui.threshold.scoring import rerank_rate

_MOST_SEED = 2**31 - 1
_CLICK = "evaluate"


def draw_plan_form(given: LabelSet) -> EvaluationPlan | None:
    """The plan to evaluate; None until the button was clicked."""
    with st.container(border=True):
        first = _setting("A", EXHAUSTIVE, COMPARATOR)
        second = _setting("B", HIERARCHICAL, COMPARATOR)
        with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
            number_in_address(
                "evaluate_seed", "seed", low=0, high=_MOST_SEED, default=0, whole=True
            )
            seed = st.number_input(
                "Seed",
                min_value=0,
                max_value=_MOST_SEED,
                key="evaluate_seed",
                persist_state="session",
                width=140,
                help="Of the bootstrap draws from which the intervals are computed.",
            )
            proof_seconds = draw_proof_choice()
            st.button(
                "Evaluate",
                icon=":material/play_arrow:",
                type="primary",
                key="evaluate_run",
                on_click=keep_click,
                args=(_CLICK,),
            )
            st.caption(_cost(given, proof_seconds), width="content")
    chosen = [s for s in (first, second) if s is not None]
    plan = EvaluationPlan(
        labels=given.labels,
        settings=tuple(dict.fromkeys(chosen)),  # two equal settings are one
        count_unlabelled=given.count_unlabelled,
        seed=int(seed),
        proof_seconds=proof_seconds,
    )
    with kept_click(_CLICK) as clicked:
        if clicked:
            st.session_state[state.EVALUATE_PLAN] = plan
            evaluation_task(plan, again=True)
    if state.EVALUATE_PLAN not in st.session_state and known_evaluation_task(plan) is not None:
        st.session_state[state.EVALUATE_PLAN] = plan  # it goes on, or went on, without this page
    return st.session_state.get(state.EVALUATE_PLAN)


def _cost(given: LabelSet, proof_seconds: float) -> str:
    bench = backend.workbench()
    pairs = pairs_to_score(bench, given.labels, count_unlabelled=given.count_unlabelled)
    rate = rerank_rate()
    about = (
        "" if rate is None else f", about {seconds(2 * pairs * rate.seconds)} without cached scores"
    )
    most = seconds(proof_seconds * len(given.truth.queries))
    proof = f"; verification takes at most {most} per setting" if proof_seconds else ""
    return f"Every video: {plural(pairs, 'pair')}{about}{proof}"


def _setting(name: str, generation: str, scorer: str) -> Setting | None:
    """One row: which videos are compared, by which scorer, and within which distance."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        st.html(f'<div class="vd-name" style="line-height: 2.5rem">{name}</div>', width="content")
        chosen = _generation(name, generation)
        if not chosen:
            return None
        by = _scorer(name, scorer)
        threshold = _threshold(name) if chosen == HIERARCHICAL else None
    return Setting(chosen, by, threshold)


def _generation(name: str, generation: str) -> str:
    ways: dict[str, str] = {EXHAUSTIVE: "Every video", HIERARCHICAL: "Candidates"}
    if name == "B":
        ways = {"": "None", **ways}
    known = {way or "none": way for way in ways}
    choice_in_address(f"evaluate_generation_{name}", name.lower(), known, default=generation)
    chosen = st.segmented_control(
        "Compare with",
        list(ways),
        format_func=ways.__getitem__,
        required=True,
        key=f"evaluate_generation_{name}",
        persist_state="session",
        width="content",
    )
    return str(chosen)


def _scorer(name: str, scorer: str) -> str:
    scorers = {CHAMFER: "Chamfer alone"}
    if backend.workbench().model.compare is not None:
        scorers = {COMPARATOR: "Comparator", **scorers}
    choice_in_address(
        f"evaluate_scorer_{name}",
        f"{name.lower()}-scorer",
        {scorer: scorer for scorer in scorers},
        default=scorer if scorer in scorers else CHAMFER,
    )
    by = st.segmented_control(
        "Score with",
        list(scorers),
        format_func=scorers.__getitem__,
        required=True,
        key=f"evaluate_scorer_{name}",
        persist_state="session",
        width="content",
    )
    return str(by)


def _threshold(name: str) -> float:
    """Squared L2; the library's where none is given."""
    number_in_address(
        f"evaluate_threshold_{name}", f"{name.lower()}-t", low=0, high=1e9, default=None
    )
    own = backend.workbench().threshold()
    given = st.number_input(
        "Distance threshold",
        min_value=0.0,
        format="%.4f",
        placeholder=f"the library's: {own:.4g}",
        key=f"evaluate_threshold_{name}",
        persist_state="session",
        width=220,
    )
    return own if given is None else float(given)
