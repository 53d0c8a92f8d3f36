"""Names of a library's objects in its store; each holds the sha256 of its bytes."""

from visil_dash.library.paths import safe_id


def media_key(video_id: str) -> str:
    return f"media/{safe_id(video_id)}/original"


def blob_key(extractor: str, video_id: str, sha256: str) -> str:
    return f"features/{safe_id(extractor)}/{safe_id(video_id)}/{safe_id(sha256)}.safetensors"


def reduction_key(extractor: str, reduction_id: str, sha256: str) -> str:
    return f"reductions/{safe_id(extractor)}/{safe_id(reduction_id)}/{safe_id(sha256)}.safetensors"


def hash_in(key: str) -> str:
    """The sha256 that an object of this name must have."""
    kind, *folders, name = key.split("/")
    return folders[-1] if kind == "media" else name.removesuffix(".safetensors")
