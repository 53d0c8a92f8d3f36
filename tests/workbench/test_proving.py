"""Verification of results: what it changes, what it costs, and what is kept."""

import json
from dataclasses import replace

import pytest

from tests.support.benches import fill
from tests.support.fakes import fake_model
from tests.support.filming import FPS, cropped, film, write_film
from visil_dash.api.search import AskedSearch
from visil_dash.errors import Cancelled
from visil_dash.library.store import open_library
from visil_dash.matching.confidence import ScoreEvidence
from visil_dash.matching.proved import with_proof
from visil_dash.matching.verdict import judge, verdict_of
from visil_dash.progress import Watch
from visil_dash.records import Match, Proof, ProofState, Relation, Segment
from visil_dash.settings import Settings
from visil_dash.workbench.bench import Workbench
from visil_dash.workbench.proving import proof_budget, prove, prove_pair, proving, worth_proving
from visil_dash.workbench.search import with_probability

SECONDS = 14.0


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """A source, another take of the same place, and a copy of seconds 4 to 11 of the source."""
    folder = tmp_path_factory.mktemp("films")
    take = film(1, 1, SECONDS)
    copy = cropped(take[4 * FPS : 11 * FPS], (0.04, 0.04, 0.9, 0.9))
    made = {"source.mp4": take, "take.mp4": film(1, 2, SECONDS), "copy.mp4": copy}
    return {name: write_film(folder / name, frames) for name, frames in made.items()}


@pytest.fixture(scope="module")
def bench(films, tmp_path_factory):
    settings = Settings(min_free_bytes=0)
    library = open_library(tmp_path_factory.mktemp("proving") / "library", settings=settings)
    model = fake_model(evidence=ScoreEvidence((0.0, 1.0), (-4.0, 4.0)))
    with Workbench(library, model, settings) as opened:
        fill(opened, [films["source.mp4"], films["take.mp4"]])
        yield opened


@pytest.fixture
def result(bench, films):
    """Both videos as a search by scores alone might return them: alike, the wrong one first."""
    query_id = bench.open_clip(films["copy.mp4"]).query_id
    result = bench.search(query_id, exhaustive=True)
    alike = {
        "take.mp4": (0.95, Segment(0, 7, 0, 7, 0.95)),
        "source.mp4": (0.6, Segment(0, 7, 1, 8, 0.9)),
    }
    by_name = {match.name: match for match in result.matches}
    matches = tuple(
        replace(by_name[name], score=score, reverse_score=score, segments=(s,), part_score=score)
        for name, (score, s) in alike.items()
    )
    return bench.judged(replace(result, matches=matches))


def test_the_proof_decides_order_verdict_confidence_and_place(bench, result):
    after = prove(bench, result)
    first, last = after.matches
    assert (first.name, last.name) == ("source.mp4", "take.mp4")
    assert verdict_of(first).is_match
    assert not verdict_of(last).is_match
    assert first.probability > 0.9 > 0.3 > last.probability
    (span,) = first.segments
    assert (span.reference_start, span.reference_end) == pytest.approx((4, 11), abs=0.3)
    assert verdict_of(first).best == first.proof.span == span
    assert verdict_of(first).relation is Relation.CONTAINS
    assert first.similar
    assert last.segments == ()
    assert verdict_of(last).relation is Relation.LOOK_ALIKE
    assert "another take" in verdict_of(last).reason


def test_results_arrive_one_proof_at_a_time(bench, result):
    counts = [sum(m.proof is not None for m in r.matches) for r in proving(bench, result)]
    assert counts == [1, 2]


def test_without_time_or_matches_to_spend_it_on_nothing_changes(bench, result):
    assert prove(bench, result, seconds=-1) == result
    assert prove(bench, result, most=0) == result


def test_a_proof_is_made_once(bench, result, monkeypatch):
    prove(bench, result)
    monkeypatch.setattr("visil_dash.workbench.proving.Verifier", None)
    assert prove(bench, result).matches[0].proof.state is ProofState.PROVED


def test_verification_can_be_stopped(bench, result, films, tmp_path):
    other = write_film(tmp_path / "other.mp4", film(1, 1, 6))
    clip = bench.open_clip(other)
    with pytest.raises(Cancelled):
        prove(bench, replace(result, query_id=clip.query_id), watch=Watch(stopped=lambda: True))


def test_a_comparison_is_proved_like_a_match(bench, films):
    source, take = (v.video_id for v in bench.videos())
    pair = bench.compare(source, take)
    pair = replace(pair, segments=(Segment(0, 10, 0, 10, 0.9),))
    proved = prove_pair(bench, pair)
    assert proved.proof.state is ProofState.CONTRADICTED
    assert not verdict_of(proved).is_match


def test_a_pair_without_a_segment_is_verified_where_its_frames_agree_best(bench, films):
    copy = bench.open_clip(films["copy.mp4"]).query_id
    (source,) = (v.video_id for v in bench.videos() if v.name == "source.mp4")
    proved = prove_pair(bench, replace(bench.compare(copy, source), segments=()))
    (span,) = proved.segments
    assert (span.reference_start, span.reference_end) == pytest.approx((4, 11), abs=0.3)
    assert verdict_of(proved).relation is Relation.CONTAINS


