"""The library: media, feature blobs and their catalogue in one folder, with one writer.

    catalogue.db                              what there is (and the jobs)
    writer.lock                               held by the one writer
    media/<video_id>/original                 the bytes that were added, and pictures made of them
    features/<extractor>/<video_id>.safetensors
    reductions/<extractor>/<reduction_id>.safetensors
    index/<extractor>/<reduction_id>/         derived, may be deleted
    incoming/<random>/original                uploads and copies on their way in
    quarantine/                               damaged files, kept for inspection

A video is `indexed` when its blob is flushed, its row committed and it is in the frame space;
put_video and put_features return only after flush and commit.
"""

import json
import os
import re
import secrets
import shutil
import unicodedata
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy.engine import Connection

from visil_dash.errors import (
    InputError,
    NotFound,
    StoreDamaged,
    StoreError,
    StoreMismatch,
    StoreReadOnly,
)
from visil_dash.library import catalogue as tables
from visil_dash.library.blobs import (
    FeatureManifest,
    Step,
    copy_hashed,
    decode_features,
    encode_features,
    fsync_file,
    fsync_folder,
    no_step,
    safe_id,
    sha256_file,
    write_atomic,
)
from visil_dash.library.catalogue import (
    CATALOGUE_NAME,
    Catalogue,
    checked_rows,
    current_count,
    next_count,
    now,
    open_catalogue,
    put_feature_row,
    put_row,
    set_aside,
)
from visil_dash.library.lock import WriterLock
from visil_dash.library.recovery import open_or_recover
from visil_dash.records import MediaInfo, Verdict, VideoFeatures, VideoRecord
from visil_dash.settings import Settings

ASSETS = ("poster.jpg", "strip.jpg", "preview.mp4")
MIN_PREFIX = 6  # characters of a video id that a person must type


@dataclass(frozen=True)
class FeatureRow:
    """What the catalogue promises about one feature blob."""

    video_id: str
    ordinal: int
    frames: int
    regions: int
    dim: int
    sha256: str
    weights_sha256: str


@dataclass(frozen=True)
class Finding:
    """One thing that `verify` found wrong: the artefact, what is wrong, what helps."""

    artefact: str
    problem: str
    remedy: str


