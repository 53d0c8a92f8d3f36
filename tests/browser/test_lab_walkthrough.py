"""Walkthrough in a real browser: every step, its numbers against plain computation."""

import re
from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.support.browser_harness import exceptions_shown, open_page, wait_until_idle
from tests.support.lab_world import PATIENCE, Lab, chart, facts, number, plain_similarity, traces

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


@pytest.mark.parametrize("which", PAIRS)
def test_every_step_tells_the_numbers_of_the_pair(
    page: Page, request: pytest.FixtureRequest, screens: Callable[..., None], which: str
) -> None:
    lab: Lab = request.getfixturevalue(which)
    query, reference = PAIRS[which]
    q, r = lab.features[query], lab.features[reference]
    matrix = plain_similarity(q, r)
    output = lab.output(matrix)
    side, (regions, dim) = lab.model.preprocess.side, q.regions.shape[1:]
    told = {}
    open_page(page, lab.app, lab.link("walkthrough", query, reference))
    for place, step in enumerate(STEPS):
        if place:
            page.locator(".st-key-walk_on button").click()
        told[step] = shown(page, step)
        if step == "Asymmetry":
            expect(page.get_by_role("button", name="Walk with this pair")).to_be_visible(
                timeout=PATIENCE
            )
        if which == "demo_lab":
            screens(f"walkthrough-{place + 1:02}", whole=True)
        if step == "Frame to frame":
            z = np.array(next(t["z"] for t in traces(page, "walk_frames") if t["z"]), float)
            assert z == pytest.approx(matrix, abs=2e-3)
        if step == "Video to video":
            bars = np.array(traces(page, "walk_rows")[0]["y"], float)
            assert bars == pytest.approx(output.max(1), abs=2e-3)
            if which == "demo_lab":
                screens("walkthrough", whole=True)
    assert page.locator(".st-key-walk_on button").is_disabled(), "the last step has no next"

    assert told["Sampling"]["Query"] == f"T = {len(q)}"
    assert told["Sampling"]["Reference"] == f"T = {len(r)}"
    assert told["Sampling"]["Tensor of the query"] == shape(len(q), side, side, 3)
    looked = min(8, len(q))
    assert told["Region vectors"]["The whole query"].startswith(f"[{len(q)}, {regions}, ")
    assert told["Whitening"]["After"] == shape(looked, regions, dim)
    # A stored vector is the whitened one, scaled: its direction is left.
    assert number(told["Whitening"]["Mean cosine after"]) == pytest.approx(
        cosines(q.regions[:looked]).mean(), abs=2e-3
    )
    weights = np.linalg.norm(q.regions.astype(float), axis=2)
    assert number(told["Attention"]["Smallest"]) == pytest.approx(weights.min(), abs=1e-3)
    assert number(told["Attention"]["Largest"]) == pytest.approx(weights.max(), abs=1e-3)
    frames = told["Frame to frame"]
    assert frames["Similarity S"] == shape(*matrix.shape)
    assert number(frames["Best pair of frames"]) == pytest.approx(matrix.max(), abs=1e-3)
    assert told["ViSiL output"]["ViSiL output O"] == shape(len(q) // 4, len(r) // 4)
    assert number(told["ViSiL output"]["Largest of O"]) == pytest.approx(output.max(), abs=2e-3)
    video = told["Video to video"]
    assert number(video["Score"]) == pytest.approx(output.max(1).mean(), abs=2e-3)
    assert number(video["Chamfer on S"]) == pytest.approx(matrix.max(1).mean(), abs=1e-3)
    back = lab.output(plain_similarity(r, q)).max(1).mean()
    assert number(told["Asymmetry"]["Reference → query"]) == pytest.approx(back, abs=2e-3)

    limit, near = lab.threshold, lab.candidates(query)
    candidates = told["Candidates"]
    assert candidates["Threshold τ"] == f"{limit:.3f}"
    assert candidates["Candidates"] == f"{len(near)} of {len(lab.names) - 1}"
    others = sum(len(f) for n, f in lab.seen.items() if n != query)
    assert candidates["Distances"] == shape(len(q), others)
    reranking = told["Re-ranking"]
    assert reranking["Candidates |C|"] == str(len(near))
    for label, names in (("Brute force", {*lab.names} - {query}), ("Hierarchical", near)):
        count = sum(products(len(q), len(lab.features[n]), regions, dim) for n in names)
        if label == "Hierarchical":
            frames_there = sum(len(f) for n, f in lab.features.items() if n != query)
            count += len(q) * frames_there * lab.reduction.dim
        unit = {"million": 1e6, "billion": 1e9}[reranking[label].split()[1]]
        assert number(reranking[label]) * unit == pytest.approx(count, rel=0.01)
    vectors = np.concatenate([lab.reduction(f.frame_vectors) for f in lab.seen.values()])
    spread = np.linalg.svd(vectors - vectors.mean(0), compute_uv=False).astype(float) ** 2
    ninety = int(np.searchsorted(np.cumsum(spread) / spread.sum(), 0.9)) + 1
    assert number(told["Dimensions"]["90 % of the variance"]) == ninety
    assert exceptions_shown(page) == []


def test_the_pair_of_the_greatest_asymmetry_is_the_one_that_plain_scores_say(
    page: Page, demo_lab: Lab
) -> None:
    """An excerpt and its source: asked one way it is all there, the other way little is."""
    lab = demo_lab
    open_page(page, lab.app, "walkthrough?step=asymmetry")
    button = page.get_by_role("button", name="Walk with this pair")
    expect(button).to_be_visible(timeout=PATIENCE)
    wait_until_idle(page)
    gap = lab.scores - lab.scores.T
    i, j = np.unravel_index(int(gap.argmax()), gap.shape)
    boxes = page.get_by_test_id("stMain").locator(".vd-facts")
    told = facts(page, boxes.last.locator("xpath=.."))
    assert (told["Query"], told["Reference"]) == (lab.names[i], lab.names[j])
    assert number(told["Score there"]) == pytest.approx(lab.scores[i, j], abs=2e-3)
    assert number(told["Score back"]) == pytest.approx(lab.scores[j, i], abs=2e-3)
    button.click()
    page.wait_for_url(re.compile(f"q={lab.id_of(lab.names[i])[:16]}"))
    wait_until_idle(page)
    told = facts(page)
    assert number(told["Query → reference"]) == pytest.approx(lab.scores[i, j], abs=2e-3)


def test_a_step_can_be_linked_to_and_leads_to_its_page(page: Page, demo_lab: Lab) -> None:
    lab = demo_lab
    query, reference = PAIRS["demo_lab"]
    open_page(page, lab.app, lab.link("walkthrough", query, reference, step="reranking"))
    shown(page, "Re-ranking")
    page.locator(".st-key-walk_back button").click()
    shown(page, "Candidates")
    assert "step=candidates" in page.url
    chart(page, "walk_nearest")
    page.get_by_role("button", name="Move the threshold").click()
    expect(page.get_by_test_id("stMain").locator("h1")).to_have_text("Threshold", timeout=PATIENCE)
    wait_until_idle(page)
    assert f"q={lab.id_of(query)[:16]}" in page.url
