"""Proofs on the pages: they arrive after the results, and what they decide is shown."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any
from unittest.mock import patch

import pytest
from streamlit.testing.v1 import AppTest

from tests.support.benches import copy_library
from tests.support.page_world import Open, fact, pages, run_until, texts
from tests.support.pair_world import copy_world, figures, ids
from visil_dash.labels.label import Label
from visil_dash.matching.headline import headline
from visil_dash.matching.proved import with_proof
from visil_dash.proof.verify import Verifier
from visil_dash.records import Proof, ProofState, Registration, SearchResult, Segment
from visil_dash.ui.compare.tasks import proof_task
from visil_dash.ui.search.tasks import Verification, verification
from visil_dash.ui.shell import backend
from visil_dash.ui.shell.playing import playable

SPAN = Segment(0.2, 5.8, 3.2, 8.8, 0.9)
LAID = Registration(
    transform=((0.8, 0.0, 0.1), (0.0, 0.8, 0.1), (0.0, 0.0, 1.0)),
    size=(128, 96),
    reference_size=(128, 96),
    inliers=41,
    common=0.64,
    box=(0.1, 0.1, 0.8, 0.8),
    reference_box=(0.0, 0.0, 1.0, 1.0),
    overlays=((0.7, 0.7, 0.2, 0.2),),
)
PROVED = Proof(
    ProofState.PROVED,
    "Both move alike at one time offset.",
    span=SPAN,
    registration=LAID,
    motion=0.93,
    other_motion=0.11,
    detail=0.97,
    offsets=(1.0, 3.2, 5.0),
    curve=(0.05, 0.93, 0.11),
    times=(2.0, 5.0),
    edits=("mirrored", "starts at 0:03.2 of the reference"),
)
OTHER_TAKE = Proof(
    ProofState.CONTRADICTED,
    "Both show the same place, but it moves differently: another take.",
    registration=LAID,
    times=(2.0, 5.0),
)
UNDECIDED = Proof(ProofState.UNDECIDABLE, "Nothing moves here.")


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A library of its own: it keeps the proofs that are made."""
    return copy_library(copy_world(), tmp_path / "library")


@pytest.fixture
def verified(request: pytest.FixtureRequest, library: Path) -> Iterator[Open]:
    """The pages, whose verification concludes what the test says."""
    with (
        patch.object(Verifier, "verify", lambda *_: request.param),
        pages(library, proof_seconds=30.0) as open_page,
    ):
        yield open_page


def compared(open_page: Open, done: Callable[[AppTest], bool]) -> AppTest:
    page = open_page("compare")
    page.query_params["q"] = ids()["excerpt.mp4"][:16]
    page.query_params["r"] = ids()["market.mp4"][:16]
    return run_until(page, done)


def component(page: AppTest, name: str) -> dict[str, Any]:
    (found,) = [c.proto for c in page.get("bidi_component") if name in c.proto.component_name]
    data: dict[str, Any] = json.loads(found.json)
    return data


def swiped(page: AppTest) -> bool:
    return any("swipe" in c.proto.component_name for c in page.get("bidi_component"))


def searched(open_page: Open) -> AppTest:
    page = open_page("search")
    page.query_params["q"] = ids()["excerpt.mp4"][:16]
    return run_until(page, lambda p: "· model " in texts(p))


@pytest.mark.parametrize("verified", [PROVED], indirect=True)
def test_compare_shows_the_proof_and_follows_it(verified: Open) -> None:
    page = compared(verified, swiped)
    text = texts(page).replace("\\", "")
    assert "proved on the pixels" in text
    assert "Both move alike at one time offset." in text
    assert "Mirrored, starts at 0:03.2 of the reference." in text
    assert fact(page, "Motion alike") == "0.93"
    assert fact(page, "Common") == "64 %"
    sides = component(page, "swipe")
    assert (sides["left"]["label"], sides["right"]["label"]) == ("Query", "Reference")
    assert "0:05.0, laid onto" in sides["right"]["alt"]
    (peak,) = [
        trace
        for figure in figures(page)
        for trace in figure["data"]
        if trace.get("mode") == "markers+text"
    ]
    assert peak["text"] == ["0.93 at 0:03.2"]
    # The loop is the exact span, and so is the segment.
    span = component(page, "player")["range"]
    assert (span["query_start"], span["query_end"]) == (0.2, 5.8)
    assert span["reference_start"] == 3.2
    assert page.dataframe[0].value["Similarity"][0] == pytest.approx(0.9)


@pytest.mark.parametrize("verified", [PROVED], indirect=True)
def test_the_other_pictures_of_a_proof_are_a_click_away(verified: Open) -> None:
    page = compared(verified, swiped)
    page.segmented_control(key="proof_view").select("Difference picture").run()
    assert len(page.get("image")) == 1
    assert not swiped(page)
    assert "difference" in page.query_params["proof"]
    page.segmented_control(key="proof_view").select("Crop and overlays").run()
    assert len(page.get("image")) == 2
    assert "Orange boxes: overlays" in texts(page)
    assert not page.exception


@pytest.mark.parametrize("verified", [OTHER_TAKE], indirect=True)
def test_another_take_is_no_match_on_any_page(verified: Open) -> None:
    page = compared(verified, lambda p: "contradicted: another take" in texts(p))
    assert "look-alike" in texts(page)
    assert len(page.dataframe) == 0, "no segment is left"
    assert "What looks similar moves otherwise" in texts(page)
    assert any(e.label.startswith("Looks similar at 1 place") for e in page.expander)
    page = run_until(
        searched(verified), lambda p: "No video shares footage with this query clip" in texts(p)
    )
    assert "it moves differently: another take" in texts(page)


