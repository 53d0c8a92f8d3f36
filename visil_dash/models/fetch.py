"""One file over http(s), with a size limit, a watch on its pace, and errors that say what to do.

Not by pooch: its http downloader knows no limit of size and no least pace. It takes a downloader of
one's own, which would be this module.
"""

import hashlib
import time
import urllib.error
import urllib.request
from http.client import HTTPException, HTTPResponse
from typing import IO

from visil_dash import __version__
from visil_dash.errors import ModelError
from visil_dash.progress import UNWATCHED, Watch

TIMEOUT = 30.0  # seconds without an answer or, in the long run, without progress
_MIN_RATE = 2048  # bytes a second: slower servers would take a night for the largest file
_CHUNK = 1024 * 1024


def fetch(
    url: str,
    stream: IO[bytes],
    *,
    limit: int,
    size: int | None = None,
    timeout: float = TIMEOUT,
    remedy: str = "",
    watch: Watch = UNWATCHED,
) -> tuple[str, int]:
    """Write what `url` serves to `stream`; returns its sha256 and its size.

    `limit`: most bytes taken. `size`: what it must have, when known. `timeout`: seconds that the
    server may be silent, or slower than 2 kB/s. `remedy`: ends each message.

    Raises ModelError and Cancelled.
    """
    request = urllib.request.Request(
        url, headers={"User-Agent": f"visil_dash/{__version__}", "Accept-Encoding": "identity"}
    )
    try:
        with _opener().open(request, timeout=timeout) as response:
            total = int(response.headers.get("Content-Length") or 0)
            if total > limit or (size and total and total != size):
                raise _failed(
                    url, f"offers {total:,} bytes, expected {_bound(size, limit)}", remedy
                )
            return _receive(
                response,
                stream,
                url=url,
                limit=limit,
                total=total or size or 0,
                timeout=timeout,
                remedy=remedy,
                watch=watch,
            )
    except urllib.error.HTTPError as error:
        with error:
            raise _failed(url, f"answered {error.code} {error.reason}", remedy) from error
    except urllib.error.URLError as error:
        if isinstance(error.reason, TimeoutError):
            raise _failed(url, f"did not answer within {timeout:g} s", remedy) from error
        raise _failed(
            url, f"cannot be reached; this machine may be offline ({error.reason})", remedy
        ) from error
    except TimeoutError as error:
        raise _failed(url, f"was silent for {timeout:g} s", remedy) from error
    except (HTTPException, ValueError) as error:
        kind = type(error).__name__
        raise _failed(url, f"broke off or answered no proper http ({kind})", remedy) from error
    except OSError as error:
        raise _failed(url, f"broke off ({error.strerror or error})", remedy) from error


def _receive(
    response: HTTPResponse,
    stream: IO[bytes],
    *,
    url: str,
    limit: int,
    total: int,
    timeout: float,
    remedy: str,
    watch: Watch,
) -> tuple[str, int]:
    name = url.rsplit("/", 1)[-1]
    digest, size = hashlib.sha256(), 0
    window_start, window_size = time.monotonic(), 0
    # read1 returns what is there; read would wait for a full chunk, however slowly it drips.
    while chunk := response.read1(_CHUNK):
        size += len(chunk)
        if size > limit:
            raise _failed(url, f"sends more than {limit:,} bytes", remedy)
        digest.update(chunk)
        stream.write(chunk)
        watch.count(f"Downloading {name}", size, total)
        now = time.monotonic()
        if now - window_start >= timeout:
            rate = (size - window_size) / (now - window_start)
            if rate < _MIN_RATE:
                raise _failed(url, f"sends only {rate:,.0f} bytes a second", remedy)
            window_start, window_size = now, size
    if total and size != total:
        raise _failed(url, f"ended after {size:,} of {total:,} bytes", remedy)
    return digest.hexdigest(), size


def _failed(url: str, what: str, remedy: str) -> ModelError:
    return ModelError(f"{url} {what}. {remedy}".rstrip())


def _bound(size: int | None, limit: int) -> str:
    return f"{size:,}" if size else f"at most {limit:,}"


def _opener() -> urllib.request.OpenerDirector:
    """http and https only (the default opener also takes file: and ftp:), proxies honoured."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener
