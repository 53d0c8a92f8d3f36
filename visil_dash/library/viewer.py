"""Reading a library; all of it is safe from any thread and for any number of processes."""

import json
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from visil_dash.errors import (
    InputError,
    NotFound,
    StoreAway,
    StoreDamaged,
    StoreMismatch,
    StoreReadOnly,
)
from visil_dash.labels.label import Label
from visil_dash.library import tables
from visil_dash.library.blobs import REMAKE, StepHook, decode_features, sha256_hex
from visil_dash.library.catalogue import Catalogue, checked_rows, current_count
from visil_dash.library.in_place.files import FilesInPlace
from visil_dash.library.labels import COUNTER, label_records
from visil_dash.library.paths import blob_file, media_file, media_folder
from visil_dash.library.rates import rate_problem
from visil_dash.library.remote.remote import Remote
from visil_dash.library.rereading import CheckedFiles, CurrentRows
from visil_dash.library.rows import FeatureRow, video_records
from visil_dash.library.sharing.lock import WriterLock
from visil_dash.library.verification import BRING_BACK, Finding, verified
from visil_dash.records import JobState, VideoFeatures, VideoRecord
from visil_dash.settings import Settings

ASSETS = ("poster.jpg", "strip.jpg", "preview.mp4")
_READINGS = 3  # of a cached file that is gone or altered, and is fetched again
_MIN_PREFIX = 6  # characters of a video id that a person must type