class Library:
    """Made by open_library; a context manager. Reading is safe from any thread."""

    def __init__(
        self,
        folder: Path,
        *,
        catalogue: Catalogue,
        lock: WriterLock | None,
        settings: Settings,
        notices: list[str],
        step: Step,
    ) -> None:
        self.folder = folder
        self.settings = settings
        self.catalogue = catalogue
        self.step = step
        self._lock = lock
        self._notices = notices
        self._closers: list[Callable[[], None]] = []

    @property
    def read_only(self) -> bool:
        return self._lock is None

    @property
    def notice(self) -> str:
        """What the user must know about this folder; empty when all is well."""
        return " ".join(self._notices)

    def add_notice(self, text: str) -> None:
        if text not in self._notices:
            self._notices.append(text)

    # -- reading ---------------------------------------------------------------------------

    def videos(self) -> tuple[VideoRecord, ...]:
        """All videos, in the order of their arrival."""
        with self.catalogue.read() as connection:
            rows = checked_rows(connection, tables.videos)
            others = checked_rows(connection, tables.names)
        by_video: dict[str, list[str]] = {}
        for other in sorted(others, key=lambda row: (row["added"], row["name"])):
            by_video.setdefault(other["video_id"], []).append(other["name"])
        rows.sort(key=lambda row: row["ordinal"])
        return tuple(_record(row, by_video.get(row["video_id"], [])) for row in rows)

    def video(self, key: str) -> VideoRecord:
        """The video with this id, unique id prefix (6 or more characters) or exact file name.

        Raises NotFound; InputError where several videos fit.
        """
        found = [v for v in self.videos() if v.video_id == key]
        found = found or [v for v in self.videos() if key == v.name or key in v.other_names]
        if not found and len(key) >= MIN_PREFIX:
            found = [v for v in self.videos() if v.video_id.startswith(key.lower())]
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
        """The bytes that were added. Raises NotFound, StoreDamaged when the file is gone."""
        path = self._media_folder(video_id) / "original"
        if not self.has_video(video_id):
            raise NotFound(f"{video_id}: no such video in {self.folder}.")
        if not path.is_file():
            raise StoreDamaged(
                f"{path}: the media file is gone. Remove the video and add it again."
            )
        return path

    def asset(self, video_id: str, name: str) -> Path:
        """Where a picture or preview of the video lies or may be written."""
        if name not in ASSETS:
            raise ValueError(f"asset: expected one of {ASSETS}, got {name!r}")
        if not self.has_video(video_id):
            raise NotFound(f"{video_id}: no such video in {self.folder}.")
        return self._media_folder(video_id) / name

    def features(self, video_id: str, *, extractor: str) -> VideoFeatures:
        """Stored features, regions as float32 `[T, R, D]` (from half precision).

        Raises NotFound; StoreDamaged when the bytes differ from those that were committed.
        """
        with self.catalogue.read() as connection:
            rows = _feature_rows(connection, extractor, video_id)
        if not rows:
            raise NotFound(f"{video_id[:12]}: no features of {extractor}. Add the video again.")
        row, path = rows[0], self._blob(extractor, video_id)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise StoreDamaged(
                f"{path}: the feature file cannot be read ({error.strerror}). "
                "Add the video again to remake it."
            ) from error
        if tables.sha256_hex(data) != row.sha256:
            raise StoreDamaged(
                f"{path}: the feature file was altered. Add the video again to remake it."
            )
        features, _, _ = decode_features(data, name=str(path))
        if (features.video_id, features.extractor) != (video_id, extractor):
            raise StoreMismatch(
                f"{path}: holds {features.video_id[:12]} of {features.extractor}. "
                "Add the video again to remake it."
            )
        return features

    def has_features(self, video_id: str, *, extractor: str) -> bool:
        with self.catalogue.read() as connection:
            return bool(_feature_rows(connection, extractor, video_id))

    def feature_rows(self, extractor: str) -> tuple[FeatureRow, ...]:
        """What is committed for this extractor, by ordinal."""
        with self.catalogue.read() as connection:
            return tuple(_feature_rows(connection, extractor))

    def features_ids(self, extractor: str) -> tuple[str, ...]:
        """Ids of the videos that have features of this extractor, by ordinal."""
        return tuple(row.video_id for row in self.feature_rows(extractor))

    def setting(self, key: str) -> Any:
        """The JSON value stored under `key`, None when there is none."""
        with self.catalogue.read() as connection:
            rows = checked_rows(connection, tables.settings, tables.settings.c.key == key)
        return json.loads(rows[0]["value"]) if rows else None

    def revision(self) -> int:
        """Grows with each change of videos or features: a cheap test for viewers."""
        with self.catalogue.read() as connection:
            return current_count(connection, "revision")

    def free_bytes(self) -> int:
        return shutil.disk_usage(self.folder).free

    def verify(self) -> tuple[Finding, ...]:
        """Reads every media file and blob against its row; reports what no row knows."""
        findings = []
        again = "Remove the video and add it again."
        known = {CATALOGUE_NAME}
        with self.catalogue.read() as connection:
            extractors = sorted({r["extractor"] for r in checked_rows(connection, tables.features)})
        for video in self.videos():
            path = self._media_folder(video.video_id) / "original"
            known.add(str(path.parent))
            if not path.is_file():
                findings.append(Finding(str(path), "the media file is gone", again))
            elif sha256_file(path) != (video.video_id, video.bytes):
                findings.append(Finding(str(path), "the media file was altered", again))
        for extractor in extractors:
            for row in self.feature_rows(extractor):
                known.add(str(self._blob(extractor, row.video_id)))
                try:
                    self.features(row.video_id, extractor=extractor)
                except StoreError as error:
                    findings.append(
                        Finding(str(self._blob(extractor, row.video_id)), str(error), again)
                    )
        for path in sorted(
            [*self.folder.glob("media/*"), *self.folder.glob("features/*/*.safetensors")]
        ):
            if str(path) not in known:
                findings.append(
                    Finding(str(path), "no row knows it", "Add the video again or delete it.")
                )
        return tuple(findings)

    # -- writing ---------------------------------------------------------------------------

    def stage(self, name: str = "upload") -> Path:
        """A server-made path, alone in its folder, to write the file shown as `name` into.

        Raises StoreReadOnly, and StoreError when too little disk is free.
        """
        self.require_writer()
        self.check_disk(name)
        folder = self.folder / "incoming" / secrets.token_hex(12)
        folder.mkdir(parents=True)
        return folder / "original"

    def check_disk(self, name: str, *, need: int = 0) -> None:
        """Raises StoreError when `need` bytes would leave less free disk than the limit."""
        free, floor = self.free_bytes(), self.settings.min_free_bytes
        if free - need < floor:
            raise StoreError(
                f"{name}: not taken, because only {free / 2**20:.0f} MiB of disk are free and "
                f"{floor / 2**20:.0f} MiB must stay free. Free some space; searching goes on."
            )

    def put_video(
        self, staged: Path, *, name: str, info: MediaInfo, video_id: str | None = None
    ) -> VideoRecord:
        """Moves the staged file into the library; the same bytes again only add a name.

        `video_id`: the file's sha256 where the caller has just computed it. The file is flushed
        and the row committed on return.
        """
        self.require_writer()
        name = clean_name(name)
        video_id = video_id or sha256_file(staged)[0]
        if self.has_video(video_id):
            record = self._put_name(video_id, name)
            self.discard_staged(staged)
            return record
        folder = self._media_folder(video_id)
        folder.mkdir(parents=True, exist_ok=True)
        if staged != folder / "original":
            fsync_file(staged)
            self.step("media:flushed")
            try:
                os.replace(staged, folder / "original")
            except OSError:  # another file system
                copy_hashed(staged, folder / "moving", max_bytes=2**63)
                os.replace(folder / "moving", folder / "original")
            self.step("media:renamed")
        fsync_folder(folder)
        fsync_folder(folder.parent)
        self.step("media:folder-flushed")
        with self.catalogue.write() as connection:
            row = {
                "video_id": video_id,
                "ordinal": next_count(connection, "ordinal", at_least=_highest(connection) + 1),
                "name": name,
                "bytes": (folder / "original").stat().st_size,
                "info": json.dumps(asdict(info), sort_keys=True),
                "added": now(),
                "frames": 0,
                "tags": "[]",
            }
            put_row(connection, tables.videos, row)
            connection.execute(
                tables.removals.delete().where(tables.removals.c.video_id == video_id)
            )
            next_count(connection, "revision")
            self.step("media:before-commit")
        self.step("media:committed")
        self.discard_staged(staged)
        return _record(row, [])

    def put_features(self, features: VideoFeatures, manifest: FeatureManifest) -> None:
        """Stores features; a whole blob of the same video and extractor stays as it is.

        Blob and folder are flushed and the row is committed on return. Raises NotFound for an
        unknown video, StoreMismatch where other weights or shapes made this extractor's features.
        """
        self.require_writer()
        extractor, video_id = manifest.extractor, features.video_id
        record = self.video(video_id)
        peers = self.feature_rows(extractor)
        expected = (manifest.weights_sha256, manifest.regions, manifest.dim)
        for peer in peers[:1]:
            if (peer.weights_sha256, peer.regions, peer.dim) != expected:
                raise StoreMismatch(
                    f"{extractor}: the library holds its features with weights "
                    f"{peer.weights_sha256[:8]} as {peer.regions}×{peer.dim}, these are "
                    f"{expected[0][:8]} as {expected[1]}×{expected[2]}. Use another extractor id."
                )
        if any(peer.video_id == video_id for peer in peers):
            try:
                self.features(video_id, extractor=extractor)
                return
            except (StoreDamaged, StoreMismatch) as error:
                self.quarantine_features(video_id, extractor=extractor, reason=str(error))
        origin: dict[str, object] = {
            "name": record.name,
            "bytes": record.bytes,
            "info": asdict(record.info),
            "added": record.added,
            "ordinal": record.ordinal,
        }
        data = encode_features(features, manifest, origin=origin)
        path = self._blob(extractor, video_id)
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True)
            fsync_folder(path.parent.parent)
        write_atomic(path, data, step=self.step, kind="blob")
        with self.catalogue.write() as connection:
            put_feature_row(
                connection,
                manifest,
                video_id=video_id,
                frames=len(features),
                sha256=tables.sha256_hex(data),
                size=len(data),
            )
            self.step("row:before-commit")
        self.step("row:committed")

    def quarantine_features(self, video_id: str, *, extractor: str, reason: str) -> None:
        """Takes a damaged blob out of use: its row goes, its file is kept in quarantine/."""
        self.require_writer()
        with self.catalogue.write() as connection:
            connection.execute(
                tables.features.delete().where(
                    tables.features.c.video_id == video_id,
                    tables.features.c.extractor == extractor,
                )
            )
            next_count(connection, "revision")
        path = self._blob(extractor, video_id)
        if path.exists():
            set_aside(path, self.folder / "quarantine")
        self.add_notice(f"Features set aside: {reason}")

    def remove(self, video_id: str) -> None:
        """Forgets the video, then deletes its files; a crash in between ends at the next open."""
        self.require_writer()
        with self.catalogue.write() as connection:
            if not checked_rows(connection, tables.videos, tables.videos.c.video_id == video_id):
                raise NotFound(f"{video_id}: no such video in {self.folder}.")
            connection.execute(tables.removals.insert().values(video_id=video_id))
            for table in (tables.videos, tables.names, tables.features):
                connection.execute(table.delete().where(table.c.video_id == video_id))
            next_count(connection, "revision")
            self.step("delete:before-commit")
        self.step("delete:committed")
        self._finish_removal(video_id)

    def rename(self, video_id: str, name: str) -> VideoRecord:
        return self._change(video_id, {"name": clean_name(name)})

    def set_tags(self, video_id: str, tags: tuple[str, ...]) -> VideoRecord:
        return self._change(video_id, {"tags": json.dumps([clean_name(tag) for tag in tags])})

    def set_setting(self, key: str, value: Any) -> None:
        """Stores any JSON value under `key`."""
        self.require_writer()
        row = {"key": key, "value": json.dumps(value, sort_keys=True), "updated": now()}
        with self.catalogue.write() as connection:
            put_row(connection, tables.settings, row)

    def discard_staged(self, staged: Path) -> None:
        """Deletes a path made by `stage` with its folder; other paths are left alone."""
        if staged.parent.parent == self.folder / "incoming":
            shutil.rmtree(staged.parent, ignore_errors=True)

    def on_close(self, closer: Callable[[], None]) -> None:
        """Runs `closer` before the catalogue closes, the last registered first."""
        self._closers.append(closer)

    def close(self) -> None:
        while self._closers:
            self._closers.pop()()
        self.catalogue.close()
        if self._lock is not None:
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # -- inside ----------------------------------------------------------------------------

    def require_writer(self) -> None:
        """Raises StoreReadOnly for a viewer."""
        if self.read_only:
            raise StoreReadOnly(
                f"{self.folder}: opened read-only, because another visil_dash is its writer. "
                "Make changes there, or close it and open this one again."
            )

    def _media_folder(self, video_id: str) -> Path:
        return self.folder / "media" / safe_id(video_id)

    def _blob(self, extractor: str, video_id: str) -> Path:
        return self.folder / "features" / safe_id(extractor) / f"{safe_id(video_id)}.safetensors"

    def _change(self, video_id: str, change: dict[str, Any]) -> VideoRecord:
        self.require_writer()
        with self.catalogue.write() as connection:
            rows = checked_rows(connection, tables.videos, tables.videos.c.video_id == video_id)
            if not rows:
                raise NotFound(f"{video_id}: no such video in {self.folder}.")
            put_row(connection, tables.videos, rows[0] | change)
            next_count(connection, "revision")
        return self.video(video_id)

    def _put_name(self, video_id: str, name: str) -> VideoRecord:
        record = self.video(video_id)
        if name != record.name and name not in record.other_names:
            with self.catalogue.write() as connection:
                put_row(
                    connection, tables.names, {"video_id": video_id, "name": name, "added": now()}
                )
                next_count(connection, "revision")
        return self.video(video_id)

    def _finish_removal(self, video_id: str) -> None:
        for path in self.folder.glob(f"features/*/{safe_id(video_id)}.safetensors"):
            path.unlink()
            self.step("delete:blob")
        shutil.rmtree(self._media_folder(video_id), ignore_errors=True)
        self.step("delete:media")
        with self.catalogue.write() as connection:
            connection.execute(
                tables.removals.delete().where(tables.removals.c.video_id == video_id)
            )
        self.step("delete:done")

    def sweep(self) -> None:
        """Ends what a crash left: half removals, temporary files, staged files of no job."""
        self.require_writer()
        with self.catalogue.read() as connection:
            half_removed = connection.execute(tables.removals.select()).scalars().all()
            jobs = connection.execute(tables.jobs.select()).mappings().all()
        for video_id in half_removed:
            self._finish_removal(video_id)
        for pattern in ("features/*/.*.tmp", "reductions/*/.*.tmp"):
            for temp in self.folder.glob(pattern):
                temp.unlink()
                self.step("sweep:temp")
        wanted = {Path(job["staged"]).parent.name for job in jobs if job["staged"]}
        for folder in self.folder.glob("incoming/*"):
            if folder.name not in wanted:
                shutil.rmtree(folder, ignore_errors=True)
                self.step("sweep:incoming")


