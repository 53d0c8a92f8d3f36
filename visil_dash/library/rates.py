"""Features whose sampling rate is not the one that their extractor's id names.

Before the rate was a part of the id, libraries stored the features of all rates under one. Those
of another rate would be compared as if their frames were of the same times.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from visil_dash.library.blobs import FeatureManifest, blob_header
from visil_dash.library.paths import blob_file
from visil_dash.models.sampling import rate_of

if TYPE_CHECKING:
    from visil_dash.library.store import Library

RATES_CHECKED = "feature_rates_checked"  # setting: no blob of another rate has been left


def rate_problem(manifest: FeatureManifest) -> str:
    """Why features must not be used under their extractor's id; empty when they may be."""
    named = rate_of(manifest.extractor)
    if manifest.rate == named:
        return ""
    return (
        f"made at {manifest.rate:g} frames a second, where {manifest.extractor} stands for"
        f" {named:g}. Extract the features once more."
    )


def set_aside_other_rates(library: "Library") -> None:
    """Once in a library's life; reads the beginning of each blob.

    Their videos are then without features of this extractor, which the Library page offers to
    extract, and `add` makes.
    """
    if library.setting(RATES_CHECKED):
        return
    count = 0
    for extractor in library.extractors():
        for video_id in library.features_ids(extractor):
            manifest = _manifest(blob_file(library.folder, extractor, video_id))
            if manifest is not None and rate_problem(manifest):
                library.take_out_features(video_id, extractor=extractor)
                count += 1
    if count:
        library.add_notice(
            f"Features of {count} video{'' if count == 1 else 's'} were set aside: they were made"
            " at another sampling rate than the others. Extract them once more, on the Library page"
            " or with `add`."
        )
    library.set_setting(RATES_CHECKED, True)


def _manifest(path: Path) -> FeatureManifest | None:
    """What made a blob; None where its header cannot be read (`verify` reports it)."""
    try:
        return FeatureManifest(**blob_header(path)["manifest"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
