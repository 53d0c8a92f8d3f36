"""The search page (pages/search.py): a clip in, the videos that contain it and where, out."""

import csv
import hashlib
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any
from unittest.mock import patch

import pytest
from streamlit.runtime.uploaded_file_manager import DeletedFile
from streamlit.testing.v1 import AppTest

from tests.support.benches import SOON, copy_library
from tests.support.fakes import fake_model
from tests.support.page_world import (
    NAMES,
    SESSION,
    Open,
    fact,
    labels,
    pages,
    run_until,
    shared_library,
    texts,
)
from tests.support.scenes import make_scene
from visil_dash.errors import Cancelled
from visil_dash.exports.search import matches_csv
from visil_dash.library.store import open_library
from visil_dash.matching.verdict import ANY_OFFSET
from visil_dash.records import Segment
from visil_dash.settings import Settings
from visil_dash.ui.search.options import judged_result
from visil_dash.ui.shell import backend, state, uploader
from visil_dash.ui.shell.tasks import Task
from visil_dash.ui.shell.text import md
from visil_dash.ui.shell.uploader import upload_box
from visil_dash.ui.shell.uploads import Clips
from visil_dash.workbench.bench import Workbench
from visil_dash.workbench.reports import search_report


@pytest.fixture(scope="module")
def world() -> Iterator[Open]:
    with pages(shared_library()) as open_page:
        yield open_page


