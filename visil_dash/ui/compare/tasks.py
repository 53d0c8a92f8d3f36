"""Full comparisons of pairs: made in the background, the most recent ones cached."""

from threading import Lock

import streamlit as st
from cachetools import LRUCache

from visil_dash.progress import Watch
from visil_dash.records import Array, Comparison
from visil_dash.ui.shell import backend
from visil_dash.ui.shell.tasks import Key, Task, is_about

_MOST_BYTES = 512 * 1024**2  # an hour against an hour takes 110 MB


class ComparisonCache:
    """The comparisons used last, within `most_bytes`; the latest is always kept."""

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        # A comparison larger than the cache counts as just its size, so that it is kept alone.
        self._pairs: LRUCache[Key, Comparison] = LRUCache(
            most_bytes, getsizeof=lambda pair: min(size_of(pair), most_bytes)
        )
        self._lock = Lock()

    def get(self, key: Key) -> Comparison | None:
        with self._lock:
            return self._pairs.get(key)

    def keep(self, key: Key, pair: Comparison) -> None:
        with self._lock:
            self._pairs[key] = pair

    def forget(self, about: str) -> None:
        """Drops the comparisons of a video or clip, or of a view of it."""
        with self._lock:
            for key in [key for key in self._pairs if is_about(key, about)]:
                del self._pairs[key]


def size_of(pair: Comparison) -> int:
    matrices: tuple[Array | None, ...] = (
        pair.frame_similarity,
        pair.frame_similarity_reverse,
        pair.visil_output,
        pair.visil_output_reverse,
    )
    return sum(int(m.nbytes) for m in matrices if m is not None)


@st.cache_resource(max_entries=1, show_spinner=False)
def _cache() -> ComparisonCache:
    made = ComparisonCache()
    backend.on_forget(made.forget)
    return made


def _key(query_id: str, reference_id: str) -> Key:
    """Raises NotFound unless this session may see both."""
    backend.name_of(query_id), backend.name_of(reference_id)
    return (*backend.task_scope(), query_id, reference_id)


def comparison_task(query_id: str, reference_id: str, *, again: bool = False) -> Task:
    """Compares the pair in the background; then `comparison` has it."""
    bench, pairs, key = backend.workbench(), _cache(), _key(query_id, reference_id)

    def work(watch: Watch) -> None:
        if pairs.get(key) is None:
            pairs.keep(key, bench.compare(query_id, reference_id, watch=watch))

    task = backend.tasks().start(("compare", *key), work, again=again)
    if task.ended and task.error is None and pairs.get(key) is None:  # it has left the cache since
        task = backend.tasks().start(("compare", *key), work, again=True)
    return task


def proof_task(query_id: str, reference_id: str) -> Task:
    """Verifies a pair that was compared on the pixels; then `comparison` has the proof."""
    bench, pairs, key = backend.workbench(), _cache(), _key(query_id, reference_id)

    def work(watch: Watch) -> None:
        from visil_dash.workbench.proving import prove_pair

        pair = pairs.get(key) or bench.compare(query_id, reference_id, watch=watch)
        pairs.keep(key, prove_pair(bench, pair, watch=watch))

    task = backend.tasks().start(("prove", *key), work)
    pair = pairs.get(key)
    if task.ended and task.error is None and (pair is None or pair.proof is None):
        task = backend.tasks().start(("prove", *key), work, again=True)  # it has left the cache
    return task


def comparison(query_id: str, reference_id: str) -> Comparison:
    """The cached comparison, or a new one. Its arrays are shared: do not write into them."""
    pairs, key = _cache(), _key(query_id, reference_id)
    pair = pairs.get(key)
    if pair is None:
        with st.spinner("Comparing the two videos…"):
            pair = backend.workbench().compare(query_id, reference_id)
        pairs.keep(key, pair)
    return pair
