"""Hub frames: found by plain counting, weighed against what they bring, set aside and back."""

from pathlib import Path

import numpy as np
import pytest

from tests.support.library_fakes import (
    EXTRACTOR,
    build_folder,
    fake_video_features,
    open_space,
    small_settings,
)
from visil_dash.candidates.aside import frames_aside, set_frames_aside, take_frames_back
from visil_dash.candidates.generation import library_candidates
from visil_dash.errors import Cancelled
from visil_dash.index.ids import frame_ids
from visil_dash.laboratory.hubs.hubs import (
    Nearness,
    effect,
    find_hub_runs,
    nearness,
    pairs_without,
    similar_frames,
)
from visil_dash.laboratory.hubs.library import HubReport, worthwhile
from visil_dash.library.store import open_library
from visil_dash.progress import Watch
from visil_dash.records import Array

VIDEOS, FRAMES, DIM = 6, 8, 24
SLATE = {(v, 2) for v in range(5)} | {(0, 3)}  # (video, frame) that show one slate


@pytest.fixture(scope="module")
def world() -> tuple[Array, Array]:
    """Six unrelated videos, five of them with one slate; the sixth repeats the fifth's end."""
    random = np.random.default_rng(0)
    vectors = 3 * random.normal(size=(VIDEOS, FRAMES, DIM))
    slate = random.normal(size=DIM)
    for video, frame in SLATE:
        vectors[video, frame] = slate + 0.01 * random.normal(size=DIM)
    vectors[5, 4:] = vectors[4, 4:] + 0.01
    return vectors.reshape(-1, DIM).astype(np.float32), np.repeat(np.arange(VIDEOS), FRAMES)


def related(a: int, b: int) -> bool:
    return {a, b} == {4, 5}


def test_nearness_is_that_of_plain_loops(world: tuple[Array, Array]) -> None:
    vectors, owners = world
    found = nearness(vectors, owners, 1.0)
    plain = np.array([[((a - b) ** 2).sum() for b in vectors.astype(float)] for a in vectors])
    for i in range(len(vectors)):
        for video in range(VIDEOS):
            mine = owners == video
            expected = video != owners[i] and bool((plain[i, mine] <= 1.0).any())
            assert found.near[i, video] == expected
    counts = np.zeros(len(vectors), int)
    for i in range(len(vectors)):
        others = [(plain[i, j], j) for j in range(len(vectors)) if owners[j] != owners[i]]
        for _, j in sorted(others)[:10]:
            counts[j] += 1
    assert np.array_equal(found.occurrence, counts)


def test_the_slate_is_the_hub_and_a_copy_is_none(world: tuple[Array, Array]) -> None:
    vectors, owners = world
    found = find_hub_runs(nearness(vectors, owners, 1.0), related, least=3)
    assert {row for hub in found for row in hub.rows} == {v * FRAMES + f for v, f in SLATE}
    assert {hub.video for hub in found} == {0, 1, 2, 3, 4}
    assert all(len(hub.videos) == 4 for hub in found)
    assert [hub.rows for hub in found if hub.video == 0] == [(2, 3)], "a run is one hub"
    with_copies = find_hub_runs(nearness(vectors, owners, 1.0), lambda a, b: False, least=1)
    assert 5 in {hub.video for hub in with_copies}
    assert 5 not in {
        hub.video for hub in find_hub_runs(nearness(vectors, owners, 1.0), related, least=1)
    }


def test_setting_the_slate_aside_loses_no_copy(world: tuple[Array, Array]) -> None:
    vectors, owners = world
    before = nearness(vectors, owners, 1.0)
    hub = find_hub_runs(before, related, least=3)[0]
    rows = similar_frames(vectors, owners, hub, 1.0)
    assert set(rows.tolist()) == {v * FRAMES + f for v, f in SLATE}
    aside = np.isin(np.arange(len(vectors)), rows)
    after = nearness(vectors, owners, 1.0, aside=aside)
    found = effect(before.pairs(), after.pairs(), related)
    assert (found.before, found.after) == (5 * 4 + 2, 2)
    assert (found.matches, found.lost, found.unrelated) == (2, (), 20)
    everything = nearness(vectors, owners, 1.0, aside=np.ones(len(vectors), bool))
    assert effect(before.pairs(), everything.pairs(), related).lost == ((4, 5), (5, 4))


