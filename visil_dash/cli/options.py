"""Values of options, checked while the command line is read: before any work is done for it."""

import argparse
import math
import os
import stat
from collections.abc import Callable
from pathlib import Path

from visil_dash.cli.links import is_link

_LONGEST_NAME = 255  # bytes of a file's name on every common file system
_LONGEST_PERSON = 80  # characters of a name
_LONGEST_PATH = 4095  # bytes of a path that Linux takes


def _number(
    text: str,
    *,
    least: float = -math.inf,
    above: float = -math.inf,
    most: float = math.inf,
) -> float:
    """A finite number of at least `least`, more than `above` and at most `most`."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value < least or value <= above or value > most:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not usable; give a number{_range(least, above, most)}"
        )
    return value


def finite_number(text: str) -> float:
    return _number(text)


def zero_or_more(text: str) -> float:
    return _number(text, least=0)


def above_zero(text: str) -> float:
    return _number(text, above=0)


def whole_number(least: int) -> Callable[[str], int]:
    """The type of an option that takes a whole number of at least `least`."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if not least <= value < 2**31:
            raise argparse.ArgumentTypeError(
                f"{text!r} is not usable; give a whole number of {least} or more"
            )
        return value

    return parse


def port_number(text: str) -> int:
    try:
        port = int(text)
    except ValueError:
        port = 0
    if not 1 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not usable; give a port of 1 to 65535")
    return port


def person_name(text: str) -> str:
    """A name to put beside a verdict."""
    if not text.strip() or len(text) > _LONGEST_PERSON or not text.isprintable():
        raise argparse.ArgumentTypeError(
            f"{text[:80]!r} is not usable; give a name of 1 to {_LONGEST_PERSON} characters"
        )
    return text.strip()


def existing_path(text: str) -> Path:
    """A path that the file system can hold; whether anything is there is for the command to say."""
    if problem := _unusable(text):
        raise argparse.ArgumentTypeError(f"{text[:80]!r} {problem}; check the path")
    return Path(text)


def new_file(text: str) -> Path:
    """Where a file is to be written: its folder is there and may be written, it is no folder."""
    path = existing_path(text)
    folder = path.parent
    if not folder.is_dir():
        raise argparse.ArgumentTypeError(
            f"{text!r} cannot be written, because there is no folder {str(folder)!r}; make the"
            " folder first, or name another"
        )
    if path.exists() and not path.is_file():
        raise argparse.ArgumentTypeError(
            f"{text!r} cannot be written, because it is no regular file; name a file"
        )
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise argparse.ArgumentTypeError(
            f"{text!r} cannot be written, because its permissions forbid it; name another place"
        )
    return path


def new_folder(text: str) -> Path:
    """A folder to write into, there already or to be made."""
    path = existing_path(text)
    above = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
    if not above.is_dir():
        raise argparse.ArgumentTypeError(
            f"{text!r} cannot be a folder, because {str(above)!r} is a file; name another folder"
        )
    if not os.access(above, os.W_OK):
        raise argparse.ArgumentTypeError(
            f"{text!r} cannot be written, because the permissions of {str(above)!r} forbid it;"
            " name another folder"
        )
    return path


def clip_source(text: str) -> str | Path:
    """The path of a clip's file; text, where no file is there: a name or id of a library video, or
    a link."""
    if is_link(text):
        return text
    path = existing_path(text or " ")
    try:
        mode = path.stat().st_mode
    except OSError:
        return path if os.sep in text else text
    if stat.S_ISREG(mode):
        return path
    kind = "a folder" if stat.S_ISDIR(mode) else "no regular file (a pipe, device or socket)"
    raise argparse.ArgumentTypeError(f"{text!r} is {kind}; give a video file")


def _unusable(text: str) -> str:
    if "\0" in text:
        return "holds a zero byte"
    if not text.strip():
        return "names nothing"
    parts = [os.fsencode(part) for part in text.split("/")]
    if max(map(len, parts)) > _LONGEST_NAME or len(os.fsencode(text)) > _LONGEST_PATH:
        return f"is too long for a file: a name has at most {_LONGEST_NAME} bytes"
    return ""


def _range(least: float, above: float, most: float) -> str:
    limits = [
        *([f"of {least:g} or more"] if least > -math.inf else []),
        *([f"above {above:g}"] if above > -math.inf else []),
        *([f"of {most:g} at most"] if most < math.inf else []),
    ]
    return " " + " and ".join(limits) if limits else ""
