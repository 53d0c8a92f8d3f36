"""What a library keeps in memory of what it has read: rows, and which feature files are whole."""

import json
import os
import time
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from types import MappingProxyType

import numpy as np

from visil_dash.installed import imported_torch
from visil_dash.library.catalogue import Catalogue, current_count
from visil_dash.library.rows import FeatureRow, feature_rows, video_records
from visil_dash.records import Array, VideoFeatures, VideoRecord

SETTLED_SECONDS = 2.0  # a file changed more recently may change again within one clock tick

_Features = Mapping[str, FeatureRow]
_State = tuple[int, ...]


class CurrentRows:
    """Videos and features of one catalogue. Safe to share between threads.

    All rows of 10,000 videos take a second to read and check, and a search needs them several
    times over. Whether another connection, of any process, has committed is one PRAGMA; whether
    that changed videos or features, their revision shows.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._lock = Lock()
        self._change = self._revision = -1
        self._videos: tuple[VideoRecord, ...] | None = None
        self._features: dict[str, _Features] = {}

    def videos(self) -> tuple[VideoRecord, ...]:
        with self._lock:
            self._follow()
            if self._videos is None:
                with self._catalogue.read() as connection:
                    self._videos = video_records(connection)
            return self._videos

    def features(self, extractor: str) -> _Features:
        """Feature rows by video id, in the order of ordinals."""
        with self._lock:
            self._follow()
            if extractor not in self._features:
                with self._catalogue.read() as connection:
                    rows = {r.video_id: r for r in feature_rows(connection, extractor)}
                self._features[extractor] = MappingProxyType(rows)
            return self._features[extractor]

    def feature(self, extractor: str, video_id: str) -> FeatureRow | None:
        """One row, without reading those of other videos if none are in memory."""
        with self._lock:
            self._follow()
            known = self._features.get(extractor)
        if known is not None:
            return known.get(video_id)
        with self._catalogue.read() as connection:
            return next(iter(feature_rows(connection, extractor, video_id)), None)

    def _follow(self) -> None:
        """Forgets what a commit may have changed. The change is read before the rows are, so they
        are never older than it; the caller holds the lock."""
        change = self._catalogue.changes()
        if change == self._change:
            return
        with self._catalogue.read() as connection:
            revision = current_count(connection, "revision")
        if revision != self._revision:
            self._videos, self._features = None, {}
        self._change, self._revision = change, revision


@dataclass(frozen=True)
class _Known:
    """What a checked file held besides its regions, and where in it those lie."""

    path: str
    state: _State
    sha256: str
    offset: int
    shape: tuple[int, ...]
    features: VideoFeatures  # with regions of no content


class CheckedFiles:
    """Which feature files are known to be whole. Safe to share between threads.

    A file is read again unchecked as long as its inode, size and times of change are those of the
    check, and the catalogue names the same checksum. What a disk loses without a change of the
    file, `verify` finds: it reads anew.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], _Known] = {}  # by extractor and video id
        self._lock = Lock()

    def read(self, extractor: str, video_id: str, sha256: str) -> VideoFeatures | None:
        """The features; None where the file must be checked."""
        with self._lock:
            known = self._known.get((extractor, video_id))
        if known is None or known.sha256 != sha256:
            return None
        halves = np.empty(known.shape, np.float16)
        try:
            file = os.open(known.path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                if _state(os.fstat(file)) != known.state:
                    return None
                whole = _filled(halves.reshape(-1).view(np.uint8).data, file, known.offset)
            finally:
                os.close(file)
        except OSError:
            return None
        return _with_regions(known.features, _float32(halves)) if whole else None

    def keep(
        self, path: Path, sha256: str, features: VideoFeatures, *, seen: os.stat_result
    ) -> None:
        """Remembers a file whose bytes were just read, in the state `seen` before, and checked."""
        if time.time() - max(seen.st_mtime, seen.st_ctime) < SETTLED_SECONDS:
            return
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            start, _ = json.loads(file.read(length))["regions"]["data_offsets"]
        known = _Known(
            str(path),
            _state(seen),
            sha256,
            8 + length + int(start),
            features.regions.shape,
            replace(features, regions=np.zeros((len(features), 1, 1), np.float32)),
        )
        with self._lock:
            self._known[features.extractor, features.video_id] = known


def _filled(room: memoryview, file: int, offset: int) -> bool:
    """Reads into `room` from an offset on; whether there was enough. A read ends at 2 GiB."""
    done = 0
    while done < len(room):
        got = os.preadv(file, [room[done:]], offset + done)
        if not got:
            return False
        done += got
    return True


def _with_regions(features: VideoFeatures, regions: Array) -> VideoFeatures:
    """Features of other regions, without the checks of new ones: these bytes were checked."""
    made = copy(features)
    object.__setattr__(made, "regions", regions)
    return made


def _state(status: os.stat_result) -> _State:
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _float32(halves: Array) -> Array:
    """Half precision as float32: by torch where it is imported, which is ten times faster."""
    torch = imported_torch()
    if torch is None:
        return halves.astype(np.float32)
    return np.asarray(torch.from_numpy(halves).float().numpy())
