"""Claims about scoring a set of copies: what counts as right, and the whole run on a fake model."""

import json
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.copies import baselines, hashing
from benchmarks.copies.clips import write_video
from benchmarks.copies.decisions import decisions_of, failures_of
from benchmarks.copies.evaluate import (
    ANSWER,
    QueryResult,
    above_own_background,
    counted,
    reliability_of,
    row,
    rows_by_part,
    table,
)
from benchmarks.copies.make import make_copies
from benchmarks.copies.score import score, worst
from benchmarks.copies.search import AUTO, PROVED
from benchmarks.copies.sheet import write_sheet
from benchmarks.copies.siblings import shared_seconds, with_siblings
from benchmarks.copies.truth import Query, Truth
from tests.support.fakes import fake_model
from visil_dash.errors import InputError
from visil_dash.library.store import open_library
from visil_dash.matching.confidence import RANKED_SHARE, Reliability, ScoreEvidence
from visil_dash.records import Coverage, Relation, Segment, Verdict
from visil_dash.settings import Settings
from visil_dash.workbench.bench import Workbench


def query(file="q.mp4", **changes):
    fields = {
        "file": file,
        "kind": "crop",
        "strength": "mild",
        "source": "a.mp4",
        "correct": ("a.mp4", "a2.mp4"),
        "ignored": ("part.mp4",),
        "look_alikes": ("b.mp4",),
        "hosts": (),
        "segments": (Segment(0, 10, 5, 15, 1.0),),
        "box": (0.0, 0.0, 1.0, 1.0),
        "seconds": 10.0,
        "note": "",
    }
    return Query(**(fields | changes))


def test_any_right_answer_counts_once_and_ignored_ones_not_at_all():
    found = QueryResult({"a.mp4": 0.2, "a2.mp4": 0.9, "part.mp4": 1.0, "b.mp4": 0.5})
    assert sorted(counted(query(), found.scores, each=False)) == [("b.mp4", 0.5), (ANSWER, 0.9)]
    figures = row("x", "all", [query()], {"q.mp4": found})
    assert (figures.mean_ap, figures.micro_ap, figures.recall_at_1) == (1, 1, 1)


def test_where_each_answer_counts_a_second_one_is_demanded_as_well():
    found = {"q.mp4": QueryResult({"a.mp4": 0.2, "a2.mp4": 0.9, "part.mp4": 1.0, "b.mp4": 0.5})}
    figures = row("x", "all", [query()], found, each=True)
    assert figures.mean_ap == figures.micro_ap == pytest.approx((1 + 2 / 3) / 2)
    reported = {"q.mp4": replace(found["q.mp4"], probabilities={"a.mp4": 0.31, "b.mp4": 0.32})}
    assert reliability_of([query()], reported, each=True) == (
        Reliability(2, pytest.approx(0.315), 0.5),
    )
    lacking = row("x", "all", [query()], {"q.mp4": QueryResult({"a2.mp4": 0.9})}, each=True)
    assert lacking.mean_ap == 0.5


def verdict(*, is_match, best=None):
    return Verdict(Relation.PARTIAL, is_match, "", "", Coverage(1, 1, (), ()), best, 0.9)


def test_failures_are_what_the_decisions_count():
    here, elsewhere = Segment(0, 10, 5, 15, 1.0), Segment(0, 10, 8, 18, 1.0)
    queries = [query("1.mp4"), query("2.mp4"), query("3.mp4")]
    verdicts = {
        "1.mp4": {"a.mp4": verdict(is_match=True, best=here), "b.mp4": verdict(is_match=True)},
        "2.mp4": {"a.mp4": verdict(is_match=True, best=elsewhere)},
        "3.mp4": {"a.mp4": verdict(is_match=False), "part.mp4": verdict(is_match=True)},
    }
    results = {file: QueryResult({}, verdicts=found) for file, found in verdicts.items()}
    found = failures_of(queries, results)
    assert [(f.query, f.why, f.shown) for f in found] == [
        ("1.mp4", "wrong", "b.mp4"),
        ("2.mp4", "place", "a.mp4"),
        ("3.mp4", "not reported", "a.mp4"),
    ]
    assert (found[1].span, found[1].true) == (elsewhere, here)
    counts = decisions_of(queries, results)
    assert (counts.reported, counts.wrong, counts.placed, counts.placeable) == (2, 1, 1, 2)
    assert counts.by_kind == {queries[0].kind: (2, 3)}


