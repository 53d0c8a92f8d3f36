"""Claims about the use cases, on real files and a fake model: from a clip to where it is found."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.benches import copy_library, fill
from tests.support.fakes import fake_model
from visil_dash.cli import main
from visil_dash.errors import InputError, NotFound
from visil_dash.library.store import open_library
from visil_dash.matching.confidence import background
from visil_dash.workbench.bench import Workbench
from visil_dash.workbench.overview import overview
from visil_dash.workbench.thresholds import save_threshold


def test_a_clip_is_found_in_its_source_and_where_it_was_pasted(bench, clips):
    query = bench.open_clip(clips["query.mp4"])
    result = bench.search(query.query_id)
    assert {m.name for m in result.matches[:2]} == {"a.mp4", "b.mp4"}
    spans = {m.name: m.segments[0] for m in result.matches[:2]}
    assert (spans["a.mp4"].reference_start, spans["a.mp4"].reference_end) == (5, 10)
    assert (spans["b.mp4"].reference_start, spans["b.mp4"].reference_end) == (4, 9)
    assert {c.video_id for c in result.candidates} >= {m.video_id for m in result.matches}


def test_exhaustive_search_lists_every_video_and_agrees_on_the_matches(bench, clips):
    query = bench.open_clip(clips["query.mp4"])
    near = bench.search(query.query_id)
    every = bench.search(query.query_id, exhaustive=True)
    assert len(every.matches) == 4
    scores = {m.video_id: m.score for m in every.matches}
    for match in near.matches:
        assert match.score == pytest.approx(scores[match.video_id], abs=1e-6)
    few = bench.search(query.query_id, exhaustive=True, top=2)
    assert few.matches == every.matches[:2]
    assert few.background == every.background
    assert every.background == background(np.array([m.strength for m in every.matches])) > 0
    assert near.background == background(np.array([m.strength for m in near.matches]))
    assert near.background <= every.background, "what was not compared counts as zero"


def test_a_library_video_does_not_find_itself(bench):
    result = bench.search("a.mp4", exhaustive=True)
    assert "a.mp4" not in {m.name for m in result.matches}
    assert result.matches[0].name == "b.mp4"


@pytest.fixture
def tagged(bench):
    ids = {v.name: v.video_id for v in bench.videos()}
    bench.library.set_tags(ids["b.mp4"], ("sea", "2024"))
    bench.library.set_tags(ids["c.mp4"], ("sea",))
    yield
    for name in ("b.mp4", "c.mp4"):
        bench.library.set_tags(ids[name], ())


@pytest.mark.usefixtures("tagged")
def test_a_search_among_tagged_videos_gives_their_matches_alone(bench, clips):
    """In each way to search, and with the scores that they have among all."""
    query = bench.open_clip(clips["query.mp4"]).query_id
    of_all = {m.video_id: m for m in bench.search(query, exhaustive=True).matches}
    ways = {
        "hierarchical": lambda tags: bench.search(query, threshold=1e6, tags=tags),
        "exhaustive": lambda tags: bench.search(query, exhaustive=True, tags=tags),
        "nearest": lambda tags: bench.search_nearest(query, most=9, tags=tags),
    }
    for mode, search in ways.items():
        for tags, names in ((("sea",), {"b.mp4", "c.mp4"}), (("sea", "2024"), {"b.mp4"})):
            result = search(tags)
            assert (result.mode, result.tags, result.library_videos) == (mode, tags, len(names))
            assert {m.name for m in result.matches} == names
            assert result.skipped == {}
            for match in result.matches:
                assert match.score == pytest.approx(of_all[match.video_id].score, abs=1e-6)
        with pytest.raises(InputError, match="no video has it"):
            search(("sea", "land"))


def test_a_tiny_threshold_admits_nothing_and_a_huge_one_everything(bench, clips):
    query = bench.open_clip(clips["query.mp4"]).query_id
    assert bench.search(query, threshold=0.0).matches == ()
    assert len(bench.search(query, threshold=1e6).matches) == 4


def test_the_pair_table_holds_the_scores_that_a_comparison_gives(bench):
    table = bench.pairwise()
    a, b = (table.names.index(n) for n in ("a.mp4", "b.mp4"))
    pair = bench.compare("a.mp4", "b.mp4")
    assert table.scores[a, b] == pytest.approx(pair.score, abs=1e-6)
    assert table.scores[b, a] == pytest.approx(pair.reverse_score, abs=1e-6)
    assert table.scores[a, b] != pytest.approx(table.scores[b, a], abs=1e-3)


def test_distances_on_the_threshold_page_are_those_that_candidates_are_judged_by(bench, clips):
    query = bench.open_clip(clips["query.mp4"])
    view = bench.query_distances(query.query_id)
    result = bench.search(query.query_id)
    for candidate in result.candidates:
        mine = view.distances[:, view.video == view.video_ids.index(candidate.video_id)]
        assert candidate.min_distance == pytest.approx(mine.min(), abs=1e-3)
        assert candidate.hits == (mine <= result.threshold).sum()


def test_the_threshold_is_kept_with_the_library_and_only_for_its_space(clips, settings, tmp_path):
    folder = tmp_path / "library"
    with Workbench(open_library(folder, settings=settings), fake_model(), settings) as bench:
        fill(bench, [clips["a.mp4"]])
        default = bench.default_threshold()
        save_threshold(bench, "distance", default / 2)
    with Workbench(open_library(folder, settings=settings), fake_model(), settings) as bench:
        assert bench.threshold() == default / 2
    other = replace(fake_model(), extractor="other-00000000")
    with Workbench(open_library(folder, settings=settings), other, settings) as bench:
        assert bench.threshold() == bench.default_threshold()
        assert overview(bench).missing_features == 1
        result = bench.search(bench.open_clip(clips["b.mp4"]).query_id, exhaustive=True)
        assert result.matches == ()
        assert list(result.skipped.values()) == ["no features of the model fake yet"]


def test_a_removed_video_is_not_found_and_can_come_back(clips, settings, tmp_path):
    folder = tmp_path / "library"
    with Workbench(open_library(folder, settings=settings), fake_model(), settings) as bench:
        fill(bench, [clips["a.mp4"], clips["b.mp4"]])
        query = bench.open_clip(clips["query.mp4"]).query_id
        bench.remove("b.mp4")
        assert [m.name for m in bench.search(query).matches] == ["a.mp4"]
        with pytest.raises(NotFound):
            bench.clip("b.mp4")
        bench.worker.clear_ended()
        fill(bench, [clips["b.mp4"]])
        assert {m.name for m in bench.search(query).matches} == {"a.mp4", "b.mp4"}


# ---- the same from a shell ----


@pytest.fixture
def shell(monkeypatch, settings, tmp_path, capsys):
    monkeypatch.setattr("visil_dash.workbench.bench.load_model", lambda _name, **_kw: fake_model())

    def run(*arguments: str | Path):
        code = main.main([*map(str, arguments), "--library", str(tmp_path / "library")])
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture
def stocked(shell, filled, tmp_path):
    """The shell over a library of a, b, c and d."""
    copy_library(filled, tmp_path / "library")
    return shell


def test_the_shell_adds_a_folder_and_reports_every_file(shell, clips):
    code, out, _ = shell("add", clips["a.mp4"].parent, "--json")
    jobs = {j["name"]: j for j in map(json.loads, out.splitlines())}
    assert code == 1  # one file refused, all others in
    assert jobs.pop("broken.mp4")["state"] == "refused"
    assert set(jobs) == {"a.mp4", "b.mp4", "c.mp4", "d.mp4", "query.mp4"}
    assert {j["state"] for j in jobs.values()} == {"indexed"}


def test_a_search_from_the_shell_is_one_line_of_json(stocked, clips):
    code, out, _ = stocked("search", clips["query.mp4"], "--json", "--top", "3")
    (line,) = out.splitlines()
    found = json.loads(line)
    assert code == 0
    assert (found["query"], found["model"]) == (str(clips["query.mp4"]), "fake")
    best = found["matches"][0]
    assert set(best) == {
        "name",
        "video_id",
        "score",
        "reverse_score",
        "match",
        "relation",
        "reason",
        "probability",
        "part_score",
        "strength",
        "above_background",
        "min_distance",
        "candidate_frames",
        "view",
        "proof",
        "segments",
        "similar",
    }
    assert best["proof"]["state"] == "proved"
    assert set(best["segments"][0]) == {
        "query_start",
        "query_end",
        "reference_start",
        "reference_end",
        "score",
        "speed",
        "reversed",
        "in_step",
    }


def test_a_comparison_from_the_shell_writes_its_matrices(stocked, tmp_path):
    matrices = tmp_path / "pair.npz"
    code, out, _ = stocked("compare", "a.mp4", "b.mp4", "--npz", matrices, "--json")
    assert code == 0
    with np.load(matrices) as arrays:
        assert arrays["frame_similarity"].shape == (12, 9)
        assert arrays["frame_similarity"].max(1).mean() == pytest.approx(json.loads(out)["score"])


def test_the_shell_compares_all_ordered_pairs_into_a_table(stocked, tmp_path):
    table = tmp_path / "table.csv"
    code, _, err = stocked("pairwise", "--csv", table)
    assert code == 0
    assert "12 pairs" in err
    assert len(table.read_text().splitlines()) == 13


def test_the_shell_verifies_the_index_and_removes_a_video(stocked):
    assert stocked("index", "verify") == (0, "no problems\n", "")
    assert stocked("remove", "c.mp4")[0] == 0
    names = {json.loads(line)["name"] for line in stocked("list", "--json")[1].splitlines()}
    assert names == {"a.mp4", "b.mp4", "d.mp4"}


def test_the_shell_says_what_is_wrong(stocked, clips):
    code, _, err = stocked("remove", "nothing.mp4")
    assert code == 2
    assert "nothing.mp4" in err
    code, out, err = stocked("search", clips["broken.mp4"], "--json")
    assert (code, out) == (1, "")
    assert "broken.mp4" in err
    code, _, err = stocked("search")
    assert code == 2
    assert "no clip to search for" in err
