"""Evaluate in a real browser: its numbers against a walk down each ranking, and by hand."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.support.browser_harness import open_page, wait_until_idle
from tests.support.lab_world import PATIENCE, Lab, facts, fill, number, table, traces, walked_ap
from visil_dash.records import Array
from visil_dash.ui.shell.waiting import MEANWHILE

RELATIONS = ("ND", "DS", "CS", "IS")
SOUGHT = {"DSVR": ("ND", "DS"), "CSVR": ("ND", "DS", "CS"), "ISVR": RELATIONS}


def anchors(lab: Lab) -> dict[str, dict[str, str]]:
    """Relation by file name, by anchor, as the demo's files are called."""
    scenes = sorted({name.rsplit("_", 1)[0] for name in lab.names})
    return {f"{s}_anchor.mp4": {f"{s}_{r.lower()}.mp4": r for r in RELATIONS} for s in scenes}


def ranked(lab: Lab, table: Array, task: str, kept: dict[str, set[str]]) -> tuple[float, float]:
    """mAP and uAP, walked; a sought video that was not kept counts as never found."""
    aps, scores, right, missed = [], [], [], 0
    for query, others in anchors(lab).items():
        row = lab.names.index(query)
        names = [n for n in lab.names if n in kept[query] and n != query]
        mine = [table[row, lab.names.index(n)] for n in names]
        yes = [others.get(n, "") in SOUGHT[task] for n in names]
        wanted = sum(relation in SOUGHT[task] for relation in others.values())
        aps.append(walked_ap(mine, yes, wanted - sum(yes)))
        scores += mine
        right += yes
        missed += wanted - sum(yes)
    return float(np.mean(aps)), walked_ap(scores, right, missed)


def everything(lab: Lab) -> dict[str, set[str]]:
    """What an exhaustive search keeps of each query: every video."""
    return {query: set(lab.names) for query in anchors(lab)}


def outcome(page: Page, name: str) -> dict[str, str]:
    return facts(page, page.locator(f".st-key-outcome-{name}"))


def evaluate(page: Page) -> None:
    page.get_by_test_id("stMain").get_by_role("button", name="Evaluate", exact=True).click()
    expect(page.locator(".st-key-outcome-A")).to_be_visible(timeout=PATIENCE)
    wait_until_idle(page)


def downloaded(page: Page, path: Path) -> dict[str, Any]:
    """The report on the page, once there is one; kept as `path`."""
    button = page.get_by_role("button", name="Download report")
    expect(button).to_be_visible(timeout=PATIENCE)
    wait_until_idle(page)
    with page.expect_download(timeout=PATIENCE) as got:
        button.click()
    got.value.save_as(path)
    report: dict[str, Any] = json.loads(path.read_text())
    return report


def task(page: Page, name: str) -> None:
    page.get_by_test_id("stMain").get_by_role("radio", name=name, exact=True).click()
    sought = page.locator(".st-key-outcome-A .vd-facts > div", has_text="Relevant pairs")
    expect(sought.locator("dd")).to_have_text(str(5 * len(SOUGHT[name])), timeout=PATIENCE)
    wait_until_idle(page)


def select_first_row(page: Page, place: int = 0) -> None:
    """Ticks the first row of a table: it draws its cells itself, on a canvas."""
    canvas = page.get_by_test_id("stDataFrame").nth(place).locator("canvas").first
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 16, box["y"] + 35 + 17)  # a scroller lies over the canvas
    wait_until_idle(page)


@dataclass(frozen=True, eq=False)
class Evaluated:
    """What the page showed of one task, of the demo's labels under its two settings."""

    first: dict[str, str]
    second: dict[str, str]
    gain: str
    curve: list[float]  # mAP by the share of candidates that is re-ranked


