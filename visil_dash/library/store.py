"""The library: media, feature blobs and their catalogue in one folder, with one writer.

    catalogue.db                              rows of videos, features, labels, settings, jobs
    writer.lock                               held by the one writer
    media/<video_id>/original                 the bytes that were added, and pictures made of them;
                                              of a file in place only the pictures
    features/<extractor>/<video_id>.safetensors
    reductions/<extractor>/<reduction_id>.safetensors
    index/<extractor>/<reduction_id>/         derived, may be deleted
    incoming/<random>/original                uploads and copies on their way in
    quarantine/                               damaged files, kept for inspection

A video is `indexed` when its blob is flushed, its row committed and it is in the frame space;
put_video and put_features return only after flush and commit.
"""

import json
import logging
import secrets
import shutil
from pathlib import Path
from typing import Any

from visil_dash.errors import (
    DiskFull,
    NotFound,
    StoreDamaged,
    StoreMismatch,
    StoreReadOnly,
)
from visil_dash.labels.label import Label
from visil_dash.library import tables
from visil_dash.library.blobs import (
    FeatureManifest,
    StepHook,
    encode_features,
    fsync_folder,
    move_whole,
    no_step,
    sha256_file,
    sha256_hex,
    write_atomic,
    writing,
)
from visil_dash.library.catalogue import (
    Catalogue,
    checked_rows,
    next_count,
    now,
    put_row,
    quarantine,
)
from visil_dash.library.cleanup import clean_up_after_crash, finish_removal, set_media_aside
from visil_dash.library.in_place.rows import FileInPlace, drop_in_place, put_in_place
from visil_dash.library.labels import COUNTER, delete_label, delete_labels_of, put_label
from visil_dash.library.names import delete_name, move_place, put_name, put_place
from visil_dash.library.paths import blob_file, media_file, media_folder, stored_path
from visil_dash.library.rates import rate_problem, set_aside_other_rates
from visil_dash.library.recovery import viewers_catalogue, writers_catalogue
from visil_dash.library.remote.keys import blob_key, media_key
from visil_dash.library.remote.notes import keys_of
from visil_dash.library.remote.opening import opened_remote
from visil_dash.library.remote.writing import confirm, count_cached, note_removed, sweep, upload
from visil_dash.library.rows import (
    clean_name,
    origin_of,
    put_feature_row,
    put_new_video,
    refuse_other_making,
    video_records,
)
from visil_dash.library.sharing.lock import WriterLock, writer_lock
from visil_dash.library.verification import media_problem
from visil_dash.library.viewer import Viewer
from visil_dash.records import MediaInfo, VideoFeatures, VideoRecord
from visil_dash.settings import Settings

_LOG = logging.getLogger(__name__)
_OF_A_VIDEO = (tables.videos, tables.names, tables.places, tables.in_place, tables.features)


