"""Hub frames of a library: found, weighed against what they bring, set aside, taken back."""

from dataclasses import dataclass, replace

import numpy as np

from visil_dash.candidates.aside import aside_ids, frames_aside, set_frames_aside, take_frames_back
from visil_dash.errors import InputError
from visil_dash.index.snapshot import split_ids
from visil_dash.labels.label import by_pair, is_copy, pair_of
from visil_dash.laboratory.dimensions.library import pair_score
from visil_dash.laboratory.hubs.hubs import (
    Effect,
    Hub,
    Nearness,
    Related,
    effect,
    hubs,
    look_alikes,
    nearness,
)
from visil_dash.matching.verdict import reaches
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.records import Array
from visil_dash.workbench.bench import Workbench

MOST_FRAMES = 8000  # all are compared with all: half a minute of one core at 256 dims
LEAST_VIDEOS = 3


@dataclass(frozen=True, eq=False)
class HubReport:
    """Hubs among `frames` of `total` frames, at the library's `threshold` in its space.

    Positions in `hubs` stand for `video_ids`; rows run over the frame ids `ids` `[N]`, of which
    `aside` `[N]` bool are set aside already.
    """

    hubs: tuple[Hub, ...]
    near: Nearness
    vectors: Array
    ids: Array
    aside: Array
    video_ids: tuple[str, ...]
    names: tuple[str, ...]
    threshold: float
    total: int
    related: Related

    @property
    def frames(self) -> int:
        return len(self.ids)

    def place(self, row: int) -> tuple[str, int]:
        """Video id and frame number of a row."""
        return self.video_ids[int(self.near.owners[row])], int(split_ids(self.ids[row])[1])

    def frames_of(self, rows: Array) -> dict[str, list[int]]:
        """Frame numbers by video id."""
        out: dict[str, list[int]] = {}
        for row in np.asarray(rows).tolist():
            video, frame = self.place(row)
            out.setdefault(video, []).append(frame)
        return out

    def alike(self, hub: Hub) -> dict[str, list[int]]:
        """The hub's frames and those that look like them, in all the videos that it is near."""
        rows = look_alikes(self.vectors, self.near.owners, hub, self.threshold)
        return self.frames_of(rows)


def find_hubs(
    bench: Workbench,
    *,
    least: int = LEAST_VIDEOS,
    watch: Watch = UNWATCHED,
    seed: int = 0,
) -> HubReport:
    """Frames set aside already are not found again. Raises InputError and Cancelled.

    Two videos share footage where a label says so (ND or DS), and without a label where either
    scores at least the model's match score against the other; a frame near many of those is no
    hub.
    """
    videos = {v.ordinal: v for v in bench.videos()}
    view = bench.space.view()
    ids = np.sort(view.ids)
    ordinals = split_ids(ids)[0]
    keep = np.isin(ordinals, np.fromiter(videos, np.int64, len(videos)))
    ids, ordinals = ids[keep], ordinals[keep]
    if len(ids) > MOST_FRAMES:  # whole videos, drawn
        order = np.random.default_rng(seed).permutation(np.unique(ordinals))
        sizes = np.array([int((ordinals == o).sum()) for o in order])
        kept = order[np.cumsum(sizes) <= MOST_FRAMES]
        ids = ids[np.isin(ordinals, kept)]
        ordinals = split_ids(ids)[0]
    found, owners = np.unique(ordinals, return_inverse=True)
    if len(found) < 2:
        raise InputError("The library", "its index holds frames of fewer than two videos")
    aside = np.isin(ids, aside_ids(bench.library, bench.extractor, _names(bench)))
    vectors = view.vectors_of(ids)
    threshold = bench.threshold()
    near = nearness(
        vectors,
        owners,
        threshold,
        aside=aside,
        watch=watch.part(0.0, 0.7),
    )
    near_shown = replace(near, near=np.where(aside[:, None], False, near.near))
    video_ids = tuple(videos[o].video_id for o in found.tolist())
    score, match = pair_score(bench, video_ids), bench.match_score()

    labels = by_pair(bench.library.labels())

    def related(a: int, b: int) -> bool:
        label = labels.get(pair_of(video_ids[a], video_ids[b]))
        told = None if label is None else is_copy(label)
        if told is not None:
            return told
        return reaches(max(score(a, b), score(b, a)), match)

    watch.step("Comparing their videos", 0.7)
    return HubReport(
        hubs=hubs(near_shown, related, least=least),
        near=near,
        vectors=vectors,
        ids=ids,
        aside=aside,
        video_ids=video_ids,
        names=tuple(videos[o].name for o in found.tolist()),
        threshold=threshold,
        total=len(view),
        related=related,
    )


def seconds_of(bench: Workbench, report: HubReport, row: int) -> float:
    """When in its video the frame of a row is shown."""
    video, frame = report.place(row)
    features = bench.library.features(video, extractor=bench.extractor)
    return float(features.timestamps[frame])


def effect_of(report: HubReport, frames: dict[str, list[int]]) -> Effect:
    """What setting these frames aside, beside those that are, would do; nothing is changed."""
    chosen = {(video, f) for video, numbers in frames.items() for f in numbers}
    rows = np.array([report.place(row) in chosen for row in range(report.frames)])
    after = nearness(
        report.vectors, report.near.owners, report.threshold, aside=report.aside | rows
    )
    return effect(report.near, after, report.related)


def set_aside(bench: Workbench, frames: dict[str, list[int]]) -> None:
    """Candidate generation passes over these frames from now on. Raises StoreReadOnly."""
    set_frames_aside(bench.library, bench.extractor, frames)
    bench.space.touch()


def take_back(bench: Workbench, frames: dict[str, list[int]] | None = None) -> None:
    """Lets these frames (None: all) count again. Raises StoreReadOnly."""
    take_frames_back(bench.library, bench.extractor, frames)
    bench.space.touch()


def aside_now(bench: Workbench) -> dict[str, tuple[int, ...]]:
    """Frame numbers by video id, of videos that are in the library."""
    here = {v.video_id for v in bench.videos()}
    stored = frames_aside(bench.library, bench.extractor)
    return {video: frames for video, frames in stored.items() if video in here}


def _names(bench: Workbench) -> dict[int, str]:
    return {v.ordinal: v.video_id for v in bench.videos()}
