"""From a file to features: decode, extract, check; the pipeline that jobs and queries share."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from visil_dash.engines.extraction import EngineOnDemand, ExtractionEngine, PieceOutcome, same_bytes
from visil_dash.engines.kept import kept_model
from visil_dash.errors import MediaRefused, NotFound, StoreDamaged, StoreMismatch
from visil_dash.framing.borders import BorderFinder
from visil_dash.index.frames import FrameSpace
from visil_dash.library.blobs import FeatureManifest
from visil_dash.library.in_place.rows import FileInPlace
from visil_dash.library.store import Library
from visil_dash.media.decode import BegunVideo, sample_frames
from visil_dash.models.load import Model
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.records import (
    WHOLE_PICTURE,
    Array,
    JobRecord,
    JobState,
    MediaInfo,
    VideoFeatures,
    VideoRecord,
)
from visil_dash.settings import Settings

# A frame whose grey levels spread less than this (standard deviation, of 255) shows nothing:
# black, a fade, a blank slate. Its direction after whitening is noise that all such frames share.
_FLAT_LEVEL = 3.0


@dataclass(frozen=True)
class Extracted:
    features: VideoFeatures
    info: MediaInfo


def flat_frames(frames: Array) -> Array:
    """Which of `[N, H, W, 3]` uint8 frames show nothing, `[N]` bool."""
    # Sums of three bytes are exact. numpy's `mean` along so short an axis takes far longer.
    values = frames.astype(np.float32)
    grey = (values[..., 0] + values[..., 1] + values[..., 2]) / np.float32(3)
    return np.asarray(grey.std((1, 2)) < _FLAT_LEVEL)


def extract_features(
    path: Path,
    *,
    name: str,
    video_id: str,
    model: Model,
    settings: Settings,
    pictures: bool = False,
    begun: BegunVideo | None = None,
    watch: Watch = UNWATCHED,
) -> Extracted:
    """Region vectors of a video file, sampled at `settings.rate` frames a second.

    Borders that last for the whole video are cut, which reads it a second time; models that take
    the middle of the picture, as their papers do, see it as it is. Flat frames get zero vectors,
    which match nothing. Progress is reported in seconds of video. `pictures`: a still picture is
    taken as well (see sample_frames). `begun`: the file as engines.begun gave it.

    Raises MediaRefused (not decodable, over a limit, or nothing but flat frames) and Cancelled.
    """
    borders = BorderFinder() if model.preprocess.mode == "squash" else None
    try:
        begin = partial(
            sample_frames,
            path,
            preprocess=model.preprocess,
            rate=settings.rate,
            pictures=pictures,
            settings=settings,
        )
        if begun is None or begun.read_for != (model.preprocess, settings.rate):
            begun = BegunVideo(begin)
        stacked, times, info = _read(begun, model=model, watch=watch, borders=borders)
        picture = None if borders is None else borders.picture()
        if picture is not None and picture != WHOLE_PICTURE:
            stacked, times, info = _read(
                BegunVideo(partial(begin, box=picture)), model=model, watch=watch
            )
    except MediaRefused as refused:
        # The decoder knows the file by a server-made name; the user knows it by another.
        raise MediaRefused(name, refused.reason, refused.remedy) from refused
    if not stacked.any():
        raise MediaRefused(
            name,
            "it has no picture signal: every sampled frame is black or flat",
            "check the file in a player; such a video would match every other blank one",
        )
    if not np.isfinite(stacked).all():
        raise MediaRefused(
            name,
            f"the model {model.name} gave values that are not finite for it",
            "report the file; nothing was stored",
        )
    return Extracted(VideoFeatures(video_id, model.extractor, stacked, times, picture), info)


def _read(
    video: BegunVideo, *, model: Model, watch: Watch, borders: BorderFinder | None = None
) -> tuple[Array, Array, MediaInfo]:
    """Regions and times of a video's frames; `borders` is shown those that show something.
    Raises MediaRefused and Cancelled."""
    regions: list[Array] = []
    times: list[Array] = []
    video.watch = watch
    with video:
        for batch in video:
            flat = flat_frames(batch.frames)
            vectors = regions_of_shown(model, batch.frames, flat=flat)
            with np.errstate(over="ignore"):  # what is infinite then is refused with a reason
                regions.append(vectors.astype(np.float16))
            times.append(batch.timestamps)
            if borders is not None:
                borders.add(batch.frames[~flat])
        info = video.info
    return np.concatenate(regions), np.concatenate(times), info


def regions_of_shown(model: Model, frames: Array, *, flat: Array | None = None) -> Array:
    """Region vectors of a model's input; zero where a frame is flat (`flat`, where known)."""
    vectors = model.extract(frames)
    vectors[flat_frames(frames) if flat is None else flat] = 0
    return vectors


