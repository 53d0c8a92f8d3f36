"""The library page (pages/library.py): what there is, what is coming in, and taking things out."""

import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from unittest.mock import patch

import pytest
from streamlit.testing.v1 import AppTest

from tests.support.benches import SOON, copy_library
from tests.support.fakes import fake_model
from tests.support.page_world import (
    NAMES,
    ROOT,
    Open,
    labels,
    pages,
    run_until,
    shared_library,
    texts,
)
from tests.support.scenes import make_scene
from visil_dash.errors import ModelError
from visil_dash.library.jobs import Worker
from visil_dash.library.store import open_library
from visil_dash.progress import Watch
from visil_dash.records import JobRecord, JobState
from visil_dash.settings import Settings
from visil_dash.ui.library import adding
from visil_dash.ui.library.health import library_overview
from visil_dash.ui.shell import backend
from visil_dash.workbench.bench import Workbench


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Open]:
    """Pages over a library that the tests only read; the page itself notes what it looked for."""
    folder = copy_library(shared_library(), tmp_path_factory.mktemp("read") / "library")
    with pages(folder) as open_page:
        yield open_page


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Open]:
    """Pages over a library that the test may change; files may be added from tmp_path/videos."""
    (tmp_path / "videos").mkdir()
    folder = copy_library(shared_library(), tmp_path / "library")
    with pages(folder, allowed_folders=str(tmp_path / "videos")) as open_page:
        yield open_page


def card_names(page: AppTest) -> list[str]:
    return [
        name for name in NAMES if f'title="{name}">{name}</div><div class="vd-meta">' in texts(page)
    ]


def upload(page: AppTest, name: str, content: bytes) -> None:
    page.file_uploader[0].set_value([(name, content, "video/mp4")])


def test_a_folder_is_added_in_place_and_what_becomes_of_its_files_is_shown(
    own: Open, tmp_path: Path
) -> None:
    path = make_scene(tmp_path / "videos" / "inside.mp4", 9, seconds=3)
    page = own("library").run()
    page.text_input(key="library_path").set_value(str(tmp_path / "videos"))
    page.checkbox(key="library_in_place").check()
    next(b for b in page.button if b.label == "Add").click().run()
    page = run_until(page, lambda p: any("1 file in place" in e.label for e in p.expander))
    path.unlink()
    page.button(key="look_again").click().run()
    page = run_until(page, lambda p: bool(p.dataframe))
    assert page.dataframe[0].value.to_dict("records") == [
        {"Video": "inside.mp4", "State": "missing", "Place": str(path)}
    ]


def test_a_file_that_is_gone_takes_no_other_video_off_the_page(own: Open, tmp_path: Path) -> None:
    path = make_scene(tmp_path / "videos" / "inside.mp4", 9, seconds=3)
    page = own("library").run()
    page.text_input(key="library_path").set_value(str(tmp_path / "videos"))
    page.checkbox(key="library_in_place").check()
    next(b for b in page.button if b.label == "Add").click().run()
    run_until(page, lambda p: any("1 file in place" in e.label for e in p.expander))
    path.unlink()
    for poster in (tmp_path / "library").rglob("poster.jpg"):  # none had been made before it went
        poster.unlink()
    page = own("library").run()
    assert card_names(page) == list(NAMES)
    assert 'title="inside.mp4">' in texts(page)
    assert not page.error


def test_it_shows_every_video_and_that_the_index_is_ready(library: Open) -> None:
    page = library("library").run()
    assert not page.exception
    assert card_names(page) == list(NAMES)
    text = texts(page)
    assert '<dt>Videos</dt><dd class="vd-big">3</dd>' in text
    assert "Index ready · 30 frames" in text
    assert "0:10 · 128×96 · h264" in text


