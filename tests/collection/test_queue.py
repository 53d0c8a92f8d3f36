"""Claims about the review queue: the pairs about which the score says least come first."""

import numpy as np
import pytest

from visil_dash.collection.queue import STEP, review_queue
from visil_dash.labels.label import pair_of
from visil_dash.records import PairTable


def random_table(seed: int, videos: int = 8) -> PairTable:
    random = np.random.default_rng(seed)
    scores = random.uniform(0, 1, (videos, videos)).astype(np.float32)
    scores[random.uniform(size=scores.shape) < 0.2] = np.nan
    scores[np.isnan(scores.T)] = np.nan
    names = tuple(f"v{i}" for i in range(videos))
    return PairTable(names, names, scores, "x")


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("match_score", [0.3, 0.6])
def test_every_compared_pair_comes_once_nearest_to_the_match_score_first(
    seed: int, match_score: float
) -> None:
    table = random_table(seed)
    queue = review_queue(table, match_score)
    expected = {}
    for i, a in enumerate(table.video_ids):
        for j, b in enumerate(table.video_ids[:i]):
            if not np.isnan(table.scores[i, j]):
                expected[pair_of(a, b)] = max(table.scores[i, j], table.scores[j, i])
    assert {q.pair for q in queue} == expected.keys()
    assert len(queue) == len(expected)
    margins = [abs(q.margin) for q in queue]
    assert margins == sorted(margins)
    for q in queue:
        assert q.score == pytest.approx(float(expected[q.pair]))
        assert q.score >= q.reverse, "the direction that scores higher asks"
        assert q.margin == pytest.approx(q.score - match_score, abs=1e-6)


def test_of_pairs_equally_near_the_one_that_lines_up_comes_first() -> None:
    scores = np.full((4, 4), np.nan, np.float32)
    for (i, j), score in {(0, 1): 0.605, (0, 2): 0.595, (0, 3): 0.59, (1, 2): 0.7}.items():
        scores[i, j] = scores[j, i] = score
    table = PairTable(tuple("abcd"), tuple("abcd"), scores, "x")
    seconds = {("a", "b"): 0.0, ("a", "c"): 4.0, ("a", "d"): 9.0, ("b", "c"): 60.0}
    queue = review_queue(table, 0.6, matched_seconds=lambda a, b: seconds[pair_of(a, b)])
    assert [q.pair for q in queue] == [("a", "d"), ("a", "c"), ("a", "b"), ("b", "c")]
    assert [q.matched for q in queue] == [9.0, 4.0, 0.0, 60.0]
    assert abs(queue[-1].margin) > STEP


def test_only_the_first_pairs_are_aligned() -> None:
    asked = []

    def seconds(a: str, b: str) -> float:
        asked.append((a, b))
        return 1.0

    queue = review_queue(random_table(0), 0.5, matched_seconds=seconds, aligned=3, most=7)
    assert len(asked) == 3
    assert len(queue) == 7
    assert [q.matched for q in queue[3:]] == [None] * 4