class Viewer:
    """The reading half of a Library."""

    def __init__(
        self,
        folder: Path,
        *,
        catalogue: Catalogue,
        lock: WriterLock | None,
        settings: Settings,
        notices: list[str],
        step: StepHook,
        read_only_reason: str,
    ) -> None:
        self.folder = folder
        self.settings = settings
        self.catalogue = catalogue
        self.step = step
        self._lock = lock
        self._files = threading.RLock()  # one change of rows and their files at a time
        self._notices = notices
        self._read_only_reason = read_only_reason
        self.in_place = FilesInPlace(catalogue)
        self.remote: Remote | None = None  # where the truth of media and features is, if not here
        self._rows = CurrentRows(catalogue)
        self._checked = CheckedFiles()
        self._closers: list[Callable[[], None]] = []

    @property
    def read_only(self) -> bool:
        return self._lock is None

    @property
    def notice(self) -> str:
        """What the user should know about this folder; empty when all is well."""
        return " ".join(self._notices)

    def add_notice(self, text: str) -> None:
        if text not in self._notices:
            self._notices.append(text)

    def videos(self) -> tuple[VideoRecord, ...]:
        """All videos, in the order of their arrival."""
        return self._rows.videos()

    def video(self, key: str) -> VideoRecord:
        """The video with this id, unique id prefix (6 or more characters) or exact file name.

        Raises NotFound; InputError where several videos fit.
        """
        with self.catalogue.read() as connection:
            exact = video_records(connection, video_id=key)
        if exact:
            return exact[0]
        every = self.videos()
        found = [v for v in every if key == v.name or key in v.other_names]
        if not found and len(key) >= _MIN_PREFIX:
            found = [v for v in every if v.video_id.startswith(key.lower())]
        if not found:
            raise NotFound(f"{key}: no such video in {self.folder}. List them with `list`.")
        if len(found) > 1:
            ids = ", ".join(v.video_id[:12] for v in found)
            raise InputError(key, f"{len(found)} videos fit: {ids}", "name one by its id")
        return found[0]

    def has_video(self, video_id: str) -> bool:
        with self.catalogue.read() as connection:
            return bool(
                checked_rows(connection, tables.videos, tables.videos.c.video_id == video_id)
            )

    def media_path(self, video_id: str) -> Path:
        """The bytes that were added, in the library, fetched into it, or where they lie.

        Raises NotFound; StoreDamaged when the file is gone, or lies elsewhere and was altered;
        StoreAway where its store does not answer.
        """
        path = media_file(self.folder, video_id)
        if not self.has_video(video_id):
            raise NotFound(f"{video_id}: no such video in {self.folder}.")
        if path.is_file():
            if self.remote is not None:
                self.remote.cache.used(path, handed_out=True)
            return path
        outside = self.in_place.path(video_id)
        if outside is not None:
            return outside
        if self.remote is not None:
            return self.remote.bring_media(path, video_id, self.video(video_id).bytes)
        if not self.has_video(video_id) or video_id in self.in_hand():
            raise NotFound(f"{video_id}: it was removed meanwhile.")
        raise StoreDamaged(str(path), "the media file is gone", BRING_BACK)

    def asset(self, video_id: str, name: str) -> Path:
        """Where a picture or preview of the video lies or may be written."""
        if name not in ASSETS:
            raise ValueError(f"asset: expected one of {ASSETS}, got {name!r}")
        if not self.has_video(video_id):
            raise NotFound(f"{video_id}: no such video in {self.folder}.")
        return media_folder(self.folder, video_id) / name

    def features(self, video_id: str, *, extractor: str, anew: bool = False) -> VideoFeatures:
        """Stored features, regions as float32 `[T, R, D]` (from half precision).

        A file is checked when it is first read, and again when it was changed; with `anew` always.

        Raises NotFound; StoreDamaged when the bytes differ from those that were committed;
        StoreMismatch when they were made at another rate than the extractor's id names; StoreAway
        where they are to be fetched and their store does not answer.
        """
        row = self._rows.feature(extractor, video_id)
        if row is None:
            raise NotFound(
                f"{self.video(video_id).name}: no features of {extractor} yet. Extract them on the"
                " Library page, or add the video again."
            )
        path = blob_file(self.folder, extractor, video_id)
        if self.remote is not None:
            self.remote.cache.used(path)
        if not anew:
            known = self._checked.read(extractor, video_id, row.sha256)
            if known is not None:
                return known
        data, seen = self._blob(path, extractor, row)
        features, manifest, _ = decode_features(data, name=str(path))
        if (features.video_id, features.extractor) != (video_id, extractor):
            raise StoreMismatch(
                f"{path}: holds {features.video_id[:12]} of {features.extractor}. {REMAKE}"
            )
        if problem := rate_problem(manifest):
            raise StoreMismatch(f"{self.video(video_id).name}: its features were {problem}")
        self._checked.keep(path, row.sha256, features, seen=seen)
        return features

    def _blob(self, path: Path, extractor: str, row: FeatureRow) -> tuple[bytes, os.stat_result]:
        """The committed bytes and the state of their file; of a cached file that is gone or was
        altered they are fetched again."""
        reading = 0
        while True:
            reading += 1
            try:
                seen = path.stat()
                data = path.read_bytes()
                if sha256_hex(data) == row.sha256:
                    return data, seen
                problem = "the feature file was altered"
            except OSError as error:
                problem = f"the feature file cannot be read ({error.strerror})"
            if self._rows.feature(extractor, row.video_id) != row:
                raise NotFound(f"{row.video_id}: its features were removed meanwhile.")
            if self.remote is None:
                raise StoreDamaged(str(path), problem, REMAKE)
            if reading == _READINGS:
                raise StoreAway(f"{path}: {problem} each time it is fetched from the store.")
            self.remote.bring_features(path, extractor, row.video_id, row.sha256)

    def has_features(self, video_id: str, *, extractor: str) -> bool:
        return self._rows.feature(extractor, video_id) is not None

    def feature_rows(self, extractor: str) -> tuple[FeatureRow, ...]:
        """The committed features of this extractor, by ordinal."""
        return tuple(self._rows.features(extractor).values())

    def extractors(self) -> tuple[str, ...]:
        """Ids of the extractors of which any video has features."""
        with self.catalogue.read() as connection:
            rows = checked_rows(connection, tables.features)
        return tuple(sorted({str(row["extractor"]) for row in rows}))

    def features_ids(self, extractor: str) -> tuple[str, ...]:
        """Ids of the videos that have features of this extractor, by ordinal."""
        return tuple(self._rows.features(extractor))

    def in_hand(self) -> frozenset[str]:
        """Ids of the videos that are being added or removed: of these some things are there, and
        others are not."""
        with self.catalogue.read() as connection:
            return _in_hand(connection)

    def lacking(self, extractor: str) -> tuple[VideoRecord, ...]:
        """Videos without features of this extractor, but for those that a job is adding."""
        of_it = sa.select(tables.features.c.video_id).where(
            tables.features.c.extractor == extractor
        )
        ids = tables.videos.c.video_id
        with self.catalogue.read() as connection:  # one state of both: it changes all the time
            without = set(connection.execute(sa.select(ids).where(ids.not_in(of_it))).scalars())
            without -= _in_hand(connection)
        return tuple(video for video in self.videos() if video.video_id in without)

    def setting(self, key: str) -> Any:
        """The JSON value stored under `key`, None when there is none."""
        with self.catalogue.read() as connection:
            rows = checked_rows(connection, tables.settings, tables.settings.c.key == key)
        return json.loads(rows[0]["value"]) if rows else None

    def revision(self) -> int:
        """Grows with each change of videos or features: a cheap test for viewers."""
        with self.catalogue.read() as connection:
            return current_count(connection, "revision")

    def labels(self) -> tuple[Label, ...]:
        """All labels, at most one for an unordered pair."""
        with self.catalogue.read() as connection:
            return label_records(connection)

    def labels_revision(self) -> int:
        """Grows with each change of a label."""
        with self.catalogue.read() as connection:
            return current_count(connection, COUNTER)

    def free_bytes(self) -> int:
        return shutil.disk_usage(self.folder).free

    def verify(self) -> tuple[Finding, ...]:
        """Checks every media file and blob against its row; reports files without a row."""
        return verified(self)

    def require_writer(self) -> None:
        """Raises StoreReadOnly for a viewer."""
        if self.read_only:
            raise StoreReadOnly(f"{self.folder}: read-only, because {self._read_only_reason}")

    def on_close(self, closer: Callable[[], None]) -> None:
        """Runs `closer` before the catalogue closes, the last registered first."""
        self._closers.append(closer)

    def forget_on_close(self, closer: Callable[[], None]) -> None:
        if closer in self._closers:
            self._closers.remove(closer)

    def close(self) -> None:
        while self._closers:
            self._closers.pop()()
        self.catalogue.close()
        if self._lock is not None:
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _in_hand(connection: Connection) -> frozenset[str]:
    jobs = connection.execute(tables.jobs.select()).mappings().all()
    leaving = connection.execute(tables.removals.select()).scalars().all()
    return frozenset(leaving).union(
        job["video_id"] for job in jobs if not JobState(job["state"]).ended
    )
