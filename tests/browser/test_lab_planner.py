"""Scale planner in a real browser: the plan is what the measured rates on the screen make of it."""

import math
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser_harness import exceptions_shown, open_page, wait_until_idle
from tests.support.lab_world import LABS, PATIENCE, Lab, facts, fill, number, traces

UNITS = {"ms": 1e-3, "s": 1, "min": 60, "h": 3600, "days": 86_400}
SIZES = {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}


def seconds(text: str) -> float:
    return number(text) * UNITS[text.split()[1]]


def size(text: str) -> float:
    return number(text) * SIZES[text.split()[1]]


@pytest.mark.parametrize("which", LABS)
def test_measured_rates_become_the_plan_by_arithmetic(
    page: Page, request: pytest.FixtureRequest, screens: Callable[..., None], which: str
) -> None:
    lab: Lab = request.getfixturevalue(which)
    open_page(page, lab.app, "planner")
    page.get_by_role("button", name="Measure this machine").click()
    expect(page.get_by_text("Measured rates")).to_be_visible(timeout=PATIENCE)
    wait_until_idle(page)
    if which == "demo_lab":
        screens("planner", whole=True)
    hours, dims, query, minute = 50_000, 256, 3, 6
    for label, value in (
        ("Hours of video", hours),
        ("Index dimensions", dims),
        ("Query, minutes", query),
        ("Video, MB per minute", minute),
        ("Frames per second", 2),
    ):
        fill(page, label, str(value))
    frames = hours * 3600 * 2
    told = page.locator(".vd-facts > div", has_text="Frames").locator("dd").first
    expect(told).to_have_text(f"{frames:,}", timeout=PATIENCE)
    wait_until_idle(page)
    plan, measured = facts(page), facts(page, page.locator(".vd-facts").last.locator("xpath=.."))
    growth = math.log2(frames) / math.log2(4000)  # of a graph, against the measured one
    assert number(plan["Frames"]) == frames
    f = next(iter(lab.features.values()))
    values = f.regions.shape[1] * f.regions.shape[2]
    # Vectors for re-scoring and the graph's own, its links, half a float a value of features.
    index = frames * (4 * dims + 4 * dims + 32 * 4 + 4 + 8 + 8)
    assert size(plan["Memory of the index"]) == pytest.approx(index, rel=0.01)
    disk = hours * 60 * minute * 1e6 + 2 * values * frames + index
    assert size(plan["Disk"]) == pytest.approx(disk, rel=0.01)
    extraction = frames / number(measured["Extraction"])
    decoding = hours * 3600 / number(measured["Decoding"])
    assert seconds(plan["Extraction"]) == pytest.approx(extraction + decoding, rel=0.03)
    build = frames / number(measured["Index build"]) * growth
    assert seconds(plan["Index build"]) == pytest.approx(build, rel=0.02)
    asked = query * 60 * 2
    candidates = asked * number(measured["Index search"]) / 1000 * growth
    assert seconds(plan["Candidates per query"]) == pytest.approx(candidates, rel=0.05)
    exhaustive = asked * frames / number(measured["Comparison"])
    assert seconds(plan["Exhaustive query"]) == pytest.approx(exhaustive, rel=0.02)
    # 2.2 kB a frame of 360 million frames are more than any machine that runs this has.
    expect(page.get_by_text("an index server (Milvus)").first).to_be_visible()
    line = next(t for t in traces(page, "planner_memory") if len(t["x"]) > 3)
    for at, gigabytes in zip(line["x"], line["y"], strict=True):
        assert gigabytes == pytest.approx(index / hours * at / 1e9, rel=1e-3)
    assert exceptions_shown(page) == []