def copy(file, start, end, **changes):
    shown = Segment(0, end - start, start, end, 1.0)
    return query(file, correct=("a.mp4", "a2.mp4"), segments=(shown,), **changes)


def test_siblings_are_right_where_they_show_the_same_seconds():
    first, second = copy("1.mp4", 0, 10), copy("2.mp4", 6, 20)
    elsewhere = copy("3.mp4", 15, 20)
    relative = replace(copy("4.mp4", 0, 10), source="a2.mp4")
    unrelated = query("5.mp4", source="c.mp4", correct=("c.mp4",), ignored=(), hosts=("h.mp4",))
    hosted = copy("6.mp4", 0, 9, hosts=("h.mp4",))
    nameless = [
        query(f"{n}.mp4", source="", correct=(), ignored=(), segments=()) for n in ("7", "8")
    ]
    assert shared_seconds(first, second) == shared_seconds(second, first) == 4
    assert shared_seconds(first, elsewhere) == 0
    queries = (first, second, elsewhere, relative, unrelated, hosted, *nameless)
    made = with_siblings(Truth(0, ("a.mp4", "a2.mp4", "b.mp4", "c.mp4"), (), {}, queries))
    found = {q.file: q for q in made.queries}
    assert found["1.mp4"].correct == ("a.mp4", "2.mp4", "6.mp4")
    assert found["1.mp4"].ignored == ("3.mp4", "4.mp4", "a2.mp4", "part.mp4")
    assert found["3.mp4"].correct == ("a.mp4", "2.mp4")
    assert (found["5.mp4"].correct, found["5.mp4"].ignored) == (("c.mp4",), ("6.mp4",))
    assert (found["7.mp4"].correct, found["7.mp4"].ignored) == ((), ("8.mp4",))


def test_an_answer_that_was_not_returned_is_a_loss():
    figures = row("x", "all", [query()], {"q.mp4": QueryResult({"b.mp4": 0.5}, {}, frozenset())})
    assert (figures.mean_ap, figures.recall_at_1) == (0, 0)
    assert figures.recall_at_precision is None
    assert figures.threshold is None
    assert (figures.segment_f1, figures.candidate_recall) == (0, 0)


def test_the_share_of_unrelated_videos_that_are_admitted_is_a_mean_over_the_queries():
    everything = frozenset({"a.mp4", "a2.mp4", "part.mp4", "b.mp4", "c.mp4", "d.mp4", "e.mp4"})
    found = {
        "q.mp4": QueryResult(
            {"a.mp4": 0.5}, {}, frozenset({"a.mp4", "part.mp4", "b.mp4"}), among=everything
        ),
        "r.mp4": QueryResult({}, {}, frozenset(), among=everything),
    }
    unrelated = everything - set(query().correct) - set(query().ignored)
    figures = row("x", "all", [query(), query("r.mp4")], found)
    assert figures.admitted == pytest.approx(len({"b.mp4"}) / len(unrelated) / 2)
    assert figures.candidate_recall == 0.5
    exhaustive = row("x", "all", [query()], {"q.mp4": QueryResult({"a.mp4": 0.5})})
    assert exhaustive.admitted is None


def test_a_look_alike_that_ties_with_the_answer_ranks_above_it():
    found = QueryResult({"a.mp4": 0.5, "b.mp4": 0.5})
    assert row("x", "all", [query()], {"q.mp4": found}).mean_ap == 0.5
    lost = worst((query(),), {"q.mp4": found})
    assert lost[0]["above"] == {"b.mp4": 0.5}
    assert worst((query(),), {"q.mp4": QueryResult({"a.mp4": 0.6, "b.mp4": 0.5})}) == []


def test_scores_of_distractors_cost_only_figures_across_queries():
    distractor = query("s.mp4", source="", correct=(), ignored=(), look_alikes=(), segments=())
    found = {"q.mp4": QueryResult({"a.mp4": 0.5}), "s.mp4": QueryResult({"a.mp4": 0.9})}
    figures = row("x", "all", [query(), distractor], found)
    assert (figures.mean_ap, figures.micro_ap) == (1, 0.5)
    assert row("x", "all", [distractor], found) is None


