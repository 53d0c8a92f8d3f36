"""Every pair has one verdict: cards, Compare, the report, the shell, JSON and CSV show the same."""

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.realdata import NO_REAL_DATA, real_data
from visil_dash.exports.search import matches_csv, matches_json
from visil_dash.framing.views import QueryRef
from visil_dash.labels.demo_set import DEMO
from visil_dash.matching.verdict import LABELS, verdict_of
from visil_dash.records import JobState, Relation, SearchResult
from visil_dash.settings import Settings
from visil_dash.workbench.bench import Workbench, open_workbench
from visil_dash.workbench.reports import search_report

pytestmark = pytest.mark.slow
# Of the real clips: in daily runs every fourth, at night all.
EVERY = {"real": 4, "every real": 1}


def bench_of(folder: Path, videos: list[Path]) -> Workbench:
    bench = open_workbench(settings=Settings(min_free_bytes=0), library=folder)
    for path in videos:
        bench.add_paths([path])
    assert bench.worker.wait_idle(900)
    assert {job.state for job in bench.jobs()} <= {JobState.INDEXED, JobState.REFUSED}
    return bench


@pytest.fixture(
    scope="module", params=["demo", "real", pytest.param("every real", marks=pytest.mark.night)]
)
def bench(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Workbench]:
    videos = sorted((DEMO / "videos").glob("*.mp4"))
    if request.param != "demo":
        data = real_data()
        if data is None:
            pytest.skip(NO_REAL_DATA)
        videos = sorted((data / "videos").rglob("*.mp4"))[:: EVERY[request.param]]
    with bench_of(tmp_path_factory.mktemp("verdicts") / "library", videos) as opened:
        yield opened


@pytest.fixture(scope="module")
def results(bench: Workbench) -> list[SearchResult]:
    found = [bench.search(v.video_id, exhaustive=True) for v in bench.videos()]
    assert len(found) > 20
    assert sum(len(r.matches) for r in found) == len(found) * (len(found) - 1)
    return found


def test_files_and_report_show_the_verdict_of_each_pair(
    bench: Workbench, results: list[SearchResult]
) -> None:
    relations = set()
    for result in results:
        expected = {m.video_id: verdict_of(m) for m in result.matches}
        relations |= {v.relation for v in expected.values()}
        in_json = {
            m["video_id"]: (m["match"], m["relation"], m["reason"])
            for m in json.loads(matches_json(result))["matches"]
        }
        rows = csv.DictReader(io.StringIO(matches_csv(result), newline=""))
        in_csv = {r["video_id"]: (r["match"] == "true", r["relation"]) for r in rows}
        report = search_report(bench, result, matches=len(result.matches), spans=0)
        labels = re.findall(r'class="word">([^<]+)<', report)
        for number, (video_id, verdict) in enumerate(expected.items()):
            assert in_json[video_id] == (verdict.is_match, verdict.relation, verdict.reason)
            assert in_csv[video_id] == (verdict.is_match, verdict.relation)
            assert labels[number] == verdict.label
    assert {Relation.NEAR_DUPLICATE, Relation.NONE} <= relations


def test_a_comparison_of_the_pair_has_the_verdict_of_the_search(
    bench: Workbench, results: list[SearchResult]
) -> None:
    different = []
    for result in results:
        for match in result.matches:
            there, here = (
                verdict_of(
                    bench.compare(str(QueryRef(result.query_id, match.view)), match.video_id)
                ),
                verdict_of(match),
            )
            if (there.relation, there.is_match, there.label, there.best) != (
                here.relation,
                here.is_match,
                here.label,
                here.best,
            ):
                different.append((result.query, match.name, there.label, here.label))
    assert different == []


def test_no_claim_is_made_without_a_score_and_no_match_is_called_unrelated(
    results: list[SearchResult],
) -> None:
    for result in results:
        for match in result.matches:
            verdict = verdict_of(match)
            if verdict.is_match:
                assert match.strength >= result.match_score
                assert match.segments
            assert verdict.is_match <= (verdict.label in LABELS.values())
