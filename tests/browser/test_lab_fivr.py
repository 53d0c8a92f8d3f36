"""FIVR in a real browser, without a network: annotations in, reasons and files out."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.support.browser_harness import exceptions_shown, open_page, wait_until_idle
from tests.support.lab_world import DEMO, PATIENCE, Lab, choose, facts, table

ANNOTATION = {
    "aaaaaaaaaa1": {"ND": ["bbbbbbbbbb1"], "DS": ["cccccccccc1"], "CS": ["dddddddddd1"],
                    "IS": ["eeeeeeeeee1"]},
    "aaaaaaaaaa2": {"ND": ["bbbbbbbbbb2"], "DS": ["cccccccccc2"], "CS": ["dddddddddd2"],
                    "IS": ["eeeeeeeeee2"], "DA": ["ffffffffff2"]},
    "aaaaaaaaaa3": {"ND": ["bbbbbbbbbb3"], "DS": [], "CS": ["dddddddddd3"], "IS": []},
}  # fmt: skip


def test_events_are_laid_out_by_relation(
    page: Page, demo_lab: Lab, screens: Callable[..., None], tmp_path: Path
) -> None:
    path = tmp_path / "annotation.json"
    path.write_text(json.dumps(ANNOTATION))
    open_page(page, demo_lab.app, "fivr")
    expect(page.get_by_text("No videos chosen")).to_be_visible(timeout=PATIENCE)
    events = page.get_by_label("Events", exact=True)
    events.fill("2")
    events.press("Enter")
    wait_until_idle(page)
    page.get_by_test_id("stFileUploader").locator("input").set_input_files(path)
    expect(page.get_by_role("button", name="Download", exact=True)).to_be_visible(timeout=PATIENCE)
    wait_until_idle(page)
    stated = facts(page)
    assert (stated["Videos"], stated["Events"]) == ("10", "2")
    rows = table(page)
    for row in rows:
        lists = ANNOTATION[row["anchor"]]
        assert all(row[r] in lists[r] for r in ("ND", "DS", "CS", "IS"))
    assert {row["anchor"] for row in rows} == {"aaaaaaaaaa1", "aaaaaaaaaa2"}
    screens("fivr", whole=True)
    with page.expect_download(timeout=PATIENCE) as got:
        page.get_by_role("button", name="Download the list").click()
    lines = got.value.path().read_text().splitlines()
    assert len(lines) == 11
    assert "bbbbbbbbbb1,aaaaaaaaaa1,ND" in lines


def test_what_cannot_be_fetched_has_a_reason_and_what_is_there_is_taken(
    page: Page, demo_lab: Lab
) -> None:
    """One id was fetched before; the other would need the network, which this machine refuses."""
    folder = demo_lab.folder.parent / "fivr"
    folder.mkdir(exist_ok=True)
    file = folder / "aaaaaaaaaa1.mp4"
    shutil.copy(DEMO / "videos" / "harbour_anchor.mp4", file)
    (folder / ".fetched.json").write_text(
        json.dumps({"aaaaaaaaaa1": {"video": "aaaaaaaaaa1", "file": file.name,
                                    "bytes": file.stat().st_size, "reason": ""}})
    )  # fmt: skip
    open_page(page, demo_lab.app, "fivr")
    choose(page, "From a list of ids")
    box = page.get_by_role("textbox", name="Ids, one per line")
    box.fill("aaaaaaaaaa1\nbbbbbbbbbb1")
    box.press("Control+Enter")
    fetch = page.get_by_role("button", name="Download", exact=True)
    expect(fetch).to_be_visible(timeout=PATIENCE)
    wait_until_idle(page)
    fetch.click()
    add = page.get_by_role("button", name="Add 1 video to the library")
    expect(add).to_be_visible(timeout=PATIENCE)
    wait_until_idle(page)
    stated = facts(page, page.locator(".vd-facts", has_text="Missing").locator("xpath=.."))
    assert (stated["Downloaded"], stated["Missing"]) == ("1 of 2", "1")
    rows = {row["Video"]: row for row in table(page)}
    assert rows["aaaaaaaaaa1"]["File"] == "aaaaaaaaaa1.mp4"
    assert rows["bbbbbbbbbb1"]["File"] == ""
    assert len(rows["bbbbbbbbbb1"]["Reason"]) > 10
    add.click()
    # The same bytes are in the library already, and no second video comes of them.
    expect(page.get_by_test_id("stMain").locator("h1")).to_have_text("Library", timeout=PATIENCE)
    expect(page.get_by_test_id("stMain").get_by_text("aaaaaaaaaa1.mp4").first).to_be_visible(
        timeout=PATIENCE
    )
    assert exceptions_shown(page) == []
