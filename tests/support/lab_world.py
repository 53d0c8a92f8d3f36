"""What the laboratory's browser tests share: its libraries, the screen's numbers, plain oracles."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.benches import copy_library
from tests.support.browser_harness import App, wait_until_idle
from visil_dash.models.load import Model
from visil_dash.records import Array, VideoFeatures
from visil_dash.reduction.pca import Reduction
from visil_dash.settings import Settings
from visil_dash.workbench.bench import open_workbench

PATIENCE = 120_000  # milliseconds, for a machine that does much else
DEMO = Path(__file__).resolve().parents[2] / "demo"
# Dashboards that pages of the laboratory are tested on; at night over real clips, too.
LABS = ("demo_lab", pytest.param("real_lab", marks=pytest.mark.night))
# Copies with logos and bars, other takes of the same object, a bit-rate ladder, strangers.
REAL = (
    "ndvd_tmk/chair-orig-22-sd-bar.mp4",
    "ndvd_tmk/chair-22-with-large-logo-bar.mp4",
    "ndvd_tmk/chair-22-sd-grey-bar.mp4",
    "ndvd_tmk/chair-19-sd-bar.mp4",
    "ndvd_tmk/pattern-sd-grey-bar.mp4",
    "ndvd_tmk/pattern-sd-with-large-logo-bar.mp4",
    "sannies_mp4parser/BBB_fixedres_B_180x320_80.mp4",
    "sannies_mp4parser/BBB_fixedres_B_180x320_200.mp4",
    "lanes_udacity/white.mp4",
    "agency_editkaro_c/gaming.mp4",
)


@dataclass(frozen=True, eq=False)
class Library:
    """A library as it was when it was made, for oracles that need no dashboard.

    `features` by file name, in the library's order; `threshold`: squared L2 in the index's space.
    """

    folder: Path
    features: dict[str, VideoFeatures]
    model: Model
    reduction: Reduction
    threshold: float

    @property
    def names(self) -> list[str]:
        return list(self.features)

    def copied(self, folder: Path) -> Self:
        """The same library in another folder, to change."""
        return replace(self, folder=copy_library(self.folder, folder))

    def id_of(self, name: str) -> str:
        return self.features[name].video_id

    def name_of(self, start: str) -> str:
        """The file whose id begins so."""
        return next(n for n, f in self.features.items() if f.video_id.startswith(start))

    def link(self, page: str, query: str, reference: str = "", **more: str) -> str:
        out = f"{page}?q={self.id_of(query)[:16]}"
        out += f"&r={self.id_of(reference)[:16]}" if reference else ""
        return out + "".join(f"&{key}={value}" for key, value in more.items())

    @cached_property
    def chamfer(self) -> Array:
        """`[V, V]` Chamfer similarity of row's video to column's, by plain products."""
        return self._table[0]

    @cached_property
    def scores(self) -> Array:
        """`[V, V]` video-to-video similarity of row's video to column's; 1 on the diagonal."""
        return self._table[1]

    @cached_property
    def _table(self) -> tuple[Array, Array]:
        chamfer, scores = np.ones((2, len(self.names), len(self.names)))
        for i, query in enumerate(self.features.values()):
            for j, reference in enumerate(self.features.values()):
                if i != j:
                    matrix = plain_similarity(query, reference)
                    chamfer[i, j] = matrix.max(1).mean()
                    scores[i, j] = self.output(matrix).max(1).mean()
        return chamfer, scores

    def output(self, matrix: Array) -> Array:
        """The ViSiL output of a frame-to-frame matrix."""
        compare = self.model.compare
        return matrix if compare is None else compare(matrix.astype(np.float32))

    @cached_property
    def distances(self) -> dict[str, Array]:
        """`[T, N]` squared L2 in the index's space from the frames of each video to all frames
        that the index holds, in the order of `owners`; infinite within a video."""
        vectors = {n: self.reduction(f.frame_vectors).astype(float) for n, f in self.seen.items()}
        every = np.concatenate(list(vectors.values()))
        out = {}
        for place, (name, mine) in enumerate(vectors.items()):
            found = np.array([((every - frame) ** 2).sum(1) for frame in mine])
            found[:, self.owners == place] = np.inf
            out[name] = found
        return out

    @cached_property
    def seen(self) -> dict[str, VideoFeatures]:
        """Every video without its blank frames, which the index leaves out."""
        out = {}
        for name, f in self.features.items():
            shows = f.frame_vectors.any(1)
            out[name] = VideoFeatures(
                f.video_id, f.extractor, f.regions[shows], f.timestamps[shows]
            )
        return out

    @cached_property
    def owners(self) -> Array:
        """`[N]` place of the video of each frame of the index."""
        return np.repeat(np.arange(len(self.seen)), [len(f) for f in self.seen.values()])

    def nearest(self, query: str) -> Array:
        """`[V]` smallest distance from the query's frames to each video's; infinite to itself."""
        closest = self.distances[query].min(0)
        return np.array([closest[self.owners == v].min() for v in range(len(self.names))])

    def candidates(self, query: str, threshold: float | None = None) -> set[str]:
        limit = self.threshold if threshold is None else threshold
        near = self.nearest(query) <= limit
        return {name for name, yes in zip(self.names, near, strict=True) if yes}


@dataclass(frozen=True, eq=False)
class Lab(Library):
    """The library, and a dashboard that is running over it."""

    app: App = None  # type: ignore[assignment]


def make_library(folder: Path, paths: list[Path]) -> Library:
    """The library in `folder`, after those of the files that it lacks were added with the bundled
    model."""
    settings = Settings(library=folder, min_free_bytes=0)
    with open_workbench(settings=settings, library=folder, model="compact") as bench:
        here = {video.name for video in bench.videos()}
        bench.add_paths([path for path in paths if path.name not in here])
        assert bench.worker.wait_idle(600)
        bench.space.wait()
        videos = bench.videos()
        assert {v.name for v in videos} == {p.name for p in paths}, bench.jobs()
        return Library(
            folder=folder,
            features={v.name: bench.clip(v.video_id).features for v in videos},
            model=bench.model,
            reduction=bench.space.reduction,
            threshold=bench.threshold(),
        )


def plain_similarity(query: VideoFeatures, reference: VideoFeatures) -> Array:
    """`[Tq, Tr]`: for each region of a query frame its best region there; the mean of these."""
    a, b = query.regions.astype(float), reference.regions.astype(float)
    out = np.empty((len(a), len(b)))
    for i, frame in enumerate(a):
        out[i] = (frame @ b.transpose(0, 2, 1)).max(2).mean(1)
    return out


def squared(queries: Array, vectors: Array) -> Array:
    """`[N, M]` squared L2 distances, row by row."""
    return np.array([((vectors - q) ** 2).sum(1) for q in queries.astype(float)])


def walked_ap(scores: Sequence[float], right: Sequence[bool], missed: int = 0) -> float:
    """Down the ranking, the precision at each right one; the mean, what was missed being 0."""
    hits, total = 0, 0.0
    ranking = sorted(zip(scores, right, strict=True), key=lambda pair: (-pair[0], pair[1]))
    for place, (_, yes) in enumerate(ranking, 1):
        if yes:
            hits += 1
            total += hits / place
    return total / (hits + missed)


# ---- what the screen says ----


def facts(page: Page, within: Locator | None = None) -> dict[str, str]:
    """Labels and values of the page's facts; of several of one label the first."""
    box = page.get_by_test_id("stMain") if within is None else within
    expect(box.locator(".vd-facts dt").first).to_be_visible(timeout=PATIENCE)
    read = box.locator(".vd-facts > div").evaluate_all(  # at once: the page may be drawn anew
        "all => all.map(d => ['dt', 'dd'].map(tag => d.querySelector(tag).textContent))"
    )
    return dict(reversed(read))


