"""Hub frames of a library: finding them, the effect of excluding them, excluding and including."""

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np

from visil_dash.candidates.aside import aside_ids, frames_aside, set_frames_aside, take_frames_back
from visil_dash.errors import InputError
from visil_dash.index.ids import split_ids
from visil_dash.labels.label import by_pair, is_copy, pair_of
from visil_dash.laboratory.dimensions.library import pair_score
from visil_dash.laboratory.hubs.hubs import (
    Effect,
    Hub,
    Nearness,
    ShareFootage,
    effect,
    find_hub_runs,
    nearness,
    pairs_without,
    similar_frames,
)
from visil_dash.matching.verdict import reaches
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.records import Array
from visil_dash.workbench.bench import Workbench

_MOST_FRAMES = 8000  # compared with each other: half a minute on one core at 256 dims
_LEAST_VIDEOS = 3
_WEIGHED = 24


@dataclass(frozen=True, eq=False)
class HubReport:
    """Hubs among `frames` of the `total` frames of a library, at its distance threshold.

    Positions of videos refer to `video_ids`, rows to the frame ids `ids` `[N]`; `aside` `[N]` bool:
    frames that are excluded already.
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
    related: ShareFootage

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
        """Numbers of the hub's frames and of similar ones in the videos near it, by video id."""
        rows = similar_frames(self.vectors, self.near.owners, hub, self.threshold)
        return self.frames_of(rows)


def find_hubs(
    bench: Workbench, *, least: int = _LEAST_VIDEOS, watch: Watch = UNWATCHED
) -> HubReport:
    """Frames near at least `least` unrelated videos. Raises InputError and Cancelled.

    Frames that are excluded already are not reported. At most 8000 frames are compared, of whole
    videos drawn at random.
    """
    videos = {v.ordinal: v for v in bench.videos()}
    view = bench.space.view()
    ids = _sampled_ids(np.sort(view.ids), videos)
    ordinals, owners = np.unique(split_ids(ids)[0], return_inverse=True)
    if len(ordinals) < 2:
        raise InputError("The library", "its index holds frames of fewer than two videos")
    aside = np.isin(
        ids, aside_ids(bench.library, bench.extractor, {o: v.video_id for o, v in videos.items()})
    )
    vectors = view.vectors_of(ids)
    near = nearness(vectors, owners, bench.threshold(), aside=aside, watch=watch.part(0.0, 0.7))
    video_ids = tuple(videos[o].video_id for o in ordinals.tolist())
    related = _share_footage(bench, video_ids)
    watch.step("Comparing their videos", 0.7)
    included = replace(near, near=np.where(aside[:, None], False, near.near))
    return HubReport(
        hubs=find_hub_runs(included, related, least=least),
        near=near,
        vectors=vectors,
        ids=ids,
        aside=aside,
        video_ids=video_ids,
        names=tuple(videos[o].name for o in ordinals.tolist()),
        threshold=near.threshold,
        total=len(view),
        related=related,
    )


def _sampled_ids(ids: Array, ordinals: Collection[int]) -> Array:
    """Frame ids of the videos `ordinals`; whole videos, drawn, where they are too many."""
    owners = split_ids(ids)[0]
    present = np.isin(owners, np.fromiter(ordinals, np.int64, len(ordinals)))
    ids, owners = ids[present], owners[present]
    if len(ids) <= _MOST_FRAMES:
        return ids
    order = np.random.default_rng(0).permutation(np.unique(owners))
    sizes = np.array([int((owners == o).sum()) for o in order])
    return np.asarray(ids[np.isin(owners, order[np.cumsum(sizes) <= _MOST_FRAMES])])


def _share_footage(bench: Workbench, video_ids: tuple[str, ...]) -> ShareFootage:
    """Decided by a label (ND or DS), or else by a score in either direction."""
    score, match_score = pair_score(bench, video_ids), bench.match_score()
    labels = by_pair(bench.library.labels())

    def related(a: int, b: int) -> bool:
        label = labels.get(pair_of(video_ids[a], video_ids[b]))
        labelled = None if label is None else is_copy(label)
        if labelled is not None:
            return labelled
        return reaches(max(score(a, b), score(b, a)), match_score)

    return related


def frame_seconds(bench: Workbench, report: HubReport, row: int) -> float:
    """Time of the frame of a row in its video, in seconds."""
    video, frame = report.place(row)
    features = bench.library.features(video, extractor=bench.extractor)
    return float(features.timestamps[frame])


def effect_of(report: HubReport, frames: dict[str, list[int]]) -> Effect:
    """The effect of excluding these frames in addition; nothing is changed."""
    chosen = {(video, f) for video, numbers in frames.items() for f in numbers}
    rows = np.array([report.place(row) in chosen for row in range(report.frames)])
    after = pairs_without(report.near, report.vectors, report.aside | rows)
    return effect(report.near.pairs(), after, report.related)


# ---- what is worth doing ----


@dataclass(frozen=True)
class HubOffer:
    """A hub whose exclusion pays. `frames`: its own and similar ones, by video id."""

    hub: Hub
    frames: dict[str, list[int]]
    effect: Effect

    @property
    def count(self) -> int:
        return sum(map(len, self.frames.values()))


def worthwhile(report: HubReport, *, watch: Watch = UNWATCHED) -> tuple[HubOffer, ...]:
    """Hubs that are worth excluding, the best first: no match is lost by it, and every excluded
    frame spares the comparison of at least one pair of unrelated videos.

    Frames that many videos have because their scenes are alike fail one or the other: there are
    many of them, or copies are found by them. At most 24 hubs are weighed. Raises Cancelled.
    """
    offers: list[HubOffer] = []
    for done, hub in enumerate(report.hubs[:_WEIGHED]):
        watch.count("Weighing the hub frames", done, min(_WEIGHED, len(report.hubs)))
        offer = HubOffer(hub, frames := report.alike(hub), effect_of(report, frames))
        if not offer.effect.lost and offer.effect.unrelated >= offer.count:
            offers.append(offer)
    offers.sort(key=lambda o: (-o.effect.unrelated, o.count))
    kept: list[HubOffer] = []
    for offer in offers:  # each video of a slate reports it: one of them is enough
        if not any(_within(offer.frames, other.frames) for other in kept):
            kept.append(offer)
    return tuple(kept)


def _within(frames: dict[str, list[int]], others: dict[str, list[int]]) -> bool:
    return all(set(f) <= set(others.get(video, ())) for video, f in frames.items())


def exclude_frames(bench: Workbench, frames: dict[str, list[int]]) -> None:
    """Excludes these frames from candidate generation. Raises StoreReadOnly."""
    set_frames_aside(bench.library, bench.extractor, frames)
    bench.space.touch()


def include_frames(bench: Workbench, frames: dict[str, list[int]] | None = None) -> None:
    """Includes these frames (None: all) in candidate generation again. Raises StoreReadOnly."""
    take_frames_back(bench.library, bench.extractor, frames)
    bench.space.touch()


def excluded_frames(bench: Workbench) -> dict[str, tuple[int, ...]]:
    """Numbers of the excluded frames by id of a library video."""
    here = {v.video_id for v in bench.videos()}
    stored = frames_aside(bench.library, bench.extractor)
    return {video: frames for video, frames in stored.items() if video in here}
