"""What a case file says: its manifest, and reading it from a file that nobody vouches for.

    manifest.json          everything below, and the sha256 of every other member
    report.html            the same for people, with the pictures inside
    frames/<n>-….jpg       pictures of both sides of each pair

The manifest's own sha256 is shown when the case is made. Whoever noted it can tell a case that was
rewritten as a whole; without it the check shows that case and videos fit each other.
"""

import hashlib
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from visil_dash.errors import InputError

_FORMAT = 1
MANIFEST, REPORT = "manifest.json", "report.html"
_MOST_BYTES = 64 * 2**20  # of one member
_MOST_BYTES_IN_ALL = 2**30
_MOST_MEMBERS = 10_000


@dataclass(frozen=True)
class CaseVideo:
    """A video as it was: the bytes by `sha256`, `places` where they lay (see paths.stored_path)."""

    sha256: str
    name: str
    bytes: int
    seconds: float
    width: int
    height: int
    codec: str
    places: tuple[str, ...] = ()


@dataclass(frozen=True)
class CasePair:
    """`query`, `reference`: sha256 of videos of the case. `result`: as `compare --json`.

    `by`, `pinned`, `note`: who pinned the pair, when and why. `frames`: members that show it.
    """

    query: str
    reference: str
    note: str
    by: str
    pinned: str
    result: dict[str, Any]
    frames: tuple[str, ...] = ()


@dataclass(frozen=True)
class CaseManifest:
    """`made_with`: versions of the program and of what decodes and computes. `model`: which weights
    made the numbers, and how. `files`: sha256 of every other member of the case."""

    made: str
    made_with: dict[str, str]
    model: dict[str, Any]
    videos: tuple[CaseVideo, ...]
    pairs: tuple[CasePair, ...]
    files: dict[str, str] = field(default_factory=dict)
    format: int = _FORMAT


def read_case(path: Path) -> tuple[CaseManifest, dict[str, bytes], str]:
    """The manifest of a case file, its other members, and the sha256 of the manifest.

    Raises InputError for what is no case file, or one that is larger than a case can be.
    """
    from pydantic import TypeAdapter, ValidationError

    members = _members(path)
    text = members.pop(MANIFEST, None)
    if text is None:
        raise InputError(str(path), "is no case file: it holds no manifest")
    try:
        manifest = TypeAdapter(CaseManifest).validate_json(text)
    except ValidationError as error:
        reason = error.errors()[0]["msg"]
        raise InputError(str(path), f"its manifest cannot be read ({reason})") from error
    if manifest.format != _FORMAT:
        raise InputError(
            str(path),
            f"has format {manifest.format}, and this program reads {_FORMAT}",
            "check it with the version of visil_dash that it names",
        )
    return manifest, members, sha256_of(text)


def sha256_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _members(path: Path) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(path) as archive:
            listed = archive.infolist()
            sizes = [member.file_size for member in listed]
            most = max(sizes, default=0) > _MOST_BYTES or sum(sizes) > _MOST_BYTES_IN_ALL
            if most or len(listed) > _MOST_MEMBERS:
                raise InputError(str(path), "is larger than a case file can be")
            if len({member.filename for member in listed}) < len(listed):
                raise InputError(str(path), "has two members of one name")
            return {member.filename: archive.read(member) for member in listed}
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise InputError(str(path), f"is damaged, or no case file ({error})") from error
    except OSError as error:
        raise InputError(str(path), f"cannot be read ({error.strerror})") from error
