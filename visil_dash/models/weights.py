"""Published weights on this machine: how they get here, and whether they can be trusted.

A file is *verified* when the project pins its sha256. Others are taken only on request
(`unverified`), and every score made with them is marked. What was taken is remembered by its
sha256 in a note beside the file and checked at each load: that guards against damage, not against
someone who can write to the folder.
"""

import hashlib
import json
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from visil_dash.errors import ModelError
from visil_dash.models.fetch import TIMEOUT, fetch
from visil_dash.models.published import MODEL_FILES, WeightFile
from visil_dash.models.states import check_layout, read_checked, tensors_of
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.settings import Settings

if TYPE_CHECKING:
    from torch import Tensor

_CHUNK = 1024 * 1024
_STALE_SECONDS = 3600.0  # a temporary file that nobody wrote to for so long has no owner


@dataclass(frozen=True)
class Installed:
    """A weight file in the models folder. `sha256`: what it was when taken.

    `verified`: equal to the project's pin.
    """

    file: WeightFile
    path: Path
    sha256: str
    verified: bool


def _model_files(model: str) -> tuple[WeightFile, ...]:
    """Files that a model needs. Raises ModelError for a model without files of its own."""
    try:
        return MODEL_FILES[model]
    except KeyError:
        known = ", ".join(MODEL_FILES)
        raise ModelError(
            f"no weights are published for a model called {model!r}. Known: {known}."
        ) from None