@pytest.fixture
def opened(world: Open) -> Iterator[Open]:
    """Every test begins without clips: all pages of this process are one session."""
    yield world
    clips = backend.clip_store()
    for clip in clips.of(SESSION):
        clips.drop(SESSION, clip.query_id)
    assert not list(clips.folder.glob("*/original"))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Seconds 3 to 8 of the market, encoded again."""
    return make_scene(
        tmp_path_factory.mktemp("clip") / "clip.mp4", 1, start=3, seconds=5
    ).read_bytes()


@pytest.fixture(scope="module")
def ids() -> dict[str, str]:
    with open_library(shared_library(), settings=Settings(), read_only=True) as library:
        return {video.name: video.video_id for video in library.videos()}


def upload(page: AppTest, *files: tuple[str, bytes]) -> AppTest:
    page.file_uploader[0].set_value([(name, data, "video/mp4") for name, data in files])
    return page


def cards(page: AppTest) -> list[str]:
    """Names of the matches, in their order."""
    text = texts(page)
    found = [(text.find(f". {name}</div>"), name) for name in NAMES]
    return [name for at, name in sorted(found) if at >= 0]


def answered(page: AppTest) -> AppTest:
    return run_until(page, lambda p: "· model " in texts(p) or bool(p.error))


def test_tags_narrow_the_search_and_the_answer_says_so(tmp_path: Path, clip: bytes) -> None:
    folder = copy_library(shared_library(), tmp_path / "library")
    with open_library(folder, settings=Settings(min_free_bytes=0)) as library:
        for name in ("harbour.mp4", "station.mp4"):
            library.set_tags(library.video(name).video_id, ("news",))
    with pages(folder) as open_page:
        page = answered(upload(open_page("search").run(), ("clip.mp4", clip)))
        assert cards(page)[0] == "market.mp4"
        page.multiselect(key="search_tags").set_value(["news"])
        page = run_until(page, lambda p: "2 videos with the tag news" in texts(p))
        assert "market.mp4" not in cards(page)
        assert page.query_params["among"] == "news"


def test_it_starts_with_a_question(opened: Open) -> None:
    page = opened("search").run()
    assert not page.exception
    assert "Choose a query clip" in texts(page)


def test_a_new_tab_offers_the_clip_of_this_browser_first(opened: Open, clip: bytes) -> None:
    answered(upload(opened("search").run(), ("clip.mp4", clip)))
    page = opened("search").run()
    offered = [button.label for button in page.button if "example_" in str(button.key)]
    assert offered == [md(name) for name in ("clip.mp4", *NAMES[:2])]
    page.button(key="example_0").click()
    answered(page)
    assert page.session_state[state.SEARCH_QUERY] == hashlib.sha256(clip).hexdigest()
    assert cards(page)[0] == "market.mp4"


def test_an_uploaded_clip_finds_its_video_and_the_span(opened: Open, clip: bytes) -> None:
    page = answered(upload(opened("search").run(), ("clip.mp4", clip)))
    assert cards(page)[0] == "market.mp4"
    assert "0:00–0:05 of the query clip matches 0:03–0:08 of the reference video" in texts(page)
    assert "1 video shares footage with this query clip" in texts(page)
    assert len(page.get("plotly_chart")) >= 1
    assert "Compare" in labels(page)
    assert not page.exception


def test_a_card_shows_the_relation_and_both_coverages(opened: Open, clip: bytes) -> None:
    page = answered(upload(opened("search").run(), ("clip.mp4", clip)))
    # Five seconds, all of which are there, of not quite ten.
    assert fact(page, "Of the query clip in this video") == "100 %"
    assert fact(page, "Of this video in the query clip") in ("50 %", "51 %")
    assert "contains the query clip" in texts(page)


def test_a_card_warns_where_any_time_offset_matches(
    opened: Open, clip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = answered(upload(opened("search").run(), ("clip.mp4", clip)))
    assert ANY_OFFSET not in texts(page)
    assert "contains the query clip" in texts(page)
    monkeypatch.setattr("visil_dash.matching.verdict.IN_STEP", 1.1)
    monkeypatch.setattr("visil_dash.matching.verdict.SAME_PICTURE", 1.1)
    page = answered(upload(opened("search").run(), ("clip.mp4", clip)))
    assert ANY_OFFSET in texts(page)
    assert "may contain the query clip" in texts(page)
    assert "1 video may share footage with this query clip" in texts(page)


def test_of_several_clips_each_can_be_looked_at(opened: Open, clip: bytes, tmp_path: Path) -> None:
    other = make_scene(tmp_path / "b.mp4", 2, start=1, seconds=5).read_bytes()
    page = answered(upload(opened("search").run(), ("first.mp4", clip), ("second.mp4", other)))
    assert cards(page)[0] == "market.mp4"
    picker = page.selectbox(key="search_query")
    second = next(o for o in picker.options if "second" in o)
    page.selectbox(key="search_query").select(second)
    page = run_until(page, lambda p: cards(p)[:1] == ["station.mp4"])


def rows(page: AppTest) -> dict[str, str]:
    """Answer and best match in the row of each of several clips, by its name."""
    cells = r'title="([^"]+)">[^<]*</div><div class="vd-meta">([^<]*)</div><div class="vd-meta">'
    found = re.findall(cells + "([^<]*)<", texts(page))
    return {name: f"{answer} · {best}" for name, answer, best in found}


def all_searched(page: AppTest) -> AppTest:
    return run_until(page, lambda p: "clips**" in texts(p) and "to go" not in texts(p))


@pytest.fixture(scope="module")
def three(clip: bytes, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, bytes]]:
    """The market's, the station's, and a file that is no video."""
    folder = tmp_path_factory.mktemp("three")
    other = make_scene(folder / "b.mp4", 2, start=1, seconds=5).read_bytes()
    return [("market.clip", clip), ("station.clip", other), ("no.txt", b"not a video at all")]


def test_each_of_several_clips_shows_its_answer_or_its_failure(
    opened: Open, three: list[tuple[str, bytes]]
) -> None:
    page = all_searched(upload(opened("search").run(), *three))
    displayed = rows(page)
    for name in ("market", "station"):
        assert "1 video shares footage with this query clip" in displayed[f"{name}.clip"]
        best = rf"· {name}\.mp4, contains the query clip, strength (0\.9|1\.0)"
        assert re.search(best, displayed[f"{name}.clip"])
    assert "it is text" in displayed["no.txt"]
    assert "2 searched · 1 failed" in texts(page)
    assert not page.exception


def test_a_row_shows_its_own_results(opened: Open, three: list[tuple[str, bytes]]) -> None:
    page = all_searched(upload(opened("search").run(), *three[:2]))
    assert cards(page)[0] == "market.mp4"
    (show,) = [b for b in page.button if b.key and b.key.startswith("show-")]
    show.click()
    page = run_until(page, lambda p: cards(p)[:1] == ["station.mp4"])
    assert [b.key for b in page.button if b.key and b.key.startswith("show-")] != [show.key]
    assert page.session_state["search_query"] == hashlib.sha256(three[1][1]).hexdigest()


def test_the_answers_of_several_clips_are_one_table(
    opened: Open, three: list[tuple[str, bytes]]
) -> None:
    page = all_searched(upload(opened("search").run(), *three[:2]))
    assert any(b.key == "several_csv" for b in page.get("download_button"))
    bench = backend.open_benches[0]
    found = [bench.search(hashlib.sha256(data).hexdigest()) for _, data in three[:2]]
    table = matches_csv(*found)
    read = list(csv.DictReader(io.StringIO(table, newline="")))
    best = {(r["query"], r["name"], r["match"]) for r in read if r["rank"] == "1"}
    assert best == {
        ("market.clip", "market.mp4", "true"),
        ("station.clip", "station.mp4", "true"),
    }


def test_searching_for_several_clips_can_be_stopped_and_begun_again(
    opened: Open, tmp_path: Path
) -> None:
    files = [
        (f"{at}.clip", make_scene(tmp_path / f"{at}.mp4", at, start=4, seconds=3).read_bytes())
        for at in range(2)
    ]

    def slow(self: Workbench, path: Path, **options: Any) -> Any:
        options["watch"].step("Reading the clip", 0.25)
        while not options["watch"].stopped():
            Event().wait(0.01)
        raise Cancelled("The reading was stopped.")

    with patch.object(Workbench, "open_clip", slow):
        page = upload(opened("search").run(), *files).run()
        page = run_until(page, lambda p: "2 to go" in texts(p))
        page.button(key="cancel_several").click()
        page = all_searched(page)
    assert len(rows(page)) == 2
    assert all("topped" in displayed for displayed in rows(page).values())
    again = [b.key for b in page.button if b.key and b.key.startswith("try_again-")]
    assert len(again) == 2
    for key in again:
        page.button(key=key).click().run()
    page = all_searched(page)
    assert "harbour.mp4, " in rows(page)["0.clip"]
    assert "market.mp4, " in rows(page)["1.clip"]


def test_a_picked_video_is_not_its_own_match(opened: Open, ids: dict[str, str]) -> None:
    page = opened("search")
    page.session_state["search_query"] = ids["harbour.mp4"]
    page.session_state["search_mode"] = "Exhaustive"
    page = answered(page)
    assert sorted(cards(page)) == ["market.mp4", "station.mp4"]


def test_a_link_opens_its_query(opened: Open, ids: dict[str, str]) -> None:
    page = opened("search")
    page.query_params["q"] = ids["station.mp4"][:16]
    page = answered(page)
    assert page.session_state["search_query"] == ids["station.mp4"]


def test_a_link_to_a_clip_of_somebody_else_shows_nothing_of_it(opened: Open) -> None:
    page = opened("search")
    page.query_params["q"] = "ab" * 8
    page.run()
    assert "private" in page.info[0].value
    assert "Choose a query clip" in texts(page)


def test_exhaustive_search_lists_every_video_and_shows_the_agreement(
    opened: Open, clip: bytes
) -> None:
    page = upload(opened("search").run(), ("clip.mp4", clip))
    page.segmented_control(key="search_mode").select("Exhaustive")
    page = run_until(page, lambda p: "Hierarchical search" in texts(p))
    assert sorted(cards(page)) == sorted(NAMES)
    assert "All 3 videos compared" in texts(page)
    assert "misses nothing here" in texts(page)


def test_a_threshold_that_admits_nothing_gives_the_nearest_and_the_sure_way(
    opened: Open, clip: bytes
) -> None:
    page = upload(opened("search").run(), ("clip.mp4", clip))
    page.number_input(key="search_threshold").set_value(0.0)
    page = run_until(page, lambda p: "nearest of 3 videos compared" in texts(p))
    assert "Nothing lies within the distance threshold 0" in page.warning[0].value
    assert "3 nearest videos instead" in page.warning[0].value
    assert cards(page)[0] == "market.mp4"
    page.button(key="go_exhaustive").click()
    page = run_until(page, lambda p: "Hierarchical search misses" in texts(p))
    assert "Hierarchical search misses 1 of 1 match" in texts(page)
    assert r"market\.mp4" in texts(page)


def test_the_nearest_videos_answer_whatever_the_threshold(opened: Open, clip: bytes) -> None:
    page = upload(opened("search").run(), ("clip.mp4", clip))
    page.segmented_control(key="search_mode").select("Nearest")
    page.number_input(key="search_top").set_value(2)
    page = run_until(page, lambda p: "The 2 nearest of 3 videos compared" in texts(p))
    assert cards(page)[0] == "market.mp4"
    assert len(cards(page)) == 2
    assert not page.warning  # some lie within the threshold


def test_filters_narrow_the_cards_and_can_be_taken_back(opened: Open, clip: bytes) -> None:
    page = upload(opened("search").run(), ("clip.mp4", clip))
    page.segmented_control(key="search_mode").select("Exhaustive")
    page = run_until(page, lambda p: sorted(cards(p)) == sorted(NAMES))
    page.text_input(key="search_name").set_value("STAT").run()
    assert cards(page) == ["station.mp4"]
    assert "Showing 1 of 3 videos" in texts(page)
    page.slider(key="search_least_covered").set_value(50).run()
    assert "No match passes the filter" in texts(page)
    page.button(key="clear_filters").click().run()
    assert sorted(cards(page)) == sorted(NAMES)
    pills = next(g for g in page.get("button_group") if "contains the query clip · 1" in g.options)
    pills.set_value(["contains"]).run()
    assert cards(page) == ["market.mp4"]


def test_one_frame_is_searched_for_by_itself(opened: Open, clip: bytes) -> None:
    page = answered(upload(opened("search").run(), ("clip.mp4", clip)))
    page.session_state["search_frames"] = True
    page = run_until(page, lambda p: any(b.key == "moment-2" for b in p.button))
    bench = backend.open_benches[0]
    at = float(bench.clip(page.session_state["search_query"]).features.timestamps[2])
    page.button(key="moment-2").click()
    page = run_until(page, lambda p: "One frame, at 0:02" in texts(p))
    assert cards(page)[0] == "market.mp4"
    # The clip begins at second 3 of the market, so its second 2 is the market's 5.
    nearest = texts(page).split("1. market.mp4</div>")[1]
    assert "<dt>At</dt><dd>0:05</dd>" in nearest.split("2. ")[0]
    assert float(page.query_params["at"][0]) == pytest.approx(at, abs=0.001)
    page.button(key="whole_clip").click()
    page = answered(page)
    assert "at" not in page.query_params


def test_one_frame_of_a_clip_that_the_library_has_says_so(
    opened: Open, ids: dict[str, str]
) -> None:
    with open_library(shared_library(), settings=Settings(), read_only=True) as library:
        same = library.media_path(ids["market.mp4"]).read_bytes()
    page = answered(upload(opened("search").run(), ("mine.mp4", same)))
    page.session_state["search_frames"] = True
    page = run_until(page, lambda p: any(b.key == "moment-2" for b in p.button))
    page.button(key="moment-2").click()
    page = run_until(page, lambda p: "One frame, at" in texts(p))
    assert "already in the library as market" in texts(page)
    assert "market.mp4" not in cards(page)


def test_a_link_opens_a_frame_of_its_query(opened: Open, ids: dict[str, str]) -> None:
    page = opened("search")
    page.query_params["q"] = ids["station.mp4"][:16]
    page.query_params["at"] = "4"
    page = run_until(page, lambda p: "One frame, at 0:04" in texts(p))
    assert "Distance" in texts(page)
    assert not page.exception


def test_a_report_is_made_on_a_click_and_offered_as_one_file(opened: Open, clip: bytes) -> None:
    page = answered(upload(opened("search").run(), ("clip.mp4", clip)))
    page.button(key="make_report").click()
    page = run_until(page, lambda p: any(b.key == "report_file" for b in p.get("download_button")))
    assert not page.exception
    bench = backend.open_benches[0]
    result = bench.search(page.session_state["search_query"])
    report = search_report(bench, result, matches=5, spans=3)
    assert "market.mp4" in report
    assert report.count("data:image/jpeg;base64,") == 2  # one span, both sides


def test_the_line_about_weak_results_stands_over_those_alone(opened: Open, clip: bytes) -> None:
    real = Workbench.search

    def with_a_stretch(self: Workbench, *query: Any, **options: Any) -> Any:
        """The weakest video has a matched segment, the one before it has none."""
        found = real(self, *query, **options)
        *others, last = found.matches
        last = replace(last, segments=(Segment(0, 2, 0, 2, 0.7),), part_score=0.1)
        return replace(found, matches=(*others, last))

    with patch.object(Workbench, "search", with_a_stretch):
        page = upload(opened("search").run(), ("clip.mp4", clip))
        page.segmented_control(key="search_mode").select("Exhaustive")
        page = run_until(
            page, lambda p: "without a matched segment" in texts(p) and len(cards(p)) == 3
        )
    text = texts(page)
    (first, last, weak), line = cards(page), text.index("without a matched segment")
    assert first == "market.mp4"
    assert text.index(f"3. {last}</div>") < line < text.index(f"2. {weak}</div>")
    assert "look-alike" in text.split(f"3. {last}</div>")[1][: line - text.index(f"3. {last}")]


def test_show_at_most_shortens_the_list_and_counts_the_rest(opened: Open, clip: bytes) -> None:
    page = upload(opened("search").run(), ("clip.mp4", clip))
    page.segmented_control(key="search_mode").select("Exhaustive")
    page.number_input(key="search_top").set_value(1)
    page = run_until(page, lambda p: "All 3 videos compared" in texts(p) and bool(cards(p)))
    assert cards(page) == ["market.mp4"]
    assert "2 lower-ranked videos not shown" in texts(page)


def test_a_file_that_is_no_video_is_refused_by_name_with_a_remedy(opened: Open) -> None:
    page = answered(upload(opened("search").run(), ("<b>notes</b>.txt", b"not a video at all")))
    assert "notes" in page.error[0].value
    assert "<b>" not in page.error[0].value
    assert not page.exception
    assert "Try again" in labels(page)


def test_a_failure_is_shown_with_the_name_that_was_given_last(opened: Open) -> None:
    """Another session may have the same bytes under a name that is nobody else's to know."""
    for name in ("mine.txt", "yours.txt"):
        page = answered(upload(opened("search").run(), (name, b"the same bytes of no video")))
        assert page.error[0].value.replace("\\", "").startswith(f"{name}: it is text")


