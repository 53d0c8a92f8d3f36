"""Every index back end keeps one contract; plain loops are the oracle of exact search."""

from pathlib import Path

import hnswlib
import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.exact_index import ExactIndex
from tests.support.library_fakes import plain_nearest
from visil_dash.errors import NotFound, StoreError, StoreMismatch
from visil_dash.index.base import FrameIndex
from visil_dash.index.exact import nearest_rows
from visil_dash.index.hnsw import HnswIndex
from visil_dash.records import Array

BACK_ENDS: list[type[ExactIndex] | type[HnswIndex]] = [ExactIndex, HnswIndex]
DIM = 5


@pytest.fixture(scope="module", params=BACK_ENDS, ids=lambda c: c.__name__)
def back_end(request: pytest.FixtureRequest) -> type[ExactIndex] | type[HnswIndex]:
    return request.param


def some(count: int, dim: int = DIM, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float32)


def check_answer(
    index: FrameIndex, held: dict[int, Array], queries: Array, k: int, *, exact: bool
) -> None:
    ids, distances = index.search(queries, k)
    count = min(k, len(held))
    assert ids.shape == distances.shape == (len(queries), count)
    assert ids.dtype == np.int64
    assert (np.diff(distances, axis=1) >= 0).all()
    for row, query in enumerate(queries):
        assert len(set(ids[row].tolist())) == count
        for place, number in enumerate(ids[row].tolist()):
            gap = float(((held[number].astype(np.float64) - query) ** 2).sum())
            assert distances[row, place] == pytest.approx(gap, rel=1e-4, abs=1e-5)
    if exact and held:
        truth = plain_nearest(np.stack(list(held.values())), queries, k)
        np.testing.assert_allclose(distances, truth, rtol=1e-4, atol=1e-5)


STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("add"),
            hnp.arrays(
                np.float32,
                st.tuples(st.integers(1, 6), st.just(DIM)),
                elements=st.floats(-2, 2, width=16),
            ),
        ),
        st.tuples(st.just("remove"), st.integers(0, 1000)),
        st.tuples(st.just("restore"), st.integers(0, 1000)),
        st.tuples(st.just("search"), st.integers(1, 40)),
    ),
    max_size=14,
)


@given(steps=STEPS)
def test_any_sequence_of_changes_is_answered_as_plain_loops_do(
    back_end: type[ExactIndex] | type[HnswIndex], steps: list[tuple[str, object]]
) -> None:
    """Below 64 vectors the graph is searched wholly, so HNSW owes the exact answer too."""
    index, held, gone, number = back_end(DIM), {}, [], 7
    queries = some(3)
    for what, value in steps:
        if what == "add" and isinstance(value, np.ndarray):
            ids = np.arange(number, number + len(value)) * 3
            index.add(value, ids)
            held |= dict(zip(ids.tolist(), value, strict=True))
            number += len(value)
        elif what == "remove" and held and isinstance(value, int):
            victim = sorted(held)[value % len(held)]
            index.remove(np.array([victim]))
            del held[victim]
            gone.append(victim)
        elif what == "restore" and gone and isinstance(value, int):
            back = gone.pop(value % len(gone))
            held[back] = some(1, seed=value)[0]
            index.add(held[back][None], np.array([back]))
        elif what == "search" and isinstance(value, int):
            check_answer(index, held, queries, value, exact=True)
        assert len(index) == len(held)
    check_answer(index, held, queries, 5, exact=True)


@given(
    vectors=hnp.arrays(
        np.float32,
        st.tuples(st.integers(1, 30), st.just(3)),
        elements=st.floats(-4, 4, width=16),
    ),
    k=st.integers(1, 40),
    data=st.data(),
)
def test_exact_search_with_a_mask_is_exact_search_of_the_rest(
    vectors: Array, k: int, data: st.DataObject
) -> None:
    alive = np.array(
        data.draw(st.lists(st.booleans(), min_size=len(vectors), max_size=len(vectors)))
    )
    queries = some(2, 3)
    rows, distances = nearest_rows(vectors, queries, k, alive=alive)
    assert alive[rows].all()
    np.testing.assert_allclose(
        distances, plain_nearest(vectors[alive], queries, k), rtol=1e-4, atol=1e-5
    )


def test_exact_search_distinguishes_near_duplicates() -> None:
    """|q|² + |v|² − 2qv rounds 1e-8 away at this length; differences keep it."""
    vectors = np.full((20, 256), 3.0, np.float32)
    vectors[:, 0] += np.linspace(1e-4, 2e-3, 20, dtype=np.float32)
    query = np.full((1, 256), 3.0, np.float32)
    rows, distances = nearest_rows(vectors, query, 20)
    assert rows[0].tolist() == list(range(20))
    assert distances[0, 0] == pytest.approx(1e-8, rel=0.05)


