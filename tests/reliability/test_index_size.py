"""R6: an index of 20,000 × 512 is rebuilt within 30 seconds and misses nothing."""

import shutil
import time
from pathlib import Path

import numpy as np
import pytest

from tests.support.library_fakes import fake_info, small_settings
from visil_dash.index.frames import FrameSpace, open_frame_space
from visil_dash.library.blobs import FeatureManifest
from visil_dash.library.store import Library, open_library
from visil_dash.records import Array, VideoFeatures

EXTRACTOR, DIM, REGIONS = "fake-20000", 128, 4
LONGEST = 30.0


def walk(seeded: np.random.Generator, frames: int) -> Array:
    """A slow walk of unit region vectors, `[frames, REGIONS, DIM]`."""
    steps = 0.2 * seeded.normal(size=(frames, REGIONS, DIM)).cumsum(0)
    vectors = seeded.normal(size=(1, REGIONS, DIM)) * 3 + steps
    out: Array = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return out


def filled(library: Library, *, videos: int, frames: int) -> None:
    seeded = np.random.default_rng(6)
    manifest = FeatureManifest(EXTRACTOR, "c0" * 32, REGIONS, DIM)
    for number in range(videos):
        staged = library.stage("clip")
        staged.write_bytes(b"clip %d" % number)
        record = library.put_video(staged, name=f"{number}.mp4", info=fake_info(frames))
        regions = walk(seeded, frames).astype(np.float16)
        features = VideoFeatures(record.video_id, EXTRACTOR, regions, np.arange(frames) * 1.0)
        library.put_features(features, manifest)


def recall_at_10(space: FrameSpace, queries: Array) -> float:
    approximate, _ = space.view().search(queries, 10)
    exact, _ = space.view().exact_search(queries, 10)
    hits = [len(set(a) & set(e)) for a, e in zip(approximate, exact, strict=True)]
    return sum(hits) / (10 * len(queries))


@pytest.mark.parametrize(
    "videos", [2, pytest.param(20, marks=pytest.mark.night)], ids=["2,000", "20,000"]
)
def test_a_deleted_index_is_rebuilt_soon_and_its_answers_are_the_exact_ones(
    tmp_path: Path, videos: int
) -> None:
    folder = tmp_path / "library"
    with open_library(folder, settings=small_settings()) as library:
        filled(library, videos=videos, frames=1000)
        open_frame_space(library, extractor=EXTRACTOR, reduction="full").wait()
    shutil.rmtree(folder / "index")
    with open_library(folder, settings=small_settings()) as library:
        started = time.monotonic()
        space = open_frame_space(library, extractor=EXTRACTOR, reduction="full")
        assert "rebuild" in space.status().notice or space.status().state == "rebuilding"
        space.wait()
        took = time.monotonic() - started
        status = space.status()
        assert (status.state, status.frames, status.notice) == ("ready", videos * 1000, "")
        _, vectors = space.snapshot()
        seeded = np.random.default_rng(7)
        near = vectors[seeded.integers(0, len(vectors), 200)]
        queries = near + 0.01 * seeded.normal(size=near.shape).astype(np.float32)
        recall = recall_at_10(space, queries)
        print(f"{len(vectors)} × {vectors.shape[1]}: {took:.1f} s, recall {recall:.4f}")
        assert recall >= 0.99
        assert took <= LONGEST
