"""The Dimensions page: the graph's parameters, and changing the index."""

from typing import NoReturn

import streamlit as st

from visil_dash.index.hnsw import GraphOptions
from visil_dash.index.plan import IndexPlan
from visil_dash.index.snapshot import GRAPH_FRAMES
from visil_dash.laboratory.dimensions.geometry import GraphStudy
from visil_dash.laboratory.dimensions.library import DIMS, EFS, Proposal, plans
from visil_dash.laboratory.dimensions.rows import METHOD_NAMES, method_name
from visil_dash.plots import dimensions
from visil_dash.records import IndexStatus
from visil_dash.ui.laboratory import dimensions_tasks
from visil_dash.ui.laboratory.dimensions_models import TRANSFER_MEANINGS, transfer_facts
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.errors import show_error
from visil_dash.ui.shell.links import choice_in_address
from visil_dash.ui.shell.runs import uninterrupted
from visil_dash.ui.shell.tasks import Task
from visil_dash.ui.shell.text import plural, size
from visil_dash.ui.shell.waiting import finished
from visil_dash.ui.shell.widgets import draw_chart, facts

_MS, _CONSTRUCTIONS = (4, 8, 12, 16, 24, 32, 48), (16, 32, 64, 100, 200, 400)


# ---- the graph ----


def _graph_controls() -> GraphOptions:
    now = backend.workbench().space.plan.graph
    links, visited = sorted({*_MS, now.m}), sorted({*_CONSTRUCTIONS, now.ef_construction})
    nearest = min(EFS, key=lambda e: abs(e - now.ef))
    for key, param, offered, default in (
        (state.DIMENSIONS_M, "links", links, now.m),
        ("dimensions_ef_construction", "construction", visited, now.ef_construction),
        ("dimensions_ef", "ef", EFS, nearest),
    ):
        choice_in_address(key, param, {str(value): value for value in offered}, default=default)
    first, second, third = st.columns(3, gap="medium")
    with first:
        m = st.select_slider(
            "M: links per frame",
            links,
            key=state.DIMENSIONS_M,
            persist_state="session",
        )
    with second:
        construction = st.select_slider(
            "efConstruction: frames visited when linking",
            visited,
            key="dimensions_ef_construction",
            persist_state="session",
        )
    with third:
        ef = st.select_slider(
            "ef: frames visited in a search",
            EFS,
            key="dimensions_ef",
            persist_state="session",
        )
    return GraphOptions(int(m), int(construction), int(ef))


def draw_graph() -> None:
    options = _graph_controls()
    task = dimensions_tasks.graph_task(options.m, options.ef_construction)
    if not finished(task, title="Measuring the graph", name=f"M {options.m}"):
        return
    study: GraphStudy = task.result
    points = {p.ef: p for p in study.points}
    chosen = points[min(points, key=lambda ef: (abs(ef - options.ef), ef))]
    facts(
        {
            f"Recall@{study.k}": f"{chosen.recall:.4f}",
            "Latency p50, p95": f"{chosen.p50_ms:.3f}, {chosen.p95_ms:.3f} ms",
            "Exact search": f"{study.exact_ms:.3f} ms",
            "Build": f"{study.build:.2f} s",
            "Graph": size(study.bytes),
        },
        big=True,
        meanings={"Latency p50, p95": "Per query frame, asked one at a time on one thread."},
    )
    with st.container(border=True):
        draw_chart(
            dimensions.graph_curve(
                [p.ef for p in study.points],
                [p.recall for p in study.points],
                [p.p50_ms for p in study.points],
                chosen=chosen.ef,
                exact_ms=study.exact_ms,
            ),
            key="dimensions_graph",
        )
        st.caption(
            f"{study.frames:,} frames of {study.dim} dims in the graph, searched with"
            f" {study.queries:,} frames of other videos, against exact search. One mark per ef."
        )
    indexed = len(backend.workbench().space)
    if indexed < GRAPH_FRAMES:
        st.caption(
            f"This library has {plural(indexed, 'frame')}: its searches are exact."
            f" The graph is used from {GRAPH_FRAMES:,} frames on."
        )


# ---- the index ----


def draw_index_plan() -> None:
    bench = backend.workbench()
    status, known = bench.space.status(), plans(bench)
    graph_now = known.current.graph
    facts(
        {
            "Planned": method_name(known.current.method),
            "In use": _space_name(status),
            "Frames": f"{status.frames:,}",
            "Generation": f"{status.generation or 'none yet'}",
            "M, efConstruction, ef": f"{graph_now.m}, {graph_now.ef_construction}, {graph_now.ef}",
            "Threshold": f"{bench.threshold():.4g}",
        }
    )
    if status.frames and status.reduction.split("-")[0] != known.current.method:
        st.caption(
            "The planned reduction is put to use by itself once the library has frames enough to"
            " fit it, two for each dimension; until then all dimensions are searched."
        )
    if _draw_change_under_way():
        return
    _draw_outcome()
    plan = _choose_plan(known.current)
    with st.container(horizontal=True, gap="small"):
        work_out = st.button(
            "Preview the change",
            key="dimensions_work_out",
            icon=":material/calculate:",
            type="primary",
            disabled=bench.library.read_only or plan == known.current,
            help="Fits the reduction and carries the threshold over. The index does not change"
            " yet.",
        )
        if known.former is not None and known.former != known.current:
            former = method_name(known.former.method)
            if st.button(
                f"Back to {former}",
                key="dimensions_undo",
                icon=":material/undo:",
                disabled=bench.library.read_only,
                help="The index before the last change, with its own distance threshold.",
            ):
                _request(known.former)
        if work_out:
            _request(plan)
        if plan == known.current:
            st.caption("To preview a change, choose another reduction, dimensions or graph first.")
    wanted: IndexPlan | None = st.session_state.get(state.DIMENSIONS_PLAN)
    if wanted is not None:
        task = dimensions_tasks.proposal_task(wanted)
        if finished(task, title="Preparing the change", name=method_name(wanted.method)):
            _draw_proposal(task.result)


