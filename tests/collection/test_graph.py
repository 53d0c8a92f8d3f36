"""A group as a graph (collection/graph.py): who matches whom, and who only by way of others."""

import itertools

import numpy as np
import pytest

from visil_dash.collection.graph import GroupGraph, group_graph
from visil_dash.collection.groups import Group, collection_groups
from visil_dash.records import Array, PairTable

LEAST = 0.6


def chain() -> tuple[Group, GroupGraph]:
    """b is matched by a, c and e; d only by c."""
    videos = "abcde"
    scores = np.full((5, 5), 0.1, np.float32)
    for pair, score in {"ab": 0.9, "bc": 0.8, "cd": 0.62, "be": 0.75}.items():
        i, j = (videos.index(v) for v in pair)
        scores[i, j] = scores[j, i] = score
    table = PairTable(tuple(videos), tuple(videos), scores, "x")
    (group,) = collection_groups(table, LEAST)
    return group, group_graph(group, table, LEAST)


def test_every_pair_is_an_edge_and_only_those_that_match_are_direct() -> None:
    group, graph = chain()
    ids = [member.video_id for member in group.members]
    assert len(graph.edges) == 10
    direct = {frozenset((ids[e.first], ids[e.second])) for e in graph.edges if e.direct}
    assert direct == {frozenset(pair) for pair in ("ab", "bc", "cd", "be")}
    (weakest,) = [e for e in graph.edges if e.holds]
    assert {ids[weakest.first], ids[weakest.second]} == {"c", "d"}
    assert weakest.score == pytest.approx(0.62)


def test_a_video_that_is_joined_through_another_stands_outside_of_that_one() -> None:
    group, graph = chain()
    at = {member.video_id: graph.positions[i] for i, member in enumerate(group.members)}
    radius = {video: float(np.linalg.norm(place)) for video, place in at.items()}
    assert radius["d"] == pytest.approx(1.0)
    assert {round(radius[v], 6) for v in "abce"} == {0.5}
    towards = at["d"] @ at["c"] / (radius["d"] * radius["c"])
    assert towards == pytest.approx(1.0)


@pytest.mark.parametrize("videos", [2, 3, 4, 7, 12])
def test_no_line_between_two_videos_runs_through_a_third(videos: int) -> None:
    names = tuple(f"v{i}" for i in range(videos))
    table = PairTable(names, names, np.full((videos, videos), 0.9, np.float32), "x")
    (group,) = collection_groups(table, LEAST)
    positions = group_graph(group, table, LEAST).positions
    assert np.abs(positions).max() <= 1 + 1e-9
    for i, j in itertools.combinations(range(videos), 2):
        others = [k for k in range(videos) if k not in (i, j)]
        assert all(_distance(positions, i, j, k) > 0.05 for k in others)


def _distance(positions: Array, i: int, j: int, k: int) -> float:
    """From point k to the line between i and j."""
    a, b, p = positions[i], positions[j], positions[k]
    share = np.clip((p - a) @ (b - a) / ((b - a) @ (b - a)), 0, 1)
    return float(np.linalg.norm(p - (a + share * (b - a))))
