"""A compared pair of clips, made by hand."""

from typing import Any

import numpy as np

from visil_dash.records import Comparison


def pair(**changes: Any) -> Comparison:
    rng = np.random.default_rng(1)
    forward, reverse = rng.random((8, 12)) * 0.5, rng.random((12, 8)) * 0.5
    fields: dict[str, Any] = {
        "query": "q",
        "reference": "r",
        "query_times": np.arange(8.0),
        "reference_times": np.arange(12.0),
        "frame_similarity": forward,
        "frame_similarity_reverse": reverse,
        "visil_output": None,
        "visil_output_reverse": None,
        "score": 0.3,
        "reverse_score": 0.2,
        "chamfer": 0.3,
        "chamfer_reverse": 0.2,
        "segments": (),
    }
    return Comparison(**(fields | changes))
