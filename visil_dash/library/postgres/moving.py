"""The rows of a catalogue from a file to a database, and from a database to a file."""

import os
import sqlite3
from pathlib import Path

from visil_dash.errors import DiskFull, InputError, NotFound, StoreError, StoreReadOnly
from visil_dash.library.blobs import fsync_file, fsync_folder, no_step
from visil_dash.library.catalogue import (
    CATALOGUE_NAME,
    Catalogue,
    catalogue_engine,
    check_all_rows,
    migrate,
    open_catalogue,
    quarantine,
)
from visil_dash.library.postgres.address import catalogue_address
from visil_dash.library.postgres.catalogue import PostgresCatalogue
from visil_dash.library.postgres.copying import copy_rows
from visil_dash.library.postgres.marker import MARKER_NAME, write_marker
from visil_dash.library.postgres.opening import (
    Cluster,
    cluster_of,
    make_schema,
    open_as_writer,
    open_to_read,
)
from visil_dash.library.sharing.lock import WriterLock, require_library, writer_lock
from visil_dash.settings import Settings

_SUFFIXES = ("", "-wal", "-shm")


def move_to_database(folder: Path, *, settings: Settings) -> str:
    """Moves the catalogue of a library from its file to the database of the settings; returns where
    it is now. The file stays, as catalogue.db.moved.

    Until the last step, which writes catalogue.json, the file is the catalogue. Raises NotFound,
    InputError, StoreReadOnly while another process writes the library, and as open_catalogue does.
    """
    folder = folder.absolute()
    require_library(folder)
    address = catalogue_address(settings)
    if address is None:
        raise InputError(
            "VISIL_DASH_CATALOGUE", "it is not set", "set it to the database's address"
        )
    if cluster_of(folder, settings) is not None:
        raise InputError(str(folder), "its catalogue is no file", "there is nothing to move")
    path, lock = folder / CATALOGUE_NAME, _held(folder)
    try:
        catalogue = open_catalogue(folder, read_only=False)
        try:
            with catalogue.write() as rows:  # nobody adds a job or a label meanwhile
                marker = make_schema(address, copy_of=rows)
                there = PostgresCatalogue(address, marker)
                try:
                    check_all_rows(there)
                finally:
                    there.close()
                write_marker(folder, marker)
        finally:
            catalogue.close()
        for suffix in _SUFFIXES:
            part = path.with_name(path.name + suffix)
            if part.exists():
                os.replace(part, path.with_name(f"{path.name}.moved{suffix}"))
        fsync_folder(folder)
    finally:
        lock.release()
    return there.kind


def move_to_file(folder: Path, *, settings: Settings) -> str:
    """Moves the catalogue of a library from its database to a file in its folder; returns where it
    was. The schema stays in the database, renamed to end in _moved.

    Until the last step, which deletes catalogue.json, the schema is the catalogue. Raises as
    move_to_database does.
    """
    folder = folder.absolute()
    require_library(folder)
    cluster = cluster_of(folder, settings)
    if cluster is None or cluster.marker is None:
        raise InputError(str(folder), "its catalogue is in no database", "there is nothing to move")
    path, lock = folder / CATALOGUE_NAME, _held(folder)
    try:
        catalogue = open_as_writer(folder, cluster, step=no_step)
        try:
            with catalogue.write() as connection:  # nobody adds a job or a label meanwhile
                export_catalogue(catalogue, part := path.with_name(f"{path.name}.part"))
                for suffix in _SUFFIXES:  # of a move to the database that was interrupted
                    old = path.with_name(path.name + suffix)
                    if old.exists():
                        quarantine(old, folder / "quarantine")
                os.replace(part, path)
                fsync_folder(folder)
                open_catalogue(folder, read_only=True).close()  # checks what was written
                (folder / MARKER_NAME).unlink()
                fsync_folder(folder)
                # Whoever has it open sees no schema of this name from now on.
                schema = cluster.marker.schema
                connection.exec_driver_sql(f'ALTER SCHEMA "{schema}" RENAME TO "{schema}_moved"')
        finally:
            catalogue.close()
    finally:
        lock.release()
    return catalogue.kind


def copy_catalogue(folder: Path, cluster: Cluster, target: Path) -> None:
    """Writes a library's catalogue of one moment into a new file, whatever is written meanwhile.

    Raises NotFound, DiskFull, and as open_to_read does."""
    catalogue = open_to_read(folder, cluster)
    if catalogue is None:
        raise NotFound(f"{folder}: its catalogue was not made yet. Add a video to make it.")
    try:
        export_catalogue(catalogue, target)
    finally:
        catalogue.close()


def export_catalogue(catalogue: Catalogue, target: Path) -> None:
    """Writes the rows of one moment into a new SQLite file, flushed; equal rows make equal bytes.

    Raises DiskFull and StoreError."""
    rows = target.with_name(f"{target.name}.rows")
    target.unlink(missing_ok=True)
    try:
        file = Catalogue(catalogue_engine(rows, read_only=False))
        try:
            migrate(file)
            with catalogue.read() as source, file.write() as sink:
                copy_rows(source, sink)
        finally:
            file.close()
        plain = sqlite3.connect(rows)
        try:
            plain.execute("VACUUM INTO ?", [str(target)])  # without what replaced rows leave
        finally:
            plain.close()
        fsync_file(target)
    except sqlite3.DatabaseError as error:
        target.unlink(missing_ok=True)
        if "full" in str(error):
            raise DiskFull(f"{target}: the disk is full. Free some space.") from error
        raise StoreError(f"{target}: the catalogue cannot be written ({error}).") from error
    finally:
        for suffix in _SUFFIXES:
            rows.with_name(rows.name + suffix).unlink(missing_ok=True)


def _held(folder: Path) -> WriterLock:
    lock, reason = writer_lock(folder)
    if lock is None:
        raise StoreReadOnly(f"{folder}: {reason}")
    return lock
