"""Groups of the collection: who belongs together, directly or only by way of others."""

import streamlit as st

from visil_dash.collection.groups import Group, Link, Member, collection_groups
from visil_dash.records import PairTable
from visil_dash.ui.collection.table import REVIEW, compare_button
from visil_dash.ui.shell import state
from visil_dash.ui.shell.text import md, plural, safe_name
from visil_dash.ui.shell.widgets import await_posters, empty_state, name_line, thumbnail

_GROUPS_SHOWN = 30
_PICTURES_SHOWN = 12


def group_list(table: PairTable, least: float) -> None:
    """Videos connected by matches, with their pictures; the largest groups first."""
    found = collection_groups(table, least)
    if not found:
        empty_state("No group", "No two videos match at this score. Lower “Match score from”.")
        return
    for number, group in enumerate(found[:_GROUPS_SHOWN], 1):
        _group(number, group)
    if len(found) > _GROUPS_SHOWN:
        st.caption(f"{plural(len(found) - _GROUPS_SHOWN, 'smaller group')} not shown.")
    await_posters(
        member.video_id for g in found[:_GROUPS_SHOWN] for member in g.members[:_PICTURES_SHOWN]
    )


def _group(number: int, group: Group) -> None:
    chained = len(group.chained)
    with st.container(border=True, key=f"group-{number}"):
        with st.container(horizontal=True, vertical_alignment="top"):
            with st.container():
                name_line(
                    f"Group {number} · {plural(len(group.members), 'video')}",
                    _evidence(group),
                )
            if chained:
                st.badge(
                    f"{chained} only by way of others",
                    icon=":material/link:",
                    color="orange",
                    help="These do not match the group's first video themselves: they match a"
                    " video that does. One weak link can join two groups.",
                )
            elif group.matching < group.pairs:
                st.badge(
                    "all match the first",
                    color="blue",
                    help="Every video matches the group's first one, but not all match each other.",
                )
            else:
                st.badge("every pair matches", icon=":material/check:", color="green")
        names = {member.video_id: member.name for member in group.members}
        with st.container(horizontal=True, gap="small"):
            for at, member in enumerate(group.members[:_PICTURES_SHOWN]):
                with st.container(width=170, key=f"member-{number}-{at}"):
                    thumbnail(member.video_id, key=f"group{number}")
                    name_line(
                        safe_name(member.name), _belongs(at, member, names, group), one_line=True
                    )
        rest = group.members[_PICTURES_SHOWN:]
        if rest:
            st.caption(md("and " + ", ".join(safe_name(member.name) for member in rest)))
        with st.container(horizontal=True, vertical_alignment="center"):
            best, weak = group.strongest, group.weakest
            compare_button(best.query, best.reference, key=f"compare_group_{number}")
            if len(group.members) > 2:
                st.button(
                    "Judge the weakest link",
                    icon=":material/fact_check:",
                    key=f"judge_group_{number}",
                    on_click=_judge,
                    args=(weak,),
                )
                st.caption(
                    md(f"{safe_name(names[weak.query])} – {safe_name(names[weak.reference])}"),
                    width="stretch",
                )


def _evidence(group: Group) -> str:
    told = f"strongest link {group.strongest.score:.3f}"
    if len(group.members) > 2:
        told += (
            f" · weakest link {group.weakest.score:.3f} holds it together"
            f" · {group.matching} of {group.pairs} pairs match directly"
        )
    return told


def _belongs(at: int, member: Member, names: dict[str, str], group: Group) -> str:
    if at == 0:
        return "most matches here" if len(group.members) > 2 else "match"
    if not member.via:
        return f"direct, {member.score:.3f}"
    # `via` leads from the member to the centre: its own neighbour comes first.
    way = " and ".join(safe_name(names[video], longest=40) for video in member.via)
    return f"by way of {way}"


def _judge(link: Link) -> None:
    st.session_state[state.REVIEW_PAIR] = (link.query, link.reference)
    st.session_state[state.COLLECTION_VIEW] = REVIEW
