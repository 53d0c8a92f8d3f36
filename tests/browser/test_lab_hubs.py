"""Hub frames in a real browser: who is near whom counted by plain loops."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.support.browser_harness import open_page, wait_until_idle
from tests.support.lab_world import LABS, PATIENCE, Lab, facts, fill, number
from visil_dash.candidates.aside import frames_aside
from visil_dash.library.store import open_library
from visil_dash.records import Array
from visil_dash.settings import Settings


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
    expect(page.get_by_text("These frames are searched again")).to_be_visible(timeout=PATIENCE)
    expect(everything).to_have_count(0, timeout=PATIENCE)


LEAST = {"demo_lab": 3, "real_lab": 2}
"""Unrelated videos that a hub is near: three, as the page asks at first. No frame of the few real
clips is near three."""


@dataclass(frozen=True, eq=False)
class Visit:
    """What the page showed while its first hub was weighed, set aside and taken back."""

    lab: Lab
    least: int
    listed: dict[str, str]
    first: str  # the first hub's own line
    pictures: int
    weighed: dict[str, str]
    held: dict[str, str]  # once it was set aside
    aside: Array  # [N] bool, what the library held then
    after: dict[str, str]

    @cached_property
    def frames(self) -> Array:
        return near(self.lab)

    @cached_property
    def kin(self) -> Array:
        return related(self.lab)

    @cached_property
    def unrelated(self) -> Array:
        """`[N]` unrelated videos that each frame is near, by plain loops."""
        rows = zip(self.lab.owners, self.frames, strict=True)
        return np.array([sum(bool(n) and not self.kin[o, v] for v, n in enumerate(r))
                         for o, r in rows])  # fmt: skip

    @property
    def candidates(self) -> tuple[float, float]:
        """Per query, before and after, as the page worked it out."""
        was, will = self.weighed["Candidates per query"].split(" → ")
        return float(was), float(will)


@pytest.fixture(scope="module", params=LABS)
def visit(
    module_page: Page, module_screens: Callable[..., None], request: pytest.FixtureRequest
) -> Visit:
    lab: Lab = request.getfixturevalue(request.param)
    page, screens = module_page, module_screens if request.param == "demo_lab" else no_screens
    least = LEAST[request.param]
    open_page(page, lab.app, "hubs" if least == LEAST["demo_lab"] else f"hubs?least={least}")
    choose_button = page.get_by_role("button", name="Preview setting aside")
    if least == LEAST["demo_lab"]:
        # The hubs are of scenes that look alike.
        expect(page.get_by_text("Nothing is worth setting aside")).to_be_visible(timeout=PATIENCE)
        expect(choose_button).to_have_count(0)
        screens("hubs-answer", whole=True)
        page.get_by_text(re.compile("^Show .* hub")).click()
    else:
        answer = page.get_by_text(re.compile("hubs? worth setting aside:"))
        expect(answer).to_be_visible(timeout=PATIENCE)
    expect(choose_button.first).to_be_visible(timeout=PATIENCE)
    wait_until_idle(page)
    listed = facts(page)
    card = page.locator(
        "[class*=st-key-hub-]:not([class*=st-key-hub-grid-])", has=choose_button
    ).first
    first = page.get_by_text(re.compile(r"^\d+ unrelated videos")).first.inner_text()
    pictures = card.locator("img").count()
    screens("hubs", whole=True)

    choose_button.first.click()
    effect = page.locator(".st-key-hub-effect")
    expect(effect.get_by_text("Matches lost")).to_be_visible(timeout=PATIENCE)
    wait_until_idle(page)
    weighed = facts(page, effect)
    screens("hubs-effect", whole=True)

    with given_back(page):
        effect.get_by_role("button", name="Set aside").click()
        expect(page.get_by_role("button", name="Take all back")).to_be_visible(timeout=PATIENCE)
        wait_until_idle(page)
        held, aside = facts(page), held_frames(lab)
        screens("hubs-aside", whole=True)
    wait_until_idle(page)
    return Visit(lab, least, listed, first, pictures, weighed, held, aside, facts(page))


def no_screens(_name: str, *, whole: bool = False) -> None:
    """Of the real clips no screenshots are taken."""


def test_hubs_are_the_frames_near_many_unrelated_videos(visit: Visit) -> None:
    listed, frames = visit.listed, len(visit.lab.owners)
    assert listed["Frames compared"] == f"{frames} of {frames}"
    assert number(listed["Threshold"]) == float(f"{visit.lab.threshold:.4g}")
    # Consecutive hub frames are listed as one hub.
    hub_frames = np.count_nonzero(visit.unrelated >= visit.least)
    assert 0 < number(listed["Hubs"]) <= hub_frames
    assert number(visit.first) >= visit.unrelated.max(), "the first is near most"
    assert visit.pictures == 1


def test_a_hub_is_weighed_by_the_candidates_and_matches_that_go_with_it(visit: Visit) -> None:
    before, (was, will) = pairs(visit.lab, visit.frames), visit.candidates
    assert was == round(len(before) / len(visit.lab.names), 2)
    lost, known = (int(part) for part in visit.weighed["Matches lost"].split(" of "))
    assert known == sum(bool(visit.kin[q, v]) for q, v in before)
    gone = round((was - will) * len(visit.lab.names))
    assert number(visit.weighed["Unrelated pairs removed"]) == gone - lost


def test_frames_set_aside_leave_the_candidates_that_were_foretold(visit: Visit) -> None:
    assert visit.aside.sum() == number(visit.held["Set aside"]) >= 1
    left = pairs(visit.lab, near(visit.lab, visit.aside))
    assert len(left) == round(visit.candidates[1] * len(visit.lab.names))


def test_frames_taken_back_count_again(visit: Visit) -> None:
    assert visit.after["Set aside"] == "0 frames"


def held_frames(lab: Lab) -> Array:
    """`[N]` bool: what the library says is set aside."""
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
    fill(page, "Minimum unrelated videos", "25")
    expect(page.get_by_text("No hub frame")).to_be_visible(timeout=PATIENCE)
