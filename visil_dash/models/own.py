"""Models that a user trained: folders of the bundle's layout below the folder of models."""

import os
import re
import shutil
import tempfile
from pathlib import Path

from visil_dash.errors import ModelError
from visil_dash.models.bundle import META, WEIGHTS, BundleMeta, read_bundle, read_meta
from visil_dash.settings import Settings

_CARD = "card.md"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_KEPT = (WEIGHTS, META, _CARD)


def own_folder(name: str, *, settings: Settings) -> Path:
    """Where the user's model of this name lies, whether or not it is there."""
    return settings.models / "own" / name


def own_models(*, settings: Settings) -> dict[str, Path]:
    return {f.parent.name: f.parent for f in sorted(settings.models.glob(f"own/*/{META}"))}


def import_folder(
    folder: Path, *, settings: Settings, reserved: tuple[str, ...], unverified: bool
) -> BundleMeta:
    """Take in a folder that training wrote. One of the same name is replaced.

    Raises ModelError: no model folder, damaged, of another architecture, an unfit or `reserved`
    name, or not allowed (`unverified`), as nobody but its maker knows its hash.
    """
    meta = read_meta(folder)
    if not _NAME.fullmatch(meta.name):
        raise ModelError(
            f"{folder / META}: the name {meta.name!r} is not 1 to 40 small letters, digits and"
            " hyphens. Change it there."
        )
    if meta.name in reserved:
        raise ModelError(
            f"{folder / META}: {meta.name} is the name of a model of the project."
            " Give yours another there."
        )
    if not unverified:
        raise ModelError(
            f"{folder}: the project pins no sha256 for it, so it cannot be checked."
            " Accept it as unverified (--unverified) to take it as it is; every score made with it"
            " will say so."
        )
    read_bundle(folder)
    target = own_folder(meta.name, settings=settings)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".taking.", dir=target.parent) as temporary:
            staged = Path(temporary) / "model"
            staged.mkdir()
            for name in _KEPT:
                if (folder / name).is_file():
                    shutil.copyfile(folder / name, staged / name)
            # A folder that is there cannot be replaced in one step: the old one steps aside first.
            if target.exists():
                os.replace(target, Path(temporary) / "former")
            os.replace(staged, target)
    except OSError as error:
        raise ModelError(f"{target}: cannot be written ({error.strerror}).") from error
    return meta
