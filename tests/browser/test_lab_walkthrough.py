"""Walkthrough in a real browser: every step, its numbers against plain computation."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.support.browser_harness import (
    open_page,
    wait_until_idle,
)
from tests.support.lab_world import (
    LABS,
    PATIENCE,
    Lab,
    chart,
    facts,
    number,
    plain_similarity,
    traces,
)
from visil_dash.records import Array, VideoFeatures

STEPS = (
    "Sampling",
    "CNN",
    "Region vectors",
    "Whitening",
    "Attention",
    "Frame to frame",
    "ViSiL output",
    "Video to video",
    "Asymmetry",
    "Candidates",
    "Re-ranking",
    "Proof",
    "Dimensions",
)
PAIRS = {
    "demo_lab": ("crossing_ds.mp4", "crossing_anchor.mp4"),
    "real_lab": ("chair-22-with-large-logo-bar.mp4", "chair-orig-22-sd-bar.mp4"),
}


def shown(page: Page, step: str) -> dict[str, str]:
    """The facts of a step, once it and its pictures are there."""
    heading = page.get_by_test_id("stMain").locator("h3", has_text=re.compile(rf"\d+\. {step}$"))
    expect(heading).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_test_id("stMain").locator(".katex").first).to_be_visible()
    wait_until_idle(page)
    return facts(page)


def shape(*sides: int) -> str:
    return "[" + ", ".join(f"{side:,}" for side in sides) + "]"


def cosines(regions: np.ndarray) -> np.ndarray:
    flat = regions.reshape(-1, regions.shape[-1]).astype(float)
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    return np.array([a @ b for i, a in enumerate(flat) for b in flat[i + 1 :]])


def products(tq: int, tr: int, regions: int, dim: int) -> int:
    """Multiply–adds of comparing two videos: all pairs of regions once, the comparator twice."""
    total = tq * regions * tr * regions * dim
    for height, width in ((tq, tr), (tr, tq)):
        for channels, wide, pooled in ((1, 32, 1), (32, 64, 2), (64, 128, 4)):
            total += (height // pooled) * (width // pooled) * 9 * channels * wide
        total += (height // 4) * (width // 4) * 128
    return total


@dataclass(frozen=True, eq=False)
class Walk:
    """What one walk through the steps showed of a pair. `facts`: by step, then by their labels."""

    lab: Lab
    query: str
    reference: str
    facts: dict[str, dict[str, str]]
    frame_map: Array  # [Tq, Tr], as drawn
    row_bars: Array  # [Tq // 4], as drawn
    ends: bool  # the last step has no next

    @property
    def q(self) -> VideoFeatures:
        return self.lab.features[self.query]

    @property
    def r(self) -> VideoFeatures:
        return self.lab.features[self.reference]

    @cached_property
    def matrix(self) -> Array:
        """Frame-to-frame similarity by plain products."""
        return plain_similarity(self.q, self.r)

    @cached_property
    def output(self) -> Array:
        return self.lab.output(self.matrix)

    @cached_property
    def candidates(self) -> set[str]:
        return self.lab.candidates(self.query)


@pytest.fixture(scope="module", params=LABS)
def walk(
    module_page: Page, module_screens: Callable[..., None], request: pytest.FixtureRequest
) -> Walk:
    lab: Lab = request.getfixturevalue(request.param)
    screens = module_screens if request.param == "demo_lab" else lambda *_, **__: None
    return walked(module_page, lab, *PAIRS[request.param], screens)


def walked(page: Page, lab: Lab, query: str, reference: str, screens: Callable[..., None]) -> Walk:
    stated, drawn = {}, {}
    open_page(page, lab.app, lab.link("walkthrough", query, reference))
    for place, step in enumerate(STEPS):
        if place:
            page.locator(".st-key-walk_arrow_forward button").click()
        stated[step] = shown(page, step)
        if step == "Asymmetry":
            expect(page.get_by_role("button", name="Use this pair")).to_be_visible(timeout=PATIENCE)
        if step == "Proof":
            expect(page.locator(".st-key-proof .vd-facts")).to_be_visible(timeout=PATIENCE)
            stated[step] = facts(page)
        screens(f"walkthrough-{place + 1:02}", whole=True)
        if step == "Frame to frame":
            drawn[step] = next(t["z"] for t in traces(page, "walk_frames") if t["z"])
        if step == "Video to video":
            drawn[step] = traces(page, "walk_rows")[0]["y"]
            screens("walkthrough", whole=True)
    ends = page.locator(".st-key-walk_arrow_forward button").is_disabled()
    frame_map, row_bars = (np.array(values, float) for values in drawn.values())
    return Walk(lab, query, reference, stated, frame_map, row_bars, ends)


def test_the_last_step_has_no_next(walk: Walk) -> None:
    assert walk.ends


def test_the_proof_has_one_sharp_peak(walk: Walk) -> None:
    stated = walk.facts["Proof"]
    assert number(stated["Motion alike"]) > 2 * number(stated["At other offsets"])
    assert number(stated["Local features"]) > 0


def test_sampling_shows_the_shapes_of_the_clips(walk: Walk) -> None:
    stated, side = walk.facts["Sampling"], walk.lab.model.preprocess.side
    assert stated["Query"] == f"T = {len(walk.q)}"
    assert stated["Reference"] == f"T = {len(walk.r)}"
    assert stated["Tensor of the query"] == shape(len(walk.q), side, side, 3)


def test_regions_are_whitened_and_keep_their_directions(walk: Walk) -> None:
    q, (regions, dim) = walk.q, walk.q.regions.shape[1:]
    looked = min(8, len(q))
    whole = walk.facts["Region vectors"]["The whole query"]
    assert whole.startswith(f"[{len(q)}, {regions}, ")
    stated = walk.facts["Whitening"]
    assert stated["After"] == shape(looked, regions, dim)
    # A stored vector is the whitened one, scaled: its direction is left.
    assert number(stated["Mean cosine after"]) == pytest.approx(
        cosines(q.regions[:looked]).mean(), abs=2e-3
    )


def test_attention_is_the_length_of_the_region_vectors(walk: Walk) -> None:
    stated, weights = walk.facts["Attention"], np.linalg.norm(walk.q.regions.astype(float), axis=2)
    assert number(stated["Smallest"]) == pytest.approx(weights.min(), abs=1e-3)
    assert number(stated["Largest"]) == pytest.approx(weights.max(), abs=1e-3)


def test_the_frame_to_frame_map_is_that_of_plain_products(walk: Walk) -> None:
    stated = walk.facts["Frame to frame"]
    assert walk.frame_map == pytest.approx(walk.matrix, abs=2e-3)
    assert stated["Similarity S"] == shape(*walk.matrix.shape)
    assert number(stated["Most similar pair"]) == pytest.approx(walk.matrix.max(), abs=1e-3)


def test_the_score_is_the_mean_of_the_outputs_best_columns(walk: Walk) -> None:
    stated = walk.facts["ViSiL output"]
    assert stated["ViSiL output O"] == shape(len(walk.q) // 4, len(walk.r) // 4)
    assert number(stated["Largest of O"]) == pytest.approx(walk.output.max(), abs=2e-3)
    assert walk.row_bars == pytest.approx(walk.output.max(1), abs=2e-3)
    stated = walk.facts["Video to video"]
    assert number(stated["Score"]) == pytest.approx(walk.output.max(1).mean(), abs=2e-3)
    assert number(stated["Chamfer on S"]) == pytest.approx(walk.matrix.max(1).mean(), abs=1e-3)


def test_asymmetry_shows_the_score_of_the_reverse_direction(walk: Walk) -> None:
    back = walk.lab.output(plain_similarity(walk.r, walk.q)).max(1).mean()
    stated = walk.facts["Asymmetry"]
    assert number(stated["Reference → query"]) == pytest.approx(back, abs=2e-3)


def test_candidates_are_the_videos_within_the_threshold(walk: Walk) -> None:
    stated, lab = walk.facts["Candidates"], walk.lab
    assert stated["Threshold τ"] == f"{lab.threshold:.3f}"
    assert stated["Candidates"] == f"{len(walk.candidates)} of {len(lab.names) - 1}"
    others = sum(len(f) for n, f in lab.seen.items() if n != walk.query)
    assert stated["Distances"] == shape(len(walk.q), others)


def test_the_cost_of_re_ranking_is_counted_in_products(walk: Walk) -> None:
    stated, lab, (regions, dim) = walk.facts["Re-ranking"], walk.lab, walk.q.regions.shape[1:]
    others = {*lab.names} - {walk.query}
    assert stated["Candidates |C|"] == str(len(walk.candidates))
    for label, names in (("Brute force", others), ("Hierarchical", walk.candidates)):
        count = sum(products(len(walk.q), len(lab.features[n]), regions, dim) for n in names)
        if label == "Hierarchical":
            frames = sum(len(lab.features[n]) for n in others)
            count += len(walk.q) * frames * lab.reduction.dim
        unit = {"million": 1e6, "billion": 1e9}[stated[label].split()[1]]
        assert number(stated[label]) * unit == pytest.approx(count, rel=0.01)


def test_dimensions_count_the_directions_of_most_variance(walk: Walk) -> None:
    lab = walk.lab
    vectors = np.concatenate([lab.reduction(f.frame_vectors) for f in lab.seen.values()])
    spread = np.linalg.svd(vectors - vectors.mean(0), compute_uv=False).astype(float) ** 2
    ninety = int(np.searchsorted(np.cumsum(spread) / spread.sum(), 0.9)) + 1
    assert number(walk.facts["Dimensions"]["90 % of the variance"]) == ninety


def test_the_pair_of_the_greatest_asymmetry_is_the_one_that_plain_scores_say(
    page: Page, demo_lab: Lab
) -> None:
    """An excerpt and its source: asked one way it is all there, the other way little is."""
    lab = demo_lab
    open_page(page, lab.app, "walkthrough?step=asymmetry")
    button = page.get_by_role("button", name="Use this pair")
    expect(button).to_be_visible(timeout=PATIENCE)
    wait_until_idle(page)
    gap = lab.scores - lab.scores.T
    i, j = np.unravel_index(int(gap.argmax()), gap.shape)
    boxes = page.get_by_test_id("stMain").locator(".vd-facts")
    stated = facts(page, boxes.last.locator("xpath=.."))
    assert (stated["Query"], stated["Reference"]) == (lab.names[i], lab.names[j])
    assert number(stated["Score"]) == pytest.approx(lab.scores[i, j], abs=2e-3)
    assert number(stated["Reverse score"]) == pytest.approx(lab.scores[j, i], abs=2e-3)
    button.click()
    page.wait_for_url(re.compile(f"q={lab.id_of(lab.names[i])[:16]}"))
    wait_until_idle(page)
    stated = facts(page)
    assert number(stated["Query → reference"]) == pytest.approx(lab.scores[i, j], abs=2e-3)


def test_a_step_can_be_linked_to_and_leads_to_its_page(page: Page, demo_lab: Lab) -> None:
    lab = demo_lab
    query, reference = PAIRS["demo_lab"]
    open_page(page, lab.app, lab.link("walkthrough", query, reference, step="reranking"))
    shown(page, "Re-ranking")
    page.locator(".st-key-walk_arrow_back button").click()
    shown(page, "Candidates")
    assert "step=candidates" in page.url
    chart(page, "walk_nearest")
    page.get_by_role("button", name="Change the threshold").click()
    expect(page.get_by_test_id("stMain").locator("h1")).to_have_text("Threshold", timeout=PATIENCE)
    wait_until_idle(page)
    assert f"q={lab.id_of(query)[:16]}" in page.url