@pytest.mark.parametrize("verified", [UNDECIDED], indirect=True)
def test_what_cannot_be_decided_says_why_and_changes_nothing(verified: Open) -> None:
    page = compared(verified, lambda p: "cannot be decided" in texts(p))
    assert "Nothing moves here." in texts(page).replace("\\", "")
    assert "do not lie on each other well enough" in texts(page)
    assert not swiped(page)
    assert page.dataframe[0].value["Query"][0] == "0:00 – 0:06"
    page = run_until(searched(verified), lambda p: "cannot be decided" in texts(p))
    assert "1 video shares footage" in texts(page)


@pytest.mark.parametrize("verified", [PROVED], indirect=True)
def test_a_proved_match_has_its_seal_and_its_edits_on_the_card(verified: Open) -> None:
    page = run_until(searched(verified), lambda p: "Proved on the pixels: mirrored." in texts(p))
    assert ":material/verified:" in texts(page)
    assert "proved first, then the strongest" in texts(page)
    assert "Query clip at 0:02.0" in texts(page), "the frames are those of the proof"
    assert "Reference video at 0:05.0" in texts(page)


def test_results_stand_before_the_proofs_and_can_be_kept_without_them(library: Path) -> None:
    begun = Event()

    def slow(self: Verifier, *_: Any) -> Proof:
        begun.set()
        Event().wait(1.0)
        return PROVED

    with (
        patch.object(Verifier, "verify", slow),
        pages(library, proof_seconds=30.0) as open_page,
    ):
        page = searched(open_page)
        assert begun.wait(30)
        page.run()
        assert "1. market.mp4" in texts(page)
        assert "Verifying, " in texts(page)
        assert "Proved on the pixels." not in texts(page)
        page.button(key="stop_verification").click()
        page = run_until(page, lambda p: "Verifying, " not in texts(p))
        assert "1. market.mp4" in texts(page)


def test_without_seconds_for_proofs_there_are_none(library: Path) -> None:
    with (
        patch.object(Verifier, "verify", lambda *_: pytest.fail("verified")),
        pages(library, proof_seconds=0.0) as open_page,
    ):
        assert "Verifying" not in texts(searched(open_page))
        page = compared(open_page, lambda p: "Where they agree" in texts(p))
        assert "On the pixels" not in texts(page)


@pytest.mark.parametrize("verified", [PROVED], indirect=True)
def test_a_link_opens_the_pictures_that_were_looked_at(verified: Open) -> None:
    page = verified("compare")
    page.query_params["proof"] = "crop"
    page.query_params["q"] = ids()["excerpt.mp4"][:16]
    page.query_params["r"] = ids()["market.mp4"][:16]
    page = run_until(page, lambda p: "Orange boxes: overlays" in texts(p))
    assert page.segmented_control(key="proof_view").value == "Crop and overlays"


def test_a_proof_that_is_made_while_compare_draws_what_stands_above_it_is_shown(
    library: Path,
) -> None:
    """The pair was read without its proof, which is there when its place is reached."""
    go = Event()

    def held(self: Verifier, *_: Any) -> Proof:
        assert go.wait(60)
        return PROVED

    def meanwhile(query: str) -> Any:
        go.set()
        pair = ids()["excerpt.mp4"], ids()["market.mp4"]
        assert proof_task(*pair).wait(60)
        return playable(query)

    with patch.object(Verifier, "verify", held), pages(library, proof_seconds=30.0) as open_page:
        page = compared(open_page, lambda p: "Where they agree" in texts(p))
        assert "proved on the pixels" not in texts(page)
        with patch("visil_dash.ui.compare.evidence.playable", meanwhile):
            page.run()
        assert "proved on the pixels" in texts(page)


def test_a_proof_that_is_made_while_the_answer_is_drawn_is_shown(library: Path) -> None:
    go = Event()

    def held(self: Verifier, *_: Any) -> Proof:
        assert go.wait(60)
        return PROVED

    drawn: list[Verification] = []

    def noted(result: SearchResult) -> Verification | None:
        made = verification(result)
        assert made is not None
        drawn.append(made)
        return made

    def meanwhile(result: SearchResult) -> str:
        go.set()
        assert drawn[-1].task.wait(60)
        return headline(result)

    with patch.object(Verifier, "verify", held), pages(library, proof_seconds=30.0) as open_page:
        page = searched(open_page)
        assert "Verifying, " in texts(page)
        with (
            patch("visil_dash.ui.search.tasks.verification", noted),
            patch("visil_dash.ui.search.answer.headline", meanwhile),
        ):
            page.run()
        assert "Verifying, " not in texts(page)
        assert "Proved on the pixels: mirrored." in texts(page)


def test_a_page_rests_while_it_hides_a_proved_match_and_others_are_verified(library: Path) -> None:
    """A proof of a match that the user's verdict hides is none that the page has yet to draw."""
    go = Event()

    def proving(_: Any, result: SearchResult, **options: Any) -> Iterator[SearchResult]:
        first, *others = result.matches
        yield replace(result, matches=(with_proof(first, PROVED), *others))
        go.wait(60)

    with (
        patch("visil_dash.workbench.proving.proving", proving),
        pages(library, proof_seconds=30.0) as open_page,
    ):
        page = run_until(searched(open_page), lambda p: "Proved on the pixels" in texts(p))
        label = Label(ids()["excerpt.mp4"], ids()["market.mp4"], "not_match")
        backend.workbench().library.set_label(label)
        page.run()
        assert "1 hidden by your verdicts" in texts(page)
        assert "Verifying, " in texts(page)
        go.set()