@pytest.fixture(scope="module")
def evaluated(
    module_page: Page, module_screens: Callable[..., None], demo_lab: Lab
) -> dict[str, Evaluated]:
    """By task. The page stays open at the last of them."""
    page, found = module_page, {}
    open_page(page, demo_lab.app, "evaluate")
    evaluate(page)
    for name in SOUGHT:
        task(page, name)
        points = next(t for t in traces(page, "evaluate_rerank") if t["name"] == "mAP")
        gain = page.get_by_text("B minus A").locator("xpath=ancestor-or-self::p").inner_text()
        found[name] = Evaluated(outcome(page, "A"), outcome(page, "B"), gain, points["y"])
    module_screens("evaluate", whole=True)
    return found


@pytest.mark.parametrize("name", SOUGHT)
def test_an_exhaustive_search_scores_as_a_walk_down_its_rankings(
    evaluated: dict[str, Evaluated], demo_lab: Lab, name: str
) -> None:
    lab, told = demo_lab, evaluated[name].first
    mean, micro = ranked(lab, lab.scores, name, everything(lab))
    assert number(told["mAP"]) == pytest.approx(mean, abs=6e-4)
    assert number(told["uAP"]) == pytest.approx(micro, abs=6e-4)
    assert number(told["Queries"]) == 5
    assert number(told["Relevant pairs"]) == 5 * len(SOUGHT[name])
    assert number(told["Compared per query"]) == len(lab.names) - 1


@pytest.mark.parametrize("name", SOUGHT)
def test_a_search_of_candidates_counts_the_others_as_never_found(
    evaluated: dict[str, Evaluated], demo_lab: Lab, name: str
) -> None:
    lab, told = demo_lab, evaluated[name].second
    candidates = {query: lab.candidates(query) for query in anchors(lab)}
    mean, micro = ranked(lab, lab.scores, name, candidates)
    assert number(told["mAP"]) == pytest.approx(mean, abs=6e-4)
    assert number(told["uAP"]) == pytest.approx(micro, abs=6e-4)
    pairs = np.mean([len(c) for c in candidates.values()])
    assert number(told["Compared per query"]) == pytest.approx(pairs, abs=0.051)
    less = mean - ranked(lab, lab.scores, name, everything(lab))[0]
    assert number(evaluated[name].gain.split("mAP")[1]) == pytest.approx(less, abs=1.1e-3)


@pytest.mark.parametrize("name", SOUGHT)
def test_the_curve_runs_from_the_nearest_frames_to_re_ranking_everything(
    evaluated: dict[str, Evaluated], demo_lab: Lab, name: str
) -> None:
    lab, curve = demo_lab, evaluated[name].curve
    by_frames = np.array([-lab.nearest(n) for n in lab.names])
    for value, ranking in ((curve[0], by_frames), (curve[-1], lab.scores)):
        mean, _ = ranked(lab, ranking, name, everything(lab))
        assert value == pytest.approx(mean, abs=6e-4)


def test_every_query_is_listed_the_worst_first_and_leads_to_what_it_missed(
    evaluated: dict[str, Evaluated], module_page: Page, demo_lab: Lab
) -> None:
    lab, page = demo_lab, module_page
    rows = table(page)
    aps = [float(row["AP of A"]) for row in rows]
    assert aps == sorted(aps)
    assert {row["Query"] for row in rows} == set(anchors(lab))
    worst = rows[0]
    row, others = lab.names.index(worst["Query"]), anchors(lab)[worst["Query"]]
    order = [lab.names[i] for i in np.argsort(-lab.scores[row]) if lab.names[i] != worst["Query"]]
    last = max(others, key=order.index)
    assert worst["Missed or last"] == last
    assert others[last] in worst["Relation"]
    assert number(worst["Rank"]) == order.index(last) + 1
    select_first_row(page)
    page.get_by_test_id("stMain").get_by_role("button", name="Compare", exact=True).click(
        timeout=PATIENCE
    )
    page.wait_for_url(re.compile(r"/compare\?"), timeout=PATIENCE)
    wait_until_idle(page)
    assert lab.id_of(worst["Query"])[:16] in page.url
    assert lab.id_of(last)[:16] in page.url


