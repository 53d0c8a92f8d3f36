"""Where the catalogues of a cluster's libraries are: the setting, and what is shown of it."""

from dataclasses import dataclass

import sqlalchemy as sa

from visil_dash.errors import InputError
from visil_dash.settings import Settings

_VARIABLE = "VISIL_DASH_CATALOGUE"
_EXAMPLE = "set it as postgresql+psycopg://USER:PASSWORD@HOST/DATABASE, or unset it"
_DRIVERS = ("postgresql", "postgresql+psycopg")


@dataclass(frozen=True)
class CatalogueAddress:
    """An address of a PostgreSQL database. Its text has no password."""

    url: sa.URL

    def __str__(self) -> str:
        url = self.url
        host = url.host or url.query.get("host") or "this machine"
        port = f":{url.port}" if url.port else ""
        user = f"{url.username}@" if url.username else ""
        return f"{user}{host}{port}/{url.database or ''}"


def catalogue_address(settings: Settings) -> CatalogueAddress | None:
    """None where catalogues are files. Raises InputError, which never quotes the setting: it may
    hold a password."""
    text = settings.catalogue.get_secret_value()
    if not text:
        return None
    try:
        url = sa.make_url(text)
    except (sa.exc.ArgumentError, ValueError) as error:
        raise InputError(_VARIABLE, "it is not an address", _EXAMPLE) from error
    if url.drivername not in _DRIVERS:
        raise InputError(_VARIABLE, f"{url.drivername} is not supported", _EXAMPLE)
    if not url.database:
        raise InputError(_VARIABLE, "it names no database", _EXAMPLE)
    try:
        import psycopg  # noqa: F401 - SQLAlchemy would raise a ModuleNotFoundError later
    except ImportError as error:
        remedy = "pip install -r requirements-cluster.txt"
        raise InputError(_VARIABLE, "psycopg cannot be imported", remedy) from error
    return CatalogueAddress(url.set(drivername=_DRIVERS[1]))
