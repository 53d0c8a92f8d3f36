"""The log: one JSON object a line, rotated, without names, paths, texts of errors or clip contents.

Modules log with the standard library: a fixed text for the event, and `extra={"facts": …}` of
numbers, states and ids made of hashes. An error on a screen carries an id; the line of that id has
its kind and the places in the program where it passed.
"""

import json
import logging
import logging.handlers
import sys
import threading
from datetime import UTC, datetime
from typing import Any

from visil_dash.errors import VisilDashError, error_id, error_places
from visil_dash.settings import Settings

_LOGGER = logging.getLogger("visil_dash")
_FILE_BYTES, _FILES = 4 * 2**20, 5
_lock = threading.Lock()
_seen: set[str] = set()  # ids of expected errors, which a page shows again with every run


class _Lines(logging.Formatter):
    """A record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.msg,
            **getattr(record, "facts", {}),
        }
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:  # its text may hold names and paths
            line |= {"error_id": error_id(error), "error": type(error).__name__}
            line["places"] = error_places(error)
        return json.dumps(line, default=repr)


class _File(logging.handlers.RotatingFileHandler):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """A log that cannot be written, as on a full disk, must not end the work it is about."""
        print(f"visil_dash: the log cannot be written: {record.msg}", file=sys.stderr)


def start_log(settings: Settings, *, name: str) -> None:
    """Writes the events of this process to `settings.logs`/`name`.log from now on; once."""
    with _lock:
        if any(isinstance(handler, _File) for handler in _LOGGER.handlers):
            return
        try:
            settings.logs.mkdir(parents=True, exist_ok=True)
            file = _File(
                settings.logs / f"{name}.log", maxBytes=_FILE_BYTES, backupCount=_FILES, delay=True
            )
        except OSError as error:  # a read-only disk: the program works without a log
            print(f"visil_dash: no log is written ({error.strerror}).", file=sys.stderr)
            return
        file.setFormatter(_Lines())
        _LOGGER.addHandler(file)
        _LOGGER.setLevel(settings.log_level.upper())
        _LOGGER.propagate = False


def stop_log() -> None:
    """Closes the file; events go to the standard library's default again."""
    with _lock:
        for handler in [h for h in _LOGGER.handlers if isinstance(h, _File)]:
            _LOGGER.removeHandler(handler)
            handler.close()
        _LOGGER.propagate = True
        _seen.clear()


def log_error(error: BaseException, *, where: str) -> str:
    """Logs an error and returns its id, the same for the same error at the same place.

    An expected error, whose text is on the screen, is logged once; any other each time.
    """
    expected, known = isinstance(error, VisilDashError), error_id(error)
    with _lock:
        if expected and known in _seen:
            return known
        _seen.add(known)
    level = logging.WARNING if expected else logging.ERROR
    _LOGGER.log(level, "error", exc_info=error, extra={"facts": {"where": where}})
    return known
