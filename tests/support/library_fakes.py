"""Small libraries for tests: features follow from the bytes, pipelines need no model."""

import hashlib
import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import sqlalchemy as sa

from visil_dash.index.frames import FrameSpace, open_frame_space
from visil_dash.library import tables
from visil_dash.library.blobs import FeatureManifest, StepHook, no_step
from visil_dash.library.catalogue import (
    CATALOGUE_NAME,
    Catalogue,
    catalogue_engine,
    migrate,
    next_count,
    put_row,
)
from visil_dash.library.postgres.address import catalogue_address
from visil_dash.library.postgres.catalogue import PostgresCatalogue, postgres_engine
from visil_dash.library.postgres.marker import read_marker, write_marker
from visil_dash.library.postgres.opening import make_schema
from visil_dash.library.store import Library, open_library
from visil_dash.progress import Progress, Watch
from visil_dash.records import Array, JobRecord, JobState, MediaInfo, VideoFeatures, VideoRecord
from visil_dash.settings import Settings

EXTRACTOR = "fake-00c0ffee"
REGIONS, DIM, FRAMES = 3, 16, 40
REDUCTION = "pca16"
MANIFEST = FeatureManifest(
    extractor=EXTRACTOR, weights_sha256="c0" * 32, regions=REGIONS, dim=DIM, rate=1.0
)


def small_settings(**changes: object) -> Settings:
    return Settings(**({"min_free_bytes": 0, "threads": 1} | changes))  # type: ignore[arg-type]


