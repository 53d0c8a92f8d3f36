"""Two models on the same labels (laboratory/evaluation/models.py): numbers by plain loops."""

import math
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from unittest.mock import patch

import pytest

from tests.support.benches import copy_library, fake_bench, page_settings
from tests.support.fakes import fake_model
from tests.support.labelled_pairs import RELATIONS
from tests.support.pair_world import copy_world, ids, plain_score
from visil_dash.errors import Cancelled, InputError
from visil_dash.labels.label import Label
from visil_dash.laboratory.evaluation.models import (
    ModelComparison,
    compare_models,
    metric_rows,
    own_setting,
    query_gains,
)
from visil_dash.laboratory.evaluation.run import EXHAUSTIVE, HIERARCHICAL
from visil_dash.laboratory.evaluation.scores import CHAMFER, COMPARATOR
from visil_dash.progress import Watch
from visil_dash.workbench.bench import Workbench
from visil_dash.workbench.beside import close_beside, open_beside
from visil_dash.workbench.upkeep import extract_missing

OTHER = fake_model(dim=3, name="narrow", extractor="narrow-1", with_comparator=True)


def labels() -> list[Label]:
    return [
        Label(ids()[q], ids()[r], "match" if kind in ("ND", "DS") else "not_match", kind, "review")
        for (q, r), kind in RELATIONS.items()
    ]


@pytest.fixture
def both(tmp_path: Path) -> Iterator[tuple[Workbench, Workbench]]:
    """The fake model with all features, and a narrower one with a comparator and with none."""
    folder = copy_library(copy_world(), tmp_path / "library")
    with ExitStack() as stack:
        first = fake_bench(folder, start_worker=False)
        stack.callback(first.close)
        with patch("visil_dash.workbench.beside.load_model", lambda *_, **__: OTHER):
            second = open_beside(
                [first], settings=page_settings(folder), library=folder, model="narrow"
            )
        stack.callback(close_beside, second, [first])
        yield first, second


def compared(both: tuple[Workbench, Workbench], **options: object) -> ModelComparison:
    return compare_models(*both, labels(), EXHAUSTIVE, rounds=50, **options)  # type: ignore[arg-type]


def plain_aps(bench: Workbench) -> dict[str, float]:
    """AP of each labelled query for ND and DS, by plain loops over the bench's own features."""
    videos = {v.name: bench.clip(v.video_id).features for v in bench.videos()}
    out = {}
    for query in {q for q, _ in RELATIONS}:
        ranked = sorted(
            (name for name in videos if name != query),
            key=lambda name: -plain_score(videos[query], videos[name]),
        )
        hits = [RELATIONS.get((query, name)) in ("ND", "DS") for name in ranked]
        if any(hits):
            places = [place for place, hit in enumerate(hits, 1) if hit]
            out[ids()[query]] = sum((i + 1) / p for i, p in enumerate(places)) / len(places)
    return out


def assert_same_pairs(result: ModelComparison) -> None:
    one, other = result.first.truth, result.second.truth
    assert (one.queries, one.references) == (other.queries, other.references)
    assert (one.kind == other.kind).all()


def test_both_models_are_measured_on_the_same_videos_and_the_difference_is_paired(
    both: tuple[Workbench, Workbench],
) -> None:
    first, second = both
    extract_missing(second)
    second.model = fake_model(dim=3, name="narrow", extractor="narrow-1")  # Chamfer, as the oracle
    result = compared(both)
    assert result.models == ("fake", "narrow")
    assert_same_pairs(result)
    assert result.left_out == 0
    one, other = plain_aps(first), plain_aps(second)
    assert result.outcomes[0].tasks["DSVR"].average_precisions == pytest.approx(one)
    assert result.outcomes[1].tasks["DSVR"].average_precisions == pytest.approx(other)
    gain = sum(other[q] - one[q] for q in one) / len(one)
    assert result.gains["DSVR"].value == pytest.approx(gain)
    rows = {row.name: row for row in metric_rows(result, "DSVR")}
    assert rows["mAP"].gain == result.gains["DSVR"]
    for row in rows.values():
        if row.first is not None and row.second is not None and row.gain is not None:
            assert row.gain.value == pytest.approx(row.second.value - row.first.value)
            assert not math.isnan(row.gain.value)
    gains = query_gains(result, "DSVR")
    assert {row.query: row.gain for row in gains} == pytest.approx(
        {q: other[q] - one[q] for q in one}
    )
    assert [abs(row.gain) for row in gains] == sorted((abs(r.gain) for r in gains), reverse=True)


def test_a_video_that_one_model_has_not_read_takes_part_in_neither_run(
    both: tuple[Workbench, Workbench],
) -> None:
    second = both[1]
    extract_missing(second)
    second.library.take_out_features(ids()["station.mp4"], extractor=second.extractor)
    result = compared(both)
    assert result.left_out == 1
    assert ids()["station.mp4"] not in result.first.truth.references
    assert_same_pairs(result)


def test_without_a_video_of_both_models_nothing_can_be_compared(
    both: tuple[Workbench, Workbench],
) -> None:
    with pytest.raises(InputError, match="no relevant pair"):
        compared(both)


def test_each_model_searches_with_its_own_comparator_and_threshold(
    both: tuple[Workbench, Workbench],
) -> None:
    first, second = both
    extract_missing(second)
    assert own_setting(first, EXHAUSTIVE).scorer == CHAMFER
    assert own_setting(second, EXHAUSTIVE).scorer == COMPARATOR
    settings = [own_setting(bench, HIERARCHICAL) for bench in both]
    assert [s.threshold for s in settings] == [first.threshold(), second.threshold()]


def test_it_can_be_stopped_and_pairs_scored_until_then_are_kept(
    both: tuple[Workbench, Workbench],
) -> None:
    extract_missing(both[1])
    known: dict[tuple[str, str, str], object] = {}
    with pytest.raises(Cancelled):
        compared(both, known=known, watch=Watch(lambda _: None, lambda: len(known) >= 3))
    assert len(known) == 3