def test_each_dropped_file_that_is_not_taken_keeps_a_line_with_its_reason(
    own: Open, tmp_path: Path
) -> None:
    clip = make_scene(tmp_path / "taken.mp4", 1, start=2, seconds=3).read_bytes()
    long = f"{'long' * 100}.mp4"
    page = own("library").run()
    page.file_uploader[0].set_value(
        [("empty.mp4", b"", "video/mp4"), (long, clip, "video/mp4"), ("none.mp4", b"", "video/mp4")]
    )
    run_until(page, lambda p: backend.workbench().worker.wait_idle(0.2) and len(p.error) == 2)
    page.run()
    assert not page.exception
    said = [error.value.replace("\\", "") for error in page.error]
    assert [text.split(": ")[0] for text in said] == ["empty.mp4", "none.mp4"]
    assert all("it is empty" in text for text in said)
    assert len(backend.library_videos()) == len(NAMES) + 1
    page.button(key="dismiss-refused-library").click().run()
    assert not page.error


def test_a_file_above_the_limit_keeps_a_line_with_its_reason(tmp_path: Path) -> None:
    with pages(tmp_path / "library", max_file_bytes=1000) as open_page:
        page = open_page("library").run()
        upload(page, "large.mp4", b"x" * 1001)
        page.run()
        page.run()
        assert "larger than 1.0 kB" in page.error[0].value.replace("\\", "")


def test_the_filter_narrows_by_name_and_has_an_empty_state(library: Open) -> None:
    page = library("library").run()
    page.text_input(key="library_filter").set_value("MARK").run()
    assert card_names(page) == ["market.mp4"]
    page.text_input(key="library_filter").set_value("zzz").run()
    assert card_names(page) == []
    assert "No video matches" in texts(page)


def test_the_order_of_the_cards_follows_the_choice(library: Open) -> None:
    page = library("library").run()

    def order() -> list[str]:
        return sorted(NAMES, key=lambda name: texts(page).index(f'vd-one" title="{name}"'))

    assert order() == list(reversed(NAMES))
    page.selectbox(key="library_sort").set_value("Name").run()
    assert order() == sorted(NAMES)


def test_tags_narrow_the_cards_and_all_chosen_ones_count(own: Open, tmp_path: Path) -> None:
    with open_library(tmp_path / "library", settings=Settings(min_free_bytes=0)) as store:
        by_name = {v.name: v.video_id for v in store.videos()}
        store.set_tags(by_name["harbour.mp4"], ("sea", "2024"))
        store.set_tags(by_name["market.mp4"], ("2024",))
    page = own("library").run()
    pills = page.get("button_group")[0]
    assert sorted(pills.options) == ["2024 2", "sea 1"]
    pills.set_value(["2024"]).run()
    assert card_names(page) == ["harbour.mp4", "market.mp4"]
    page.get("button_group")[0].set_value(["2024", "sea"]).run()
    assert card_names(page) == ["harbour.mp4"]
    # Chosen tags that no video has any more do not hide everything.
    backend.workbench().library.set_tags(by_name["harbour.mp4"], ())
    page.run()
    assert card_names(page) == ["market.mp4"]


def test_the_health_panel_verifies_on_a_click_and_remembers_it(own: Open, tmp_path: Path) -> None:
    page = own("library").run()
    assert "<dt>Free disk space</dt>" in texts(page)
    assert "Never verified" in texts(page)
    page.button(key="verify_now").click()
    page = run_until(page, lambda p: "no problems" in texts(p))
    (tmp_path / "library" / _media(tmp_path)).write_bytes(b"other bytes")
    page.button(key="verify_now").click()
    page = run_until(page, lambda p: "1 problem found by the verification" in texts(p))
    assert any("was altered" in element.value for element in page.text)


def test_damaged_features_are_shown_where_they_are_missed_and_repaired_on_a_click(
    own: Open, tmp_path: Path
) -> None:
    blob = sorted((tmp_path / "library").glob("features/*/*.safetensors"))[0]
    sound = blob.read_bytes()
    page = own("library").run()
    blob.write_bytes(b"damaged")
    page.button(key="verify_now").click()
    page = run_until(page, lambda p: "A repair would:" in texts(p))
    assert "again from the stored video" in texts(page)
    assert blob.read_bytes() == b"damaged"  # nothing is done unasked
    search = own("search")
    search.session_state["search_query"] = next(
        video for video in backend.library_videos() if video != blob.stem
    )
    search = run_until(search, lambda p: bool(p.warning))
    assert "1 video could not be searched" in texts(search)
    assert "Repair them on the Library page" in labels(search)
    page.button(key="repair_library").click()
    page = run_until(page, lambda p: "no problems" in texts(p))
    assert blob.read_bytes() == sound


