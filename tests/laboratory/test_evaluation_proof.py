"""An evaluation with proof: another take that scores above the source loses its place."""

import json
import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.benches import fake_bench, filled_library
from tests.support.fakes import fake_model
from tests.support.filming import FPS, cropped, film, write_film
from visil_dash.errors import Cancelled, InputError
from visil_dash.labels.label import Label
from visil_dash.laboratory.evaluation.manifest import (
    differences,
    evaluation_report,
    plan_of,
    read_report,
    report_text,
)
from visil_dash.laboratory.evaluation.run import (
    EXHAUSTIVE,
    HIERARCHICAL,
    EvaluationRun,
    Setting,
    can_be_proved,
    run_evaluation,
)
from visil_dash.laboratory.evaluation.scores import CHAMFER, COMPARATOR
from visil_dash.matching.confidence import ScoreEvidence
from visil_dash.progress import Watch
from visil_dash.workbench.bench import Workbench

WHOLE = Setting(EXHAUSTIVE, CHAMFER)
EVIDENCE = ScoreEvidence((0.0, 1.0), (-4.0, 4.0))


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A source, a copy of a part of it, and another take of the place that scores higher."""
    folder = tmp_path_factory.mktemp("films")
    source = film(1, 1, 12.0)
    films = {
        "source.mp4": source,
        "copy.mp4": cropped(source[3 * FPS : 10 * FPS], (0.04, 0.04, 0.9, 0.9)),
        "take.mp4": cropped(film(1, 3, 9.0), (0.02, 0.02, 0.95, 0.95)),
    }
    paths = [write_film(folder / name, frames) for name, frames in films.items()]
    return filled_library(folder / "library", paths)


@pytest.fixture(scope="module", params=[EVIDENCE, None], ids=["evidence", "no evidence"])
def bench(library: Path, request: pytest.FixtureRequest) -> Iterator[Workbench]:
    model = fake_model(evidence=request.param)
    with fake_bench(library, model=model, start_worker=False) as opened:
        yield opened


def labels(bench: Workbench) -> tuple[Label, ...]:
    ids = {v.name: v.video_id for v in bench.videos()}
    return (Label(ids["copy.mp4"], ids["source.mp4"], "match", "DS", "review"),)


def evaluated(bench: Workbench, *settings: Setting, proof_seconds: float = 60.0) -> EvaluationRun:
    return run_evaluation(
        bench, labels(bench), settings or (WHOLE,), rounds=20, proof_seconds=proof_seconds
    )


def test_the_proof_ranks_the_source_above_another_take(bench: Workbench) -> None:
    run = evaluated(bench)
    proof = run.outcomes[0].proof
    assert proof is not None
    # The one query's source comes second by its score, and first once the take is contradicted.
    assert run.outcomes[0].tasks["DSVR"].mean_average_precision.value == pytest.approx(1 / 2)
    assert proof.without.tasks["DSVR"].mean_average_precision.value == pytest.approx(1 / 2)
    assert proof.without.recall_at_precision("DSVR") is None
    assert proof.with_proof.tasks["DSVR"].mean_average_precision.value == 1
    assert proof.with_proof.tasks["DSVR"].micro_average_precision.value == 1
    assert proof.with_proof.recall_at_precision("DSVR") == 1
    assert (proof.with_proof.found["DSVR"], proof.with_proof.wrong["DSVR"]) == (1, 0)
    assert proof.states == {"proved": 1, "contradicted": 1, "undecidable": 0}
    assert (proof.verified, proof.left) == (2, 0)
    assert proof.seconds > 0


def test_without_time_nothing_changes_and_all_is_left(bench: Workbench) -> None:
    proof = evaluated(bench, proof_seconds=1e-9).outcomes[0].proof
    assert proof is not None
    assert (proof.verified, proof.left) == (0, 2)
    assert proof.with_proof.tasks["DSVR"].average_precisions == pytest.approx(
        dict(proof.without.tasks["DSVR"].average_precisions)
    )


def test_candidates_that_a_search_does_not_return_are_missed_with_proof_too(
    bench: Workbench,
) -> None:
    run = evaluated(bench, Setting(HIERARCHICAL, CHAMFER, 0.0))
    proof = run.outcomes[0].proof
    assert proof is not None
    assert proof.verified == 0
    assert proof.with_proof.tasks["DSVR"].mean_average_precision.value == 0


def test_only_settings_that_a_search_has_are_verified(library: Path) -> None:
    with fake_bench(library, model=fake_model(with_comparator=True), start_worker=False) as bench:
        assert not can_be_proved(bench, WHOLE)
        assert can_be_proved(bench, Setting(EXHAUSTIVE, COMPARATOR))
        assert evaluated(bench).outcomes[0].proof is None


def test_a_report_with_proof_can_be_run_again_and_differs_in_nothing(bench: Workbench) -> None:
    then = read_report(report_text(evaluation_report(bench, evaluated(bench))), name="a.json")
    assert then["manifest"]["proof_seconds"] == plan_of(then).proof_seconds == 60.0
    proved = then["results"][0]["proof"]["with_proof"]["DSVR"]
    assert (proved["map"]["value"], proved["reported"], proved["recall_at_precision"]) == (1, 1, 1)
    assert differences(then, evaluation_report(bench, evaluated(bench))) == ()
    plain = evaluation_report(bench, evaluated(bench, proof_seconds=0.0))
    assert plain["results"][0]["proof"] is None
    changed = {d.what: (d.then, d.now) for d in differences(then, plain)}
    assert changed["proof seconds"] == ("60.0000", "0.0000")
    assert any("proof" in what and "mAP" in what for what in changed)


def test_a_report_from_before_there_were_proofs_is_one_without(bench: Workbench) -> None:
    now = evaluation_report(bench, evaluated(bench, proof_seconds=0.0))
    then = json.loads(report_text(now))
    del then["manifest"]["proof_seconds"], then["results"][0]["proof"]
    then = read_report(json.dumps(then), name="old.json")
    assert plan_of(then).proof_seconds == 0
    assert differences(then, now) == ()


@pytest.mark.parametrize("seconds", [-1, math.inf, "soon"])
def test_a_budget_that_is_none_is_refused(bench: Workbench, seconds: object) -> None:
    report = json.loads(report_text(evaluation_report(bench, evaluated(bench, proof_seconds=0.0))))
    report["manifest"]["proof_seconds"] = seconds
    with pytest.raises(InputError, match="damaged"):
        read_report(json.dumps(report), name="wrong.json")


def test_verification_shows_its_progress_and_can_be_stopped(bench: Workbench) -> None:
    seen: list[tuple[str, float]] = []
    watch = Watch(
        lambda progress: seen.append((progress.what, progress.share)),
        lambda: bool(seen) and "verifying on the pixels" in seen[-1][0],
    )
    with pytest.raises(Cancelled, match="verified are kept"):
        run_evaluation(bench, labels(bench), (WHOLE,), rounds=20, proof_seconds=60.0, watch=watch)
    assert seen[-1][0] == "Query 1 of 1: verifying on the pixels"
    shares = [share for _, share in seen]
    assert shares == sorted(shares)
