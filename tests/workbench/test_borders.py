"""Borders are cut before features are made, in queries and references alike."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.support.clips import SETTINGS
from tests.support.fakes import fake_model
from visil_dash.edits.clip import write_video
from visil_dash.framing.views import PICTURE_PARTS
from visil_dash.library.blobs import decode_features, encode_features
from visil_dash.media.decode import sample_frames
from visil_dash.media.pictures import display_matrix
from visil_dash.media.wire import FLIP_COLUMNS, FLIP_ROWS, TRANSPOSE
from visil_dash.records import WHOLE_PICTURE, Array, Preprocess, VideoFeatures
from visil_dash.workbench.ingest import extract_features, feature_manifest
from visil_dash.workbench.views import extract_views

RATE = 5
MODEL = fake_model()


def footage(*, seconds: int = 8, width: int = 192, height: int = 108) -> list[Array]:
    rng = np.random.default_rng(1)
    scene = cv2.resize(rng.integers(0, 256, (30, 60, 3)).astype(np.uint8), (900, 400))
    return [scene[4 * k : 4 * k + height, 8 * k : 8 * k + width] for k in range(RATE * seconds)]


def features(path: Path) -> VideoFeatures:
    return extract_features(
        path, name=path.name, video_id="a" * 64, model=MODEL, settings=SETTINGS
    ).features


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("plain") / "plain.mp4"
    write_video(path, footage(), rate=RATE, crf=16)
    return path


@pytest.fixture(scope="module")
def letterboxed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("barred") / "barred.mp4"
    bars = [np.pad(frame, ((50, 50), (0, 0), (0, 0))) for frame in footage()]
    write_video(path, bars, rate=RATE, crf=16)
    return path


def test_features_of_a_picture_without_borders_are_those_of_its_frames_bit_for_bit(
    plain: Path,
) -> None:
    with sample_frames(plain, preprocess=MODEL.preprocess, settings=SETTINGS) as video:
        frames = np.concatenate([batch.frames for batch in video])
    made = features(plain)
    assert made.picture == WHOLE_PICTURE
    np.testing.assert_array_equal(made.regions, MODEL.extract(frames).astype(np.float16))


def test_bars_change_the_features_of_a_clip_hardly_at_all(plain: Path, letterboxed: Path) -> None:
    cut, whole = features(letterboxed), features(plain)
    assert cut.picture == pytest.approx((0, 50 / 208, 1, 108 / 208), abs=0.03)
    with sample_frames(letterboxed, preprocess=MODEL.preprocess, settings=SETTINGS) as video:
        squashed = MODEL.extract(np.concatenate([batch.frames for batch in video]))
    agree, agreed = ((r.astype(float) * whole.regions).sum(2) for r in (cut.regions, squashed))
    assert agree.mean() > 0.9
    assert agreed.mean() < 0.7


def test_parts_of_the_picture_are_parts_of_what_is_inside_the_borders(letterboxed: Path) -> None:
    picture = features(letterboxed).picture
    views = extract_views(
        letterboxed,
        views=PICTURE_PARTS,
        video_id="a" * 64,
        model=MODEL,
        settings=SETTINGS,
        picture=picture,
    )
    assert picture is not None
    x, y, width, height = picture
    box = views["bottom"].picture
    assert box == pytest.approx((x, y + height / 2, width, height / 2))


def test_models_that_take_the_middle_see_the_picture_as_it_is(letterboxed: Path) -> None:
    side = MODEL.preprocess.side
    model = fake_model(preprocess=Preprocess(side=side, mode="crop", resize=side + 8))
    made = extract_features(
        letterboxed, name="clip", video_id="a" * 64, model=model, settings=SETTINGS
    )
    assert made.features.picture is None


def test_the_stored_features_name_their_picture(letterboxed: Path) -> None:
    made = features(letterboxed)
    blob = encode_features(made, feature_manifest(MODEL, rate=1.0), origin={})
    assert decode_features(blob, name="blob")[0].picture == made.picture


@pytest.mark.parametrize("turned", [0, TRANSPOSE | FLIP_ROWS, FLIP_ROWS | FLIP_COLUMNS])
def test_a_box_is_of_the_picture_as_displayed(turned: int, tmp_path: Path) -> None:
    from tests.support.clips import make_clip, regular

    picture = np.zeros((96, 128, 3), np.uint8)
    picture[:48, :64], picture[:48, 64:], picture[48:, :64] = 60, 120, 180
    path = make_clip(
        tmp_path / "turned.mp4",
        regular(10, 5),
        pictures=[picture] * 10,
        matrix=display_matrix(turned),
    )
    kept = Preprocess(side=32)
    with sample_frames(path, preprocess=kept, settings=SETTINGS) as video:
        whole = next(iter(video)).frames[0]
    for box in ((0.0, 0.0, 0.5, 0.5), (0.5, 0.0, 0.5, 0.5), (0.0, 0.5, 0.5, 0.5)):
        with sample_frames(path, preprocess=kept, box=box, settings=SETTINGS) as video:
            part = next(iter(video)).frames[0]
        x, y = round(box[0] * 32), round(box[1] * 32)
        assert abs(float(part.mean()) - float(whole[y : y + 16, x : x + 16].mean())) < 6
