"""What a process of an engine compares with: features from the library's folder, a model's scorer.

Everything is named by hashes of its content, so the result of a shard is a function of its
arguments alone: wherever and however often it runs, it is the same.
"""

import hashlib
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from visil_dash.engines.kept import kept_model
from visil_dash.errors import StoreDamaged, StoreError
from visil_dash.library.blobs import REMAKE, decode_features, sha256_hex
from visil_dash.library.paths import blob_file
from visil_dash.matching.similarity import Scorer
from visil_dash.models.load import Model
from visil_dash.records import VideoFeatures
from visil_dash.settings import Settings


@dataclass(frozen=True)
class StoredFeatures:
    """Features as another process reads them: `sha256` of the blob by video id."""

    folder: Path
    extractor: str
    sha256: Mapping[str, str]

    def load(self, video_id: str) -> VideoFeatures:
        """Raises StoreError where this process does not see the bytes that were meant."""
        path = blob_file(self.folder, self.extractor, video_id)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise StoreError(f"{path}: {error.strerror}") from error
        if sha256_hex(data) != self.sha256.get(video_id):
            raise StoreDamaged(str(path), "these are not the features that were meant", REMAKE)
        return decode_features(data, name=str(path))[0]


@dataclass(frozen=True)
class ModelName:
    """A scorer by the model that another process loads."""

    name: str
    settings: Settings

    @property
    def scorer(self) -> Scorer:
        return kept_model(self.name, self.settings).scorer


def scorer_of(given: Scorer | ModelName) -> Scorer:
    return given.scorer if isinstance(given, ModelName) else given


def portable_scorer(model: Model, settings: Settings) -> Scorer | ModelName:
    """The model's scorer, in a form that can be pickled."""
    if model.compare is None:  # it needs no weights
        return model.scorer
    return ModelName(model.name, settings.model_copy(update={"threads": settings.threads or 1}))


def content_name(*values: Any) -> str:
    """A name that equal values have in every process."""
    return hashlib.sha256(pickle.dumps(values)).hexdigest()