def installed(file: WeightFile, *, settings: Settings) -> Installed | None:
    """The file in the models folder, None when it is not there. Reads no weights.

    Raises ModelError when it is there but was never taken in (and nothing is pinned).
    """
    path = settings.models / file.filename
    if not path.is_file():
        return None
    if file.sha256 is not None:
        return Installed(file, path, file.sha256, True)
    try:
        note = json.loads(_note_of(path).read_text(encoding="utf-8"))
        sha256 = str(note["sha256"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{path}: its original hash is unknown. Take it in: {_import_command(file)}"
        ) from error
    return Installed(file, path, sha256, False)


def find_installed(model: str, *, settings: Settings) -> dict[str, Installed]:
    """A model's files by key (resnet, pca, head). Reads no weights.

    Raises ModelError that names what is missing and the commands that bring it.
    """
    files = _model_files(model)
    present = {file.key: installed(file, settings=settings) for file in files}
    missing = [file for file in files if present[file.key] is None]
    if missing:
        names = ", ".join(file.filename for file in missing)
        flag = " --unverified" if any(file.sha256 is None for file in missing) else ""
        raise ModelError(
            f"the model {model} needs {names}, not in {settings.models}. "
            f"Download: python -m visil_dash models download {model}{flag} — "
            f"or place by hand: python -m visil_dash models import FILE{flag}"
        )
    return {key: here for key, here in present.items() if here is not None}


def load_weights(here: Installed) -> "dict[str, Tensor]":
    """Tensors of an installed file, its bytes checked first.

    Raises ModelError when it is damaged or holds anything but the expected tensors.
    """
    data = read_checked(
        here.path,
        sha256=here.sha256,
        remedy=f"Delete it and take it again: {_import_command(here.file)}",
    )
    return _tensors(data, here.file, name=str(here.path))


def import_weights(file: Path, *, settings: Settings, unverified: bool = False) -> Path:
    """Copy a weights file into the models folder, under its published name.

    Known by its sha256, else its name, else its tensors. `unverified`: take a file that the
    project pins no sha256 for. Returns its new path.

    Raises ModelError: not a file, unknown, too large, damaged, of another architecture, or not
    pinned and not asked for.
    """
    try:
        mode = file.stat().st_mode
    except OSError as error:
        raise ModelError(f"{file}: cannot be read ({error.strerror}).") from error
    if not stat.S_ISREG(mode):
        raise ModelError(f"{file}: not a regular file. Name a downloaded .pth file.")
    known = tuple({f.filename: f for files in MODEL_FILES.values() for f in files}.values())
    limit = max(entry.limit for entry in known)
    with _temporary(settings.models) as (stream, temporary):
        digest, size = hashlib.sha256(), 0
        try:
            with file.open("rb") as source:
                while chunk := source.read(_CHUNK):
                    size += len(chunk)
                    if size > limit:
                        raise ModelError(
                            f"{file}: larger than any known weights file ({limit:,} bytes)."
                        )
                    digest.update(chunk)
                    stream.write(chunk)
        except OSError as error:
            raise ModelError(f"{file}: cannot be copied ({error.strerror}).") from error
        stream.flush()
        entry = _identify(file, temporary, digest.hexdigest(), known)
        return _take(
            entry,
            stream,
            temporary,
            sha256=digest.hexdigest(),
            size=size,
            source=file.name,
            settings=settings,
            unverified=unverified,
        )


def download_weights(
    model: str,
    *,
    settings: Settings,
    unverified: bool = False,
    timeout: float = TIMEOUT,
    watch: Watch = UNWATCHED,
) -> tuple[Path, ...]:
    """Download those files of a model that are not there yet; returns the paths of all.

    A damaged file counts as not there. `unverified`: take files that no sha256 is pinned for.
    `timeout`: seconds that the server may be silent, or slower than 2 kB/s.

    Raises ModelError (offline, refused, too slow, too large, other bytes than pinned …) and
    Cancelled. What is not whole is not kept.
    """
    files = _model_files(model)
    wanted = [file for file in files if not _intact(file, settings)]
    for file in wanted:
        _refuse_unpinned(file, unverified=unverified)
    for file in wanted:
        with _temporary(settings.models) as (stream, temporary):
            _check_room(settings, file.bytes or file.limit)
            sha256, size = fetch(
                file.url,
                stream,
                size=file.bytes,
                limit=file.limit,
                timeout=timeout,
                remedy=f"Or download it elsewhere and place it by hand: {_import_command(file)}",
                watch=watch,
            )
            _take(
                file,
                stream,
                temporary,
                sha256=sha256,
                size=size,
                source=file.url,
                settings=settings,
                unverified=unverified,
            )
    return tuple(settings.models / file.filename for file in files)


def _take(
    file: WeightFile,
    stream: IO[bytes],
    temporary: Path,
    *,
    sha256: str,
    size: int,
    source: str,
    settings: Settings,
    unverified: bool,
) -> Path:
    """Check a whole temporary file and give it its name; its note comes last."""
    if file.sha256 is not None and sha256 != file.sha256:
        raise ModelError(
            f"{source}: not the published {file.filename}: its sha256 is {sha256[:16]}…, "
            f"expected {file.sha256[:16]}…. It is damaged or was replaced; get it again from "
            f"{file.url}"
        )
    if size > file.limit:
        raise ModelError(f"{source}: {size:,} bytes, more than {file.filename} may have.")
    _refuse_unpinned(file, unverified=unverified)
    stream.flush()
    _tensors(temporary.read_bytes(), file, name=source)
    os.fsync(stream.fileno())
    path = settings.models / file.filename
    note = {
        "sha256": sha256,
        "bytes": size,
        "source": source,
        "verified": file.sha256 is not None,
        "taken": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    try:
        # Without a note the file counts as not taken in, so a crash in between stays harmless.
        _note_of(path).unlink(missing_ok=True)
        os.replace(temporary, path)
        with _temporary(settings.models) as (note_stream, note_path):
            note_stream.write((json.dumps(note, indent=2) + "\n").encode())
            note_stream.flush()
            os.fsync(note_stream.fileno())
            os.replace(note_path, _note_of(path))
        folder = os.open(settings.models, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise ModelError(f"{path}: cannot be written ({error.strerror}).") from error
    return path


def _refuse_unpinned(file: WeightFile, *, unverified: bool) -> None:
    if file.sha256 is not None or unverified:
        return
    raise ModelError(
        f"{file.filename}: the project pins no sha256 for it, so it cannot be checked. "
        f"{file.note} Accept it as unverified (--unverified) to take it as it is; every score made "
        "with it will say so."
    )


def _identify(
    given: Path, temporary: Path, sha256: str, known: tuple[WeightFile, ...]
) -> WeightFile:
    """Which known file this is: by sha256, else by name, else by its tensors."""
    for entry in known:
        if entry.sha256 == sha256:
            return entry
    for entry in known:
        if entry.filename == given.name:
            return entry
    limit = max(entry.limit for entry in known)
    state = tensors_of(temporary.read_bytes(), name=str(given), limit=2 * limit)
    fitting = [entry for entry in known if _fits(state, entry, name=given.name)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        names = " or ".join(entry.filename for entry in fitting)
        raise ModelError(
            f"{given}: its tensors fit several known files. Name it as it was published: {names}."
        )
    names = ", ".join(entry.filename for entry in known)
    raise ModelError(
        f"{given}: not one of the known weights files, by sha256, name or tensors. Known: {names}."
    )


def _fits(state: "dict[str, Tensor]", entry: WeightFile, *, name: str) -> bool:
    """Whether an unpinned file of known layout could hold these tensors."""
    if entry.layout is None or entry.sha256 is not None:
        return False
    try:
        check_layout(state, entry.layout, name=name)
    except ModelError:
        return False
    return True


def _tensors(data: bytes, file: WeightFile, *, name: str) -> "dict[str, Tensor]":
    state = tensors_of(data, name=name, limit=2 * file.limit)
    if file.layout is not None:
        check_layout(state, file.layout, name=name)
    return state


def _intact(file: WeightFile, settings: Settings) -> bool:
    """Whether the file is here with the bytes it came with."""
    try:
        here = installed(file, settings=settings)
    except ModelError:
        return False  # there without a note: taken again
    if here is None:
        return False
    with here.path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() == here.sha256


def _import_command(file: WeightFile) -> str:
    flag = "" if file.sha256 is not None else " --unverified"
    return f"python -m visil_dash models import {file.filename}{flag}"


def _note_of(path: Path) -> Path:
    return path.with_name(path.name + ".json")


@contextmanager
def _temporary(folder: Path) -> Iterator[tuple[IO[bytes], Path]]:
    """A temporary file in `folder` that is gone afterwards unless it was renamed.

    What a killed process left there is swept. Raises ModelError when the folder is not writable.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob(".weights.*.part"):
            if time.time() - old.stat().st_mtime > _STALE_SECONDS:
                old.unlink(missing_ok=True)
        descriptor, raw = tempfile.mkstemp(prefix=".weights.", suffix=".part", dir=folder)
    except OSError as error:
        raise ModelError(
            f"{folder}: cannot be written ({error.strerror}). "
            "Make it writable, or set VISIL_DASH_MODELS to another folder."
        ) from error
    path = Path(raw)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            yield stream, path
    finally:
        path.unlink(missing_ok=True)


def _check_room(settings: Settings, size: int) -> None:
    free = shutil.disk_usage(settings.models).free
    if free - size < settings.min_free_bytes:
        raise ModelError(
            f"{settings.models}: {free:,} bytes are free, too few for {size:,} more. Free some, "
            "or set VISIL_DASH_MODELS to another folder."
        )
