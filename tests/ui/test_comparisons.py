"""The last comparisons are kept within their bytes, and nothing of a deleted clip is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from visil_dash.errors import Cancelled
from visil_dash.matching.alignment import AlignOptions
from visil_dash.matching.rerank import compare_pair
from visil_dash.matching.similarity import CHAMFER
from visil_dash.progress import Progress, Watch
from visil_dash.records import Comparison, VideoFeatures
from visil_dash.ui.compare.tasks import ComparisonCache, size_of


def features(name: str, frames: int, seed: int) -> VideoFeatures:
    regions = np.random.default_rng(seed).standard_normal((frames, 3, 8)).astype(np.float32)
    return VideoFeatures(name, "x", regions, np.arange(frames) * 1.0)


def pair(frames: int = 5) -> Comparison:
    return compare_pair(
        features("q", frames, 0),
        features("r", frames, 1),
        scorer=CHAMFER,
        options=AlignOptions(frame_level=0.7),
    )


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.booleans()), max_size=30))
def test_what_was_used_last_is_kept_within_the_bytes(steps: list[tuple[str, bool]]) -> None:
    made = pair()
    room = 3
    kept, plain = ComparisonCache(most_bytes=room * size_of(made)), []
    for name, keep in steps:
        key = ("library", "x", name, "r")
        if keep:
            kept.keep(key, made)
        elif name in plain:
            assert kept.get(key) is made
        else:
            assert kept.get(key) is None
            continue
        plain = [*(n for n in plain if n != name), name][-room:]
    for name in "abcde":
        assert (kept.get(("library", "x", name, "r")) is made) == (name in plain)


def test_the_latest_is_kept_however_large_and_a_forgotten_one_is_gone() -> None:
    kept, made = ComparisonCache(most_bytes=1), pair()
    kept.keep(("l", "x", "q", "r"), made)
    assert kept.get(("l", "x", "q", "r")) is made
    kept.forget("nobody")
    assert kept.get(("l", "x", "q", "r")) is made
    kept.forget("r")
    assert kept.get(("l", "x", "q", "r")) is None


def test_a_comparison_reports_its_progress_and_stops_when_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("visil_dash.matching.products.TILE_ROWS", 8)  # 5 tiles
    query, reference = features("q", 40, 0), features("r", 40, 1)
    options = AlignOptions(frame_level=0.7)
    seen: list[Progress] = []
    whole = compare_pair(
        query,
        reference,
        scorer=CHAMFER,
        options=options,
        watch=Watch(seen.append),
    )
    assert [progress.what for progress in seen] == 5 * ["Comparing frames"] + ["Aligning"]
    shares = [progress.share for progress in seen]
    assert shares == sorted(shares)
    assert 0 < shares[0] < shares[-1] < 1
    plain = compare_pair(query, reference, scorer=CHAMFER, options=options)
    np.testing.assert_array_equal(whole.frame_similarity, plain.frame_similarity)
    seen.clear()
    with pytest.raises(Cancelled):
        compare_pair(
            query,
            reference,
            scorer=CHAMFER,
            options=options,
            watch=Watch(seen.append, lambda: len(seen) == 2),
        )
    assert len(seen) == 2
