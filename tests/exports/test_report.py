"""The HTML report: says what was found and how, holds its pictures, and runs nothing."""

import base64
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from tests.support.fakes import fake_model
from visil_dash.exports.report import Evidence, ReportFacts, html_report
from visil_dash.matching.verdict import ANY_OFFSET, judge_result
from visil_dash.proof.pictures import ProofPictures
from visil_dash.records import Match, Proof, ProofState, SearchResult, Segment

NASTY = '"><script>alert(1)</script><img src=http://x/y onerror=a>\u202e.mp4'
PICTURES = (b"\xff\xd8first", b"\xff\xd8second")


class Seen(HTMLParser):
    """What a browser would find: tags, attributes, and text outside the style sheet."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.style = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        self.style = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self.style = False

    def handle_data(self, data: str) -> None:
        if not self.style:
            self.text += data


@pytest.fixture
def result() -> SearchResult:
    match = Match("ab" * 32, NASTY, 0.812, 0.404, 0.125, 7, (Segment(0, 6, 10, 16, 0.91),))
    return SearchResult(
        query=NASTY,
        query_id="cd" * 32,
        matches=(match, replace(match, video_id="ef" * 32, name="other.mp4", segments=())),
        candidates=(),
        mode="hierarchical",
        threshold=1.25,
        library_videos=25,
        timings={"candidates": 0.01, "reranking": 0.2},
        model="compact",
        extractor="compact-12345678",
        index="ready, generation 3, pca128",
        notices=("<b>degraded</b>",),
    )


def report(result: SearchResult, *, most: int = 2) -> Seen:
    facts = ReportFacts(8.0, {"ab" * 32: 24.0}, "1.2.3", "2026-11-24 12:00 UTC")
    found = judge_result(
        result, query_seconds=8.0, reference_seconds={"ab" * 32: 24.0}, match_score=0.5
    )
    evidence = {"ab" * 32: [Evidence(3.0, PICTURES[0], 13.0, PICTURES[1])]}
    return Seen(html_report(found, found.matches[:most], evidence, facts))


def test_it_runs_nothing_and_loads_nothing(result: SearchResult) -> None:
    seen = report(result)
    assert not {"script", "link", "iframe", "object", "form"} & set(seen.tags)
    assert not [name for name, _ in seen.attributes if name.startswith("on")]
    sources = [value for name, value in seen.attributes if name in ("src", "href")]
    assert len(sources) == 2
    assert all(source.startswith("data:image/jpeg;base64,") for source in sources)
    assert any(value.startswith("default-src 'none'") for _, value in seen.attributes)


def test_names_are_shown_as_they_are_without_what_reorders_them(result: SearchResult) -> None:
    seen = report(result)
    assert NASTY.replace("\u202e", "") in seen.text
    assert "\u202e" not in seen.text
    assert "<b>degraded</b>" in seen.text


def test_the_pictures_are_the_bytes_that_were_given(result: SearchResult) -> None:
    shown = [
        base64.b64decode(value.split(",")[1])
        for name, value in report(result).attributes
        if name == "src"
    ]
    assert tuple(shown) == PICTURES
    named = [value for name, value in report(result).attributes if name == "alt"]
    assert named[0] == "query clip at 3.00 seconds"
    assert named[1].endswith("at 13.00 seconds")


def test_it_says_what_was_found_and_how(result: SearchResult) -> None:
    text = report(result).text
    for told in (
        "75 % of the query clip",
        "25 % of this video",
        "0.8120",
        "0.4040",
        "10.00 s16.00 s0.910",
        "No segment matches in time.",
        "look-alike",
        "compact-12345678",
        "ready, generation 3, pca128",
        "1.25 (squared L2)",
        "visil_dash 1.2.3",
        "2026-11-24 12:00 UTC",
        "verified by checksum",
        "ab" * 32,
    ):
        assert told in text, told


def test_it_says_how_many_of_all_it_shows(result: SearchResult) -> None:
    assert "2 videos" in report(result).text
    assert "1 of 2 videos" in report(result, most=1).text
    assert "No video of the library was found" in report(replace(result, matches=())).text


def test_unverified_weights_are_marked(result: SearchResult) -> None:
    marked = replace(result, verified=False, notices=(fake_model(verified=False).notice,))
    assert "imported unverified" in report(marked).text
    assert "Weightsunverified" in report(marked).text
    assert "imported unverified" not in report(result).text


def test_it_says_how_sure_a_match_is_and_where_nothing_runs_in_step(result: SearchResult) -> None:
    (match, _other) = result.matches
    assert "Confidence" not in report(result).text
    assert ANY_OFFSET not in report(result).text
    still = (replace(match.segments[0], in_step=0.5),)
    told = replace(match, probability=0.42, part_score=0.8765, segments=still)
    text = report(replace(result, matches=(told,))).text
    assert "Confidencecannot tell" in text
    assert "Matched segments0.8765" in text
    assert text.count(ANY_OFFSET) == 1
    moving = replace(told, segments=match.segments)
    assert "Confidence42 %" in report(replace(result, matches=(moving,))).text


SHOWN = ProofPictures(*(b"\xff\xd8" + name for name in (b"q", b"laid", b"apart", b"mask", b"box")))


def proved_report(result: SearchResult, proof: Proof) -> Seen:
    facts = ReportFacts(8.0, {"ab" * 32: 24.0}, "1.2.3", "2026-11-24 12:00 UTC")
    (match, *others) = result.matches
    given = replace(result, matches=(replace(match, proof=proof), *others))
    found = judge_result(
        given, query_seconds=8.0, reference_seconds=facts.reference_seconds, match_score=0.5
    )
    pictures = {match.video_id: SHOWN} if proof.times else {}
    return Seen(html_report(found, found.matches, {}, facts, pictures=pictures))


def test_a_proof_is_evidence_without_the_dashboard(result: SearchResult) -> None:
    proof = Proof(
        ProofState.PROVED,
        f"Both move alike {NASTY}",
        span=Segment(0, 6, 10, 16, 0.91),
        motion=0.91,
        other_motion=0.08,
        offsets=(8.0, 9.0, 10.0, 11.0),
        curve=(0.0, 0.1, 0.91, 0.05),
        times=(3.0, 13.0),
        edits=("mirrored", "starts at 0:10.0 of the reference"),
    )
    seen = proved_report(result, proof)
    assert "On the pixels: proved" in seen.text
    assert "Mirrored, starts at 0:10.0 of the reference." in seen.text
    assert seen.text.count("Both move alike") == 1, "the reason is the verdict's"
    assert not {"script", "link"} & set(seen.tags)
    shown = [
        base64.b64decode(value.split(",")[1]) for name, value in seen.attributes if name == "src"
    ]
    assert shown == [SHOWN.query, SHOWN.registered, SHOWN.difference, SHOWN.source]
    # The curve is drawn from left to right, its peak where the best offset is.
    (points,) = [value for name, value in seen.attributes if name == "points"]
    drawn = [tuple(map(float, point.split(","))) for point in points.split()]
    assert [x for x, _ in drawn] == pytest.approx([0, 440 / 3, 880 / 3, 440], abs=0.1)
    assert min(y for _, y in drawn) == drawn[2][1]
    (across,) = [value for name, value in seen.attributes if name == "cx"]
    assert float(across) == pytest.approx(drawn[2][0], abs=0.1)
    assert "0.91 at 10.0 s, at most 0.08 elsewhere" in " ".join(seen.text.split())


def test_a_proof_that_decides_nothing_says_so_beside_the_reason(result: SearchResult) -> None:
    seen = proved_report(result, Proof(ProofState.UNDECIDABLE, "Nothing moves here."))
    assert "On the pixels: undecidable" in seen.text
    assert "Nothing moves here." in seen.text
    assert "points" not in dict(seen.attributes)