def test_the_result_bears_the_name_that_was_given_now(opened: Open, clip: bytes) -> None:
    query_id, begun, real = hashlib.sha256(clip).hexdigest(), [], backend.search

    def search(*arguments: Any, **options: Any) -> Task:
        begun.append(real(*arguments, **options))
        return begun[-1]

    for name in ("mine.mp4", "yours.mp4"):
        with patch.object(backend, "search", search):
            page = answered(upload(opened("search").run(), (name, clip)))
        assert cards(page)[0] == "market.mp4"
        assert name in begun[-1].key
        with patch.object(backend, "name_of", lambda _query, name=name: name):
            assert judged_result(begun[-1].result).query == name
        assert begun[-1].result.query_id == query_id


def test_a_full_session_takes_no_more_clips(clip: bytes, tmp_path: Path) -> None:
    with pages(shared_library(), session_bytes=len(clip) + 10) as open_page:
        page = answered(upload(open_page("search").run(), ("one.mp4", clip)))
        upload(page, ("two.mp4", clip + b"\0" * 100)).run()
        assert "in total" in page.error[0].value
        page = next(b for b in page.button if b.label == "Remove this clip").click().run()
        assert "Choose a query clip" in texts(page)


def test_reading_can_be_watched_cancelled_and_begun_again(opened: Open, tmp_path: Path) -> None:
    data = make_scene(tmp_path / "slow.mp4", 0, start=2, seconds=4).read_bytes()
    begun, real = Event(), Workbench.open_clip

    def slow(self: Workbench, path: Path, **options: Any) -> Any:
        options["watch"].step("Reading the clip", 0.25)
        begun.set()
        while not options["watch"].stopped():
            Event().wait(0.01)
        raise Cancelled("The reading was stopped.")

    with patch.object(Workbench, "open_clip", slow):
        page = upload(opened("search").run(), ("slow.mp4", data)).run()
        assert begun.wait(SOON)
        page.run()
        assert "Reading the clip" in texts(page)
        # Another run of the page neither loses nor repeats the work.
        page.run()
        page.button(key="cancel_task").click()
        page = run_until(page, lambda p: bool(p.info))
        assert "stopped" in page.info[0].value
    with patch.object(Workbench, "open_clip", real):
        next(b for b in page.button if b.label == "Try again").click()
        page = answered(page)
    assert cards(page)[0] == "harbour.mp4"