def _space_name(status: IndexStatus) -> str:
    name = method_name(status.reduction.split("-")[0])
    return f"{name}, {status.dim:,} dims" if name == METHOD_NAMES["full"] else name


def _request(plan: IndexPlan) -> None:
    st.session_state[state.DIMENSIONS_PLAN] = plan
    st.session_state.pop(state.DIMENSIONS_OUTCOME, None)


def _choose_plan(current: IndexPlan) -> IndexPlan:
    kinds = list(METHOD_NAMES)
    now = current.method.rstrip("0123456789")
    digits = current.method.removeprefix(now)
    dims = sorted({*DIMS, *([int(digits)] if digits else [])})
    choice_in_address(state.DIMENSIONS_METHOD, "method", {k: k for k in kinds}, default=now)
    choice_in_address(
        state.DIMENSIONS_DIMS,
        "dims",
        {str(dim): dim for dim in dims},
        default=int(digits) if digits else dims[0],
    )
    first, second = st.columns(2, gap="medium")
    with first:
        kind = st.selectbox(
            "Reduction",
            kinds,
            format_func=lambda name: METHOD_NAMES[name],
            key=state.DIMENSIONS_METHOD,
            persist_state="session",
        )
    with second:
        dim = st.selectbox(
            "Dimensions",
            dims,
            key=state.DIMENSIONS_DIMS,
            persist_state="session",
            disabled=kind == "full",
        )
    return IndexPlan(kind if kind == "full" else f"{kind}{dim}", _graph_controls())


def _draw_proposal(proposal: Proposal) -> None:
    with st.container(border=True, key="proposal"):
        st.markdown(f"**Change to {method_name(proposal.plan.method)}**")
        choices: dict[str, float | None] = {}
        carried = proposal.carried
        if proposal.same_space:
            st.caption("The space and the threshold stay the same. The graph is rebuilt.")
        elif carried is None:
            st.caption(
                "No pair of sampled frames is within the present threshold, so it cannot be"
                " carried over."
            )
        else:
            facts(
                {
                    "Threshold now" if k == "Its threshold" else k: v
                    for k, v in transfer_facts(carried).items()
                },
                meanings=TRANSFER_MEANINGS,
            )
            choices[f"Carry it over: {carried.threshold:.4g}"] = carried.threshold
        if not proposal.same_space:
            choices[f"Default there: {proposal.default:.4g}"] = None
            if proposal.before is not None:
                before: dict[str, float | None] = {
                    f"Saved for it earlier: {proposal.before:.4g}": proposal.before
                }
                choices = before | choices
        picked = None
        if choices:
            back = proposal.plan == plans(backend.workbench()).former
            own = proposal.before is not None or (proposal.saved and not back)
            first = 0 if own else list(choices.values()).index(None)
            picked = st.radio(
                "Threshold in the new space",
                list(choices),
                index=first,
                key=f"dimensions_carry-{proposal.reduction_id}",
            )
        with st.container(horizontal=True, gap="small"):
            if st.button("Apply", type="primary", icon=":material/check:", key="dimensions_apply"):
                with uninterrupted():
                    threshold = choices[picked] if picked else None
                    task = dimensions_tasks.apply_task(proposal, threshold)
                    st.session_state[state.DIMENSIONS_APPLY] = task.key
                st.rerun()
            if st.button("Cancel", key="dimensions_leave"):
                st.session_state.pop(state.DIMENSIONS_PLAN, None)
                st.rerun()
        st.caption(
            "Searches use the old index until the new one is built and verified; the old one is"
            " kept."
        )


def _draw_change_under_way() -> bool:
    """Shows the progress of a change; its outcome is noted when it ends."""
    key = st.session_state.get(state.DIMENSIONS_APPLY)
    task = None if key is None else backend.tasks().get(key)
    if task is None:
        return False
    if finished(task, title="Changing the index", name="") or task.ended:
        _note_outcome(task)
    return True


def _note_outcome(task: Task) -> NoReturn:
    changed = [state.DIMENSIONS_APPLY, state.DIMENSIONS_PLAN]
    if task.error is None:
        changed += [state.DIMENSIONS_METHOD, state.DIMENSIONS_DIMS, state.DIMENSIONS_M]
    with uninterrupted():
        st.session_state[state.DIMENSIONS_OUTCOME] = task
        for name in changed:
            st.session_state.pop(name, None)
    st.rerun()  # the part above was drawn before the change


def _draw_outcome() -> None:
    task: Task | None = st.session_state.get(state.DIMENSIONS_OUTCOME)
    if task is None:
        return
    if task.error is not None:
        show_error(task.error)
    else:
        done = method_name(task.result.method)
        st.success(f"The index now uses {done}.", icon=":material/check:")
