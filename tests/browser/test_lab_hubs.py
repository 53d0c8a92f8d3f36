"""Hub frames in a real browser: who is near whom counted by plain loops."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.support.browser_harness import exceptions_shown, open_page, wait_until_idle
from tests.support.lab_world import PATIENCE, Lab, facts, fill, number
from visil_dash.records import Array


def related(lab: Lab) -> Array:
    """`[V, V]`: one of the two directions reaches the model's match score."""
    return np.maximum(lab.scores, lab.scores.T) >= lab.model.default_match_score


def near(lab: Lab, aside: Array | None = None) -> Array:
    """`[N, V]`: the frame lies within the threshold of one of the video's frames; those `aside`
    `[N]` are found by nobody."""
    out = []
    for distances in lab.distances.values():
        inside = distances <= lab.threshold
        if aside is not None:
            inside[:, aside] = False
        out.append(np.stack([inside[:, lab.owners == v].any(1) for v in range(len(lab.seen))], 1))
    return np.concatenate(out)


def pairs(lab: Lab, near_videos: Array) -> set[tuple[int, int]]:
    """(asking, found) places of videos of which one is a candidate of the other."""
    return {(int(lab.owners[i]), int(v)) for i, v in np.argwhere(near_videos)}


@contextmanager
def given_back(page: Page) -> Iterator[None]:
    """What the test sets aside counts again after it."""
    yield
    everything = page.get_by_role("button", name="Take all back")
    # A page that is being drawn anew has no button for a moment, and a click on it is lost.
    expect(everything).to_be_visible(timeout=PATIENCE)
    wait_until_idle(page)
    everything.click()
    expect(page.get_by_text("They count again")).to_be_visible(timeout=PATIENCE)
    expect(everything).to_have_count(0, timeout=PATIENCE)


@pytest.mark.parametrize("which", ["demo_lab", "real_lab"])
def test_a_hub_is_found_weighed_set_aside_and_taken_back(
    page: Page, request: pytest.FixtureRequest, screens: Callable[..., None], which: str
) -> None:
    lab: Lab = request.getfixturevalue(which)
    least = 3
    frames, kin = near(lab), related(lab)
    apart = np.array(
        [sum(bool(n) and not kin[o, v] for v, n in enumerate(row)) for o, row in
         zip(lab.owners, frames, strict=True)]
    )  # fmt: skip
    open_page(page, lab.app, "hubs")
    choose_button = page.get_by_role("button", name="What if set aside?")
    expect(choose_button.first).to_be_visible(timeout=PATIENCE)
    wait_until_idle(page)
    told = facts(page)
    assert told["Frames compared"] == f"{len(lab.owners)} of {len(lab.owners)}"
    assert number(told["Threshold"]) == float(f"{lab.threshold:.4g}")
    # Runs of frames that follow each other count once.
    assert 0 < number(told["Hubs"]) <= (apart >= least).sum()
    card = page.locator("[class*=st-key-hub-]", has=choose_button).first
    first = page.get_by_text(re.compile(r"^\d+ unrelated videos")).first
    assert number(first.inner_text()) >= apart.max(), "the first is near most"
    if which == "demo_lab":
        screens("hubs", whole=True)
    assert card.locator("img").count() == 1

    choose_button.first.click()
    effect = page.locator(".st-key-hub-effect")
    expect(effect.get_by_text("Matches lost")).to_be_visible(timeout=PATIENCE)
    wait_until_idle(page)
    before = pairs(lab, frames)
    weighed = facts(page, effect)
    was, will = (float(part) for part in weighed["Candidates a query"].split(" → "))
    assert was == round(len(before) / len(lab.names), 2)
    matches = sum(bool(kin[q, v]) for q, v in before)
    lost, known = (int(part) for part in weighed["Matches lost"].split(" of "))
    assert known == matches
    gone = round((was - will) * len(lab.names))
    assert number(weighed["Unrelated ones gone"]) == gone - lost
    if which == "demo_lab":
        screens("hubs-effect", whole=True)

    with given_back(page):
        effect.get_by_role("button", name="Set aside").click()
        expect(page.get_by_role("button", name="Take all back")).to_be_visible(timeout=PATIENCE)
        wait_until_idle(page)
        held = number(facts(page)["Set aside"])
        assert held >= 1
        # The same number by plain loops: without those frames, who is still a candidate?
        aside = held_frames(lab)
        assert aside.sum() == held
        assert len(pairs(lab, near(lab, aside))) == round(will * len(lab.names))
        if which == "demo_lab":
            screens("hubs-aside", whole=True)
    wait_until_idle(page)
    assert facts(page)["Set aside"] == "0 frames"
    assert exceptions_shown(page) == []


def held_frames(lab: Lab) -> Array:
    """`[N]` bool: what the library says is set aside."""
    from visil_dash.candidates.aside import frames_aside
    from visil_dash.library.store import open_library
    from visil_dash.settings import Settings

    extractor = next(iter(lab.features.values())).extractor
    with open_library(lab.folder, settings=Settings(), read_only=True) as library:
        held = frames_aside(library, extractor)
    out = []
    for f in lab.features.values():
        shows = f.frame_vectors.any(1)
        chosen = np.isin(np.arange(len(f)), held.get(f.video_id, ()))
        out.append(chosen[shows])
    return np.concatenate(out)


def test_no_frame_is_near_so_many(page: Page, demo_lab: Lab) -> None:
    open_page(page, demo_lab.app, "hubs")
    fill(page, "Near unrelated videos, at least", "25")
    expect(page.get_by_text("No hub frame")).to_be_visible(timeout=PATIENCE)
