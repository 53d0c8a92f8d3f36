"""The FIVR page (pages/fivr.py): annotations or ids in, videos and reasons out; no network."""

import json
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tests.support.benches import SOON, copy_library
from tests.support.fivr_annotation import ANNOTATION
from tests.support.page_world import labels, pages, run_until, shared_library, texts
from tests.support.scenes import make_scene
from visil_dash.laboratory.fivr.download import Fetched
from visil_dash.laboratory.fivr.selection import Wanted
from visil_dash.ui.shell import backend


def test_five_by_five_is_chosen_from_the_annotations(tmp_path: Path) -> None:
    with pages(tmp_path / "library") as open_page:
        page = open_page("fivr").run()
        assert "No videos chosen" in texts(page)
        page.number_input(key="fivr_events").set_value(2)
        page.file_uploader[0].set_value(
            [("annotation.json", json.dumps(ANNOTATION).encode(), "application/json")]
        )
        page.run()
        assert not page.exception
        table = page.dataframe[0].value
        assert table.columns.tolist() == ["anchor", "ND", "DS", "CS", "IS"]
        assert sorted(table["ND"]) == ["5MBA_7vDhII", "eeeeeeeeee1"]
        page.number_input(key="fivr_events").set_value(9).run()
        assert "2 of its queries" in page.error[0].value.replace("\\", "")


def test_ids_are_fetched_told_and_added(tmp_path: Path) -> None:
    asked: list[Any] = []

    def fake_fetch(wanted: tuple[Wanted, ...], out: Path, **options: Any) -> tuple[Fetched, ...]:
        asked.append((wanted, options["rate_bytes"]))
        out.mkdir(exist_ok=True)
        file = make_scene(out / "aaa.mp4", 9, seconds=6)
        return (
            Fetched("aaa", file.name, file.stat().st_size, new=True),
            Fetched("bbb", "", 0, "the video is private"),
        )

    folder = copy_library(shared_library(), tmp_path / "library")
    with (
        pages(folder) as open_page,
        patch("visil_dash.laboratory.fivr.download.download_videos", fake_fetch),
    ):
        page = open_page("fivr")
        page.session_state["fivr_choice"] = "From a list of ids"
        page.run()
        page.text_area(key="fivr_ids").set_value("aaa\nbbb").run()
        page.button(key="fivr_fetch").click()
        page = run_until(page, lambda p: "1 of 2" in texts(p))
        assert asked == [((Wanted("aaa"), Wanted("bbb")), 2_000_000)]
        assert page.dataframe[0].value["Reason"].tolist() == ["", "the video is private"]
        assert "Add 1 video to the library" in labels(page)
        bench = backend.workbench()
        with patch("visil_dash.ui.shell.state.st.switch_page"):
            page.button(key="fivr_add").click().run()
        assert bench.worker.wait_idle(SOON)
        assert "aaa.mp4" in {v.name for v in bench.videos()}
