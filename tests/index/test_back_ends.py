"""Every index back end keeps one contract; plain loops are the oracle of exact search."""

from pathlib import Path

import hnswlib
import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.exact_index import ExactIndex
from tests.support.index_contract import (
    INDEX_DIM,
    IndexContract,
    MakeIndex,
    check_answer,
    check_changes,
    some_vectors,
)
from tests.support.library_fakes import plain_nearest
from visil_dash.errors import StoreError, StoreMismatch
from visil_dash.index.exact import nearest_rows
from visil_dash.index.hnsw import HnswIndex
from visil_dash.records import Array

BACK_ENDS: list[type[ExactIndex] | type[HnswIndex]] = [ExactIndex, HnswIndex]
DIM = INDEX_DIM


@pytest.fixture(scope="module", params=BACK_ENDS, ids=lambda c: c.__name__)
def back_end(request: pytest.FixtureRequest) -> type[ExactIndex] | type[HnswIndex]:
    return request.param


class TestEveryBackEnd(IndexContract):
    @pytest.fixture
    def make(self, back_end: type[ExactIndex] | type[HnswIndex]) -> MakeIndex:
        return back_end


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
    check_changes(back_end(DIM), steps)


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
    queries = some_vectors(2, 3)
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
    index.add(some_vectors(300), np.arange(300) << 20)
    index.remove(np.arange(10) << 20)
    index.save(tmp_path / "index.bin")
    again = back_end.load(tmp_path / "index.bin", dim=DIM, count=290)
    for k in (1, 7, 290):
        for before, after in zip(
            index.search(some_vectors(9), k), again.search(some_vectors(9), k), strict=True
        ):
            np.testing.assert_array_equal(before, after)


def test_loading_another_count_is_refused(
    back_end: type[ExactIndex] | type[HnswIndex], tmp_path: Path
) -> None:
    index = back_end(DIM)
    index.add(some_vectors(20), np.arange(20))
    index.save(tmp_path / "index.bin")
    with pytest.raises(StoreMismatch, match="expected 21"):
        back_end.load(tmp_path / "index.bin", dim=DIM, count=21)


def test_saving_into_a_missing_folder_is_an_error(
    back_end: type[ExactIndex] | type[HnswIndex], tmp_path: Path
) -> None:
    """hnswlib itself returns None."""
    index = back_end(DIM)
    index.add(some_vectors(4), np.arange(4))
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


def test_an_unreachable_graph_is_answered_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    class Torn(hnswlib.Index):
        def knn_query(self, _queries: Array, k: int) -> None:
            raise RuntimeError("Cannot return the results in a contiguous 2D array.")

    monkeypatch.setattr(hnswlib, "Index", Torn)
    index = HnswIndex(DIM)
    index.add(some_vectors(80), np.arange(80))
    held = dict(enumerate(some_vectors(80)))
    check_answer(index, held, some_vectors(4, seed=3), 10, exact=True)
