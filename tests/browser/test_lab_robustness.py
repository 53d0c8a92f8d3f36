"""Robustness in a real browser: a copy made again and compared by plain products scores the same"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.support.browser_harness import exceptions_shown, open_page, wait_until_idle
from tests.support.lab_world import (
    PATIENCE,
    Lab,
    choose,
    facts,
    fill,
    number,
    plain_similarity,
    table,
    traces,
)
from visil_dash.edits.clip import write_video
from visil_dash.edits.kinds import edited_at
from visil_dash.laboratory.robustness.copies import clip_part
from visil_dash.records import VideoFeatures
from visil_dash.settings import Settings
from visil_dash.workbench.bench import open_workbench

CLIP, SECONDS, ENCODINGS = "crossing_anchor.mp4", 6.0, 4
PLANS = {"demo_lab": CLIP, "real_lab": "gaming.mp4"}


def copies(lab: Lab, clip: str, folder: Path) -> dict[float, list[VideoFeatures]]:
    """Features of the blurred copies by strength, made and read anew.

    Several times each: x264's macroblock tree, as built here, gives other bytes each time.
    """
    out = {}
    with open_workbench(settings=Settings(), library=lab.folder, start_worker=False) as bench:
        source = clip_part(bench, lab.id_of(clip), seconds=SECONDS)
        for strength in (0.0, 0.5, 1.0):
            edited = edited_at("blur", source, [], strength=strength, seed=0)
            out[strength] = []
            for number in range(ENCODINGS):
                path = folder / f"{strength}-{number}.mp4"
                write_video(path, edited.frames(), rate=edited.rate, crf=edited.crf)
                out[strength].append(bench.open_clip(path).features)
    return out


@pytest.mark.parametrize("which", PLANS)
def test_scores_and_ranks_of_edited_copies_are_those_of_plain_products(
    page: Page,
    request: pytest.FixtureRequest,
    screens: Callable[..., None],
    tmp_path: Path,
    which: str,
) -> None:
    lab, clip = request.getfixturevalue(which), PLANS[which]
    expected = {
        strength: [
            {
                name: lab.output(plain_similarity(features, f)).max(1).mean()
                for name, f in lab.features.items()
            }
            for features in encodings
        ]
        for strength, encodings in copies(lab, clip, tmp_path).items()
    }
    open_page(page, lab.app, lab.link("robustness", clip))
    expect(page.get_by_text("as it was read back from its file")).to_be_visible(timeout=PATIENCE)
    wait_until_idle(page)
    choose(page, "crop")  # chosen at first, as blur is
    fill(page, "Seconds", f"{SECONDS:g}")
    fill(page, "Strengths", "2")
    expect(page.get_by_text("3 copies of 6 s")).to_be_visible(timeout=PATIENCE)
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.get_by_text("Where it breaks")).to_be_visible(timeout=PATIENCE)
    wait_until_idle(page)
    told = facts(page, page.locator(".vd-facts", has_text="Target").locator("xpath=.."))
    assert told["Target"] == clip
    curve = next(t for t in traces(page, "robustness_scores") if len(t["x"]) == 3)
    assert curve["x"] == [0, 0.5, 1]
    for strength, score in zip(curve["x"], curve["y"], strict=True):
        own = [scores[clip] for scores in expected[strength]]
        spread = max(own) - min(own) + 2e-3
        assert min(own) - spread <= score <= max(own) + spread
    assert number(told["Unedited"]) == pytest.approx(curve["y"][0], abs=6e-4)
    match = lab.model.default_match_score
    assert number(told["Below the match score"]) == sum(y < match for y in curve["y"])
    # Relatives, which the unedited clip matches already, count against no rank.
    kin = {n for n, score in expected[0.0][0].items() if score >= match and n != clip}
    choose(page, "Exhaustive")
    ranks = next(t for t in traces(page, "robustness_ranks_rank") if len(t["x"]) == 3)
    for strength, rank in zip(ranks["x"], ranks["y"], strict=True):
        ranked = [{n: s for n, s in e.items() if n not in kin} for e in expected[strength]]
        assert rank in [sum(s >= scores[clip] for s in scores.values()) for scores in ranked]
    for name in kin:
        expect(page.get_by_text("Not counted against a rank")).to_contain_text(name)
    rows = table(page)
    assert [float(r["score"]) for r in rows] == pytest.approx(curve["y"], abs=1e-3)
    if which == "demo_lab":
        screens("robustness", whole=True)
    with page.expect_download() as got:
        page.get_by_role("button", name="Download the report").click()
    report = got.value.path().read_text()
    assert lab.model.weights_sha256 in report
    assert f"{np.float32(curve['y'][-1]):.3f}" in report
    assert exceptions_shown(page) == []