def frame() -> AppTest:
    """The whole dashboard, which opens on the library page: the sidebar is drawn by its frame."""
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=SOON)


def test_libraries_are_switched_in_one_place_and_for_this_session_only(tmp_path: Path) -> None:
    copy_library(shared_library(), tmp_path / "libraries" / "films")
    with pages(tmp_path / "main", libraries=tmp_path / "libraries"):
        page = frame().run()
        assert "No videos yet" in texts(page)
        chooser = page.selectbox(key="library_choice")
        assert chooser.options == ["Main library", "films"]
        chooser.select("films").run()
        assert card_names(page) == list(NAMES)
        other = frame().run()
        assert card_names(other) == []
        page.text_input(key="library_new").set_value("../up")
        next(b for b in page.button if b.label == "Create").click().run()
        assert "choose another name" in page.error[0].value.lower().replace("\\", "")
        page.run()
        page.text_input(key="library_new").set_value("Mine")
        next(b for b in page.button if b.label == "Create").click().run()
        assert page.selectbox(key="library_choice").options == ["Main library", "Mine", "films"]
        assert card_names(page) == []
        assert not (tmp_path / "up").exists()


@pytest.fixture
def unseen(own: Open) -> Iterator[Open]:
    """The library as it is when another model comes: none of its features is the new model's."""
    model = fake_model(dim=24, name="newer")
    with patch("visil_dash.workbench.bench.load_model", lambda name, settings: model):
        yield own


def test_a_new_model_extracts_missing_features_on_one_click(unseen: Open) -> None:
    page = unseen("library").run()
    assert card_names(page) == list(NAMES)
    assert "**Model newer has no features for these videos yet.**" in texts(page)
    button = page.button(key="extract_again")
    assert button.label == "Extract again with newer"
    button.click()
    page = run_until(page, lambda p: "Index ready · 30 frames" in texts(p))
    page.run()
    assert "newer has no features" not in texts(page)
    assert "extract_again" not in [button.key for button in page.button]
    search = unseen("search")
    search.session_state["search_query"] = next(iter(backend.library_videos()))
    search.session_state["search_mode"] = "Exhaustive"
    run_until(search, lambda p: "All 3 videos compared" in texts(p))


def test_the_model_in_use_is_timed_without_loading_another_network(unseen: Open) -> None:
    """torchvision and what it brings along take 150 MB, which a server keeps until it ends."""
    with patch.dict(sys.modules, {"torchvision": None}):  # whoever imports it gets an error
        page = unseen("library").run()
        run_until(page, lambda p: any("on this machine, and" in c.value for c in p.caption))


def test_a_search_counts_the_videos_without_features(unseen: Open, tmp_path: Path) -> None:
    clip = make_scene(tmp_path / "clip.mp4", 1, start=3, seconds=5).read_bytes()
    page = unseen("search").run()
    upload(page, "clip.mp4", clip)
    page = run_until(page, lambda p: bool(p.warning))
    assert "3 videos of 3 were skipped: model newer" in page.warning[0].value
    assert "Extract them on the Library page" in labels(page)
    page.session_state["search_query"] = next(iter(backend.library_videos()))
    page = run_until(page, lambda p: bool(p.error))
    assert "Extract them on the Library page" in page.error[0].value.replace("\\", "")


def test_an_extraction_can_be_stopped_and_goes_on(unseen: Open) -> None:
    begun = Event()

    def slow(*_: object, watch: Watch, **__: object) -> None:
        begun.set()
        while True:
            watch.check()
            Event().wait(0.01)

    with patch("visil_dash.workbench.upkeep.extract_features", slow):
        page = unseen("library").run()
        page.button(key="extract_again").click().run()
        assert begun.wait(10)
        page.run()
        assert "**Extracting with newer**" in texts(page)
        page.button(key="stop_extracting").click()
        page = run_until(page, lambda p: bool(p.info))
    assert "Stopped after 0 of 3 videos" in page.info[0].value
    page.button(key="extract_again").click()
    run_until(page, lambda p: "Index ready · 30 frames" in texts(p))


