"""Long work of the Collection page as background tasks; see backend for what keys contain."""

from typing import TYPE_CHECKING

from visil_dash.collection.table import CollectionTable
from visil_dash.progress import Watch
from visil_dash.ui.shell import backend
from visil_dash.ui.shell.tasks import Task

if TYPE_CHECKING:  # services import torch: only when it is needed
    from visil_dash.collection.map import SimilarityMap
    from visil_dash.workbench.collection import Moment


def pair_table_task(*, candidates: bool, again: bool = False) -> Task:
    """All pairs, or those that the index proposes; `result` is a CollectionTable."""
    from visil_dash.workbench.collection import all_pairs, candidate_table

    bench = backend.workbench()
    limit = bench.threshold() if candidates else None

    def work(watch: Watch) -> CollectionTable:
        if limit is None:
            return all_pairs(bench, watch=watch)
        return candidate_table(bench, threshold=limit, watch=watch)

    key = ("collection", *backend.task_scope(), bench.space.version, limit)
    return backend.tasks().start(key, work, again=again)


def review_queue_task(computed: CollectionTable, match_score: float) -> Task:
    """The pairs to judge; `result` is a tuple of Questions."""
    from visil_dash.workbench.collection import queue_of

    bench = backend.workbench()
    key = ("queue", *backend.task_scope(), bench.space.version, computed.threshold, match_score)
    return backend.tasks().start(
        key, lambda watch: queue_of(bench, computed.table, match_score, watch=watch)
    )


def best_moment_task(query: str, reference: str) -> Task:
    """One pair with pictures of its most similar frames; `result` is a Moment."""
    from visil_dash.workbench.collection import moment

    bench = backend.workbench()

    def work(watch: Watch) -> "Moment":
        watch.step("Comparing the two videos", 0.0)
        return moment(bench, query, reference)

    return backend.tasks().start(("moment", *backend.task_scope(), query, reference), work)


def map_task(computed: CollectionTable, *, again: bool = False) -> Task:
    """The map of the table as it was computed: verdicts hide pairs but do not move videos.

    `result` is a SimilarityMap.
    """

    def work(watch: Watch) -> "SimilarityMap":
        from visil_dash.collection.map import similarity_map

        watch.step("Computing a start position", 0.0)
        return similarity_map(computed.table.scores, watch=watch)

    bench = backend.workbench()
    key = ("layout", *backend.task_scope(), bench.space.version, computed.threshold)
    return backend.tasks().start(key, work, again=again)
