"""Dimensions in a real browser: its numbers against exact search and plain numpy."""

import csv
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.support.browser_harness import exceptions_shown, open_page, wait_until_idle
from tests.support.directions import directions
from tests.support.lab_world import (
    LABS,
    PATIENCE,
    Lab,
    choose,
    facts,
    number,
    pick,
    squared,
    traces,
)
from visil_dash.laboratory.dimensions.library import LibrarySample, library_sample
from visil_dash.records import Array
from visil_dash.settings import Settings
from visil_dash.workbench.bench import open_workbench

K, DIM = 10, 16


def sampled(lab: Lab) -> LibrarySample:
    """Which frames ask and which are asked; all frames of a small library fit into a sample."""
    with open_workbench(settings=Settings(), library=lab.folder, start_worker=False) as bench:
        return library_sample(bench, frames=4000, seed=0)


@pytest.fixture(scope="module")
def drawn(demo_lab: Lab) -> LibrarySample:
    return sampled(demo_lab)


def projected(drawn: LibrarySample, dim: int) -> Array:
    """All frames along the principal directions of the videos that ask nothing, by SVD, at unit
    length as every space of the index has it."""
    fitting = drawn.frames.fitting.astype(float)
    directions = np.linalg.svd(fitting - fitting.mean(0), full_matrices=False)[2][:dim]
    reduced = (drawn.frames.vectors.astype(float) - fitting.mean(0)) @ directions.T
    return np.asarray(reduced / np.linalg.norm(reduced, axis=1, keepdims=True))


def plain_recall(drawn: LibrarySample, reduced: Array) -> float:
    """Of the K nearest frames of other videos, the share that a reduced space finds too."""
    full, rows = drawn.frames.vectors.astype(float), drawn.frames.queries
    found = 0
    for row in rows:
        other = np.flatnonzero(drawn.frames.owners != drawn.frames.owners[row])
        exact = ((full[other] - full[row]) ** 2).sum(1)
        near = ((reduced[other] - reduced[row]) ** 2).sum(1)
        limit = np.sort(exact)[K - 1] * (1 + 1e-5)
        found += (exact[np.argsort(near)[:K]] <= limit).sum()
    return float(found / (K * len(rows)))


@dataclass(frozen=True, eq=False)
class Measured:
    """The page once a library was measured, which stays open, and the frames that it drew."""

    page: Page
    screens: Callable[..., None]
    lab: Lab
    drawn: LibrarySample


@pytest.fixture(scope="module", params=LABS)
def measured(
    module_page: Page, module_screens: Callable[..., None], request: pytest.FixtureRequest
) -> Measured:
    lab: Lab = request.getfixturevalue(request.param)
    open_page(module_page, lab.app, "dimensions")
    expect(module_page.get_by_text("Not measured yet")).to_be_visible(timeout=PATIENCE)
    module_page.get_by_role("button", name="Measure").click()
    expect(module_page.get_by_text("Recall of the nearest frames")).to_be_visible(timeout=PATIENCE)
    wait_until_idle(module_page)
    screens = module_screens if request.param == "demo_lab" else lambda *_, **__: None
    screens("dimensions", whole=True)
    return Measured(module_page, screens, lab, sampled(lab))


def test_recall_and_threshold_of_each_space_are_those_of_exact_search(measured: Measured) -> None:
    page, lab, drawn = measured.page, measured.lab, measured.drawn
    vectors = drawn.frames.vectors
    choose(page, "Spaces")
    total = sum(len(f) for f in lab.features.values())
    assert facts(page)["Frames"] == f"{len(lab.owners)} of {total}"
    with page.expect_download(timeout=PATIENCE) as got:
        page.get_by_role("button", name="Download CSV").click()
    rows = list(csv.DictReader(got.value.path().read_text().splitlines()))
    spaces = {(r["Space"], int(r["Dims"]), r["Precision"]): r for r in rows}
    marks = {(t["name"], x, y) for t in traces(page, "dimensions_recall")
             for x, y in zip(t["x"], t["y"], strict=True)}  # fmt: skip
    full = spaces["Full", vectors.shape[1], "fp32"]
    assert float(full[f"Recall@{K}"]) == 1, "the full space finds all that it holds"
    asking, exact = drawn.frames.queries, vectors.astype(float)
    # A small library cannot be reduced to more dims than it has frames to fit on.
    dims_shown = [d for d in (16, 32, 64) if ("PCA", d, "fp32") in spaces]
    assert len(dims_shown) >= 2
    for dim in dims_shown:
        reduced = projected(drawn, dim)
        row = spaces["PCA", dim, "fp32"]
        recall = float(row[f"Recall@{K}"])
        assert recall == pytest.approx(plain_recall(drawn, reduced), abs=0.004)
        assert any(m[:2] == ("PCA", 4 * dim) and abs(m[2] - recall) < 5e-4 for m in marks)
        carried = plain_carried(
            squared(exact[asking], exact),
            squared(reduced[asking], reduced),
            drawn.frames.valid,
            float(full["Threshold"]),
        )
        assert float(row["Threshold"]) == pytest.approx(carried, rel=2e-3)