def test_an_empty_library_leads_to_adding(tmp_path: Path) -> None:
    with pages(tmp_path / "library") as open_page:
        page = open_page("search").run()
        assert not page.exception
        assert "The library is empty" in texts(page)


def test_a_library_without_features_of_the_model_is_not_answered_with_no_match(
    tmp_path: Path, clip: bytes
) -> None:
    folder = copy_library(shared_library(), tmp_path / "library")
    other = replace(fake_model(), name="other", extractor="other-00000000")
    with pages(folder, model=other) as open_page:
        page = upload(open_page("search").run(), ("clip.mp4", clip))
        page = run_until(page, lambda p: "No video could be compared" in texts(p))
        assert "model other" in texts(page)
        assert "Extract the features" in texts(page)
        assert not page.subheader, "no headline that speaks of matches"


def test_files_that_were_released_already_are_not_taken_again() -> None:
    with patch.object(uploader.st, "file_uploader") as shown:
        upload_box("Videos", name="box", take=lambda _source, _name: pytest.fail("taken again"))
    box = shown.call_args.kwargs
    session = {box["key"]: [DeletedFile("an id")]}
    with patch.object(uploader.st, "session_state", session):
        box["on_change"](*box["args"])
    assert state.UPLOAD_ROUND not in session


def after_back(page: AppTest, **params: str) -> AppTest:
    """The page as Back shows it: the address wins over what the session holds, once."""
    page.session_state[state.HISTORY_TAKEN] = "search", set()
    for name in ("q", "at", "mode", "t", "top"):
        page.query_params.pop(name, None)
    for name, value in params.items():
        page.query_params[name] = value
    return page.run()


