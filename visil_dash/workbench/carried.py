"""A saved distance threshold follows the index into another space, by matched recall.

Distances of one space mean nothing in another. When the index changes its reduction, as it does by
itself once a library has frames enough for a PCA, the threshold that somebody saved would be gone.
"""

from typing import TYPE_CHECKING

import numpy as np

from visil_dash.candidates.thresholds import distance_levels
from visil_dash.records import Array
from visil_dash.reduction.distances import squared_distances
from visil_dash.reduction.pca import Reduction
from visil_dash.reduction.transfer import RECALL, transfer
from visil_dash.workbench.thresholds import distance_key, save_threshold, was_saved

if TYPE_CHECKING:
    from visil_dash.workbench.bench import Workbench

_FRAMES, _QUERIES = 2000, 400  # of a sample: 3 MB of distances


def carry_threshold(bench: "Workbench", former: Reduction, reduction: Reduction) -> None:
    """Saves in the new space what the threshold saved in the former one amounts to there.

    By the recall of the frame pairs within it; where no pair of the sample is, by its share of the
    distance of unrelated frames. Nothing happens where none was saved, where the new space has a
    threshold of its own, and in a library of less than two videos with content.
    """
    saved = bench.library.setting(distance_key(bench, former.reduction_id))
    if saved is None or was_saved(bench, reduction.reduction_id):
        return
    vectors, owners = _sample(bench)
    if len(np.unique(owners)) < 2:
        return
    here, there = former(vectors), reduction(vectors)
    queries = np.linspace(0, len(vectors) - 1, min(_QUERIES, len(vectors))).round().astype(int)
    carried = transfer(
        squared_distances(here[queries], here),
        squared_distances(there[queries], there),
        float(saved),
        valid=owners[queries][:, None] != owners,
    )
    if carried is not None:
        value, way = carried.threshold, f"{RECALL:.0%} of the frame pairs within it are kept"
    else:
        level, new_level = (distance_levels(v, owners).unrelated for v in (here, there))
        value, way = float(saved) / level * new_level, "the same share of the unrelated distance"
    why = f"carried over from {saved:.4g} in {former.method} to {reduction.method}: {way}"
    save_threshold(bench, "distance", value, why=why, reduction_id=reduction.reduction_id)
    bench.library.add_notice(
        f"The index searches another space now ({reduction.method}). The distance threshold"
        f" {saved:.4g} was carried over: {value:.4g} ({way})."
    )


def _sample(bench: "Workbench") -> tuple[Array, Array]:
    """Full frame vectors `[N, R·D]`, evenly spread over the videos, and the video of each `[N]`."""
    rows = bench.library.feature_rows(bench.extractor)
    each = max(1, _FRAMES // max(1, len(rows)))
    step = max(1, len(rows) // _FRAMES)
    vectors, owners = [], []
    for number, row in enumerate(rows[::step]):
        features = bench.library.features(row.video_id, extractor=bench.extractor)
        shown = features.frame_vectors[features.shown]
        picked = shown[:: max(1, len(shown) // each)][:each]
        vectors.append(picked)
        owners.append(np.full(len(picked), number))
    if not vectors:
        return np.empty((0, 1), np.float32), np.empty(0, np.int64)
    return np.concatenate(vectors), np.concatenate(owners)