def extract_elsewhere(
    *, path: str, name: str, video_id: str, model: str, settings: Settings
) -> PieceOutcome:
    """`extract_features` in a process of an engine, which keeps the model between videos."""
    if not same_bytes(path, video_id):
        return PieceOutcome()
    try:
        return PieceOutcome(
            extract_features(
                Path(path),
                name=name,
                video_id=video_id,
                model=kept_model(model, settings),
                settings=settings,
            )
        )
    except MediaRefused as refused:  # its arguments do not survive pickling
        return PieceOutcome(refused=(refused.name, refused.reason, refused.remedy))


def engine_for(library: Library, model: Model, settings: Settings) -> EngineOnDemand:
    """The engine of the settings, for the features of this model."""
    about = {"model": model.name, "settings": settings}
    return EngineOnDemand(library, extractor=model.extractor, work=extract_elsewhere, common=about)


def feature_manifest(model: Model, *, rate: float) -> FeatureManifest:
    """How a model's features are made at `rate` frames a second, for the store."""
    return FeatureManifest(
        extractor=model.extractor,
        weights_sha256=model.weights_sha256,
        regions=model.regions,
        dim=model.dim,
        rate=rate,
    )


def ingest(
    job: JobRecord,
    source: Path,
    *,
    library: Library,
    space: FrameSpace,
    model: Model,
    settings: Settings,
    enter: Callable[[JobState], None],
    watch: Watch,
    engine: ExtractionEngine | None = None,
) -> str:
    """Take a file into the library (see jobs.Pipeline): decode, extract, commit, index.

    Each step that was finished before, in an earlier try or under another name, is skipped.
    """
    if _has_sound_features(library, job.video_id, extractor=model.extractor):
        info = library.video(job.video_id).info
        record = _put(library, job, source, info)
    else:
        enter(JobState.DECODING)
        extracted = None
        if engine is not None:
            extracted = engine.extracted(source, name=job.name, video_id=job.video_id, watch=watch)
        extracted = extracted or extract_features(
            source,
            name=job.name,
            video_id=job.video_id,
            model=model,
            settings=settings,
            watch=watch,
        )
        enter(JobState.FEATURES)
        record = _put(library, job, source, extracted.info)
        library.put_features(extracted.features, feature_manifest(model, rate=settings.rate))
    enter(JobState.COMMITTED)
    features = library.features(record.video_id, extractor=model.extractor)
    space.add_video(record.ordinal, features.frame_vectors)
    return record.video_id


def _put(library: Library, job: JobRecord, source: Path, info: MediaInfo) -> VideoRecord:
    """The staged file becomes the library's; a file in place stays where it lies."""
    if job.in_place:
        digest, stamp = library.in_place.hashed(source)
        if digest != job.video_id:
            reason = "it changed while it was being decoded"
            raise MediaRefused(job.name, reason, "add it again once it is whole")
        file = FileInPlace(job.video_id, source.absolute(), stamp)
        return library.put_in_place(file, name=job.name, info=info)
    return library.put_video(
        source, name=job.name, info=info, video_id=job.video_id, place=job.source
    )


def _has_sound_features(library: Library, video_id: str, *, extractor: str) -> bool:
    """Whether extraction can be skipped; features that must not be used are taken out of use."""
    try:
        library.features(video_id, extractor=extractor, anew=True)
    except NotFound:
        return False
    except (StoreDamaged, StoreMismatch) as error:
        library.quarantine_features(video_id, extractor=extractor, reason=str(error))
        return False
    return True