def test_a_saved_index_answers_as_before(
    back_end: type[ExactIndex] | type[HnswIndex], tmp_path: Path
) -> None:
    index = back_end(DIM)
    index.add(some(300), np.arange(300) << 20)
    index.remove(np.arange(10) << 20)
    index.save(tmp_path / "index.bin")
    again = back_end.load(tmp_path / "index.bin", dim=DIM, count=290)
    for k in (1, 7, 290):
        for before, after in zip(index.search(some(9), k), again.search(some(9), k), strict=True):
            np.testing.assert_array_equal(before, after)


def test_loading_another_count_is_refused(
    back_end: type[ExactIndex] | type[HnswIndex], tmp_path: Path
) -> None:
    index = back_end(DIM)
    index.add(some(20), np.arange(20))
    index.save(tmp_path / "index.bin")
    with pytest.raises(StoreMismatch, match="expected 21"):
        back_end.load(tmp_path / "index.bin", dim=DIM, count=21)


def test_saving_into_a_missing_folder_is_an_error(
    back_end: type[ExactIndex] | type[HnswIndex], tmp_path: Path
) -> None:
    """hnswlib itself returns None."""
    index = back_end(DIM)
    index.add(some(4), np.arange(4))
    with pytest.raises((StoreError, OSError)):
        index.save(tmp_path / "gone" / "index.bin")


def test_a_short_file_after_saving_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk: hnswlib writes what fits and reports nothing."""

    class Short(hnswlib.Index):
        def save_index(self, path: str) -> None:
            Path(path).write_bytes(b"half")

        def index_file_size(self) -> int:
            return 8

    monkeypatch.setattr(hnswlib, "Index", Short)
    index = HnswIndex(DIM)
    with pytest.raises(StoreError, match="4 of 8 bytes"):
        index.save(tmp_path / "index.bin")


def test_empty_and_too_large_k_give_what_there_is(
    back_end: type[ExactIndex] | type[HnswIndex],
) -> None:
    index = back_end(DIM)
    assert index.search(some(2), 3)[0].shape == (2, 0)
    index.add(some(3), np.arange(3))
    assert index.search(some(2), 100)[0].shape == (2, 3)
    assert index.search(some(0), 2)[0].shape == (0, 2)
    assert index.search(some(2), 0)[0].shape == (2, 0)
    index.remove(np.arange(3))
    assert index.search(some(2), 3)[0].shape == (2, 0)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused_and_change_nothing(
    back_end: type[ExactIndex] | type[HnswIndex], bad: float
) -> None:
    """hnswlib itself answers a NaN query silently."""
    index = back_end(DIM)
    index.add(some(3), np.arange(3))
    poisoned = some(2)
    poisoned[1, 2] = bad
    with pytest.raises(ValueError, match="not finite"):
        index.add(poisoned, np.array([8, 9]))
    with pytest.raises(ValueError, match="not finite"):
        index.search(poisoned, 1)
    assert len(index) == 3


def test_wrong_shapes_and_ids_are_refused_and_change_nothing(
    back_end: type[ExactIndex] | type[HnswIndex],
) -> None:
    index = back_end(DIM)
    index.add(some(3), np.arange(3))
    with pytest.raises(ValueError, match=r"expected \[N, 5\], got \[2, 4\]"):
        index.add(some(2, 4), np.array([8, 9]))
    with pytest.raises(ValueError, match=r"expected \[2\], got \[3\]"):
        index.add(some(2), np.array([7, 8, 9]))
    for ids in ([2, 9], [9, 9]):
        with pytest.raises(ValueError, match="there already"):
            index.add(some(2), np.array(ids))
    with pytest.raises(ValueError, match="below 0"):
        index.add(some(2), np.array([-1, 9]))
    with pytest.raises(ValueError, match=r"expected \[N, 5\]"):
        index.search(some(1, 6), 1)
    with pytest.raises(NotFound):
        index.remove(np.array([0, 77]))
    assert len(index) == 3


def test_an_unreachable_graph_is_answered_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    class Torn(hnswlib.Index):
        def knn_query(self, _queries: Array, k: int) -> None:
            raise RuntimeError("Cannot return the results in a contiguous 2D array.")

    monkeypatch.setattr(hnswlib, "Index", Torn)
    index = HnswIndex(DIM)
    index.add(some(80), np.arange(80))
    held = dict(enumerate(some(80)))
    check_answer(index, held, some(4, seed=3), 10, exact=True)


def test_graph_search_finds_99_of_100_neighbours_of_clustered_frames() -> None:
    """Frames come video by video: in that order of insertion the graph would miss whole videos."""
    random = np.random.default_rng(5)
    starts = random.normal(size=(60, 1, 32))
    steps = 0.1 * random.normal(size=(60, 50, 32)).cumsum(1)
    vectors = (starts + steps).reshape(-1, 32).astype(np.float32)
    queries = vectors[::15] + 0.05 * some(200, 32)
    graph, truth = HnswIndex(32), ExactIndex(32)
    for index in (graph, truth):
        index.add(vectors, np.arange(len(vectors)))
    got, want = graph.search(queries, 10)[0], truth.search(queries, 10)[0]
    recall = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(got, want, strict=True)])
    assert recall >= 0.99
