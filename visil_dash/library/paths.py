"""Where the files of a library lie; ids are checked, so that none leads out of its folder.

Names of files are bytes, and need not be UTF-8; the catalogue's texts are. Python's strings stand
for other bytes by surrogates, which `stored_path` and `utf8_text` turn into what can be stored.
"""

import os
import re
from pathlib import Path
from urllib.parse import unquote_to_bytes


def safe_id(text: str) -> str:
    """`text` if it can be a file name made by this program; ValueError otherwise."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,127}", text):
        raise ValueError(f"id: expected letters, digits and . _ + -, got {text!r}")
    return text


def media_folder(library: Path, video_id: str) -> Path:
    return library / "media" / safe_id(video_id)


def media_file(library: Path, video_id: str) -> Path:
    return media_folder(library, video_id) / "original"


def blob_file(library: Path, extractor: str, video_id: str) -> Path:
    return library / "features" / safe_id(extractor) / f"{safe_id(video_id)}.safetensors"


def stored_path(path: Path) -> str:
    """An absolute path as the catalogue keeps it; as a file: address where it is not UTF-8."""
    text = str(path)
    return text if utf8_text(text) == text else path.as_uri()


def path_of(stored: str) -> Path:
    """The path that `stored_path` kept."""
    if not stored.startswith("file://"):
        return Path(stored)
    return Path(os.fsdecode(unquote_to_bytes(stored.removeprefix("file://"))))


def utf8_text(text: str) -> str:
    """`text` with %E9 for the byte E9 of a file name that is not UTF-8."""
    escaped = re.sub("[\udc80-\udcff]", lambda found: f"%{ord(found[0]) - 0xDC00:02X}", text)
    return escaped.encode("utf-8", "replace").decode()
