"""The models on offer: what each needs before it can be loaded, and taking one in by hand."""

from dataclasses import dataclass
from pathlib import Path

from visil_dash.errors import ModelError
from visil_dash.models.bundle import META
from visil_dash.models.load import PROJECT_MODELS, ModelInfo, model_infos
from visil_dash.models.own import import_folder, own_models
from visil_dash.models.published import MODEL_FILES, WeightFile
from visil_dash.models.weights import import_weights, installed
from visil_dash.settings import Settings

_BUNDLED_LICENCE = "this project's; its card names what it was trained from"
_OWN_LICENCE = "yours"


@dataclass(frozen=True)
class FileOffer:
    """A file of a model. `here`: it is in the folder of models and was taken in."""

    file: WeightFile
    here: bool

    @property
    def pinned(self) -> bool:
        """Whether the project knows its hash, so that it can be checked."""
        return self.file.sha256 is not None


@dataclass(frozen=True)
class ModelOffer:
    """A model that can be used, downloaded or imported. `files`: empty for those that come whole.

    `kind`: "bundled", "published" or "own". `licences`: one line each, without repetitions.
    """

    info: ModelInfo
    kind: str
    files: tuple[FileOffer, ...]
    licences: tuple[str, ...]

    @property
    def missing(self) -> tuple[FileOffer, ...]:
        return tuple(offer for offer in self.files if not offer.here)

    @property
    def unpinned(self) -> tuple[FileOffer, ...]:
        """Missing files that nothing can be checked against."""
        return tuple(offer for offer in self.missing if not offer.pinned)

    @property
    def download_bytes(self) -> int:
        """At most so many bytes come with a download; exact where the publisher's sizes are."""
        return sum(offer.file.bytes or offer.file.limit for offer in self.missing)


def model_offers(*, settings: Settings) -> tuple[ModelOffer, ...]:
    """All known models, the bundled one first, then the published ones, then the user's own.

    Reads no weights.
    """
    own = own_models(settings=settings)
    return tuple(
        _offer(info, info.name in own, settings) for info in model_infos(settings=settings)
    )


def _offer(info: ModelInfo, own: bool, settings: Settings) -> ModelOffer:
    if info.name not in MODEL_FILES:
        licence = _OWN_LICENCE if own else _BUNDLED_LICENCE
        return ModelOffer(info, "own" if own else "bundled", (), (licence,))
    files = tuple(FileOffer(file, _is_here(file, settings)) for file in MODEL_FILES[info.name])
    licences = tuple(dict.fromkeys(offer.file.licence for offer in files))
    return ModelOffer(info, "published", files, licences)


def _is_here(file: WeightFile, settings: Settings) -> bool:
    try:
        return installed(file, settings=settings) is not None
    except ModelError:  # the file is there, but was never taken in
        return False


# ---- taking in ----


def import_model(path: Path, *, settings: Settings, unverified: bool) -> str:
    """Takes in a weights file or a folder that training wrote; its name from then on.

    `unverified`: also what cannot be checked. Raises ModelError.
    """
    if path.is_dir():
        meta = import_folder(
            path, settings=settings, reserved=PROJECT_MODELS, unverified=unverified
        )
        return meta.name
    return import_weights(path, settings=settings, unverified=unverified).name


def import_together(folder: Path, *, settings: Settings, unverified: bool) -> tuple[str, ...]:
    """Takes in files that came together: those of one trained model, or weights files; the names.

    Raises ModelError for the first that is refused; those before it stay.
    """
    if (folder / META).is_file():
        return (import_model(folder, settings=settings, unverified=unverified),)
    files = sorted(path for path in folder.iterdir() if path.is_file())
    return tuple(import_model(f, settings=settings, unverified=unverified) for f in files)
