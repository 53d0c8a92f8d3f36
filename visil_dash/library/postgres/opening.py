"""Opening and making a library's catalogue in a PostgreSQL database."""

import secrets
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from visil_dash.errors import StoreMismatch
from visil_dash.library import tables
from visil_dash.library.blobs import StepHook
from visil_dash.library.catalogue import (
    CATALOGUE_NAME,
    check_all_rows,
    checked_rows,
    is_older,
    schema_version,
)
from visil_dash.library.migrations import run_scripts
from visil_dash.library.postgres.address import CatalogueAddress, catalogue_address
from visil_dash.library.postgres.catalogue import PostgresCatalogue, postgres_engine
from visil_dash.library.postgres.copying import copy_rows
from visil_dash.library.postgres.errors import postgres_errors
from visil_dash.library.postgres.lease import holder, shared
from visil_dash.library.postgres.marker import Marker, read_marker, write_marker
from visil_dash.library.remote.record import STORE_SETTING
from visil_dash.settings import Settings


@dataclass(frozen=True)
class Cluster:
    """The database of a library's catalogue; without a marker the catalogue is still to be made."""

    address: CatalogueAddress
    marker: Marker | None


def cluster_of(folder: Path, settings: Settings) -> Cluster | None:
    """None for a library whose catalogue is a file, as all are whose file is there and which no
    marker has given to a database. Raises StoreMismatch, StoreDamaged and InputError."""
    marker = read_marker(folder)
    if marker is None and (folder / CATALOGUE_NAME).is_file():
        return None
    address = catalogue_address(settings)
    if address is not None:
        return Cluster(address, marker)
    if marker is None:
        return None
    raise StoreMismatch(
        f"{folder}: its catalogue is in a PostgreSQL database ({marker.database}). Set"
        " VISIL_DASH_CATALOGUE to that database's address."
    )


def open_to_read(folder: Path, cluster: Cluster) -> PostgresCatalogue | None:
    """None where no catalogue was made yet. Raises as open_catalogue does, and StoreAway."""
    if cluster.marker is None:
        return None
    catalogue = PostgresCatalogue(cluster.address, cluster.marker)
    try:
        version = _version(catalogue, folder, cluster.address, cluster.marker)
        is_older(folder, version, read_only=True)
        check_all_rows(catalogue)
    except BaseException:
        catalogue.close()
        raise
    return catalogue


def open_as_writer(folder: Path, cluster: Cluster, *, step: StepHook) -> PostgresCatalogue:
    """Makes and migrates the catalogue where need be. Raises StoreReadOnly where another process is
    its writer, StoreMismatch for one of another folder or a newer program, StoreAway, and
    StoreDamaged for an altered row."""
    marker = cluster.marker or make_schema(cluster.address)
    catalogue = PostgresCatalogue(cluster.address, marker)
    try:
        version = _version(catalogue, folder, cluster.address, marker)
        _refuse_copy(catalogue, folder, marker)
        catalogue.take_lease(folder)
        if is_older(folder, version, read_only=False):
            with catalogue.write() as connection:
                if version:
                    _keep_tables(connection, marker, version)
                run_scripts(connection)
                step("migrate:before-commit")
            step("migrate:committed")
        check_all_rows(catalogue)
        if cluster.marker is None:
            write_marker(folder, marker)
    except BaseException:
        catalogue.close()
        raise
    return catalogue


def make_schema(address: CatalogueAddress, *, copy_of: Connection | None = None) -> Marker:
    """A schema of what several processes share, at which nothing points yet. Without a catalogue's
    tables, or with those of `copy_of` and its rows; wholly or not at all."""
    marker = Marker(secrets.token_hex(8), str(address))
    engine = postgres_engine(address, marker.schema)
    try:
        with postgres_errors(address), engine.begin() as connection:
            connection.execute(sa.schema.CreateSchema(marker.schema))
            shared.create(connection)
            fresh = {
                "library": marker.library,
                "commits": 0,
                "epoch": 0,
                "holder": "",
                "folder": "",
            }
            connection.execute(shared.insert().values(fresh))
            if copy_of is not None:
                run_scripts(connection)
                copy_rows(copy_of, connection)
    finally:
        engine.dispose()
    return marker


def _version(
    catalogue: PostgresCatalogue, folder: Path, address: CatalogueAddress, marker: Marker
) -> int:
    """The schema's version, once it is known to be this library's."""
    with catalogue.read() as connection:
        if not sa.inspect(connection).has_table(shared.name):
            raise StoreMismatch(
                f"{folder}: {address} holds no catalogue of this library (schema {marker.schema};"
                f" it was made in {marker.database}). Correct VISIL_DASH_CATALOGUE; where the"
                " database is lost, restore it from a dump, or move catalogue.json away to have a"
                " new catalogue made from the library's files."
            )
        owner = connection.execute(sa.select(shared.c.library)).scalar_one_or_none()
        if owner != marker.library:
            raise StoreMismatch(
                f"{folder}: the catalogue in {address}, schema {marker.schema}, belongs to another"
                f" library folder ({owner}). Restore the schema from a dump of this library's."
            )
        return schema_version(connection)


def _refuse_copy(catalogue: PostgresCatalogue, folder: Path, marker: Marker) -> None:
    """Two folders of one catalogue would each lack the other's files, unless they are caches of a
    store; one that was moved, or is mounted elsewhere on another machine, is the same folder."""
    with catalogue.read() as connection:
        last = Path(connection.execute(sa.select(shared.c.folder)).scalar_one() or folder)
        who = holder(connection)
    try:
        copied = not last.samefile(folder) and read_marker(last) == marker
    except OSError:  # gone, or of another machine
        return
    if copied and not _has_store(catalogue):
        raise StoreMismatch(
            f"{folder}: its catalogue belongs to another library folder, of which this is a copy"
            f" ({who}). Open that one; or move catalogue.json of the copy away to have a"
            " catalogue of its own made from its files."
        )


def _has_store(catalogue: PostgresCatalogue) -> bool:
    key = tables.settings.c.key == STORE_SETTING
    with catalogue.read() as connection:
        return bool(checked_rows(connection, tables.settings, key))


def _keep_tables(connection: Connection, marker: Marker, version: int) -> None:
    """Copies the tables of an older schema aside, within the database."""
    aside = f"{marker.schema}_schema{version}"
    connection.execute(sa.schema.DropSchema(aside, cascade=True, if_exists=True))
    connection.execute(sa.schema.CreateSchema(aside))
    for name in sa.inspect(connection).get_table_names(schema=marker.schema):
        connection.exec_driver_sql(
            f'CREATE TABLE "{aside}"."{name}" AS TABLE "{marker.schema}"."{name}"'
        )
