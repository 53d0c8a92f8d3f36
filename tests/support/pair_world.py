"""A small library with a copy in it, and what figures on a page hold."""

import atexit
import base64
import json
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from streamlit.testing.v1 import AppTest

from tests.support.benches import filled_library
from tests.support.fakes import fake_model
from tests.support.scenes import make_scene
from visil_dash.library.store import open_library
from visil_dash.records import Array, VideoFeatures
from visil_dash.settings import Settings

# name: (scene, start, seconds); the excerpt is a part of the market, encoded anew.
SCENES = {
    "market.mp4": (1, 0.0, 10.0),
    "excerpt.mp4": (1, 3.0, 6.0),
    "station.mp4": (2, 0.0, 8.0),
    "harbour.mp4": (0, 0.0, 9.0),
}


@cache
def copy_world() -> Path:
    """The library of SCENES with the fake model's features, made once."""
    root = Path(tempfile.mkdtemp(prefix="visil-dash-pairs-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    folder, videos = root / "library", root / "videos"
    videos.mkdir()
    paths = [
        make_scene(videos / name, scene, start=start, seconds=seconds)
        for name, (scene, start, seconds) in SCENES.items()
    ]
    return filled_library(folder, paths)


@cache
def features() -> dict[str, VideoFeatures]:
    """By file name, in the order of arrival."""
    with open_library(copy_world(), settings=Settings(), read_only=True) as library:
        return {
            video.name: library.features(video.video_id, extractor=fake_model().extractor)
            for video in library.videos()
        }


def ids() -> dict[str, str]:
    return {name: found.video_id for name, found in features().items()}


def plain_similarity(query: VideoFeatures, reference: VideoFeatures) -> Array:
    """Frame-to-frame similarity by plain loops, `[Tq, Tr]`."""
    out = np.empty((len(query), len(reference)))
    for i, a in enumerate(query.regions.astype(float)):
        for j, b in enumerate(reference.regions.astype(float)):
            out[i, j] = np.mean([max(float(x @ y) for y in b) for x in a])
    return out


def plain_score(query: VideoFeatures, reference: VideoFeatures) -> float:
    """Video-to-video similarity without a comparator."""
    return float(np.mean([max(row) for row in plain_similarity(query, reference)]))


def figures(page: AppTest) -> list[dict[str, Any]]:
    """The plotly figures of a page as they go to the browser."""
    return [json.loads(chart.proto.spec) for chart in page.get("plotly_chart")]


def values(data: Any) -> Array:
    """An array of a figure: plotly sends NumPy's as base64."""
    if isinstance(data, dict):
        out = np.frombuffer(base64.b64decode(data["bdata"]), np.dtype(data["dtype"]))
        shape = data.get("shape")
        return out.reshape([int(n) for n in shape.split(",")]) if shape else out
    return np.array(data, float)