def test_after_back_the_address_decides_and_then_the_widgets_do(
    opened: Open, ids: dict[str, str]
) -> None:
    market, harbour = ids["market.mp4"], ids["harbour.mp4"]
    page = opened("search")
    for name, value in {"q": market[:16], "at": "4", "mode": "exhaustive", "top": "3"}.items():
        page.query_params[name] = value
    page.run()
    assert page.selectbox(key="search_query").value == market
    assert page.session_state["search_mode"] == "Exhaustive"
    assert page.number_input(key="search_top").value == 3
    assert page.session_state["search_moment"] == (market, 4.0)
    page = after_back(page, q=harbour[:16], t="0.5")
    assert page.selectbox(key="search_query").value == harbour
    assert page.session_state["search_mode"] == "Hierarchical"
    assert page.number_input(key="search_threshold").value == 0.5
    assert page.number_input(key="search_top").value == 10
    assert page.session_state["search_moment"] is None
    assert "at" not in page.query_params
    page.selectbox(key="search_query").set_value(None).run()
    assert page.selectbox(key="search_query").value is None
    assert "q" not in page.query_params
    page.selectbox(key="search_query").set_value(harbour).run()
    page.number_input(key="search_top").set_value(7).run()
    assert page.query_params["top"] == "7"
    assert page.query_params["q"] == harbour[:16]


