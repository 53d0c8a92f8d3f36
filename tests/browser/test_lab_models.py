"""A threshold carried over from another model, in a real browser and by plain matrices."""

import math
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browser_harness import clean_app, exceptions_shown, open_page, wait_until_idle
from tests.support.directions import directions
from tests.support.lab_world import (
    PATIENCE,
    Lab,
    Library,
    choose,
    facts,
    fill,
    number,
    squared,
    table,
)
from visil_dash.laboratory.dimensions.study import sample_of
from visil_dash.library.blobs import FeatureManifest
from visil_dash.records import Array, VideoFeatures
from visil_dash.settings import Settings
from visil_dash.workbench.bench import open_workbench

OTHER, OTHER_DIM = "former-0badcafe", 96


def former(new: VideoFeatures) -> VideoFeatures:
    """Features of a model that came before: fewer dims, and longer vectors."""
    regions = (2 * new.regions[..., :OTHER_DIM].astype(np.float32)).astype(np.float16)
    return VideoFeatures(new.video_id, OTHER, regions, new.timestamps)


def put_former(made: Library) -> None:
    with open_workbench(
        settings=Settings(), library=made.folder, model="compact", start_worker=False
    ) as bench:
        for new in made.features.values():
            manifest = FeatureManifest(
                extractor=OTHER,
                weights_sha256="ab" * 32,
                regions=new.regions.shape[1],
                dim=OTHER_DIM,
                rate=1.0,
            )
            bench.library.put_features(former(new), manifest)


@pytest.fixture(scope="module", params=["demo_library", "real_library"])
def lab(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Lab]:
    """The demo library and one of real clips, each with features of two models."""
    root = tmp_path_factory.mktemp("models")
    library: Library = request.getfixturevalue(request.param)
    made = library.copied(root / "library")
    put_former(made)
    with clean_app(library=made.folder, log_path=root / "streamlit.log") as app:
        yield Lab(**vars(made), app=app)


def plain_pairs(lab: Lab) -> tuple[Array, Array]:
    """Distances there and here, `[N]` each, of all pairs of an asking frame and another video's.

    In the order in which the library's videos are drawn; frames that show nothing take no part.
    """
    videos = list(lab.features.values())
    order = np.random.default_rng(0).permutation(len(videos)).tolist()
    shows = [frames_of_both(videos[place]) for place in order]
    owners = np.repeat(np.arange(len(shows)), [len(new) for _, new in shows])
    there, full = (np.concatenate(part) for part in zip(*shows, strict=True))
    asking = sample_of(full, owners, total=len(full), seed=0).queries
    here = lab.reduction(full.astype(np.float32)).astype(float)
    strangers = owners[asking][:, None] != owners
    return squared(there[asking], there)[strangers], squared(here[asking], here)[strangers]


def frames_of_both(new: VideoFeatures) -> tuple[Array, Array]:
    old, vectors = directions(former(new)), directions(new)
    both = old.any(1) & vectors.any(1)
    return old[both], vectors[both]


def test_a_threshold_of_another_model_is_carried_over_kept_and_undone(
    page: Page, lab: Lab, screens: Callable[..., None]
) -> None:
    there, here = plain_pairs(lab)
    threshold = round(float(np.quantile(there, 0.05)), 2)
    admitted = np.sort(here[there <= threshold])
    reach = float(admitted[math.ceil(0.99 * len(admitted) - 1e-9) - 1])
    refused = float(here[(there > threshold) & (here > reach)].min())

    open_page(page, lab.app, "dimensions")
    choose(page, "Another model")
    fill(page, "Its threshold", f"{threshold:.4f}")
    page.get_by_role("button", name="Measure").click()
    card = page.locator(".st-key-carried")
    expect(card).to_be_visible(timeout=PATIENCE)
    wait_until_idle(page)
    told = facts(page, card)
    assert number(told["Its threshold"]) == pytest.approx(threshold, rel=1e-3)
    carried = number(told["Carried over"])
    assert reach * (1 - 1e-3) <= carried <= refused * (1 + 1e-3)
    kept, pairs = told["Pairs kept"].split(" of ")
    assert number(pairs) == len(admitted)
    least, most = (100 * (admitted <= carried * (1 + e)).mean() for e in (-1e-3, 1e-3))
    assert least - 0.06 <= number(kept) <= most + 0.06
    low, high = (float(text) for text in told["95 % interval"].split(" to "))
    assert low <= carried <= high
    screens("dimensions-model", whole=True)

    card.get_by_role("button", name="Use it for this library").click()
    wait_until_idle(page)
    expect(page.get_by_text(f"Present threshold: {told['Carried over']}.")).to_be_visible()
    open_page(page, lab.app, "threshold")
    expect(page.get_by_text(f"Saved distance threshold: {told['Carried over']}")).to_be_visible()
    choose(page, "History")
    (step,) = table(page)
    assert step["Threshold"] == told["Carried over"]
    assert step["Why"] == f"carried over from {threshold:.4g} of {OTHER} (full)"
    page.get_by_role("button", name="Undo").first.click()
    expect(page.get_by_text(f"Saved distance threshold: {lab.threshold:.4g}")).to_be_visible(
        timeout=PATIENCE
    )
    wait_until_idle(page)
    assert exceptions_shown(page) == []