def test_an_empty_library_offers_the_demo(tmp_path: Path) -> None:
    demo = tmp_path / "demo"
    demo.mkdir()
    make_scene(demo / "one.mp4", 7, seconds=3)
    with pages(tmp_path / "library") as open_page, patch.object(adding, "DEMO_FOLDER", demo):
        page = open_page("library").run()
        assert "No videos yet" in texts(page)
        next(b for b in page.button if b.label == "Add the demo library").click()
        run_until(page, lambda p: "one.mp4" in texts(p) and "Index ready" in texts(p))


def test_an_empty_library_without_a_demo_asks_for_an_upload(tmp_path: Path) -> None:
    with (
        pages(tmp_path / "library") as open_page,
        patch.object(adding, "DEMO_FOLDER", tmp_path / "none"),
    ):
        page = open_page("library").run()
        assert "Upload videos above" in texts(page)
        assert "Add the demo library" not in labels(page)


def test_an_uploaded_video_becomes_findable_and_its_name_stays_text(
    own: Open, tmp_path: Path
) -> None:
    name = "<img src=x onerror=alert(1)>:red[x]\u202e.mp4"
    page = own("library").run()
    upload(page, name, make_scene(tmp_path / "new.mp4", 8, seconds=4).read_bytes())
    page = run_until(page, lambda p: '<dd class="vd-big">4</dd>' in texts(p))
    text = texts(page)
    assert "<img" not in text
    assert "&lt;img src=x onerror=alert(1)&gt;:red[x].mp4</div>" in text
    assert "\u202e" not in text


def test_the_same_file_again_is_reported_and_not_added(own: Open, tmp_path: Path) -> None:
    page = own("library").run()
    upload(page, "again.mp4", (tmp_path / "library").joinpath(_media(tmp_path)).read_bytes())
    page = run_until(page, lambda p: "not added" in texts(p))
    assert '<dd class="vd-big">3</dd>' in texts(page)


def _media(tmp_path: Path) -> Path:
    return next((tmp_path / "library" / "media").rglob("original"))


def test_a_file_that_is_no_video_is_refused_with_the_reason(own: Open) -> None:
    page = own("library").run()
    upload(page, "notes.mp4", b"these are my notes, not a video")
    page = run_until(page, lambda p: "refused" in texts(p))
    assert "notes.mp4" in texts(page)
    next(b for b in page.button if b.label == "Clear the list").click().run()
    assert "notes.mp4" not in texts(page)


def test_an_empty_file_is_refused_at_once(own: Open) -> None:
    page = own("library").run()
    upload(page, "empty.mp4", b"")
    page.run()
    assert [e.value for e in page.error] == [
        r"empty\.mp4\: it is empty\. Check the file and upload it again\."
    ]
    assert page.run().error  # until the next upload, or until it is dismissed


def test_a_path_is_taken_from_allowed_folders_only(own: Open, tmp_path: Path) -> None:
    make_scene(tmp_path / "videos" / "inside.mp4", 9, seconds=3)
    make_scene(tmp_path / "outside.mp4", 10, seconds=3)
    page = own("library").run()
    page.text_input(key="library_path").set_value(str(tmp_path / "outside.mp4"))
    next(b for b in page.button if b.label == "Add").click().run()
    assert "no such file or folder within the allowed folders" in page.error[0].value
    page.text_input(key="library_path").set_value(str(tmp_path / "videos"))
    next(b for b in page.button if b.label == "Add").click()
    page = run_until(page, lambda p: '<dd class="vd-big">4</dd>' in texts(p))
    assert "inside.mp4" in texts(page)