def open_library(
    folder: Path, *, settings: Settings, read_only: bool | None = None, step: Step = no_step
) -> Library:
    """Opens the library in `folder`, made first if the folder is absent or empty.

    `read_only` None: writer when no other process is, else a viewer with a notice; False: writer
    or StoreReadOnly; True: viewer. A damaged catalogue is set aside and remade from the blobs.

    Raises StoreError for a folder that is not a library, StoreMismatch for a newer store,
    StoreDamaged for a damaged catalogue when read-only.
    """
    folder = folder.absolute()
    notices: list[str] = []
    lock: WriterLock | None = None
    if read_only is not True:
        _make_folder(folder)
        lock = WriterLock(folder / "writer.lock")
        if not lock.acquire():
            if read_only is False:
                raise StoreReadOnly(
                    f"{folder}: another visil_dash ({lock.holder()}) is its writer."
                )
            notices.append(
                f"Read-only: another visil_dash ({lock.holder()}) is the writer of this library."
            )
            lock = None
    try:
        if lock is None:
            if not (folder / CATALOGUE_NAME).is_file():
                raise NotFound(f"{folder}: no library here. Add a video to make one.")
            catalogue = open_catalogue(folder, read_only=True)
        else:
            catalogue = open_or_recover(folder, notices=notices, step=step)
        library = Library(
            folder, catalogue=catalogue, lock=lock, settings=settings, notices=notices, step=step
        )
        if lock is not None:
            library.sweep()
    except BaseException:
        if lock is not None:
            lock.release()
        raise
    return library


