"""The libraries in a folder: each is a subfolder with a catalogue of its own."""

import re
from pathlib import Path

from visil_dash.errors import InputError
from visil_dash.library.catalogue import CATALOGUE_NAME
from visil_dash.library.postgres.marker import MARKER_NAME

_LIBRARY_NAME = re.compile(r"[^\W_][\w .-]{0,59}")


def libraries_in(root: Path) -> tuple[Path, ...]:
    """Folders of `root` that hold a library, or are still empty and may become one; by name.

    Links and names that begin with a dot are left out.
    """
    if not root.is_dir():
        return ()
    folders = (path for path in root.iterdir() if path.is_dir() and not path.is_symlink())
    return tuple(sorted(p for p in folders if not p.name.startswith(".") and _may_hold(p)))


def new_library_folder(root: Path, name: str) -> Path:
    """An empty folder of `root` for a library of this name, made now. Raises InputError."""
    shown = name.strip()
    if not _LIBRARY_NAME.fullmatch(shown):
        raise InputError(
            shown or "the new library",
            "a library's name has 1 to 60 letters, digits, spaces, dots, dashes or underscores, and"
            " begins with a letter or digit",
            "choose another name",
        )
    folder = root / shown
    try:
        folder.mkdir(parents=True)
    except FileExistsError as error:
        raise InputError(shown, "there is one of this name", "choose another name") from error
    except OSError as error:
        raise InputError(
            shown, f"its folder cannot be made ({error.strerror})", "check the permissions"
        ) from error
    return folder


def _may_hold(folder: Path) -> bool:
    try:
        names = {path.name for path in folder.iterdir()}
    except OSError:
        return False
    return not names or not names.isdisjoint((CATALOGUE_NAME, MARKER_NAME))
