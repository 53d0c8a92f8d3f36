"""Errors of a PostgreSQL server as those of this package, each with its remedy."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from visil_dash.errors import DiskFull, StoreAway, StoreDamaged, StoreError, StoreMismatch
from visil_dash.library.postgres.address import CatalogueAddress

BUSY_SECONDS = 30  # that a change waits for another one
_AWAY = ("08", "57P")  # classes of SQLSTATE: connection exceptions, server going down or coming up
# Reasons of libpq and the server for which no SQLSTATE comes with a refused connection.
_REFUSED = ("authentication", "password", "role", "database", "pg_hba", "permission", "SSL")


@contextmanager
def postgres_errors(address: CatalogueAddress) -> Iterator[None]:
    """Turns the driver's errors into sentences that name the server, never its password."""
    try:
        yield
    except sa.exc.IntegrityError:
        raise
    except sa.exc.DBAPIError as error:
        raise _translated(error, address) from error
    except sa.exc.TimeoutError as error:
        raise StoreError(
            f"{address}: all connections of this process are in use. Try again."
        ) from (error)


def _translated(error: sa.exc.DBAPIError, address: CatalogueAddress) -> StoreError:
    state = getattr(error.orig, "sqlstate", None) or ""
    text = _line(error)
    if not state and any(word in text for word in _REFUSED):
        state = "28000"
    if error.connection_invalidated or not state or state.startswith(_AWAY):
        return StoreAway(
            f"{address}: the catalogue's server does not answer ({text}). What was confirmed is"
            " kept; start the server or mend the network, and try again."
        )
    if state.startswith(("28", "3D")):
        return StoreError(
            f"{address}: the catalogue's server does not let this program in ({text}). Correct"
            " user, password and database in VISIL_DASH_CATALOGUE."
        )
    if state == "42501":
        return StoreError(
            f"{address}: {text}. The user needs the right to make schemas and to change its own:"
            " GRANT CREATE ON DATABASE."
        )
    if state.startswith("53"):
        if state == "53100":
            return DiskFull(
                f"{address}: the disk of the catalogue's server is full: nothing was changed. Free"
                " some space there and try again."
            )
        return StoreError(f"{address}: the catalogue's server has no room ({text}). Try again.")
    if state in ("55P03", "57014", "40P01", "40001"):
        return StoreError(f"{address}: the catalogue was busy for {BUSY_SECONDS} s. Try again.")
    if state in ("3F000", "42P01", "42703"):
        return StoreMismatch(
            f"{address}: the schema is not one of this program ({text}). Restore it from a dump."
        )
    if state.startswith("XX"):
        return StoreDamaged(
            f"{address}: the server reports damage ({text}). Restore the database from a dump."
        )
    return StoreError(f"{address}: the catalogue's server refused ({text}).")


def _line(error: sa.exc.DBAPIError) -> str:
    """The last line that the server or its driver gave, which is the reason."""
    lines = [line.strip() for line in str(error.orig).splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith(("LINE ", "^", "HINT"))]
    return lines[0].rstrip(".")[:300] if lines else type(error.orig).__name__
