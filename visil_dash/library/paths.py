"""Where the files of a library lie; ids are checked, so that none leads out of its folder."""

import re
from pathlib import Path


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