def test_segments_of_the_source_are_judged_and_only_they():
    right = Segment(0, 10, 5, 15, 1.0)
    aligned = {"a.mp4": (right,), "b.mp4": (right,)}
    found = {"q.mp4": QueryResult({"a.mp4": 0.5}, aligned, frozenset({"a2.mp4"}))}
    figures = row("x", "all", [query()], found)
    assert (figures.segment_f1, figures.candidate_recall) == (1, 1)
    assert row("x", "all", [query()], {"q.mp4": QueryResult({"a.mp4": 0.5})}).segment_f1 is None


def test_the_background_of_a_query_is_its_third_to_twelfth_best():
    scores = {str(i): float(20 - i) for i in range(15)}  # 20, 19, 18 … 6
    less = above_own_background(QueryResult(scores))
    level = np.mean(range(9, 19))
    assert less.scores["0"] == pytest.approx(20 - RANKED_SHARE * level)
    reported = QueryResult(scores, above={"0": 0.5, "1": 0.1})
    assert above_own_background(reported).scores == reported.above, (
        "what the system reports itself counts"
    )


def test_rows_by_kind_and_strength_and_one_table():
    queries = [query(), query("p.mp4", kind="flip", strength="hard", look_alikes=())]
    found = {q.file: QueryResult({"a.mp4": 0.5, "b.mp4": 0.1}) for q in queries}
    rows = rows_by_part("model", queries, found)
    assert [(r.part, r.queries) for r in rows] == [
        ("all", 2),
        ("mild", 1),
        ("hard", 1),
        ("crop", 1),
        ("flip", 1),
        ("with look-alikes", 1),
    ]
    printed = table(rows)
    assert "  with look-alikes" in printed
    assert printed.splitlines()[1].split()[:3] == ["model", "1.000", "1.000"]


# ---- frame hashes ----


