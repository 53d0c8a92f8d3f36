"""How similar a video is to itself: what a frame-to-frame similarity is to be read against."""

import numpy as np

from visil_dash.records import VideoFeatures


def self_similarity(features: VideoFeatures) -> float:
    """Mean similarity of a video's frames, each with itself (ViSiL eq. 4); blank frames left out.

    Attention scales region vectors, so this is not 1, and differs from model to model. 1 for a
    video that shows nothing.
    """
    regions = features.regions[features.shown].astype(np.float32)
    if not len(regions):
        return 1.0
    return float((regions @ regions.transpose(0, 2, 1)).max(2).mean())
