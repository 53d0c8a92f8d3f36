"""From a URL to a file system of fsspec, with bounded waits. Loaded with the first use only."""

from typing import Any
from urllib.parse import urlsplit

from visil_dash.errors import InputError

_SETTING = "VISIL_DASH_STORE"
_BOTO_RETRIES = {"total_max_attempts": 1}  # objects.py has its own


def checked_url(url: str) -> str:
    """The URL of a store, fit to be shown. Raises InputError where it holds a key."""
    address = url.rstrip("/")
    if "@" in urlsplit(address).netloc:
        raise InputError(
            _SETTING,
            "it holds a name or a key",
            "name the place alone, as s3://BUCKET/PREFIX; keys belong into the variables of the"
            " store, as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        )
    return address


def connected(url: str, seconds: float) -> tuple[Any, str]:
    """The file system, and the path of `url` in it. Raises InputError where fsspec cannot open it.

    The endpoint and the keys of S3 come from the environment, as AWS's own programs take them.
    """
    import fsspec

    options: dict[str, Any] = {"use_listings_cache": False}
    if url.startswith(("s3:", "s3a:")):
        options["config_kwargs"] = {
            "connect_timeout": seconds,
            "read_timeout": seconds,
            "retries": _BOTO_RETRIES,
        }
    try:
        system, path = fsspec.core.url_to_fs(url, **options)
    except ImportError as error:
        remedy = "pip install -r requirements-cluster.txt, or the package that fsspec names"
        raise InputError(f"{_SETTING}={url}", f"a package is missing ({error})", remedy) from error
    except ValueError as error:
        remedy = "name a place as s3://BUCKET/PREFIX or file:///FOLDER"
        raise InputError(f"{_SETTING}={url}", f"fsspec cannot open it ({error})", remedy) from error
    if "s3" in protocols(system):
        system.retries = 1
    return system, str(path)


def protocols(system: Any) -> tuple[str, ...]:
    named = system.protocol
    return (named,) if isinstance(named, str) else tuple(named)
