"""Paths that people type: only within the folders that the settings allow."""

import os
from pathlib import Path
from typing import BinaryIO

from visil_dash.errors import InputError
from visil_dash.media.beneath import open_beneath
from visil_dash.settings import Settings


def allowed_folders(settings: Settings) -> tuple[Path, ...]:
    """The folders of VISIL_DASH_ALLOWED_FOLDERS that exist, links resolved."""
    named = [part for part in settings.allowed_folders.split(os.pathsep) if part.strip()]
    folders = [Path(part).expanduser().resolve() for part in named]
    return tuple(folder for folder in folders if folder.is_dir())


def open_allowed(typed: str, *, settings: Settings) -> tuple[BinaryIO, str]:
    """The typed file, opened within the allowed folders, and its name.

    Raises InputError and MediaRefused.
    """
    fd, name = open_beneath(typed, allowed_folders(settings), settings=settings)
    return os.fdopen(fd, "rb"), name


def allowed_path(typed: str, *, settings: Settings) -> Path:
    """The file or folder that was typed, links resolved. Raises InputError."""
    text = typed.strip()
    try:
        path = Path(text).expanduser()
        resolved = path.resolve(strict=True) if path.is_absolute() else None
    except (OSError, ValueError, RuntimeError):
        resolved = None
    folders = allowed_folders(settings)
    # One message for what is missing and what is not allowed: it must not reveal what exists.
    if resolved is None or not any(resolved.is_relative_to(folder) for folder in folders):
        raise InputError(
            text or "the path",
            "there is no such file or folder within the allowed folders",
            "type a full path inside " + (", ".join(map(str, folders)) or "an allowed folder"),
        )
    return resolved
