"""Frame vectors as the full space of an index has them, by plain arithmetic."""

import numpy as np

from visil_dash.records import Array, VideoFeatures


def directions(features: VideoFeatures) -> Array:
    """`[T, R·D]` float64 of unit length; frames that show nothing stay zero."""
    vectors = features.frame_vectors.astype(float)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1)