@pytest.mark.parametrize("seed", range(4))
def test_pairs_without_frames_are_those_of_comparing_everything_again(
    world: tuple[Array, Array], seed: int
) -> None:
    vectors, owners = world
    random = np.random.default_rng(seed)
    before_aside, gone = (random.random(len(vectors)) < share for share in (0.1, 0.4))
    near = nearness(vectors, owners, 20.0, aside=before_aside)
    gone |= before_aside
    again = nearness(vectors, owners, 20.0, aside=gone)
    assert near.pairs().any()
    assert np.array_equal(pairs_without(near, vectors, gone), again.pairs())


def report_of(world: tuple[Array, Array], *, copies: bool) -> HubReport:
    vectors, owners = world
    near = nearness(vectors, owners, 1.0)
    share = related if copies else (lambda a, b: True)
    names = tuple("abcdef")
    return HubReport(
        hubs=find_hub_runs(near, related, least=3),
        near=near,
        vectors=vectors,
        ids=np.concatenate([frame_ids(video, FRAMES) for video in range(VIDEOS)]),
        aside=np.zeros(len(vectors), bool),
        video_ids=names,
        names=names,
        threshold=1.0,
        total=len(vectors),
        related=share,
    )


def test_a_slate_is_worth_setting_aside_once(world: tuple[Array, Array]) -> None:
    (offer,) = worthwhile(report_of(world, copies=True))
    assert offer.count == len(SLATE)
    assert {(v, f) for v, frames in offer.frames.items() for f in frames} == {
        ("abcdef"[video], frame) for video, frame in SLATE
    }
    assert (offer.effect.unrelated, offer.effect.lost) == (20, ())


def test_a_frame_by_which_copies_are_found_is_not_worth_it(world: tuple[Array, Array]) -> None:
    assert worthwhile(report_of(world, copies=False)) == ()


def test_it_stops_when_told(world: tuple[Array, Array]) -> None:
    with pytest.raises(Cancelled):
        nearness(*world, 1.0, watch=Watch(stopped=lambda: True))


def test_frames_set_aside_do_not_count_until_they_are_taken_back(tmp_path: Path) -> None:
    records = build_folder(tmp_path / "library", [b"one", b"two", b"three"])
    with open_library(tmp_path / "library", settings=small_settings()) as library:
        space = open_space(library)
        query = fake_video_features(records[0].video_id)
        stored = space.view().vectors.copy()

        def hits() -> dict[str, int]:
            found = library_candidates(query, 1e9, library=library, view=space.view())
            return {c.video_id: c.hits for c in found}

        frames = len(query)
        assert hits() == {r.video_id: frames * frames for r in records[1:]}
        chosen = {records[1].video_id: range(frames), records[2].video_id: [0, 3]}
        set_frames_aside(library, EXTRACTOR, chosen)
        assert hits() == {records[2].video_id: frames * (frames - 2)}
        take_frames_back(library, EXTRACTOR, {records[1].video_id: range(1, frames)})
        assert frames_aside(library, EXTRACTOR) == {
            records[1].video_id: (0,),
            records[2].video_id: (0, 3),
        }
        assert hits()[records[1].video_id] == frames * (frames - 1)
        take_frames_back(library, EXTRACTOR)
        assert hits() == {r.video_id: frames * frames for r in records[1:]}
        assert np.array_equal(space.view().vectors, stored), "the index is never touched"
        assert isinstance(nearness(stored, np.repeat([0, 1, 2], frames), 1.0), Nearness)
