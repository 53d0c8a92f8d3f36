"""A group as a graph: who matches whom directly, and who belongs only by way of others."""

import math
from dataclasses import dataclass

import numpy as np

from visil_dash.collection.groups import Group
from visil_dash.collection.table import strength
from visil_dash.records import Array, PairTable

_APART = 0.35  # radians between neighbours on an outer ring


@dataclass(frozen=True)
class Edge:
    """Two members by their places in the group, the first the smaller.

    `direct`: their better score, `score`, is that of a match; else they are joined through others.
    `holds`: a direct link without which the group would fall apart at the next higher score.
    """

    first: int
    second: int
    score: float
    direct: bool
    holds: bool


@dataclass(frozen=True)
class GroupGraph:
    """`positions` `[N, 2]` of the group's members, within -1..1."""

    positions: Array
    edges: tuple[Edge, ...]


def group_graph(group: Group, table: PairTable, least: float) -> GroupGraph:
    """The graph of a group of this table at the match score `least`.

    The group's first video and those that match it stand on a circle, on which no line between two
    of them hides a third; each that is joined through another stands outside of that one.
    """
    return GroupGraph(_positions(group), tuple(_edges(group, table, least)))


def _edges(group: Group, table: PairTable, least: float) -> list[Edge]:
    place = {video_id: at for at, video_id in enumerate(table.video_ids)}
    members = [member.video_id for member in group.members]
    at = [place[video_id] for video_id in members]
    links = strength(table.scores[np.ix_(at, at)])
    direct = links >= np.float32(least)
    weakest = {group.weakest.query, group.weakest.reference}
    return [
        Edge(
            first=i,
            second=j,
            score=float(links[i, j]),
            direct=bool(direct[i, j]),
            holds={members[i], members[j]} == weakest,
        )
        for i in range(len(at))
        for j in range(i + 1, len(at))
    ]


def _positions(group: Group) -> Array:
    ring = np.array([max(1, len(member.via) + 1) for member in group.members])
    place = {member.video_id: at for at, member in enumerate(group.members)}
    angle = np.zeros(len(ring))
    inner = np.flatnonzero(ring == 1)
    turn = math.pi if len(inner) == 2 else math.pi / 2  # two stand side by side
    angle[inner] = turn - 2 * math.pi * np.arange(len(inner)) / len(inner)
    for distance in range(2, int(ring.max()) + 1):
        # `via` begins with the neighbour on the next inner ring.
        wanted = {
            int(at): float(angle[place[group.members[at].via[0]]])
            for at in np.flatnonzero(ring == distance)
        }
        taken = -math.inf
        for at in sorted(wanted, key=wanted.__getitem__):
            taken = max(wanted[at], taken + _APART)
            angle[at] = taken
    radius = ring / int(ring.max())
    out: Array = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
    return out