@pytest.mark.parametrize("matches", [True, False])
def test_every_notice_of_a_result_stands_above_its_matches(
    opened: Open, ids: dict[str, str], matches: bool
) -> None:
    real = Workbench.search
    backend.tasks().forget(ids["market.mp4"])  # what other tests searched

    def noticed(*args: Any, **options: Any) -> Any:
        result = real(*args, **options)
        kept = result.matches if matches else ()
        return replace(result, notices=("First notice.", "Second notice."), matches=kept)

    with (
        patch.object(Workbench, "search", noticed),
        patch.object(Workbench, "search_nearest", noticed),
    ):
        page = opened("search")
        page.query_params["q"] = ids["market.mp4"][:16]
        page.query_params["mode"] = "exhaustive"
        page.query_params["top"] = "9" if matches else "8"
        run_until(page, lambda p: "Second notice" in texts(p))
        said = texts(page).replace("\\", "")
        assert "First notice." in said
        if matches:
            assert said.index("Second notice.") < said.index(". harbour.mp4</div>")
    backend.tasks().forget(ids["market.mp4"])


def test_an_empty_clip_keeps_a_line_with_its_reason_beside_the_one_that_was_taken(
    opened: Open, clip: bytes
) -> None:
    page = upload(opened("search").run(), ("empty.mp4", b""), ("clip.mp4", clip))
    page = run_until(page, lambda p: "· model " in texts(p))
    page.run()
    assert cards(page)[0] == "market.mp4"
    assert [error.value.replace("\\", "").split(": ")[0] for error in page.error] == ["empty.mp4"]


