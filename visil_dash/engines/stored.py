"""What a process of an engine compares with: features of the library, a model's scorer.

Everything is named by hashes of its content, so the result of a shard is a function of its
arguments alone: wherever and however often it runs, it is the same.
"""

import hashlib
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

from visil_dash.engines.kept import kept_model
from visil_dash.errors import StoreDamaged, StoreError
from visil_dash.library.blobs import REMAKE, decode_features, sha256_hex
from visil_dash.library.paths import blob_file
from visil_dash.library.remote.keys import blob_key
from visil_dash.library.remote.objects import ObjectStore
from visil_dash.library.store import Library
from visil_dash.matching.similarity import Scorer
from visil_dash.models.load import Model
from visil_dash.records import VideoFeatures
from visil_dash.settings import Settings


@dataclass(frozen=True)
class StoredFeatures:
    """Features as another process reads them: `sha256` of the blob by video id; from the library's
    folder, and what is not there from the store at the URL `store`, if the library has one."""

    folder: Path
    extractor: str
    sha256: Mapping[str, str]
    store: str = ""
    store_seconds: float = 20.0

    @classmethod
    def of(cls, library: Library, extractor: str, sha256: Mapping[str, str]) -> Self:
        store = "" if library.remote is None else library.remote.objects.name
        return cls(library.folder, extractor, sha256, store, library.settings.store_seconds)

    def load(self, video_id: str) -> VideoFeatures:
        """Raises StoreError where this process does not see the bytes that were meant."""
        wanted = self.sha256.get(video_id, "")
        path = blob_file(self.folder, self.extractor, video_id)
        try:
            data = path.read_bytes()
        except OSError as error:
            if not (self.store and wanted):
                raise StoreError(f"{path}: {error.strerror}") from error
            key = blob_key(self.extractor, video_id, wanted)
            data = _opened_store(self.store, self.store_seconds).read(key) or b""
        if sha256_hex(data) != wanted:
            raise StoreDamaged(str(path), "these are not the features that were meant", REMAKE)
        return decode_features(data, name=str(path))[0]


@lru_cache(maxsize=4)
def _opened_store(url: str, seconds: float) -> ObjectStore:
    """Kept by a process of an engine, with its connections."""
    return ObjectStore(url, seconds=seconds)


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
