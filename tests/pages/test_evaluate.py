"""The evaluate page (pages/evaluate.py): results of labelled queries, reports, misses."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.support.benches import copy_library
from tests.support.labelled_pairs import RELATIONS, nearest
from tests.support.page_world import Open, fact, pages, run_until, texts
from tests.support.pair_world import copy_world, features, figures, ids, plain_score
from visil_dash.errors import Cancelled, InputError
from visil_dash.labels.csv_file import labels_csv
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
    run_evaluation,
)
from visil_dash.laboratory.evaluation.scores import CHAMFER, Known
from visil_dash.library.store import open_library
from visil_dash.progress import Watch
from visil_dash.settings import Settings
from visil_dash.ui.shell import backend

WHOLE = Setting(EXHAUSTIVE, CHAMFER)


def labels() -> tuple[Label, ...]:
    return tuple(
        Label(ids()[q], ids()[r], "match" if kind in ("ND", "DS") else "not_match", kind, "review")
        for (q, r), kind in RELATIONS.items()
    )


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Open]:
    folder = copy_library(copy_world(), tmp_path_factory.mktemp("evaluate") / "library")
    with open_library(folder, settings=Settings(min_free_bytes=0)) as library:
        library.set_label(*labels())
    with pages(folder) as open_page:
        yield open_page


def plain_aps(least_distance: float | None = None) -> dict[str, float]:
    """AP of each query for ND and DS, by plain loops; only candidates within the distance."""
    found, out = features(), {}
    distances = nearest()
    for query in ("excerpt.mp4", "harbour.mp4"):
        ranked = sorted(
            (
                name
                for name in found
                if name != query
                and (least_distance is None or distances[query, name] <= least_distance)
            ),
            key=lambda name: -plain_score(found[query], found[name]),
        )
        hits = [RELATIONS.get((query, name)) in ("ND", "DS") for name in ranked]
        places = [place for place, hit in enumerate(hits, 1) if hit]
        out[query] = sum((i + 1) / place for i, place in enumerate(places))
    return out


def run(**changes: object) -> EvaluationRun:
    options: dict[str, object] = {"settings": (WHOLE,), "rounds": 50} | changes
    settings = options.pop("settings")
    return run_evaluation(backend.workbench(), labels(), settings, **options)  # type: ignore[arg-type]


def evaluate(opened: Open) -> AppTest:
    page = opened("evaluate").run()
    assert not page.exception
    page.button(key="evaluate_run").click()
    run_until(page, lambda p: "Queries, worst first" in texts(p))
    assert not page.exception
    return page


def test_the_numbers_are_those_of_plain_loops(opened: Open) -> None:
    page = evaluate(opened)
    aps = plain_aps()
    assert fact(page, "mAP").startswith(f"{sum(aps.values()) / 2:.3f}")
    assert fact(page, "Compared per query") == "3.0"
    table = page.dataframe[0].value
    assert dict(zip(table["Query"], table["AP of A"], strict=True)) == pytest.approx(aps)
    assert list(table["AP of A"]) == sorted(aps.values())
    within = plain_aps(backend.workbench().threshold())
    assert dict(zip(table["Query"], table["AP of B"], strict=True)) == pytest.approx(within)
    assert "B minus A" in texts(page)
    # harbour and station share nothing: the miss is named.
    assert table["Missed or last"][0] == ("station.mp4" if table["AP of A"][0] < 1 else "")


def test_two_queries_are_too_few_to_judge_and_get_no_interval(opened: Open) -> None:
    page = evaluate(opened)
    assert fact(page, "Queries") == "2"
    assert "Only 2 queries: too few to judge" in texts(page)
    assert "(" not in fact(page, "mAP") + fact(page, "uAP")


def test_with_proof_each_setting_shows_what_the_pixels_add(opened: Open) -> None:
    page = opened("evaluate")
    page.query_params["proof"] = "yes"
    page.query_params["budget"] = "20"
    page.run()
    assert "verification takes at most 40" in texts(page)
    page.button(key="evaluate_run").click()
    run_until(page, lambda p: "Queries, worst first" in texts(p))
    assert not page.exception
    proof = run(proof_seconds=20.0).outcomes[0].proof
    assert proof is not None
    by_score, plain, proved = page.dataframe[0].value.to_dict("records")
    means = [fact(page, "mAP")]
    for ranked in (proof.without, proof.with_proof):
        means.append(f"{ranked.tasks['DSVR'].mean_average_precision.value:.3f}")
    assert [row["mAP"] for row in (by_score, plain, proved)] == means
    assert proved["Copies reported"] == f"{proof.with_proof.found['DSVR']} of 2"
    assert "1 pair verified: 1 proved, 0 contradicted, 0 undecidable" in texts(page)
    assert "AP of A with proof" in page.dataframe[2].value
    (precision, *_rest) = figures(page)
    assert [trace["name"] for trace in precision["data"] if "name" in trace][-2:] == [
        "A with proof",
        "B with proof",
    ]


def test_a_file_is_measured_by_without_being_kept(opened: Open) -> None:
    page = opened("evaluate").run()
    page.selectbox(key="labels_source").set_value("A file").run()
    assert "No labels" in texts(page)
    text = labels_csv(labels()[:1], backend.library_videos().values())
    before = backend.workbench().library.labels()
    page.file_uploader(key="labels_file_0").set_value(("mine.csv", text.encode(), "text/csv")).run()
    page.run()
    assert not page.exception
    assert "No labels" not in texts(page)
    assert backend.workbench().library.labels() == before
    page.button(key="evaluate_run").click()
    run_until(page, lambda p: "Queries, worst first" in texts(p))
    assert fact(page, "Queries") == "1"


def test_a_wrong_file_is_told_in_a_sentence(opened: Open) -> None:
    page = opened("evaluate").run()
    page.selectbox(key="labels_source").set_value("A file").run()
    page.file_uploader(key="labels_file_0").set_value(("x.csv", b"a;b\n1;2\n", "text/csv")).run()
    assert not page.exception
    assert "x\\.csv" in texts(page)


def test_candidates_that_the_index_does_not_give_are_missed(opened: Open) -> None:
    opened("evaluate").run()
    near = sorted(nearest().values())[0] + 1e-3
    found = run(settings=(WHOLE, Setting(HIERARCHICAL, CHAMFER, near)))
    assert [o.pairs for o in found.outcomes] == [3.0, 0.5]
    told = found.outcomes[1].tasks["DSVR"].average_precisions
    names = {video: name for name, video in ids().items()}
    assert {names[q]: ap for q, ap in told.items()} == pytest.approx(plain_aps(near))
    assert found.gains["DSVR"].value == pytest.approx(
        sum(plain_aps(near).values()) / 2 - sum(plain_aps().values()) / 2
    )
    assert found.outcomes[1].queries["DSVR"][0].worst_rank is None
    curve = found.rerank["DSVR"]
    assert curve[-1].mean_average_precision.value == pytest.approx(sum(plain_aps().values()) / 2)
    assert 0 == curve[0].seconds < curve[-1].seconds


def test_a_report_can_be_run_again_and_differs_in_nothing(opened: Open) -> None:
    opened("evaluate").run()
    bench = backend.workbench()
    then = read_report(report_text(evaluation_report(bench, run(seed=4))), name="then.json")
    plan = plan_of(then)
    assert (plan.labels, plan.settings, plan.seed, plan.rounds) == (labels(), (WHOLE,), 4, 50)
    again = run_evaluation(
        bench, plan.labels, plan.settings, seed=plan.seed, rounds=plan.rounds, known={}
    )
    assert differences(then, evaluation_report(bench, again)) == ()
    made = then["manifest"]
    assert made["weights_sha256"] == bench.model.weights_sha256
    assert made["extractor"] == bench.extractor
    assert (made["labels"], made["seed"], made["videos"]) == (3, 4, 4)


def test_what_changed_between_two_runs_is_said(opened: Open) -> None:
    opened("evaluate").run()
    bench = backend.workbench()
    then, now = (
        evaluation_report(bench, run()),
        evaluation_report(bench, run(count_unlabelled=False)),
    )
    told = {d.what: (d.then, d.now) for d in differences(then, now)}
    assert told["unlabelled pairs count as unrelated"] == ("True", "False")
    assert any("mAP" in what for what in told) == (
        then["results"][0]["tasks"]["DSVR"]["map"] != now["results"][0]["tasks"]["DSVR"]["map"]
    )
    assert not {"created", "seconds"} & set(told)


def test_the_page_says_what_differs_from_an_earlier_report(opened: Open) -> None:
    page = evaluate(opened)
    bench = backend.workbench()
    then = evaluation_report(bench, run(seed=7))
    upload = ("then.json", report_text(then).encode(), "application/json")
    page.file_uploader(key="evaluation_report_0").set_value(upload).run()
    assert not page.exception
    table = page.dataframe[1].value
    assert dict(zip(table["Entry"], table["In the report"], strict=True))["seed"] == "7"
    page.button(key="run_again").click()
    run_until(page, lambda p: "None: the same model" in texts(p))


@pytest.mark.parametrize(
    "change",
    [
        {"format": "other"},
        {"manifest": {}},
        {"settings": []},
        {"settings": [{"generation": "x", "scorer": "chamfer", "threshold": None}]},
        {"labels": [{"query": "a"}]},
        {"results": [{}]},
    ],
)
def test_a_damaged_report_is_refused(opened: Open, change: dict[str, object]) -> None:
    opened("evaluate").run()
    whole = evaluation_report(backend.workbench(), run())
    with pytest.raises(InputError, match=r"broken\.json"):
        read_report(json.dumps(whole | change), name="broken.json")


def test_a_stopped_evaluation_keeps_the_scores_it_had(opened: Open) -> None:
    opened("evaluate").run()
    known: Known = {}
    with pytest.raises(Cancelled):
        run(known=known, watch=Watch(stopped=lambda: len(known) >= 2))
    assert len(known) == 2
    first = dict(known)
    run(known=known)
    assert len(known) == 6
    assert all(known[key] is pair for key, pair in first.items())


def test_labels_with_nothing_to_find_are_told(opened: Open) -> None:
    opened("evaluate").run()
    rejected = (Label(ids()["market.mp4"], ids()["station.mp4"], "not_match"),)
    with pytest.raises(InputError, match="no relevant pair"):
        run_evaluation(backend.workbench(), rejected, (WHOLE,))


def test_an_empty_library_leads_to_adding(tmp_path: Path) -> None:
    with pages(tmp_path / "library") as open_page:
        page = open_page("evaluate").run()
        assert not page.exception
        assert "The library is empty" in texts(page)