def clean_name(name: str) -> str:
    """A file name fit to be shown: no folders, control or bidirectional characters, ≤ 200 long."""
    last = re.split(r"[/\\]", name)[-1]
    kept = "".join(
        c for c in last if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
    )
    return kept.strip()[:200] or "unnamed"


def info_from_json(text: str) -> MediaInfo:
    fields = json.loads(text)
    return MediaInfo(**(fields | {"verdict": Verdict(fields["verdict"])}))


def _record(row: dict[str, Any], others: list[str]) -> VideoRecord:
    return VideoRecord(
        video_id=row["video_id"],
        ordinal=row["ordinal"],
        name=row["name"],
        other_names=tuple(name for name in others if name != row["name"]),
        bytes=row["bytes"],
        info=info_from_json(row["info"]),
        added=row["added"],
        frames=row["frames"],
        tags=tuple(json.loads(row["tags"])),
    )


def _feature_rows(
    connection: Connection, extractor: str, video_id: str | None = None
) -> list[FeatureRow]:
    where = [tables.features.c.extractor == extractor]
    if video_id is not None:
        where.append(tables.features.c.video_id == video_id)
    rows = checked_rows(connection, tables.features, *where)
    ordinals = {
        found.video_id: found.ordinal
        for found in connection.execute(
            tables.videos.select().with_only_columns(
                tables.videos.c.video_id, tables.videos.c.ordinal
            )
        )
    }
    made = [
        FeatureRow(
            row["video_id"],
            ordinals[row["video_id"]],
            row["frames"],
            row["regions"],
            row["dim"],
            row["sha256"],
            row["weights_sha256"],
        )
        for row in rows
        if row["video_id"] in ordinals
    ]
    return sorted(made, key=lambda row: row.ordinal)


def _highest(connection: Connection) -> int:
    return max((row["ordinal"] for row in checked_rows(connection, tables.videos)), default=0)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        inside = {path.name for path in folder.iterdir()}
    except OSError as error:
        raise StoreError(f"{folder}: cannot be used as a library ({error.strerror}).") from error
    ours = {CATALOGUE_NAME, "writer.lock"}
    if inside and not inside & ours:
        raise StoreError(f"{folder}: is not empty and not a library. Name a new or empty folder.")