def test_without_allowed_folders_the_page_explains_how_to_search_by_path(opened: Open) -> None:
    page = opened("search").run()
    assert "VISIL_DASH_ALLOWED_FOLDERS" in texts(page)
    assert not [box for box in page.text_input if box.key == "search_path"]


@pytest.fixture
def by_path(clip: bytes, tmp_path: Path) -> Iterator[tuple[AppTest, Path]]:
    """The page with `in/` allowed, where the clip lies; a video lies outside of it, too."""
    for folder in ("in", "out"):
        (tmp_path / folder).mkdir()
    (tmp_path / "in/clip.mp4").write_bytes(clip)
    (tmp_path / "out/secret.mp4").write_bytes(clip)
    with pages(shared_library(), allowed_folders=str(tmp_path / "in")) as open_page:
        yield open_page("search"), tmp_path


def copies() -> list[Path]:
    """Files of all clips that the sessions hold."""
    return list(backend.clip_store().folder.glob("*/original"))


def ask(page: AppTest, path: str) -> AppTest:
    page.run().text_input(key="search_path").set_value(path)
    next(b for b in page.button if b.label == "Search").click()
    return page


def test_a_file_of_an_allowed_folder_is_searched_for(
    by_path: tuple[AppTest, Path], clip: bytes
) -> None:
    page, folder = by_path
    path = folder / "in" / "clip.mp4"
    page = answered(ask(page, str(path)))
    assert cards(page)[0] == "market.mp4"
    assert "clip.mp4" in page.expander[0].label.replace("\\", "")
    # It is a clip like an uploaded one: what was read stays, whatever happens to the path.
    path.unlink()
    assert [kept.read_bytes() for kept in copies()] == [clip]
    assert "Remove this clip" in labels(page)


@pytest.mark.parametrize("typed", ["{}/out/secret.mp4", "{}/in/../out/secret.mp4", "{}/in/a.mp4"])
def test_a_path_outside_is_answered_like_a_missing_one(
    by_path: tuple[AppTest, Path], typed: str
) -> None:
    page, folder = by_path
    page = run_until(ask(page, typed.format(folder)), lambda p: bool(p.error))
    assert "no such file or folder within the allowed folders" in page.error[0].value
    assert not copies()
    assert not cards(page)
    # The next path is taken all the same.
    page = answered(ask(page, f"{folder}/in/clip.mp4"))
    assert cards(page)[0] == "market.mp4"
    assert not page.error


def test_copying_a_file_can_be_stopped_and_keeps_nothing(by_path: tuple[AppTest, Path]) -> None:
    page, folder = by_path
    begun, real = Event(), Clips.take

    def slow(self: Clips, session: str, source: Any, *, name: str) -> Any:
        class Slow:
            def read(self, count: int) -> bytes:
                begun.set()
                Event().wait(0.05)
                return source.read(1)  # type: ignore[no-any-return]

        return real(self, session, Slow(), name=name)

    with patch.object(Clips, "take", slow):
        page = ask(page, f"{folder}/in/clip.mp4").run()
        assert begun.wait(SOON)
        page = run_until(page, lambda p: "Copying the file" in texts(p))
        page.button(key="cancel_copy").click()
        page = run_until(page, lambda p: bool(p.info))
    assert "nothing of the file was kept" in page.info[0].value
    assert not copies()