class Library(Viewer):
    """Made by open_library; a context manager. Changes need the writer: else StoreReadOnly."""

    def stage(self, name: str = "upload") -> Path:
        """A server-made path, alone in its folder, to write the file shown as `name` into.

        Raises StoreReadOnly, and DiskFull when too little disk is free.
        """
        self.require_writer()
        self.check_disk(name)
        folder = self.folder / "incoming" / secrets.token_hex(12)
        folder.mkdir(parents=True)
        return folder / "original"

    def check_disk(self, name: str, *, need: int = 0) -> None:
        """Raises DiskFull when `need` bytes would leave less free disk than the limit."""
        free, floor = self.free_bytes(), self.settings.min_free_bytes
        if free - need < floor:
            raise DiskFull(
                f"{name}: not taken, because only {free / 2**20:.0f} MiB of disk are free and "
                f"{floor / 2**20:.0f} MiB must stay free. Free some space; searching goes on."
            )

    def put_video(
        self,
        staged: Path,
        *,
        name: str,
        info: MediaInfo,
        video_id: str | None = None,
        place: str = "",
    ) -> VideoRecord:
        """Moves the staged file into the library; the same bytes again only add name and place,
        and bring a media file back that is gone or was altered.

        `video_id`: the file's sha256 where the caller has just computed it. `place`: the path that
        the file was added from (see paths.stored_path). The file is flushed
        and the row committed on return.
        """
        self.require_writer()
        video_id = video_id or sha256_file(staged)[0]
        upload(self, media_key(video_id), staged)
        with self._files:
            return self._put_video(staged, clean_name(name), info, video_id, place)

    def _put_video(
        self, staged: Path, name: str, info: MediaInfo, video_id: str, place: str
    ) -> VideoRecord:
        original = media_file(self.folder, video_id)
        with writing(original):
            original.parent.mkdir(parents=True, exist_ok=True)
        if self.has_video(video_id):
            record = self.video(video_id)
            if staged != original and media_problem(original, video_id):
                set_media_aside(self.folder, video_id)
                move_whole(staged, original, step=self.step, kind="media")
            with self.catalogue.write() as connection:
                put_name(connection, record, name, place)
                confirm(self, connection, media_key(video_id))
            self.discard_staged(staged)
            return self.video(video_id)
        if staged != original:
            move_whole(staged, original, step=self.step, kind="media")
        with self.catalogue.write() as connection:
            put_new_video(connection, video_id, name, original.stat().st_size, info)
            put_place(connection, video_id, name, place)
            confirm(self, connection, media_key(video_id))
            self.step("media:before-commit")
        self.step("media:committed")
        self.discard_staged(staged)
        count_cached(self, original)
        return self.video(video_id)

    def put_in_place(self, file: FileInPlace, *, name: str, info: MediaInfo) -> VideoRecord:
        """A video whose bytes stay where they lie, outside the library, and are never changed.

        The caller has read them, or has a stamp that no file has. The same video again only adds
        name and place. Committed on return.
        """
        self.require_writer()
        name, video_id = clean_name(name), file.video_id
        with self._files:
            folder = media_folder(self.folder, video_id)  # for pictures of it
            with writing(folder):
                folder.mkdir(parents=True, exist_ok=True)
            known = self.has_video(video_id)
            with self.catalogue.write() as connection:
                if not known:
                    put_new_video(connection, video_id, name, file.stamp.bytes, info)
                [record] = video_records(connection, video_id=video_id)
                put_name(connection, record, name, stored_path(file.path))
                put_in_place(connection, file)
                self.step("media:before-commit")
            self.step("media:committed")
        return self.video(video_id)

    def note_in_place(self, file: FileInPlace, *, moved_from: Path | None = None) -> None:
        """Keeps what was seen at a place, or that the file lies at another one now."""
        self.require_writer()
        with self._files, self.catalogue.write() as connection:
            if moved_from is not None:
                drop_in_place(connection, file.video_id, moved_from)
                move_place(
                    connection,
                    self.video(file.video_id),
                    stored_path(moved_from),
                    stored_path(file.path),
                )
            put_in_place(connection, file)

    def put_features(self, features: VideoFeatures, manifest: FeatureManifest) -> None:
        """Stores features; a whole blob of the same video and extractor stays as it is.

        Blob and folder are flushed and the row is committed on return. Raises NotFound for an
        unknown video, StoreMismatch where other weights or shapes made this extractor's features,
        or another rate than its id names.
        """
        self.require_writer()
        extractor, video_id = manifest.extractor, features.video_id
        if problem := rate_problem(manifest):
            raise StoreMismatch(f"features of {video_id}: {problem}")
        record = self.video(video_id)
        with self.catalogue.read() as connection:
            refuse_other_making(connection, manifest)
        if self.has_features(video_id, extractor=extractor):
            try:
                self.features(video_id, extractor=extractor, anew=True)
                return
            except (StoreDamaged, StoreMismatch) as error:
                self.quarantine_features(video_id, extractor=extractor, reason=str(error))
        in_place = (stored_path(file.path) for file in self.in_place.all(video_id))
        data = encode_features(features, manifest, origin=origin_of(record, in_place))
        path, digest = blob_file(self.folder, extractor, video_id), sha256_hex(data)
        key = blob_key(extractor, video_id, digest)
        upload(self, key, data)
        with self._files:
            with writing(path):
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
                    sha256=digest,
                    size=len(data),
                )
                confirm(self, connection, key)
                self.step("row:before-commit")
        self.step("row:committed")
        count_cached(self, path)

    def quarantine_features(self, video_id: str, *, extractor: str, reason: str) -> None:
        """Takes a blob that must not be used out of use, with a notice of the reason."""
        self.take_out_features(video_id, extractor=extractor)
        _LOG.warning("features set aside", extra={"facts": {"video": video_id[:12]}})
        self.add_notice(f"Features set aside: {reason}")

    def take_out_features(self, video_id: str, *, extractor: str) -> None:
        """Deletes the row of a blob and moves its file to quarantine/."""
        self.require_writer()
        with self.catalogue.write() as connection:
            note_removed(self, connection, keys_of(connection, video_id, extractor=extractor))
            connection.execute(
                tables.features.delete().where(
                    tables.features.c.video_id == video_id,
                    tables.features.c.extractor == extractor,
                )
            )
            next_count(connection, "revision")
        path = blob_file(self.folder, extractor, video_id)
        if path.exists():
            quarantine(path, self.folder / "quarantine")
        sweep(self)

    def remove(self, video_id: str) -> None:
        """Deletes the video's rows, then its files; the next open completes it after a crash."""
        self.require_writer()
        with self._files:
            with self.catalogue.write() as connection:
                if not video_records(connection, video_id=video_id):
                    raise NotFound(f"{video_id}: no such video in {self.folder}.")
                connection.execute(tables.removals.insert().values(video_id=video_id))
                note_removed(self, connection, keys_of(connection, video_id))
                for table in _OF_A_VIDEO:
                    connection.execute(table.delete().where(table.c.video_id == video_id))
                delete_labels_of(connection, video_id)
                next_count(connection, "revision")
                self.step("delete:before-commit")
            self.step("delete:committed")
            finish_removal(self, video_id)

    def remove_name(self, video_id: str, name: str) -> VideoRecord:
        """Takes one of several names from a video, with the places it stands for; the rest stays.

        Raises NotFound, and ValueError for the only name.
        """
        self.require_writer()
        with self._files, self.catalogue.write() as connection:
            delete_name(connection, self.video(video_id), name)
        return self.video(video_id)

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

    def set_label(self, *labels: Label) -> None:
        """Stores labels, all or none; a pair's earlier label, in either order, is replaced.

        Raises StoreReadOnly, and NotFound for a video that is not in the library.
        """
        self.require_writer()
        with self.catalogue.write() as connection:
            for label in labels:
                put_label(connection, label)
            next_count(connection, COUNTER)

    def remove_label(self, query: str, reference: str) -> None:
        """Removes the pair's label, in whichever order the pair is given."""
        self.require_writer()
        with self.catalogue.write() as connection:
            delete_label(connection, query, reference)
            next_count(connection, COUNTER)

    def discard_staged(self, staged: Path) -> None:
        """Deletes a path made by `stage` with its folder; other paths are left alone."""
        if staged.parent.parent == self.folder / "incoming":
            shutil.rmtree(staged.parent, ignore_errors=True)

    def check_ready(self, name: str) -> None:
        """Before a job: raises DiskFull, and StoreAway where the library's store is away."""
        self.check_disk(name)
        if self.remote is not None:
            self.remote.ready()

    # -- inside ----------------------------------------------------------------------------

    def _change(self, video_id: str, change: dict[str, Any]) -> VideoRecord:
        self.require_writer()
        with self.catalogue.write() as connection:
            rows = checked_rows(connection, tables.videos, tables.videos.c.video_id == video_id)
            if not rows:
                raise NotFound(f"{video_id}: no such video in {self.folder}.")
            put_row(connection, tables.videos, rows[0] | change)
            next_count(connection, "revision")
        return self.video(video_id)


