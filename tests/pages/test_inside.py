"""Looking inside the picture, from the search page to the pair, and how sure a match is."""

from collections.abc import Iterator
from fractions import Fraction
from hashlib import sha256
from pathlib import Path

import cv2
import pytest
from streamlit.testing.v1 import AppTest

from tests.support.clips import make_clip, regular
from tests.support.fakes import fake_model
from tests.support.page_world import Open, pages, run_until, shared_library, texts
from tests.support.scenes import RATE, SIZE, scene_picture
from visil_dash.framing.views import BY_KEY, INSIDE, QueryRef, cut
from visil_dash.matching.confidence import ScoreEvidence, in_words, probability
from visil_dash.ui.shell import backend, state

EVIDENCE = ScoreEvidence((0.0, 1.0), (-7.0, 5.0))


@pytest.fixture
def opened() -> Iterator[Open]:
    with pages(shared_library(), model=fake_model(evidence=EVIDENCE)) as open_page:
        yield open_page


@pytest.fixture(scope="module")
def inset(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Seconds 2 to 6 of the market in the bottom right part of a picture of something else."""

    def picture(number: int) -> object:
        whole = scene_picture(7, number / RATE)
        part = cut(whole, BY_KEY["bottom-right"].box)
        part[:] = cv2.resize(scene_picture(1, 2 + number / RATE), part.shape[1::-1])
        return whole

    path = tmp_path_factory.mktemp("inset") / "inset.mp4"
    times = regular(4 * RATE, Fraction(RATE))
    pictures = (picture(number) for number in range(4 * RATE))
    return Path(make_clip(path, times, size=SIZE, pictures=pictures)).read_bytes()  # type: ignore[arg-type]


def searched(page: AppTest) -> AppTest:
    return run_until(page, lambda p: "· model " in texts(p) or bool(p.error))


def test_what_the_whole_picture_hides_is_found_inside_it(opened: Open, inset: bytes) -> None:
    page = opened("search").run()
    page.file_uploader[0].set_value([("inset.mp4", inset, "video/mp4")])
    page = searched(page)
    assert "inside the picture too" not in texts(page)
    assert "Found by the" not in texts(page)

    page.button(key="go_inside").click()
    page = run_until(page, lambda p: "inside the picture too" in texts(p))
    assert "Matched with the bottom right part of the query clip's picture." in texts(page)
    assert "contains the query clip" in texts(page)
    assert page.toggle(key=state.SEARCH_INSIDE).value is True
    assert not [b for b in page.button if b.key == "go_inside"], "there is nothing left to offer"

    clip = sha256(inset).hexdigest()
    found = backend.workbench().search(clip, inside=True)
    best = found.matches[0]
    assert (best.name, best.view) == ("market.mp4", "bottom-right")
    sure = probability(EVIDENCE, best.strength, level=found.background, among=3, parts=len(INSIDE))
    assert in_words(sure) in texts(page)
    assert best.probability == pytest.approx(sure)
    whole = backend.workbench().search(clip, exhaustive=True)
    assert [m.probability for m in whole.matches] == pytest.approx(
        [probability(EVIDENCE, m.strength, level=whole.background, among=3) for m in whole.matches]
    )

    pair = opened("compare")
    pair.session_state[state.COMPARE_QUERY] = clip
    pair.session_state[state.COMPARE_REFERENCE] = best.video_id
    pair.session_state[state.COMPARE_PART] = best.view
    pair = run_until(pair, lambda p: "Query → reference" in texts(p))
    assert f"{best.score:.3f}" in texts(pair)
    assert pair.query_params[state.PARAM_PART] == "bottom-right"


def test_a_clip_similar_to_many_videos_explains_its_lower_confidence(
    opened: Open, inset: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def displayed(crowded: float) -> bool:
        monkeypatch.setattr("visil_dash.ui.search.answer.CROWDED", crowded)
        page = opened("search").run()
        page.file_uploader[0].set_value([("inset.mp4", inset, "video/mp4")])
        return "Many videos are similar to this query clip" in texts(searched(page))

    assert not displayed(1.0)
    assert displayed(0.0)


def linked(opened: Open, part: str) -> tuple[AppTest, dict[str, str]]:
    """The compare page as a link to a part of the market opens it, and the ids by name."""
    videos = {v.name: v.video_id for v in backend.workbench().videos()}
    page = opened("compare")
    page.query_params[state.PARAM_QUERY] = state.short(videos["market.mp4"])
    page.query_params[state.PARAM_REFERENCE] = state.short(videos["harbour.mp4"])
    page.query_params[state.PARAM_PART] = part
    return run_until(page, lambda p: "Query → reference" in texts(p)), videos


def test_a_link_opens_the_part_of_its_pair(opened: Open) -> None:
    page, videos = linked(opened, "left")
    part = str(QueryRef(videos["market.mp4"], "left"))
    score = backend.workbench().compare(part, videos["harbour.mp4"]).score
    assert f"{score:.3f}" in texts(page)
    assert page.selectbox(key=state.COMPARE_PART).value == "left"


def test_a_part_that_a_link_makes_up_is_the_whole_picture(opened: Open) -> None:
    page, _ = linked(opened, "../../left")
    assert page.selectbox(key=state.COMPARE_PART).value == ""
