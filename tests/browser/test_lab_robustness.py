"""Robustness in a real browser: a copy made again and compared by plain products scores the same"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.support.browser_harness import open_page, wait_until_idle
from tests.support.lab_world import (
    LABS,
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
from visil_dash.matching.alignment import AlignOptions
from visil_dash.matching.rerank import rerank
from visil_dash.matching.verdict import judge, verdict_of
from visil_dash.records import WHOLE, Match, VideoFeatures
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


@dataclass(frozen=True, eq=False)
class Run:
    """What the page showed of one run, and the plain scores of the same copies.

    `expected`: by strength, for each encoding, the score of every video; `judged`: its match with
    segments and verdict. `scores` and `ranks` are curves over the strengths, as drawn.
    """

    lab: Lab
    clip: str
    expected: dict[float, list[dict[str, float]]]
    judged: dict[float, list[dict[str, Match]]]
    facts: dict[str, str]
    scores: dict[str, list[float]]
    ranks: dict[str, list[float]]
    strengths: list[float]  # match strengths, as drawn beside the proofs
    uncounted: str  # the sentence about videos that count against no rank; "" without one
    rows: list[dict[str, str]]
    report: str

    @property
    def kin(self) -> set[str]:
        """Relatives, which the unedited clip matches already."""
        unedited = self.judged[0.0][0]
        return {n for n, m in unedited.items() if verdict_of(m).is_match and n != self.clip}


def judged(lab: Lab, copy: VideoFeatures) -> dict[str, Match]:
    """Every video as a match of the copy, with its verdict."""
    matches, _ = rerank(
        {WHOLE: copy},
        {WHOLE: lab.names},
        load=lambda name: replace(lab.features[name], video_id=name),
        names={name: name for name in lab.names},
        candidates={},
        scorer=lab.model.scorer,
        options=AlignOptions(frame_level=lab.model.frame_level),
    )
    score = lab.model.default_match_score
    return {
        m.name: replace(
            m, verdict=judge(m, query_seconds=0, reference_seconds=0, match_score=score)
        )
        for m in matches
    }


@pytest.fixture(scope="module", params=LABS)
def run(
    module_page: Page,
    module_screens: Callable[..., None],
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Run:
    page, lab, clip = module_page, request.getfixturevalue(request.param), PLANS[request.param]
    made = copies(lab, clip, tmp_path_factory.mktemp("copies"))
    expected = {
        strength: [
            {
                name: lab.output(plain_similarity(features, f)).max(1).mean()
                for name, f in lab.features.items()
            }
            for features in encodings
        ]
        for strength, encodings in made.items()
    }
    verdicts = {s: [judged(lab, copy) for copy in encodings] for s, encodings in made.items()}
    open_page(page, lab.app, lab.link("robustness", clip))
    expect(page.get_by_text("decoded from its file")).to_be_visible(timeout=PATIENCE)
    wait_until_idle(page)
    choose(page, "Crop")  # chosen at first, as blur is
    fill(page, "Seconds", f"{SECONDS:g}")
    fill(page, "Strengths", "2")
    page.get_by_text("Verify on the pixels").click()
    expect(page.get_by_text("3 copies of 6 s")).to_be_visible(timeout=PATIENCE)
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.get_by_text("Where matching fails")).to_be_visible(timeout=PATIENCE)
    wait_until_idle(page)
    stated = facts(page, page.locator(".vd-facts", has_text="Target").locator("xpath=.."))
    scores = next(t for t in traces(page, "robustness_scores") if len(t["x"]) == 3)
    strengths = next(t["y"] for t in traces(page, "robustness_proofs") if len(t["x"]) == 3)
    choose(page, "Exhaustive")
    ranks = next(t for t in traces(page, "robustness_ranks_rank") if len(t["x"]) == 3)
    uncounted = " ".join(page.get_by_text("Ignored in ranks").all_inner_texts())
    rows = table(page)
    if request.param == "demo_lab":
        module_screens("robustness", whole=True)
    with page.expect_download(timeout=PATIENCE) as got:
        page.get_by_role("button", name="Download the report").click()
    report = got.value.path().read_text()
    return Run(
        lab, clip, expected, verdicts, stated, scores, ranks, strengths, uncounted, rows, report
    )


def test_scores_of_edited_copies_are_those_of_plain_products(run: Run) -> None:
    assert run.facts["Target"] == run.clip
    assert run.scores["x"] == [0, 0.5, 1]
    for strength, score in zip(run.scores["x"], run.scores["y"], strict=True):
        own = [scores[run.clip] for scores in run.expected[strength]]
        spread = max(own) - min(own) + 2e-3
        assert min(own) - spread <= score <= max(own) + spread


def test_ranks_count_every_video_but_relatives(run: Run) -> None:
    for strength, rank in zip(run.ranks["x"], run.ranks["y"], strict=True):
        ranked = [
            {n: m.strength for n, m in found.items() if n not in run.kin}
            for found in run.judged[strength]
        ]
        assert rank in [sum(s >= all_[run.clip] for s in all_.values()) for all_ in ranked]
    assert all(name in run.uncounted for name in run.kin)


def test_facts_table_and_report_repeat_the_scores_of_the_curve(run: Run) -> None:
    curve = run.scores["y"]
    assert number(run.facts["Unedited"]) == pytest.approx(curve[0], abs=6e-4)
    missed = [
        [not verdict_of(found[run.clip]).is_match for found in encodings]
        for encodings in run.judged.values()
    ]
    assert sum(map(all, missed)) <= number(run.facts["Not matched"]) <= sum(map(any, missed))
    assert [float(row["Score"]) for row in run.rows] == pytest.approx(curve, abs=1e-3)
    assert run.lab.model.weights_sha256 in run.report
    assert f"{np.float32(curve[-1]):.3f}" in run.report


def test_the_pixels_prove_copies_beside_their_match_strength(run: Run) -> None:
    states = [row["Proof"] for row in run.rows]
    assert states[0] == "proved"
    assert number(run.facts["Proved"]) == states.count("proved")
    assert [float(row["Match strength"]) for row in run.rows] == pytest.approx(
        run.strengths, abs=1e-3
    )
    assert "The pixels prove" in run.report