def content_id(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def fake_video_features(
    video_id: str, *, frames: int = FRAMES, extractor: str = EXTRACTOR
) -> VideoFeatures:
    """A slow walk of unit region vectors that starts where the id says; exact in half precision."""
    random = np.random.default_rng(int(video_id[:12], 16))
    walk = random.normal(size=(1, REGIONS, DIM)) + 0.2 * random.normal(
        size=(frames, REGIONS, DIM)
    ).cumsum(0)
    regions = walk / np.linalg.norm(walk, axis=-1, keepdims=True)
    return VideoFeatures(video_id, extractor, regions.astype(np.float16), np.arange(frames) * 1.0)


def fake_info(frames: int = FRAMES) -> MediaInfo:
    return MediaInfo("mp4", "h264", 320, 240, float(frames), frames)


def put(library: Library, content: bytes, name: str, *, frames: int = FRAMES) -> VideoRecord:
    """A video with its features in the library, as a pipeline leaves it."""
    staged = library.stage(name)
    staged.write_bytes(content)
    record = library.put_video(staged, name=name, info=fake_info(frames))
    library.put_features(fake_video_features(record.video_id, frames=frames), MANIFEST)
    return library.video(record.video_id)


class FakePipeline:
    """Features from the content hash. `before` runs while a job is decoding."""

    def __init__(
        self,
        library: Library,
        space: FrameSpace,
        *,
        before: Callable[[JobRecord, Path, Watch], None] | None = None,
        on_commit: Callable[[str], None] | None = None,
    ) -> None:
        self.library, self.space = library, space
        self.before, self.on_commit = before, on_commit

    def __call__(
        self, job: JobRecord, source: Path, *, enter: Callable[[JobState], None], watch: Watch
    ) -> str:
        enter(JobState.DECODING)
        if self.before is not None:
            self.before(job, source, watch)
        watch.report(Progress("Decoding", FRAMES, FRAMES))
        record = self.library.put_video(
            source, name=job.name, info=fake_info(), video_id=job.video_id
        )
        enter(JobState.FEATURES)
        features = fake_video_features(record.video_id)
        self.library.put_features(features, MANIFEST)
        enter(JobState.COMMITTED)
        self.space.add_video(record.ordinal, features.frame_vectors)
        return record.video_id


def open_space(library: Library, *, reduction: str = REDUCTION) -> FrameSpace:
    return open_frame_space(library, extractor=EXTRACTOR, reduction=reduction)


def found_videos(space: FrameSpace, video_id: str) -> list[int]:
    """Ordinals of the nearest frame to each frame of this video's own features."""
    view = space.view()
    ids, _ = view.search(view.reduction(fake_video_features(video_id).frame_vectors), 1)
    return (ids[:, 0] >> 20).tolist()


def build_folder(
    folder: Path, contents: Iterable[bytes], *, step: StepHook = no_step, rebuild: bool = True
) -> list[VideoRecord]:
    """A closed library of these videos, with a published generation."""
    with open_library(folder, settings=small_settings(), step=step) as library:
        records = [put(library, c, f"clip {i}.mp4") for i, c in enumerate(contents)]
        space = open_space(library)
        space.wait()
        if rebuild:
            space.rebuild(background=False)
    return records


def violations(folder: Path, acknowledged: list[tuple[str, str]]) -> list[str]:
    """What the folder holds after a crash against what was acknowledged: (event, video id)s.

    Events: indexed, removing (asked for, either is right), removed. Promises: every
    acknowledged video is whole and findable, every acknowledged removal holds,
    nothing half is searchable, and opening takes at most 5 s.
    """
    found: list[str] = []
    removed = {video for event, video in acknowledged if event == "removed"}
    leaving = {video for event, video in acknowledged if event == "removing"}
    indexed = {video for event, video in acknowledged if event == "indexed"} - removed - leaving
    start = time.monotonic()
    with open_library(folder, settings=small_settings()) as library:
        space = open_space(library)
        if time.monotonic() - start > 5:
            found.append("opening took more than 5 s")
        if library.notice:
            found.append(f"notice: {library.notice}")
        videos = {v.video_id: v for v in library.videos()}
        found += [f"removed video is back: {v}" for v in removed if v in videos]
        rows = library.feature_rows(EXTRACTOR)
        for row in rows:
            features = library.features(row.video_id, extractor=EXTRACTOR)
            if not np.array_equal(
                features.regions, fake_video_features(row.video_id).regions.astype(np.float32)
            ):
                found.append(f"other features: {row.video_id}")
        for video_id in indexed:
            if video_id not in videos or video_id not in {row.video_id for row in rows}:
                found.append(f"acknowledged video is lost: {video_id}")
            elif set(found_videos(space, video_id)) != {videos[video_id].ordinal}:
                found.append(f"acknowledged video is not found: {video_id}")
        unknown = space.view().ordinals - {row.ordinal for row in rows}
        found += [f"half a video is searchable: {ordinal}" for ordinal in unknown]
        found += [
            f"{finding.artefact}: {finding.problem}"
            for finding in library.verify()
            if finding.problem != "no row knows it"
        ]
        space.wait()
    return found


def plain_nearest(vectors: Array, queries: Array, k: int) -> Array:
    """Squared distances of the k nearest by plain loops, float64."""
    out = []
    for query in queries.astype(np.float64):
        distances = [float(((v - query) ** 2).sum()) for v in vectors.astype(np.float64)]
        out.append(sorted(distances)[:k])
    return np.array(out).reshape(len(queries), min(k, len(vectors)))


def by_hand(folder: Path, statement: str) -> list[tuple[object, ...]]:
    """What an operator, or damage, does to a library's catalogue beside the program."""
    marker, address = read_marker(folder), catalogue_address(small_settings())
    if marker is None or address is None:
        engine = sa.create_engine(f"sqlite:///{folder / CATALOGUE_NAME}")
    else:
        engine = postgres_engine(address, marker.schema)
    try:
        with engine.begin() as connection:
            result = connection.exec_driver_sql(statement)
            return [tuple(row) for row in result] if result.returns_rows else []
    finally:
        engine.dispose()


def _catalogue_without_tables(folder: Path) -> Catalogue:
    address = catalogue_address(small_settings())
    if address is None:
        return Catalogue(catalogue_engine(folder / CATALOGUE_NAME, read_only=False))
    marker = make_schema(address)
    write_marker(folder, marker)
    catalogue = PostgresCatalogue(address, marker)
    catalogue.take_lease(folder)
    return catalogue


def old_library(folder: Path) -> None:
    """A library of schema 1, before jobs and the index were in the catalogue."""
    for name in ("media", "features", "incoming"):
        (folder / name).mkdir(parents=True)
    catalogue = _catalogue_without_tables(folder)
    migrate(catalogue, upto=1)
    video_id = content_id(b"one")
    (folder / "media" / video_id).mkdir()
    (folder / "media" / video_id / "original").write_bytes(b"one")
    with catalogue.write() as connection:
        row = {
            "video_id": video_id,
            "ordinal": next_count(connection, "ordinal"),
            "name": "old.mp4",
            "bytes": 3,
            "info": json.dumps(vars(fake_info())),
            "added": "2024-01-01T00:00:00.000+00:00",
            "frames": 0,
            "tags": "[]",
        }
        put_row(connection, tables.videos, row)
    catalogue.close()
