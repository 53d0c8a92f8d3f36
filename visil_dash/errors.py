"""Every exception that visil_dash raises on purpose.

VisilDashError
├── InputError            what the user gave cannot be used: its name, why, what to do
│   └── MediaRefused      a file that is not taken as a video (verdict `refused`)
├── NotFound              an id or a name that is not in the library
├── StoreError            the data folder cannot be read or written
│   ├── DiskFull          nothing was changed, for want of disk
│   ├── StoreAway         a server that the library needs does not answer
│   ├── StoreDamaged      a stored artefact differs from what its manifest or row promises
│   ├── StoreMismatch     made by another model, dimension, reduction or version
│   └── StoreReadOnly     another process holds the writer lock
├── ModelError            weights are missing, damaged, unverified or of another architecture
└── Cancelled             the user stopped the work
"""

import hashlib
import traceback
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_FRAMES = 12  # innermost last


class VisilDashError(Exception):
    """Base of all errors with a message meant for the user."""


class InputError(VisilDashError):
    """`name` cannot be used because `reason`; `remedy` tells the user what to do."""

    def __init__(self, name: str, reason: str, remedy: str = "") -> None:
        self.name, self.reason, self.remedy = name, reason, remedy
        super().__init__(f"{name}: {reason}." + (f" {_sentence(remedy)}" if remedy else ""))


class MediaRefused(InputError):
    """A file that cannot be decoded within the limits."""


class NotFound(VisilDashError):
    """No such video, model or artefact."""


class StoreError(VisilDashError):
    """The data folder cannot be read or written."""


class DiskFull(StoreError):
    """There is no room for new work; what was stored before has not changed."""


class StoreAway(StoreError):
    """A server that the library needs does not answer; what it confirmed before is kept."""


class StoreDamaged(StoreError):
    """Bytes on disk differ from what was recorded when they were written.

    `artefact`, or all that is to be said; what is wrong with it; what to do.
    """

    def __init__(self, artefact: str, reason: str = "", remedy: str = "") -> None:
        self.artefact, self.reason, self.remedy = artefact, reason, remedy
        super().__init__(f"{artefact}: {reason}. {remedy}" if reason else artefact)


class StoreMismatch(StoreError):
    """Made by another model, dimension, reduction or format version."""


class StoreReadOnly(StoreError):
    """Another process is the writer of this data folder."""


class ModelError(VisilDashError):
    """Weights that cannot be loaded or trusted."""


class Cancelled(VisilDashError):
    """The user stopped the work; nothing partial was kept."""


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:].rstrip(".") + "."


def without_name(message: str, name: str) -> str:
    """A message about a file without the name that it begins with, for a line that names the file;
    "original" is a file's name in the store."""
    return message.removeprefix(f"{name}: ").removeprefix("original: ")


def error_id(error: BaseException) -> str:
    """By which the line of the log is found: of an expected error's text, of any other's place."""
    expected = isinstance(error, VisilDashError)
    about = [type(error).__name__, *([str(error)] if expected else error_places(error))]
    return hashlib.sha256("\n".join(about).encode(errors="replace")).hexdigest()[:8]


def error_places(error: BaseException) -> list[str]:
    """Where an error passed: in this program by module and line, elsewhere by the file's name."""
    passed = []
    for frame in traceback.extract_tb(error.__traceback__):
        path = Path(frame.filename)
        inside = path.is_relative_to(_PACKAGE)
        shown = path.relative_to(_PACKAGE).as_posix() if inside else path.name
        passed.append(f"{shown}:{frame.lineno} {frame.name}")
    return passed[-_FRAMES:]
