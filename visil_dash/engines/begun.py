"""Query clips before their model is loaded: which are refused, and frames that are read meanwhile.

Loading a model takes seconds, decoding needs none, and a wrong name is known at once.
"""

from functools import partial
from pathlib import Path

from visil_dash.errors import MediaRefused, ModelError, VisilDashError
from visil_dash.framing.views import QueryRef
from visil_dash.library.store import Library
from visil_dash.media.decode import BegunVideo, sample_frames
from visil_dash.media.files import check_regular, checked_hash
from visil_dash.models.load import model_info
from visil_dash.models.sampling import extractor_at


def clip_refusal(clip: str | Path, library: Library) -> VisilDashError | None:
    """Why a clip cannot be searched for, as far as is known without decoding: `clip` is a file, or
    the id or name of a library video."""
    try:
        if isinstance(clip, Path):
            check_regular(clip, pictures=True, settings=library.settings)
        else:
            library.video(QueryRef.parse(clip).base)
    except VisilDashError as error:
        return error
    return None


def begin_reading(path: Path, *, library: Library, model: str) -> BegunVideo | None:
    """The frames of a query clip for the model of this name, begun to be read before it is loaded.

    None where the library has the clip's features, and where the file or the model is at fault,
    which is reported when the clip is opened.
    """
    settings = library.settings
    try:
        info = model_info(model, settings=settings)
        video_id = checked_hash(path, name=path.name, settings=settings)
        extractor = extractor_at(info.extractor, settings.rate)
        if info.preprocess is None or library.has_features(video_id, extractor=extractor):
            return None
        begin = partial(
            sample_frames,
            path,
            preprocess=info.preprocess,
            rate=settings.rate,
            pictures=True,
            settings=settings,
        )
        return BegunVideo(begin, read_for=(info.preprocess, settings.rate))
    except (MediaRefused, ModelError):
        return None
