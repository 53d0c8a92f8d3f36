"""Groups of a collection, with direct and chained evidence apart.

Videos that match make a group, and so do videos that are only joined through others: A matches
B and B matches C, while A and C share nothing. Such chains are how one weak link merges two
groups, so a group reports its weakest link, and each member through whom it belongs.
"""

import hashlib
from dataclasses import dataclass

import numpy as np

from visil_dash.collection.table import groups, strength
from visil_dash.records import Array, PairTable


@dataclass(frozen=True)
class Link:
    """Two videos of a group and the better of their two scores; `query` scored it."""

    query: str
    reference: str
    score: float


@dataclass(frozen=True)
class Member:
    """One video of a group as seen from the group's centre.

    `via`: the videos between it and the centre; empty for the centre and those that match it
    directly. `score`: the weakest link on that way; 1.0 for the centre.
    """

    video_id: str
    name: str
    via: tuple[str, ...]
    score: float


@dataclass(frozen=True)
class Group:
    """Videos that belong together at one score.

    `members`: first the centre, the video with most matches in the group; then those that match
    it, best first; then those joined only through others. `weakest`: the link without which the
    group would fall apart at the next higher score. `matching` of `pairs` unordered pairs match
    directly.
    """

    members: tuple[Member, ...]
    strongest: Link
    weakest: Link
    matching: int
    pairs: int

    @property
    def key(self) -> str:
        """Names the group by its videos: with another video it is another group."""
        ids = "\n".join(sorted(member.video_id for member in self.members))
        return hashlib.sha256(ids.encode()).hexdigest()[:16]

    @property
    def chained(self) -> tuple[Member, ...]:
        """Members that do not match the centre themselves."""
        return tuple(member for member in self.members if member.via)


def collection_groups(table: PairTable, least: float) -> tuple[Group, ...]:
    """Groups of videos connected by scores of `least` or more either way, the largest first."""
    links = strength(table.scores)
    made = [_group(table, links, members, least) for members in groups(table.scores, least)]
    return tuple(
        sorted(made, key=lambda g: (-len(g.members), -g.strongest.score, g.members[0].name))
    )


def _group(table: PairTable, links: Array, members: tuple[int, ...], least: float) -> Group:
    inside = links[np.ix_(members, members)]
    direct = inside >= np.float32(least)
    counts = direct.sum(1)
    held = np.where(direct, inside, 0).sum(1)
    centre = int(np.lexsort((-held, -counts))[0])
    parents, width = _ways(inside, direct, centre)
    ways = []
    for at, member in enumerate(members):
        via, step = [], parents[at]
        while step not in (-1, centre):
            via.append(table.video_ids[members[step]])
            step = parents[step]
        ways.append(
            Member(table.video_ids[member], table.names[member], tuple(via), float(width[at]))
        )
    head = ways.pop(centre)
    ways.sort(key=lambda m: (len(m.via), -m.score, m.name))
    weakest = _bottleneck(inside, direct)
    best = np.unravel_index(int(inside.argmax()), inside.shape)
    return Group(
        members=(head, *ways),
        strongest=_link(table, members[int(best[0])], members[int(best[1])]),
        weakest=_link(table, members[weakest[0]], members[weakest[1]]),
        matching=int(direct.sum()) // 2,
        pairs=len(members) * (len(members) - 1) // 2,
    )


def _link(table: PairTable, i: int, j: int) -> Link:
    if table.scores[j, i] > table.scores[i, j]:
        i, j = j, i
    return Link(table.video_ids[i], table.video_ids[j], float(table.scores[i, j]))


def _ways(inside: Array, direct: Array, centre: int) -> tuple[list[int], Array]:
    """From the centre to each member in as few links as possible, then by the widest way.

    Returns each member's predecessor (-1 for the centre) and the weakest link on its way.
    """
    n = len(inside)
    parents, width = [-1] * n, np.full(n, -np.inf)
    width[centre] = 1.0
    layer, left = [centre], [i for i in range(n) if i != centre]
    while left:
        widths = np.where(
            direct[np.ix_(layer, left)],
            np.minimum(width[layer][:, None], inside[np.ix_(layer, left)]),
            -np.inf,
        )
        best = widths.argmax(0)
        reached = [at for at in range(len(left)) if np.isfinite(widths[best[at], at])]
        for at in reached:
            parents[left[at]], width[left[at]] = layer[best[at]], widths[best[at], at]
        layer = [left[at] for at in reached]
        left = [member for member in left if member not in set(layer)]
    return parents, width


def _bottleneck(inside: Array, direct: Array) -> tuple[int, int]:
    """The weakest link of the maximum spanning tree: the group holds by it.

    By scipy, because networkx, in Python, takes seconds for a group of 1,000 videos.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import minimum_spanning_tree

    # Turned round and above zero, which would be no link; scores are at most 1.
    tree = minimum_spanning_tree(csr_array(np.where(direct, 2 - inside.astype(float), 0))).tocoo()
    at = int(tree.data.argmax())
    return int(tree.row[at]), int(tree.col[at])
