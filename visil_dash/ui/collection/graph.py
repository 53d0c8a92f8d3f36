"""The groups of the collection as graphs: what holds a group together, and by whom."""

from collections.abc import Sequence

import streamlit as st

from visil_dash.collection.graph import Edge, group_graph
from visil_dash.collection.groups import Group, collection_groups
from visil_dash.plots.group_graph import clicked_link, group_figure
from visil_dash.records import PairTable
from visil_dash.ui.collection.pair_card import draw_pair_card
from visil_dash.ui.shell import pictures, state
from visil_dash.ui.shell.runs import fragment
from visil_dash.ui.shell.text import plural, safe_name
from visil_dash.ui.shell.widgets import draw_chart, empty_state

_PICTURES_SHOWN = 40
_JOINED_SHOWN = 12  # of larger groups, pairs without a direct match are too many lines


def draw_graph_view(table: PairTable, match_score: float) -> None:
    groups = collection_groups(table, match_score)
    if not groups:
        empty_state("No groups", "No two videos reach this match score. Lower it to see groups.")
        return
    keys = {group.key: (number, group) for number, group in enumerate(groups, 1)}
    if st.session_state.get(state.COLLECTION_GROUP) not in keys:
        st.session_state[state.COLLECTION_GROUP] = groups[0].key
    chosen = st.selectbox(
        "Group",
        list(keys),
        format_func=lambda key: _title(*keys[key]) if key in keys else key,
        key=state.COLLECTION_GROUP,
        width=420,
        persist_state="session",
    )
    _graph(keys[chosen][1], table, match_score)


def _title(number: int, group: Group) -> str:
    return (
        f"Group {number} · {plural(len(group.members), 'video')} ·"
        f" {safe_name(group.members[0].name, longest=40)}"
    )


@fragment
def _graph(group: Group, table: PairTable, match_score: float) -> None:
    made = group_graph(group, table, match_score)
    few = len(group.members) <= _JOINED_SHOWN
    edges = [edge for edge in made.edges if edge.direct or few]
    ids = [member.video_id for member in group.members]
    left, right = st.columns([2.6, 1], gap="medium")
    with left:
        draw_chart(
            group_figure(
                made.positions,
                [safe_name(member.name) for member in group.members],
                [(edge.first, edge.second, edge.score, _kind(edge)) for edge in edges],
                pictures={
                    at: picture
                    for at, video in enumerate(ids[:_PICTURES_SHOWN])
                    if (picture := pictures.tiny_picture(video))
                },
            ),
            key=state.COLLECTION_GRAPH,
            on_select="rerun",
            selection_mode="points",
        )
        st.caption(
            "Solid lines: the two videos match directly; the amber one holds the group together."
            + (" Dotted lines: no direct match, joined only through others." if few else "")
            + " Click the middle of a line to see its pair."
        )
    with right:
        edge = _clicked(edges)
        if edge is None:
            empty_state("Choose a pair", "Click the middle of a line.")
        else:
            draw_pair_card(
                table, *_better_way(table, ids[edge.first], ids[edge.second]), key="edge"
            )


def _kind(edge: Edge) -> str:
    return "holds" if edge.holds else "direct" if edge.direct else "joined"


def _clicked(edges: Sequence[Edge]) -> Edge | None:
    event = st.session_state.get(state.COLLECTION_GRAPH) or {}
    points = event.get("selection", {}).get("points", []) if event else []
    at = clicked_link(points, len(edges))
    return None if at is None else edges[at]


def _better_way(table: PairTable, one: str, other: str) -> tuple[str, str]:
    at = {video: i for i, video in enumerate(table.video_ids)}
    there, back = table.scores[at[one], at[other]], table.scores[at[other], at[one]]
    return (other, one) if back > there else (one, other)