def number(text: str) -> float:
    """The first number in a text: "1,152 dims" → 1152, "−0.3" → -0.3."""
    found = re.search(r"-?\d+(\.\d+)?", text.replace(",", "").replace("−", "-"))
    assert found is not None, text
    return float(found[0])


def chart(page: Page, key: str) -> Locator:
    """The chart that the page draws under this key, once it is there."""
    plot = page.locator(f".st-key-{key} .js-plotly-plot")
    expect(plot).to_be_visible(timeout=PATIENCE)
    return plot


def traces(page: Page, key: str) -> list[dict[str, Any]]:
    """Names and values of a chart's lines, bars or maps, as the browser draws them."""
    found: list[dict[str, Any]] = chart(page, key).evaluate(
        "c => c._fullData.map(t => ({name: t.name, type: t.type,"
        " x: t.x && Array.from(t.x), y: t.y && Array.from(t.y),"
        " z: t.z && Array.from(t.z, r => Array.from(r))}))"
    )
    return found


def table(page: Page, place: int = 0) -> list[dict[str, str]]:
    """The rows of a table, as it tells them to screen readers; those in view only."""
    grid = page.get_by_test_id("stDataFrame").nth(place)
    grid.scroll_into_view_if_needed()
    expect(grid.locator("[role=gridcell]").first).to_be_attached(timeout=PATIENCE)
    heads = [h.strip() for h in grid.locator("[role=columnheader]").all_text_contents()]
    out = []
    for row in grid.locator("tbody [role=row]").all():
        cells = [c.strip() for c in row.locator("[role=gridcell]").all_text_contents()]
        out.append(dict(zip(heads[-len(cells) :], cells, strict=True)))
    return out


def choose(page: Page, name: str) -> None:
    """Clicks a segment or pill of the page."""
    main = page.get_by_test_id("stMain")
    main.get_by_role("radio", name=name, exact=True).or_(
        main.get_by_role("button", name=name, exact=True)
    ).first.click()
    wait_until_idle(page)


def fill(page: Page, label: str, value: str) -> None:
    """Types into a field of the page and waits for what follows."""
    field = page.get_by_test_id("stMain").get_by_label(label, exact=True).first
    field.fill(value)
    field.press("Enter")
    wait_until_idle(page)


def pick(page: Page, label: str, option: str) -> None:
    """Picks an option of a drop-down list."""
    page.get_by_role("combobox", name=label).first.click()
    page.get_by_role("option", name=option, exact=True).click()
    wait_until_idle(page)
