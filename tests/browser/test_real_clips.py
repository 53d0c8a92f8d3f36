"""The work pages over real clips, their numbers by plain loops: copies, unrelated clips."""

import numpy as np
from playwright.sync_api import Page, expect

from tests.support.browser_harness import exceptions_shown, open_page, wait_until_idle
from tests.support.lab_world import PATIENCE, Lab, facts, number

ORIGINAL, COPY = "chair-orig-22-sd-bar.mp4", "chair-22-with-large-logo-bar.mp4"


def test_the_library_counts_what_it_contains(page: Page, real_lab: Lab) -> None:
    open_page(page, real_lab.app)
    line = page.get_by_text(f"{len(real_lab.names)} videos · ")
    expect(line).to_contain_text("ready to search", timeout=PATIENCE)
    line.click()
    expect(page.get_by_text("Index ready")).to_be_visible()
    displayed = facts(page)
    assert displayed["Videos"] == str(len(real_lab.names))
    frames = sum(len(f) for f in real_lab.features.values())
    assert number(displayed["Sampled frames"]) == frames
    expect(page.get_by_text(ORIGINAL, exact=True).first).to_be_visible()


def test_search_ranks_every_video_as_plain_products_do(page: Page, real_lab: Lab) -> None:
    lab = real_lab
    row = lab.scores[lab.names.index(ORIGINAL)]
    order = [lab.names[i] for i in np.argsort(-row) if lab.names[i] != ORIGINAL]
    open_page(page, lab.app, lab.link("search", ORIGINAL))
    page.get_by_role("button", name="Advanced").filter(visible=True).click()
    page.get_by_role("radio", name="Exhaustive").click()
    page.keyboard.press("Escape")
    expect(page.get_by_text(f"All {len(lab.names)} videos compared")).to_be_visible(
        timeout=PATIENCE
    )
    wait_until_idle(page)
    for place, name in enumerate(order[:3], 1):
        card = page.locator(f".st-key-match-{place}")
        expect(card).to_contain_text(f"{place}. {name}")
        score = f"{row[lab.names.index(name)]:.3f}"
        details = card.get_by_role("button", name="Details")
        if details.count():
            details.click()
            expect(page.get_by_test_id("stPopoverBody")).to_contain_text(score)
            page.keyboard.press("Escape")
        else:
            expect(card).to_contain_text(score)
    assert exceptions_shown(page) == []


def test_compare_gives_both_directions_and_the_copy_is_a_match(page: Page, real_lab: Lab) -> None:
    lab = real_lab
    there, back = (lab.names.index(n) for n in (COPY, ORIGINAL))
    open_page(page, lab.app, lab.link("compare", COPY, ORIGINAL))
    verdict = page.locator(".st-key-verdict")
    expect(verdict).to_contain_text("near duplicate", timeout=PATIENCE)
    wait_until_idle(page)
    page.get_by_text("Why, and the scores of every scorer").click()
    expect(page.get_by_text("reach the match score")).to_be_visible()
    displayed = facts(page, verdict)
    assert number(displayed["Query → reference"]) == round(float(lab.scores[there, back]), 3)
    assert number(displayed["Reference → query"]) == round(float(lab.scores[back, there]), 3)
    assert lab.scores[there, back] >= lab.model.default_match_score


def test_the_collection_counts_the_pairs_that_match_either_way(page: Page, real_lab: Lab) -> None:
    lab = real_lab
    open_page(page, lab.app, "collection")
    expect(page.get_by_text("compared, in both directions")).to_be_visible(timeout=PATIENCE)
    wait_until_idle(page)
    best = np.maximum(lab.scores, lab.scores.T)
    matching = sum(
        best[i, j] >= lab.model.default_match_score
        for i in range(len(best))
        for j in range(i + 1, len(best))
    )
    assert number(facts(page)["Matching pairs"]) == matching > 0


def test_the_threshold_admits_what_plain_distances_admit(page: Page, real_lab: Lab) -> None:
    lab = real_lab
    open_page(page, lab.app, lab.link("threshold", ORIGINAL))
    expect(page.get_by_text("All distances of this query")).to_be_visible(timeout=PATIENCE)
    wait_until_idle(page)
    displayed = facts(page)
    assert displayed["Candidate videos"] == (
        f"{len(lab.candidates(ORIGINAL) - {ORIGINAL})} of {len(lab.names) - 1}"
    )
    admitted = (lab.distances[ORIGINAL] <= lab.threshold).sum()
    assert number(displayed["Pairs of frames"].split(" of ")[0]) == admitted
