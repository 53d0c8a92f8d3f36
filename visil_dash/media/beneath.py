"""Opens a file by a path that a user typed, within given folders only.

The path is walked from the folder down, each part opened relative to the one before, and no link
is followed. So the file that was checked is the one that is read: whatever is renamed, swapped or
linked meanwhile, the descriptor belongs to a file that was in the folder.
"""

import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from visil_dash.errors import InputError
from visil_dash.media.files import check_descriptor, refuse_special, shown_name
from visil_dash.settings import Settings

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK: opening a FIFO does not wait for a writer.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def open_beneath(typed: str, folders: Sequence[Path], *, settings: Settings) -> tuple[int, str]:
    """Descriptor and file name of the video at a full path within one of the `folders`.

    Raises InputError, with the same text for what is missing, not allowed or behind a linked
    folder, so that it does not reveal what exists outside; MediaRefused for a file inside that is
    no video within the limits.
    """
    path = _absolute(typed)
    for folder in folders:
        for root in dict.fromkeys((folder.absolute(), folder.resolve())):
            if path is not None and path.is_relative_to(root):
                fd = _walk(folder.resolve(), path.relative_to(root).parts)
                if fd is not None:
                    return _checked(fd, path, settings)
    raise InputError(
        typed.strip() or "the path",
        "there is no such file or folder within the allowed folders",
        "type a full path inside "
        + (", ".join(map(str, folders)) or "an allowed folder")
        + "; links are not followed",
    )


def _absolute(typed: str) -> Path | None:
    try:
        path = Path(typed.strip()).expanduser()
    except (RuntimeError, ValueError):  # no such user
        return None
    # Where `..` leads depends on the file system: paths with it are refused.
    plain = path.is_absolute() and ".." not in PurePosixPath(path).parts
    return path if plain else None


def _walk(root: Path, parts: tuple[str, ...]) -> int | None:
    """Descriptor of the file at `parts` below `root`; None where a part is missing or a link.

    Raises MediaRefused for pipes and devices, which are not opened.
    """
    try:
        held = os.open(root, _FOLDER)
    except OSError:
        return None
    try:
        for part in parts[:-1]:
            below = os.open(part, _FOLDER, dir_fd=held)
            os.close(held)
            held = below
        if not parts:
            return os.dup(held)
        mode = os.stat(parts[-1], dir_fd=held, follow_symlinks=False).st_mode
        refuse_special(shown_name(Path(parts[-1])), mode)
        return os.open(parts[-1], _FILE, dir_fd=held)
    except (OSError, ValueError):
        return None
    finally:
        os.close(held)


def _checked(fd: int, path: Path, settings: Settings) -> tuple[int, str]:
    try:
        check_descriptor(fd, name=shown_name(path), settings=settings)
    except BaseException:
        os.close(fd)
        raise
    return fd, path.name
