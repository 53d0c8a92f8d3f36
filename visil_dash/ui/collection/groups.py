"""Groups of the collection: videos connected by matches, directly or through others."""

import streamlit as st

from visil_dash.collection.groups import Group, Member, collection_groups
from visil_dash.collection.keeping import best_to_keep
from visil_dash.records import PairTable
from visil_dash.ui.collection.options import GRAPH
from visil_dash.ui.collection.plan import draw_plan
from visil_dash.ui.collection.tidy import draw_tidying, media_line, tidy_button
from visil_dash.ui.library.trash import draw_undo
from visil_dash.ui.shell import backend, state
from visil_dash.ui.shell.errors import keep_errors
from visil_dash.ui.shell.text import md, plural, safe_name
from visil_dash.ui.shell.widgets import (
    compare_button,
    empty_state,
    name_line,
    thumbnail,
)

_GROUPS_SHOWN = 30
_PICTURES_SHOWN = 12


def draw_groups(table: PairTable, match_score: float) -> None:
    draw_undo()
    groups = collection_groups(table, match_score)
    draw_plan(groups)
    if not groups:
        empty_state("No groups", "No two videos reach this match score. Lower it to see groups.")
        return
    numbered = _visible(list(enumerate(groups, 1)))
    for number, group in numbered[:_GROUPS_SHOWN]:
        _group(number, group)
    if len(numbered) > _GROUPS_SHOWN:
        st.caption(f"{plural(len(numbered) - _GROUPS_SHOWN, 'smaller group')} not shown.")
    draw_tidying(groups)


def _visible(numbered: list[tuple[int, Group]]) -> list[tuple[int, Group]]:
    """The groups without those that were hidden; a switch shows these as well."""
    from visil_dash.workbench.collection import hidden_groups

    hidden = hidden_groups(backend.workbench())
    kept = [(number, group) for number, group in numbered if group.key not in hidden]
    count = len(numbered) - len(kept)
    if not count:
        return kept
    shown = st.toggle(
        f"Show {plural(count, 'group')} that you hid",
        key=state.COLLECTION_HIDDEN,
        persist_state="session",
    )
    return numbered if shown else kept


def _group(number: int, group: Group) -> None:
    videos = backend.library_videos()
    members = [videos[m.video_id] for m in group.members if m.video_id in videos]
    if len(members) < len(group.members):
        return  # one was removed since the pairs were compared
    best, reason = best_to_keep(members)
    with st.container(border=True, key=f"group-{number}"):
        with st.container(horizontal=True, vertical_alignment="top"):
            with st.container():
                name_line(
                    f"Group {number} · {plural(len(group.members), 'video')}",
                    _links_line(group),
                )
            _evidence_badge(group)
        names = {member.video_id: member.name for member in group.members}
        with st.container(key=f"members-{number}"):
            for at, member in enumerate(group.members[:_PICTURES_SHOWN]):
                with st.container(key=f"member-{number}-{at}"):
                    thumbnail(member.video_id, key=f"group{number}")
                    name_line(
                        safe_name(member.name),
                        f"{media_line(videos[member.video_id])} — "
                        f"{_connection(at, member, names, group)}",
                        one_line=True,
                    )
                    if member.video_id == best.video_id:
                        st.badge("keep", icon=":material/star:", color="green", help=reason)
        rest = group.members[_PICTURES_SHOWN:]
        if rest:
            st.caption(md("and " + ", ".join(safe_name(member.name) for member in rest)))
        _actions(number, group)


def _evidence_badge(group: Group) -> None:
    chained = len(group.chained)
    if chained:
        st.badge(
            f"{chained} connected indirectly",
            icon=":material/link:",
            color="orange",
            help="These videos do not match the group's first video, but another one that"
            " does. A single weak link can join two groups.",
        )
    elif group.matching < group.pairs:
        st.badge(
            "all match the first",
            color="blue",
            help="Every video matches the group's first video, but not all match each other.",
        )
    else:
        st.badge("every pair matches", icon=":material/check:", color="green")


def _actions(number: int, group: Group) -> None:
    best, weak = group.strongest, group.weakest
    with st.container(horizontal=True, vertical_alignment="center", key=f"acts-group-{number}"):
        tidy_button(number, group)
        compare_button(best.query, best.reference, key=f"compare_group_{number}", kind="secondary")
        if len(group.members) > 2:
            st.button(
                "Graph",
                key=f"graph_group_{number}",
                icon=":material/hub:",
                on_click=st.session_state.update,
                args=({state.COLLECTION_GROUP: group.key, state.COLLECTION_VIEW: GRAPH},),
                help="Which videos match directly, and which only through others",
            )
            if st.button(
                "Review the weakest link",
                icon=":material/fact_check:",
                key=f"judge_group_{number}",
                help=md(f"{_name(group, weak.query)} – {_name(group, weak.reference)}"),
            ):
                state.goto_review(weak.query, weak.reference)
        if not backend.workbench().library.read_only:
            _hide_button(number, group)


def _name(group: Group, video_id: str) -> str:
    return next(safe_name(m.name) for m in group.members if m.video_id == video_id)


def _hide_button(number: int, group: Group) -> None:
    from visil_dash.workbench.collection import hidden_groups

    hidden = group.key in hidden_groups(backend.workbench())
    st.button(
        "Show again" if hidden else "Hide",
        key=f"hide_group_{number}",
        icon=":material/visibility:" if hidden else ":material/visibility_off:",
        type="tertiary",
        on_click=_hide,
        args=(group.key, not hidden),
        help="A hidden group comes back when another video joins it.",
    )


def _hide(key: str, hidden: bool) -> None:
    from visil_dash.workbench.collection import hide_group

    with keep_errors():
        hide_group(backend.workbench(), key, hidden=hidden)


def _links_line(group: Group) -> str:
    line = f"strongest link {group.strongest.score:.3f}"
    if len(group.members) > 2:
        line += (
            f" · weakest link {group.weakest.score:.3f}"
            f" · {group.matching} of {group.pairs} pairs match directly"
        )
    return line


def _connection(at: int, member: Member, names: dict[str, str], group: Group) -> str:
    if at == 0:
        return "most matches" if len(group.members) > 2 else "match"
    if not member.via:
        return f"direct match, {member.score:.3f}"
    # `via` leads from the member to the centre: its own neighbour comes first.
    return "via " + " and ".join(safe_name(names[video], longest=40) for video in member.via)