def test_what_scores_call_unrelated_is_verified_only_where_nothing_else_is_proved(bench, result):
    def unrelated(match):
        return replace(match, score=-0.5, reverse_score=-0.5, segments=(), part_score=None)

    wrong, right = result.matches
    assert (wrong.name, right.name) == ("take.mp4", "source.mp4")
    lost = bench.judged(replace(result, matches=(unrelated(wrong), unrelated(right))))
    assert worth_proving(lost) == []
    found = prove(bench, lost)
    assert [m.name for m in found.matches if verdict_of(m).is_match] == ["source.mp4"]
    one_found = bench.judged(replace(result, matches=(right, unrelated(wrong))))
    assert [m.name for m in prove(bench, one_found).matches if m.proof is None] == ["take.mp4"]


def test_proofs_of_library_videos_are_kept_with_them_and_refused_from_another_version(bench, films):
    source, take = (v.video_id for v in bench.videos())
    prove_pair(bench, replace(bench.compare(source, take), segments=(Segment(0, 9, 0, 9, 0.9),)))
    kept = bench.proofs.get(source, take)
    (path,) = bench.library.folder.glob("media/*/proofs/*/*.json")
    assert source in str(path)
    assert take in path.name
    fresh = type(bench.proofs)(bench.library, bench.extractor)
    assert fresh.get(source, take) == kept
    content = json.loads(path.read_text())
    for spoiled in (json.dumps(content | {"version": 0}), "{", "[]", json.dumps({"proof": {}})):
        path.write_text(spoiled)
        assert type(bench.proofs)(bench.library, bench.extractor).get(source, take) is None
    outside = bench.open_clip(films["copy.mp4"]).query_id
    fresh.put(outside, take, kept)
    assert fresh.get(outside, take) == kept
    assert len(list(bench.library.folder.glob("media/*/proofs/*/*.json"))) == 1


def test_the_time_for_proofs_is_what_was_asked_for_or_that_of_the_settings(bench):
    assert proof_budget(bench, None) == bench.settings.proof_seconds > 0
    assert (proof_budget(bench, 0.0), proof_budget(bench, 5.0)) == (0.0, 5.0)
    assert AskedSearch().proof is None


def test_doubts_are_verified_however_many_matches_come_before_them(result):
    first = result.matches[0]
    doubt = replace(verdict_of(first), relation=Relation.PARTIAL, is_match=False)
    sure = replace(verdict_of(first), relation=Relation.CONTAINS, is_match=True)
    none = replace(doubt, relation=Relation.NONE)
    verdicts = {"a": sure, "b": doubt, "c": sure, "d": doubt, "e": none, "f": doubt, "g": doubt}
    matches = tuple(replace(first, video_id=k, verdict=v) for k, v in verdicts.items())
    many = replace(result, matches=matches)
    assert worth_proving(many, most=2) == ["a", "b", "d", "f"]
    assert worth_proving(many, most=12) == ["a", "b", "c", "d", "f", "g"]


# ---- what follows from a proof ----


def match(*segments, score=0.9, **more):
    return Match("v", "v.mp4", score, score, None, 0, segments, score, **more)


def test_what_is_proved_rules_out_other_places_of_the_same_query_time():
    wrong, right, later = (
        Segment(0, 6, 20, 26, 0.99),
        Segment(0, 6, 5, 11, 0.9),
        Segment(8, 12, 30, 34, 0.9),
    )
    span = Segment(0, 6, 5.2, 11.2, 0.8)
    proved = with_proof(match(wrong, right, later), Proof(ProofState.PROVED, "", span=span))
    assert proved.segments == (span, later)
    assert proved.similar == (wrong,), "the right one is what is proved"
    again = with_proof(proved, Proof(ProofState.PROVED, "", span=span))
    assert set(again.segments) == {span, later}


def test_a_long_segment_that_places_what_is_proved_elsewhere_is_ruled_out():
    across, span = Segment(3, 27, 2, 20, 0.9, speed=0.75), Segment(12, 18, 2, 8, 0.9)
    proved = with_proof(match(across), Proof(ProofState.PROVED, "", span=span))
    assert (proved.segments, proved.similar) == ((span,), (across,))


def test_a_long_segment_of_which_a_part_is_proved_stays():
    whole, span = Segment(0, 60, 10, 70, 0.9), Segment(0, 11, 10.3, 21.3, 0.9)
    proved = with_proof(match(whole), Proof(ProofState.PROVED, "", span=span))
    assert set(proved.segments) == {whole, span}
    assert proved.similar == ()


def test_an_undecidable_pair_keeps_what_scores_say():
    pair = match(Segment(0, 10, 0, 10, 0.9))
    open_pair = with_proof(pair, Proof(ProofState.UNDECIDABLE, "nothing moves"))
    lengths = {"query_seconds": 10, "reference_seconds": 10, "match_score": 0.8}
    assert judge(open_pair, **lengths) == judge(pair, **lengths)


def test_proved_copies_are_no_background_of_each_other():
    evidence = ScoreEvidence((0.0, 1.0), (-6.0, 6.0))
    plain = tuple(replace(match(score=0.9), video_id=str(k)) for k in range(12))
    proved = tuple(replace(m, proof=Proof(ProofState.PROVED, "")) for m in plain)
    among = {"among": 100}
    assert with_probability(plain, evidence, **among)[1] > 0.8
    assert with_probability(proved, evidence, **among)[1] == 0
