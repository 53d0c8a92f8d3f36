"""Features of the views of a query's picture (see framing.views)."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from visil_dash.framing.inset import InsetFinder, corners_of
from visil_dash.framing.placing import placed, spread
from visil_dash.framing.views import BY_KEY, INSET, View, box_in, cut
from visil_dash.media.decode import FrameBatch, sample_frames
from visil_dash.models.load import Model
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.records import WHOLE_PICTURE, Array, Box, Preprocess, VideoFeatures
from visil_dash.settings import Settings
from visil_dash.workbench.ingest import regions_of_shown

_FINER = 2  # a view is cut from a picture so many times the side of the model's input


def view_frames(frames: Array, view: View, side: int, shape: float = 1.0) -> Array:
    """A view of frames uint8 `[n, S, S, 3]` as a model's input `[n, side, side, 3]`.

    `shape`: width to height that the frames were squashed from.
    """
    if view.placed:
        return placed(frames, shape, side=side)
    parts = (np.rot90(cut(frame, view.box), -view.turns) for frame in frames)
    return np.stack(
        [
            cv2.resize(np.ascontiguousarray(part), (side, side), interpolation=cv2.INTER_AREA)
            for part in parts
        ]
    )


def extract_views(
    path: Path,
    *,
    views: Sequence[View],
    video_id: str,
    model: Model,
    settings: Settings,
    picture: Box | None = None,
    shape: float = 1.0,
    watch: Watch = UNWATCHED,
) -> dict[str, VideoFeatures]:
    """Features of views of a video file, by the view's key, sampled as the whole is.

    `picture`: the part inside the video's borders, None for the whole; `shape`: its width to
    height. Views that show nothing all along are left out. Raises MediaRefused and Cancelled.
    """
    shown = picture or WHOLE_PICTURE
    read = partial(_finer_frames, path, box=shown, model=model, settings=settings, watch=watch)
    still = [view for view in views if not view.moves]
    regions: dict[str, list[Array]] = {view.key: [] for view in still}
    times: list[Array] = []
    finder = InsetFinder()
    for batch in read():
        times.append(batch.timestamps)
        for view in still:
            regions[view.key].append(_view_regions(batch.frames, view, shape, model=model))
        if INSET in views:
            finder.add(batch.frames)
    size = finder.size()
    if size is not None:
        regions[INSET.key] = [_inset_regions(batch.frames, size, model=model) for batch in read()]
    at = np.concatenate(times)
    found = {key: np.concatenate(parts) for key, parts in regions.items()}
    return {
        key: VideoFeatures(video_id, model.extractor, whole, at, box_in(shown, BY_KEY[key].box))
        for key, whole in found.items()
        if len(whole) == len(at) and whole.any()
    }


def _view_regions(frames: Array, view: View, shape: float, *, model: Model) -> Array:
    vectors = regions_of_shown(model, view_frames(frames, view, model.preprocess.side, shape))
    return (spread(vectors, shape) if view.placed else vectors).astype(np.float16)


def _finer_frames(
    path: Path, *, box: Box, model: Model, settings: Settings, watch: Watch
) -> Iterator[FrameBatch]:
    """Frames from which views are cut. Raises MediaRefused and Cancelled."""
    with sample_frames(
        path,
        preprocess=Preprocess(side=_FINER * model.preprocess.side),
        rate=settings.rate,
        box=box,
        pictures=True,
        settings=settings,
        watch=watch,
    ) as sampled:
        yield from sampled


def _inset_regions(frames: Array, size: tuple[int, int], *, model: Model) -> Array:
    """Region vectors of an inset of this size, wherever it lies; zero where it is not seen."""
    side, (width, height) = model.preprocess.side, size
    out = np.zeros((len(frames), side, side, 3), np.uint8)
    for number, corner in enumerate(corners_of(frames, size)):
        if corner is not None:
            x, y = corner
            part = frames[number, y : y + height, x : x + width]
            out[number] = cv2.resize(part, (side, side), interpolation=cv2.INTER_AREA)
    return regions_of_shown(model, out).astype(np.float16)
