"""Labels of the demo set, from demo/labels.csv."""

import csv
import hashlib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from visil_dash.installed import DEMO
from visil_dash.labels.label import RELATIONS, Label, implied_verdict
from visil_dash.records import VideoRecord

SOURCE = "demo"


def demo_labels(videos: Iterable[VideoRecord], *, folder: Path = DEMO) -> tuple[Label, ...]:
    """Labels of the demo videos that are among `videos`; empty where the demo is not installed.

    Videos are identified by their content (a video id is its sha256), not by name.
    """
    listing = folder / "labels.csv"
    if not listing.is_file():
        return ()
    present = {video.video_id for video in videos}
    with listing.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["relation"] in RELATIONS]
    labels = []
    for row in rows:
        anchor, other = (_video_id(folder / "videos" / row[key]) for key in ("anchor", "file"))
        if anchor in present and other in present:
            relation = row["relation"]
            labels.append(Label(anchor, other, implied_verdict(relation), relation, SOURCE))
    return tuple(labels)


def _video_id(path: Path) -> str:
    """sha256 of the file; empty, which is never an id, when there is no file."""
    if not path.is_file():
        return ""
    status = path.stat()
    return _sha256(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=256)
def _sha256(path: Path, _modified: int, _size: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
