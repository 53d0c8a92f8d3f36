"""Measurements on labelled pairs and what follows from them, each cached for all sessions."""

from typing import TYPE_CHECKING, Literal

import streamlit as st

from visil_dash.labels.label import Upto
from visil_dash.labels.truth import Truth
from visil_dash.metrics.operating import (
    JudgedPairs,
    OperatingCurves,
    Suggestions,
    judged,
    operating_curves,
    suggestions,
)
from visil_dash.progress import Watch
from visil_dash.records import Array
from visil_dash.ui.shell import backend
from visil_dash.ui.shell.runs import arrived
from visil_dash.ui.shell.tasks import Key, Task
from visil_dash.ui.threshold.labels_in_use import LabelSet

if TYPE_CHECKING:  # these import services, which takes seconds
    from visil_dash.laboratory.evaluation.scores import Known, RerankRate

Measure = Literal["distance", "match"]


def as_threshold(measure: Measure, closeness: float) -> float:
    """A closeness as a squared L2 distance or a score."""
    return -closeness if measure == "distance" else closeness


def as_thresholds(measure: Measure, closeness: Array) -> Array:
    return -closeness if measure == "distance" else closeness


@st.cache_resource(max_entries=1, show_spinner=False)
def known_scores() -> "Known":
    """Scores of pairs by extractor and content hashes, which never change."""
    return {}


def _key(measure: Measure, given: LabelSet) -> Key:
    bench = backend.workbench()
    folder = str(bench.library.folder)
    return (
        measure,
        folder,
        bench.extractor,
        bench.space.version,
        given.digest,
        given.count_unlabelled,
    )


def closeness_task(measure: Measure, given: LabelSet, *, again: bool = False) -> Task:
    """Closeness of each counted pair `[Q, V]`, higher is closer: the score or negative distance."""
    from visil_dash.candidates.distances import nearest_by_video
    from visil_dash.laboratory.evaluation.scores import match_table

    bench, truth, known = backend.workbench(), given.truth, known_scores()

    def distances(watch: Watch) -> Array:
        have = set(truth.references)
        ids, vectors = bench.space.snapshot()
        return -nearest_by_video(
            truth.queries,
            [v for v in bench.videos() if v.video_id in have],
            ids,
            vectors,
            watch=watch,
        )

    def scores(watch: Watch) -> Array:
        return match_table(bench, truth, known=known, watch=watch)

    work = distances if measure == "distance" else scores
    return backend.tasks().start(("closeness", *_key(measure, given)), work, again=again)


@st.cache_resource(max_entries=8, show_spinner=False)
def _judged(key: Key, _truth: Truth, _closeness: Array) -> JudgedPairs:
    return judged(_truth, _closeness)


def judged_pairs(measure: Measure, given: LabelSet, closeness: Array) -> JudgedPairs:
    """Do not write into its arrays: they are shared by all sessions."""
    return _judged(_key(measure, given), given.truth, closeness)


@st.cache_resource(max_entries=24, show_spinner=False)
def _curves(key: Key, upto: Upto, _pairs: JudgedPairs) -> OperatingCurves | None:
    return operating_curves(_pairs, upto=upto)


def operating_curves_of(
    measure: Measure, given: LabelSet, pairs: JudgedPairs, upto: Upto
) -> OperatingCurves | None:
    return _curves(_key(measure, given), upto, pairs)


@st.cache_resource(max_entries=64, show_spinner=False)
def _suggested(
    key: Key, upto: Upto, precision: float, recall: float, _pairs: JudgedPairs
) -> Suggestions:
    return suggestions(_pairs, upto=upto, precision=precision, recall=recall)


def suggested(
    measure: Measure,
    given: LabelSet,
    pairs: JudgedPairs,
    upto: Upto,
    *,
    precision: float,
    recall: float,
) -> Suggestions:
    return _suggested(_key(measure, given), upto, precision, recall, pairs)


def rerank_rate() -> "RerankRate | None":
    """Time of re-ranking per video on this machine; None while it is not measured."""
    task = _rate_task()
    task.wait(0.1)
    rate: RerankRate | None = task.result if arrived(task) else None
    return rate


def _rate_task() -> Task:
    from visil_dash.laboratory.evaluation.scores import measure_rerank_rate

    bench = backend.workbench()

    def work(watch: Watch) -> "RerankRate | None":
        return measure_rerank_rate(bench)

    key = ("rate", str(bench.library.folder), bench.extractor, len(bench.videos()) // 10)
    return backend.tasks().start(key, work)