def picture(seed, size=96):
    rng = np.random.default_rng(seed)
    blocks = rng.integers(0, 256, (size // 8, size // 8, 3)).astype(np.uint8)
    return blocks.repeat(8, 0).repeat(8, 1)


def test_hashes_of_the_same_picture_match_and_of_others_do_not():
    a, b = (hashing.frame_hash(picture(seed)) for seed in (1, 2))
    dimmer = hashing.frame_hash((picture(1) * 0.7 + 20).astype(np.uint8))
    assert (a != dimmer).sum() <= hashing.MATCH_DISTANCE
    assert 80 < (a != b).sum() < 176
    assert a.sum() == hashing.BITS // 2  # the median splits them in halves


def test_a_hash_is_the_signs_of_a_cosine_transform_in_plain_loops():
    small = hashing.luminance(picture(3))
    low = np.zeros((16, 16))
    n = np.arange(64)
    for i in range(16):
        for j in range(16):
            rows = np.cos(np.pi * (i + 1) * (n + 0.5) / 64)
            columns = np.cos(np.pi * (j + 1) * (n + 0.5) / 64)
            low[i, j] = (small * rows[:, None] * columns[None]).sum()
    assert np.array_equal(hashing.frame_hash(picture(3)), (low > np.median(low)).ravel())


def test_blank_frames_have_no_hash_and_match_nothing():
    assert hashing.frame_hash(np.full((90, 120, 3), 40, np.uint8)) is None
    blank = hashing.video_hashes(np.zeros((3, 64, 64, 3), np.uint8))
    assert blank.shape == (0, hashing.BITS)
    some = hashing.video_hashes(np.stack([picture(1), picture(2)]))
    assert hashing.matched_share(blank, some) == 0
    assert hashing.matched_share(some, some[:1]) == 0.5


def test_hamming_distances_equal_counting():
    rng = np.random.default_rng(0)
    a, b = rng.random((4, 256)) < 0.5, rng.random((3, 256)) < 0.5
    expected = [[(x != y).sum() for y in b] for x in a]
    assert np.array_equal(hashing.distances(a, b), expected)


# ---- the whole run ----


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """Eight drifting pictures of 4.4 s, each cut into four scenes."""
    folder = tmp_path_factory.mktemp("videos")
    for i in range(8):
        frames = []
        for scene in range(4):
            still = picture(10 * i + scene, 160)
            frames += [np.ascontiguousarray(still[:96, 4 * k : 4 * k + 120]) for k in range(11)]
        write_video(folder / f"clip{i}.mp4", frames, rate=10, crf=24)
    return folder


@pytest.mark.slow
def test_a_set_is_scored_end_to_end(videos, tmp_path, capsys):
    lines = []
    folder = tmp_path / "bench"
    kinds = ("reencode", "logo_text", "excerpt")
    truth = make_copies(videos, folder, count=4, kinds=kinds, seed=2, log=lines.append)
    settings = Settings(min_free_bytes=0)
    library = open_library(tmp_path / "library", settings=settings)
    out = tmp_path / "out.json"
    model = fake_model(with_comparator=True, evidence=ScoreEvidence((0.0, 1.0), (-4.0, 4.0)))
    with Workbench(library, model, settings) as bench:
        rows = score(
            folder, videos, library=tmp_path, model="", opened=bench, out=out, log=lines.append
        )
        again = score(folder, videos, library=tmp_path, model="", opened=bench, log=lines.append)
    assert [replace(r, threshold=None) for r in again] == [replace(r, threshold=None) for r in rows]
    whole = {r.system: r for r in rows if r.part == "all"}
    assert set(whole) == {
        "fake, hierarchical",
        "fake, exhaustive",
        "fake, exhaustive, query → reference alone",
        "fake, exhaustive, Chamfer alone",
        "fake, hierarchical, inside the picture",
        "fake, hierarchical, inside where nothing matches",
        "fake, hierarchical, inside where nothing matches, proved on the pixels",
        "fake, exhaustive, inside the picture",
        "fake, hierarchical, above the background",
        "fake, hierarchical, inside the picture, above the background",
        "fake, hierarchical, inside where nothing matches, above the background",
        "fake, exhaustive, above the background",
        "fake, exhaustive, inside the picture, above the background",
        "fake, exhaustive, query → reference alone, above the background",
        "fake, exhaustive, Chamfer alone, above the background",
        "frame hashes (PDQ)",
    }
    assert whole["fake, exhaustive, Chamfer alone"].mean_ap == 1
    assert whole["fake, exhaustive"].segment_f1 > 0.5
    assert whole["fake, hierarchical"].candidate_recall is not None
    assert whole["frame hashes (PDQ)"].segment_f1 is None
    printed = capsys.readouterr().out
    assert "frame hashes (PDQ)" in printed
    assert "4 queries, 4 references" in printed
    (proved,) = {
        line for line in printed.splitlines() if "pixels: " in line and "reported as" in line
    }
    # One copy has no segments with the fake features: it is verified where frames agree best.
    assert "4 of 4 copies reported as matches, 0 wrong" in proved
    assert "4 of 4 spans within 0.5 s, 0 wrongly backwards" in proved
    content = json.loads(out.read_text())
    assert len(content["rows"]) == len(rows)
    assert content["extractor"].startswith("fake-")
    curve = content["reliability"]["fake, exhaustive"]
    assert sum(r["count"] for r in curve) == sum(
        len(list(counted(q, dict.fromkeys(truth.references, 0.0), each=False)))
        for q in truth.queries
    )
    assert (folder / "baselines.json").is_file()
    # All are proved. What scores alone miss is shown where it should have been found.
    assert write_sheet(out, folder, videos, out=tmp_path / "empty.html") == 0
    failures = content["failures"]
    by_scores, proved_too = (
        next(name for name in failures if name.endswith(way)) for way in (AUTO, PROVED)
    )
    failures[proved_too] = [f for f in failures[by_scores] if f["why"] == "not reported"][:1]
    out.write_text(json.dumps(content))
    sheet = tmp_path / "sheet.html"
    assert write_sheet(out, folder, videos, out=sheet) == 1
    shown = sheet.read_text()
    assert "not reported" in shown
    assert shown.count("data:image/jpeg;base64,") == 2


@pytest.mark.slow
def test_copies_are_found_among_their_siblings_end_to_end(videos, tmp_path, capsys):
    folder = tmp_path / "bench"
    truth = make_copies(
        videos, folder, count=8, kinds=("reencode", "scale"), seed=2, log=lambda _line: None
    )
    several = with_siblings(truth)
    assert any(len(q.correct) > 1 for q in several.queries)
    settings = Settings(min_free_bytes=0)
    library = open_library(tmp_path / "library", settings=settings)
    with Workbench(library, fake_model(), settings) as bench:
        rows = score(
            folder,
            videos,
            library=tmp_path,
            model="",
            siblings=True,
            opened=bench,
            log=lambda _line: None,
        )
    whole = {r.system: r for r in rows if r.part == "all"}
    assert whole["fake, exhaustive"].mean_ap == 1
    assert not [system for system in whole if "PDQ" in system]
    assert f"8 queries, {8 + len(truth.references)} references" in capsys.readouterr().out


def test_reliability_counts_the_best_right_answer_as_one_and_leaves_the_ignored_out():
    reported = {"a.mp4": 0.95, "a2.mp4": 0.2, "b.mp4": 0.04, "part.mp4": 0.9}
    found = {"q.mp4": QueryResult(dict.fromkeys(reported, 0.5), probabilities=reported)}
    assert reliability_of([query()], found) == (
        Reliability(1, 0.04, 0.0),
        Reliability(1, 0.95, 1.0),
    )
    assert reliability_of([query()], {"q.mp4": QueryResult({"a.mp4": 0.5})}) == ()


def test_a_library_with_other_videos_is_refused(videos, tmp_path):
    folder = tmp_path / "bench"
    truth = make_copies(videos, folder, count=1, kinds=("crop",), log=lambda _line: None)
    settings = Settings(min_free_bytes=0)
    library = open_library(tmp_path / "library", settings=settings)
    with Workbench(library, fake_model(), settings) as bench:
        bench.add_paths([videos / truth.hosts[0]])
        assert bench.worker.wait_idle(60)
        with pytest.raises(InputError, match="no references"):
            score(folder, videos, library=tmp_path, model="", opened=bench, log=lambda _line: None)


def test_a_set_whose_clips_are_gone_is_refused(videos, tmp_path):
    make_copies(videos, tmp_path, count=1, kinds=("crop",), log=lambda _line: None)
    with pytest.raises(InputError, match="references are not below"):
        score(tmp_path, tmp_path, library=tmp_path, model="")
    with pytest.raises(InputError, match=r"there is no truth\.json"):
        score(videos, videos, library=tmp_path, model="")


def test_a_teacher_needs_photos(videos, tmp_path):
    truth = make_copies(videos, tmp_path, count=1, kinds=("crop",), log=lambda _line: None)
    with pytest.raises(InputError, match="--photos"):
        baselines.baselines(
            tmp_path,
            videos,
            truth,
            teacher=tmp_path / "teacher.npz",
            photos=None,
            settings=Settings(),
            log=lambda _line: None,
        )


def test_photos_are_taken_evenly_from_a_folder(tmp_path):
    import cv2

    for i in range(9):
        cv2.imwrite(str(tmp_path / f"{i}.png"), np.full((20, 30, 3), 20 * i, np.uint8))
    (tmp_path / "9.jpg").write_bytes(b"no picture")
    levels = [int(p.mean()) for p in baselines.spread_photos(tmp_path, 3)]
    assert levels == [0, 60, 120]
    with pytest.raises(InputError, match="does not exist"):
        next(baselines.spread_photos(tmp_path / "none", 3))


def test_chamfer_search_finds_the_seconds_that_two_videos_share():
    rng = np.random.default_rng(6)
    regions = rng.standard_normal((14, 9, 32))
    regions = (regions / np.linalg.norm(regions, axis=-1, keepdims=True)).astype(np.float32)
    empty = np.zeros((0, hashing.BITS), bool)
    looks = {
        "whole": baselines.Look(empty, regions[:10], np.arange(10.0)),
        "other": baselines.Look(empty, regions[10:], np.arange(4.0)),
    }
    part = baselines.Look(empty, regions[3:8], np.arange(5.0))
    level = baselines.frame_level(looks)
    found = baselines.chamfer_search(part, looks, baselines.AlignOptions(frame_level=level))
    assert found.scores["whole"] == pytest.approx(1, abs=1e-5)
    assert found.scores["other"] < 0.6
    (segment,) = found.segments["whole"]
    assert (segment.query_start, segment.query_end) == (0, 5)
    assert (segment.reference_start, segment.reference_end) == (3, 8)
    assert found.segments["other"] == ()
