"""Groups of the collection: videos connected by matches, directly or through others."""

import streamlit as st

from visil_dash.collection.groups import Group, Member, collection_groups
from visil_dash.records import PairTable
from visil_dash.ui.collection.options import REVIEW
from visil_dash.ui.shell import state
from visil_dash.ui.shell.text import md, plural, safe_name
from visil_dash.ui.shell.widgets import (
    await_posters,
    compare_button,
    empty_state,
    name_line,
    thumbnail,
)

_GROUPS_SHOWN = 30
_PICTURES_SHOWN = 12


def draw_groups(table: PairTable, match_score: float) -> None:
    groups = collection_groups(table, match_score)
    if not groups:
        empty_state("No groups", "No two videos reach this match score. Lower it to see groups.")
        return
    for number, group in enumerate(groups[:_GROUPS_SHOWN], 1):
        _group(number, group)
    if len(groups) > _GROUPS_SHOWN:
        st.caption(f"{plural(len(groups) - _GROUPS_SHOWN, 'smaller group')} not shown.")
    await_posters(
        member.video_id for g in groups[:_GROUPS_SHOWN] for member in g.members[:_PICTURES_SHOWN]
    )


def _group(number: int, group: Group) -> None:
    chained = len(group.chained)
    with st.container(border=True, key=f"group-{number}"):
        with st.container(horizontal=True, vertical_alignment="top"):
            with st.container():
                name_line(
                    f"Group {number} · {plural(len(group.members), 'video')}",
                    _links_line(group),
                )
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
                    help="Every video matches the group's first video, but not all match each"
                    " other.",
                )
            else:
                st.badge("every pair matches", icon=":material/check:", color="green")
        names = {member.video_id: member.name for member in group.members}
        with st.container(horizontal=True, gap="small"):
            for at, member in enumerate(group.members[:_PICTURES_SHOWN]):
                with st.container(width=170, key=f"member-{number}-{at}"):
                    thumbnail(member.video_id, key=f"group{number}")
                    name_line(
                        safe_name(member.name), _connection(at, member, names, group), one_line=True
                    )
        rest = group.members[_PICTURES_SHOWN:]
        if rest:
            st.caption(md("and " + ", ".join(safe_name(member.name) for member in rest)))
        with st.container(horizontal=True, vertical_alignment="center"):
            best, weak = group.strongest, group.weakest
            compare_button(best.query, best.reference, key=f"compare_group_{number}")
            if len(group.members) > 2:
                st.button(
                    "Review the weakest link",
                    icon=":material/fact_check:",
                    key=f"judge_group_{number}",
                    on_click=st.session_state.update,
                    args=(
                        {
                            state.REVIEW_PAIR: (weak.query, weak.reference),
                            state.COLLECTION_VIEW: REVIEW,
                        },
                    ),
                )
                st.caption(
                    md(f"{safe_name(names[weak.query])} – {safe_name(names[weak.reference])}"),
                    width="stretch",
                )


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
