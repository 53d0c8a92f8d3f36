"""A video that is read ahead: the same frames, earlier, and nothing left behind."""

import threading
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from tests.support.clips import SETTINGS, make_clip, regular
from visil_dash.errors import Cancelled, MediaRefused
from visil_dash.media import process
from visil_dash.media.decode import BegunVideo, sample_frames
from visil_dash.progress import Progress, Watch
from visil_dash.records import Preprocess

SQUASH = Preprocess(side=64)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """More than waits to be taken: 200 frames."""
    return make_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", regular(200, 25))


def reading() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "decode"}


def begun(clip: Path) -> BegunVideo:
    return BegunVideo(partial(sample_frames, clip, preprocess=SQUASH, rate=25, settings=SETTINGS))


def test_frames_read_ahead_are_those_that_are_read_when_asked_for(clip: Path) -> None:
    plain = sample_frames(clip, preprocess=SQUASH, rate=25, settings=SETTINGS)
    expected = list(plain)
    with begun(clip) as video:
        seen: list[Progress] = []
        video.watch = Watch(seen.append)
        taken = list(video)
    assert [len(batch) for batch in taken] == [len(batch) for batch in expected]
    for one, other in zip(taken, expected, strict=True):
        assert np.array_equal(one.frames, other.frames)
        assert np.array_equal(one.timestamps, other.timestamps)
    assert video.info == plain.info
    assert seen
    assert not reading()


def test_reading_begins_at_once_and_ends_when_the_video_is_closed(clip: Path) -> None:
    with begun(clip):
        assert reading()
    assert not reading()


def test_who_stops_taking_stops_the_reading(clip: Path) -> None:
    stop = threading.Event()
    with begun(clip) as video:
        video.watch = Watch(stopped=stop.is_set)
        next(iter(video))
        stop.set()
        with pytest.raises(Cancelled):
            list(video)
    assert not reading()


def test_a_file_that_cannot_be_decoded_is_refused_where_its_frames_are_taken(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "PROGRAM", "import os; os.abort()")
    with begun(clip) as video, pytest.raises(MediaRefused, match="SIGABRT"):
        list(video)
    assert not reading()


def test_what_is_known_without_decoding_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(MediaRefused, match="no such file"):
        begun(tmp_path / "gone.mp4")
    assert not reading()