def open_library(
    folder: Path, *, settings: Settings, read_only: bool | None = None, step: StepHook = no_step
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
    held: WriterLock | None = None
    catalogue: Catalogue | None = None
    reason = "it was opened to be read. Close it and open it again to change it."
    if read_only is not True:
        lock, reason = writer_lock(folder)
    try:
        if lock is not None:
            catalogue, reason, elsewhere = writers_catalogue(
                folder, settings=settings, notices=notices, step=step, must=read_only is False
            )
            if elsewhere:  # written from another machine, whose locks are not seen here
                lock.release()
                lock = None
            elif catalogue is None:  # no room: what can be read is shown, changed by nobody
                held, lock = lock, None
        if catalogue is None:
            if read_only is False:
                raise StoreReadOnly(f"{folder}: {reason}")
            notices += [f"Read-only: {reason}"] if read_only is None else []
            catalogue = viewers_catalogue(folder, settings=settings)
        library = Library(
            folder,
            catalogue=catalogue,
            lock=lock,
            settings=settings,
            notices=notices,
            step=step,
            read_only_reason=reason,
        )
        if held is not None:
            library.on_close(held.release)
        library.remote = opened_remote(library)
        if lock is not None:
            clean_up_after_crash(library)
            set_aside_other_rates(library)
    except BaseException:
        for taken in filter(None, (lock, held)):
            taken.release()
        raise
    facts = {"read_only": lock is None, "notices": len(notices)}
    _LOG.log(logging.WARNING if notices else logging.INFO, "library opened", extra={"facts": facts})
    return library
