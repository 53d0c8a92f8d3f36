"""Claims about groups: who is in by direct evidence, who only by way of others, what holds them."""

import itertools

import numpy as np
import pytest

from visil_dash.collection.groups import Group, collection_groups
from visil_dash.collection.table import groups, strength, without
from visil_dash.records import Array, PairTable


def table(links: dict[str, float], videos: str) -> PairTable:
    """`{"ab": 0.9}`: a finds b with 0.9, and b finds a with 0.1 less."""
    place = {video: i for i, video in enumerate(videos)}
    scores = np.full((len(videos), len(videos)), 0.1, np.float32)
    for (a, b), score in links.items():
        scores[place[a], place[b]] = score
        scores[place[b], place[a]] = score - 0.1
    return PairTable(tuple(videos), tuple(f"{v}.mp4" for v in videos), scores, "x")


def ways(group: Group) -> dict[str, tuple[str, ...]]:
    return {member.video_id: member.via for member in group.members}


def test_a_chain_tells_by_way_of_whom_each_video_belongs() -> None:
    chain = table({"ab": 0.9, "bc": 0.8, "cd": 0.7, "be": 0.75}, "abcdef")
    (group,) = collection_groups(chain, 0.6)
    assert group.members[0].video_id == "b", "the centre has most matches"
    assert ways(group) == {"b": (), "a": (), "c": (), "e": (), "d": ("c",)}
    assert [m.video_id for m in group.chained] == ["d"]
    by_id = {m.video_id: m.score for m in group.members}
    assert by_id["d"] == pytest.approx(0.7)
    assert by_id["c"] == pytest.approx(0.8)
    assert (group.matching, group.pairs) == (4, 10)


def test_a_group_in_which_all_match_has_no_chain() -> None:
    links = {a + b: 0.8 for a, b in itertools.combinations("abcd", 2)}
    (group,) = collection_groups(table(links, "abcdx"), 0.6)
    assert group.chained == ()
    assert group.matching == group.pairs == 6


def test_the_way_has_as_few_links_as_possible_then_is_the_strongest() -> None:
    links = {"ab": 0.9, "ac": 0.7, "ad": 0.8, "bz": 0.65, "cz": 0.95, "ae": 0.9}
    (group,) = collection_groups(table(links, "abcdez"), 0.6)
    assert group.members[0].video_id == "a"
    assert ways(group)["z"] == ("c",), "0.7 by way of c beats 0.65 by way of b"


def test_the_weakest_link_is_the_one_that_joins_two_clusters() -> None:
    links = {a + b: 0.9 for a, b in itertools.combinations("abc", 2)}
    links |= {a + b: 0.85 for a, b in itertools.combinations("xyz", 2)}
    links |= {"xc": 0.62, "ya": 0.61}
    (group,) = collection_groups(table(links, "abcxyz"), 0.6)
    assert (group.weakest.query, group.weakest.reference) == ("x", "c")
    assert group.weakest.score == pytest.approx(0.62)
    assert group.strongest.score == pytest.approx(0.9)


@pytest.mark.parametrize("seed", range(8))
def test_above_its_weakest_link_a_group_falls_apart_and_at_it_it_holds(seed: int) -> None:
    random = np.random.default_rng(seed)
    scores = random.uniform(0, 1, (9, 9)).astype(np.float32)
    names = tuple("abcdefghi")
    for group in collection_groups(PairTable(names, names, scores, "x"), 0.7):
        ids = {member.video_id for member in group.members}
        weakest = np.float32(group.weakest.score)
        at = [{names[i] for i in found} for found in groups(scores, float(weakest))]
        above = [
            {names[i] for i in found}
            for found in groups(scores, float(np.nextafter(weakest, np.float32(2))))
        ]
        assert any(ids <= found for found in at)
        assert not any(ids <= found for found in above)
        for member in group.members[1:]:
            chain = [member.video_id, *member.via, group.members[0].video_id]
            steps = [
                strength(scores)[names.index(a), names.index(b)]
                for a, b in itertools.pairwise(chain)
            ]
            assert min(steps) >= np.float32(0.7), "each step of the way is a match"
            assert member.score == pytest.approx(float(min(steps)))


def plain_groups(scores: Array, least: float) -> set[frozenset[int]]:
    """Union of matching pairs by plain loops."""
    owner = list(range(len(scores)))
    for _ in scores:
        for i, j in itertools.permutations(range(len(scores)), 2):
            if scores[i, j] >= least or scores[j, i] >= least:
                owner[i] = owner[j] = min(owner[i], owner[j])
    found = [frozenset(i for i, o in enumerate(owner) if o == group) for group in set(owner)]
    return {group for group in found if len(group) > 1}


@pytest.mark.parametrize("seed", range(6))
def test_groups_are_the_connected_videos_whatever_has_no_score(seed: int) -> None:
    random = np.random.default_rng(seed)
    scores = random.uniform(0, 1, (14, 14)).astype(np.float32)
    scores[random.uniform(size=scores.shape) < 0.5] = np.nan
    for least in (0.7, 0.9, 0.97):
        assert set(map(frozenset, groups(scores, least))) == plain_groups(scores, least)


def test_a_rejected_pair_joins_nobody() -> None:
    chain = table({"ab": 0.9, "bc": 0.8}, "abc")
    assert len(collection_groups(chain, 0.6)[0].members) == 3
    (group,) = collection_groups(without(chain, [("c", "b"), ("c", "gone")]), 0.6)
    assert {m.video_id for m in group.members} == {"a", "b"}
    assert collection_groups(without(chain, [("b", "a"), ("b", "c")]), 0.6) == ()