def test_a_report_says_what_made_it_and_runs_again_to_the_same_numbers(
    page: Page, demo_lab: Lab, tmp_path: Path
) -> None:
    lab = demo_lab
    open_page(page, lab.app, "evaluate")
    evaluate(page)
    path = tmp_path / "evaluation.json"
    report = downloaded(page, path)
    assert report["manifest"]["weights_sha256"] == lab.model.weights_sha256
    assert (report["manifest"]["videos"], report["manifest"]["labels"]) == (len(lab.names), 20)
    assert report["manifest"]["label_sources"] == ["demo"]
    mean, _ = ranked(lab, lab.scores, "ISVR", {q: set(lab.names) for q in anchors(lab)})
    assert report["results"][0]["tasks"]["ISVR"]["map"]["value"] == pytest.approx(mean, abs=1e-4)
    upload = page.get_by_test_id("stFileUploader").last.locator("input")
    upload.set_input_files(path)
    rerun = page.get_by_role("button", name="Run it again")
    expect(rerun).to_be_visible(timeout=PATIENCE)
    wait_until_idle(page)  # a click on a page that is being drawn anew is lost
    rerun.click()
    wait_until_idle(page)
    working = page.get_by_text(MEANWHILE)
    expect(working).to_have_count(0, timeout=PATIENCE)
    wait_until_idle(page)
    again = downloaded(page, tmp_path / "again.json")
    assert again["manifest"]["created"] != report["manifest"]["created"], "it was not run again"
    tasks = [[result["tasks"] for result in made["results"]] for made in (report, again)]
    assert tasks[0] == tasks[1]
    expect(page.get_by_text("None: the same model, index, labels and settings")).to_be_visible(
        timeout=PATIENCE
    )
    other = report | {"manifest": report["manifest"] | {"index_ef": 1, "weights_sha256": "0" * 64}}
    path = tmp_path / "another.json"
    path.write_text(json.dumps(other))
    page.get_by_test_id("stFileChip").locator("xpath=..").get_by_role("button").click()
    expect(page.get_by_test_id("stFileChip")).to_have_count(0)
    wait_until_idle(page)
    upload.set_input_files(path)
    expect(page.get_by_test_id("stDataFrame")).to_have_count(2, timeout=PATIENCE)
    wait_until_idle(page)
    assert {row["Entry"] for row in table(page, 1)} == {"index ef", "weights sha256"}


def bring_labels(page: Page, lab: Lab, path: Path) -> None:
    """Opens the page and gives it a file of labels; there is a box for reports too."""
    open_page(page, lab.app, "evaluate")
    page.get_by_role("combobox", name="Labels").click()
    page.get_by_role("option", name="A file").click()
    wait_until_idle(page)
    box = page.get_by_test_id("stFileUploader").filter(has_text="CSV or FIVR-200K's annotation")
    box.locator("input").set_input_files(path)