def test_a_card_opens_its_video_and_removing_asks_first(own: Open) -> None:
    page = own("library").run()
    next(b for b in page.button if b.label == "Open").click().run()
    assert len(page.get("video")) == 1
    page.run()  # as when a picture or an added video is ready
    assert len(page.get("video")) == 1
    # A dialog lies beside the main block, so it is not in texts().
    assert any("<dt>Format</dt><dd>h264 in mp4</dd>" in e.proto.body for e in page.get("html"))
    next(b for b in page.button if b.label == "Remove from the library…").click().run()
    assert '<dd class="vd-big">3</dd>' in texts(page)
    # The question and its answer live in a dialog's own reruns: tests/browser/test_search_flow.py.


def test_a_second_instance_only_shows(own: Open, tmp_path: Path) -> None:
    folder = copy_library(shared_library(), tmp_path / "held")
    with open_library(folder, settings=Settings(min_free_bytes=0)), pages(folder) as open_page:
        page = open_page("library").run()
        assert "Read\\-only" in page.warning[0].value
        assert card_names(page) == list(NAMES)
        assert not page.file_uploader
        next(b for b in page.button if b.label == "Open").click().run()
        assert "Remove from the library…" not in labels(page)


def test_when_the_writer_has_ended_a_second_instance_takes_its_place_on_a_click(
    tmp_path: Path,
) -> None:
    folder = copy_library(shared_library(), tmp_path / "held")
    writer = open_library(folder, settings=Settings(min_free_bytes=0))
    with pages(folder) as open_page:
        page = open_page("library").run()
        assert not page.file_uploader
        assert "Make changes here" not in labels(page)
        writer.close()
        page.run()
        page.button(key="open_again").click().run()
        assert not page.exception
        assert not page.warning
        assert page.file_uploader
        assert card_names(page) == list(NAMES)
        assert not backend.workbench().library.read_only


def test_a_model_that_cannot_be_loaded_is_reported_in_one_sentence(tmp_path: Path) -> None:
    def missing(name: str, settings: Settings) -> None:
        raise ModelError("The weights of visil are missing. Import them first.")

    with (
        pages(tmp_path / "library") as open_page,
        patch("visil_dash.workbench.bench.load_model", missing),
    ):
        page = open_page("library").run()
        assert not page.exception
        assert page.error[0].value.startswith("The weights of visil are missing")


def job(state: JobState, **changes: object) -> JobRecord:
    return JobRecord(job_id=f"id-{state.value}", name=f"{state.value}.mp4", state=state, **changes)  # type: ignore[arg-type]


def test_every_state_of_a_job_has_a_text_and_its_buttons(library: Open) -> None:
    records = tuple(job(state, reason="why it ended" if state.ended else "") for state in JobState)
    with patch.object(Workbench, "jobs", lambda _self: records):
        page = library("library").run()
        text = texts(page)
        for record in records:
            assert record.name in text
            assert adding.STATE_WORDS[record.state] in text
        assert labels(page).count("Cancel") == sum(not r.state.ended for r in records)
        assert labels(page).count("Try again") == 2
        called: list[str] = []
        with (
            patch.object(Worker, "cancel", lambda _self, job_id: called.append(job_id)),
            patch.object(Worker, "retry", lambda _self, job_id: called.append(job_id)),
        ):
            page.button(key="cancel-id-decoding").click().run()
            page.button(key="retry-id-failed").click().run()
        assert called == ["id-decoding", "id-failed"]


def test_a_finished_addition_needs_no_row(library: Open) -> None:
    with patch.object(Workbench, "jobs", lambda _self: (job(JobState.INDEXED),)):
        page = library("library").run()
    assert "indexed.mp4" not in texts(page)


def test_a_video_that_arrives_while_the_page_is_drawn_is_counted(library: Open) -> None:
    """The numbers were read before its end, and its end before the jobs are drawn."""
    jobs, read = [job(JobState.FEATURES)], []

    def overview_and_then_its_end() -> object:
        read.append(library_overview())
        jobs[:] = [job(JobState.INDEXED)]
        return read[-1]

    with (
        patch.object(Workbench, "jobs", lambda _self: tuple(jobs)),
        patch("visil_dash.ui.library.health.library_overview", overview_and_then_its_end),
    ):
        library("library").run()
    assert len(read) == 2