def test_the_variance_and_the_noise_are_those_of_numpy(measured: Measured) -> None:
    page, vectors = measured.page, measured.drawn.frames.vectors
    choose(page, "Curse of dimensionality")
    variance = np.linalg.svd(vectors - vectors.mean(0), compute_uv=False).astype(float) ** 2
    told = facts(page, page.locator(".vd-facts", has_text="Effective dims").locator("xpath=.."))
    effective = variance.sum() ** 2 / (variance**2).sum()
    assert number(told["Effective dims"]) == pytest.approx(effective, abs=0.06)
    share = np.cumsum(variance) / variance.sum()
    assert number(told["For 90 % of the variance"]) == np.searchsorted(share, 0.9) + 1
    assert number(told["For 99 %"]) == np.searchsorted(share, 0.99) + 1
    noise = next(t for t in traces(page, "dimensions_variation") if "noise" in t["name"])
    # Squared distances of d independent components vary by √(2 / d) of their mean, roots by half.
    dims = np.array(noise["x"][4:], float)
    assert noise["y"][4:] == pytest.approx(np.sqrt(2 / dims) / 2, rel=0.08)
    measured.screens("dimensions-curse", whole=True)


def test_the_graph_finds_everything_when_it_looks_everywhere(measured: Measured) -> None:
    page = measured.page
    choose(page, "Graph")
    assert traces(page, "dimensions_graph")[0]["y"][-1] == 1
    assert 0.9 <= number(facts(page)[f"Recall@{K}"]) <= 1
    measured.screens("dimensions-graph", whole=True)


def plain_carried(source: Array, target: Array, valid: Array, threshold: float) -> float:
    """The target distance within which 99 % of the pairs admitted by the source lie, plus the
    share of the gap behind it that the source's threshold left."""
    admitted = sorted(float(target[i, j]) for i, j in np.argwhere(valid & (source <= threshold)))
    last = admitted[math.ceil(0.99 * len(admitted) - 1e-9) - 1]
    inside = source[valid & (source <= threshold)]
    outside = valid & (source > threshold)
    beyond = target[outside & (target > last)].min()
    share = (threshold - inside.max()) / (source[outside].min() - inside.max())
    return float(last + share * (beyond - last))


def test_a_change_of_the_index_is_weighed_applied_and_taken_back(
    page: Page, demo_lab: Lab, drawn: LibrarySample, screens: Callable[..., None]
) -> None:
    lab = demo_lab
    open_page(page, lab.app, "dimensions")
    choose(page, "Index")
    expect(page.get_by_text("In use", exact=True)).to_be_visible(timeout=PATIENCE)
    wait_until_idle(page)
    before = facts(page)
    assert number(before["Threshold"]) == pytest.approx(lab.threshold, rel=1e-3)
    pick(page, "Reduction", "PCA")
    pick(page, "Dimensions", str(DIM))
    page.get_by_role("button", name="Preview the change").click()
    card = page.locator(".st-key-proposal")
    expect(card.get_by_role("button", name="Apply")).to_be_visible(timeout=PATIENCE)
    wait_until_idle(page)
    # The index's PCA is fitted on all that it holds: all frames but the blank ones.
    every = np.concatenate([directions(f) for f in lab.seen.values()])
    axes = np.linalg.svd(every - every.mean(0), full_matrices=False)[2][:DIM]
    full = drawn.frames.vectors.astype(float)
    reduced = (full - every.mean(0)) @ axes.T
    reduced /= np.linalg.norm(reduced, axis=1, keepdims=True)
    asking = drawn.frames.queries
    expected = plain_carried(
        squared(full[asking], full),
        squared(reduced[asking], reduced),
        drawn.frames.valid,
        lab.threshold,
    )
    told = facts(page, card)
    assert number(told["Carried over"]) == pytest.approx(expected, rel=2e-3)
    low, high = (float(t) for t in told["95 % interval"].split(" to "))
    assert low <= number(told["Carried over"]) <= high
    screens("dimensions-change", whole=True)
    card.get_by_text("Carry it over").click()
    wait_until_idle(page)
    card.get_by_role("button", name="Apply").click()
    expect(page.get_by_text(f"The index now uses PCA, {DIM} dims")).to_be_visible(timeout=PATIENCE)
    wait_until_idle(page)
    now = facts(page)
    assert now["In use"] == f"PCA, {DIM} dims"
    assert number(now["Threshold"]) == pytest.approx(expected, rel=2e-3)

    page.get_by_role("button", name="Back to").click()
    expect(card.get_by_role("button", name="Apply")).to_be_visible(timeout=PATIENCE)
    wait_until_idle(page)
    card.get_by_role("button", name="Apply").click()
    expect(page.get_by_text("The index now uses PCA, 256 dims")).to_be_visible(timeout=PATIENCE)
    wait_until_idle(page)
    after = facts(page)
    for what in ("In use", "Threshold", "Planned"):
        assert after[what] == before[what]
    assert exceptions_shown(page) == []