def test_labels_from_a_file_are_scored_as_one_does_by_hand(
    page: Page, demo_lab: Lab, tmp_path: Path
) -> None:
    """Two queries; what is right comes third of three for one, and first of two for the other."""
    lab = demo_lab
    row = lab.scores[lab.names.index("market_anchor.mp4")].copy()
    order = [lab.names[i] for i in np.argsort(-row) if lab.names[i] != "market_anchor.mp4"]
    first, second, third = order[0], order[5], order[10]
    best = lab.scores[lab.names.index("harbour_anchor.mp4")]
    ranks = [lab.names[i] for i in np.argsort(-best) if lab.names[i] != "harbour_anchor.mp4"]
    lines = [
        "query,reference,verdict",
        f"market_anchor.mp4,{first},no",
        f"market_anchor.mp4,{second},no",
        f"market_anchor.mp4,{third},yes",
        f"harbour_anchor.mp4,{ranks[0]},yes",
        f"harbour_anchor.mp4,{ranks[8]},no",
    ]
    path = tmp_path / "by hand.csv"
    path.write_text("\n".join(lines))
    bring_labels(page, lab, path)
    expect(page.get_by_role("button", name="Save these labels in the library")).to_be_visible(
        timeout=PATIENCE
    )
    wait_until_idle(page)
    # Nobody judged the other pairs, so they are no mistakes.
    page.get_by_text("Unlabelled pairs count as unrelated").click()
    wait_until_idle(page)
    evaluate(page)
    told = outcome(page, "A")
    assert number(told["mAP"]) == pytest.approx((1 / 3 + 1) / 2, abs=6e-4)
    assert (told["Queries"], told["Relevant pairs"]) == ("2", "2")
    assert number(told["Compared per query"]) == 2.5
    scores = {1: [best[lab.names.index(n)] for n in (ranks[0], ranks[8])]}
    scores[0] = [row[lab.names.index(n)] for n in (first, second, third)]
    micro = walked_ap(scores[0] + scores[1], [False, False, True, True, False])
    assert number(told["uAP"]) == pytest.approx(micro, abs=6e-4)


def test_labels_of_real_clips_are_scored_as_one_walks_down_their_rankings(
    page: Page, real_lab: Lab, tmp_path: Path
) -> None:
    """Copies of one clip with a logo and in grey are right, everything else is a stranger."""
    lab, query = real_lab, "chair-orig-22-sd-bar.mp4"
    right = {"chair-22-with-large-logo-bar.mp4", "chair-22-sd-grey-bar.mp4"}
    path = tmp_path / "chairs.csv"
    path.write_text("\n".join(["query,reference,verdict", *(f"{query},{r},yes" for r in right)]))
    bring_labels(page, lab, path)
    expect(page.get_by_role("button", name="Save these labels in the library")).to_be_visible(
        timeout=PATIENCE
    )
    wait_until_idle(page)
    evaluate(page)
    told = outcome(page, "A")
    others = [n for n in lab.names if n != query]
    row = lab.scores[lab.names.index(query)]
    expected = walked_ap([row[lab.names.index(n)] for n in others], [n in right for n in others])
    assert (told["Queries"], told["Relevant pairs"]) == ("1", "2")
    assert number(told["mAP"]) == pytest.approx(expected, abs=6e-4)
    assert number(told["uAP"]) == pytest.approx(expected, abs=6e-4), "of one query they are one"


def test_an_annotation_file_of_fivr_says_how_much_of_it_is_here(
    page: Page, demo_lab: Lab, tmp_path: Path
) -> None:
    lab = demo_lab
    stem = "launch_anchor"
    annotation = {
        stem: {"ND": ["launch_nd", "elsewhere"], "DS": ["launch_ds"], "CS": [], "DA": ["x"]},
        "not_here": {"ND": ["launch_nd"]},
    }
    path = tmp_path / "annotation.json"
    path.write_text(json.dumps(annotation))
    bring_labels(page, lab, path)
    expect(page.get_by_text("1 query of 2 and 2 pairs of 4 are in this library")).to_be_visible(
        timeout=PATIENCE
    )
    evaluate(page)
    told = outcome(page, "A")
    row = lab.scores[lab.names.index(f"{stem}.mp4")]
    names = [n for n in lab.names if n != f"{stem}.mp4"]
    right = [n in ("launch_nd.mp4", "launch_ds.mp4") for n in names]
    expected = walked_ap([row[lab.names.index(n)] for n in names], right)
    assert number(told["mAP"]) == pytest.approx(expected, abs=6e-4)
    fill(page, "Seed", "7")  # another seed moves intervals, never the value
    evaluate(page)
    assert number(outcome(page, "A")["mAP"]) == pytest.approx(expected, abs=6e-4)
