"""What runs the networks changes their speed; how much it may change a score is bounded here."""

import sys
from collections.abc import Iterator
from itertools import combinations_with_replacement
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from torch import nn

from visil_dash.errors import ModelError
from visil_dash.matching.products import frame_to_frame_many
from visil_dash.matching.similarity import pair_scores
from visil_dash.media.decode import sample_frames
from visil_dash.models.extraction import reduce_products, running
from visil_dash.models.load import Model, load_model, model_infos
from visil_dash.records import Array
from visil_dash.settings import Settings

CLIPS = Path(__file__).resolve().parents[2] / "demo" / "videos"
CPU = torch.device("cpu")
FULL, REDUCED = Settings(), Settings(precision="reduced")
OPENVINO = Settings(runtime="openvino", threads=1)
# Of a score in -1..1; a match score tells copies from others at steps of a hundredth.
MOST_CHANGE = 0.01


def small_network() -> nn.Module:
    torch.manual_seed(0)
    layers = nn.Sequential(
        nn.Conv2d(3, 16, 3, stride=2), nn.ReLU(), nn.Conv2d(16, 32, 3, stride=2), nn.ReLU()
    )
    return nn.Sequential(layers, nn.Flatten(2)).eval().requires_grad_(False)


@pytest.mark.slow
def test_openvino_gives_the_numbers_of_torch_for_any_number_of_frames() -> None:
    torch_run, other = (
        running(small_network(), side=32, device=CPU, settings=s) for s in (FULL, OPENVINO)
    )
    for count in (1, 5, 2):
        frames = torch.rand(count, 32, 32, 3).permute(0, 3, 1, 2)
        with torch.inference_mode():
            expected, got = torch_run(frames), other(frames)
        assert got.shape == expected.shape
        torch.testing.assert_close(got, expected, atol=1e-6, rtol=1e-5)


def test_openvino_reports_to_nobody() -> None:
    running(small_network(), side=32, device=CPU, settings=OPENVINO)
    assert sys.modules["openvino_telemetry"] is None


def test_a_missing_engine_is_an_error_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(ModelError, match="not installed"):
        running(small_network(), side=32, device=CPU, settings=OPENVINO)


def test_features_of_reduced_precision_have_an_extractor_of_their_own() -> None:
    full, reduced = (model_infos(settings=s)[0].extractor for s in (FULL, REDUCED))
    assert full != reduced
    assert model_infos(settings=OPENVINO)[0].extractor == full


@pytest.fixture(scope="module")
def exact() -> Model:
    return load_model("compact", settings=FULL)


@pytest.fixture(scope="module")
def clips(exact: Model) -> list[Array]:
    """Frames of a clip, of a copy of it and of something else."""
    names = ("market_anchor.mp4", "market_nd.mp4", "harbour_anchor.mp4")
    sampled = [sample_frames(CLIPS / n, preprocess=exact.preprocess, settings=FULL) for n in names]
    return [np.concatenate([batch.frames for batch in video])[:8] for video in sampled]


@pytest.fixture(autouse=True)
def _products_as_before() -> Iterator[None]:
    yield
    reduce_products(False)


def test_reduced_precision_changes_no_similarity_of_frames_by_more_than_a_thousandth() -> None:
    rng = np.random.default_rng(0)
    query = rng.standard_normal((30, 9, 256), dtype=np.float32)
    reference = np.concatenate([query + 0.3 * rng.standard_normal(query.shape), -query])
    one, other = (
        np.asarray(x / np.linalg.norm(x, axis=-1, keepdims=True), np.float32)
        for x in (query, reference)
    )
    [exact] = frame_to_frame_many(one, [other])
    reduce_products(True)
    [rough] = frame_to_frame_many(one, [other])
    for a, b in zip(exact, rough, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-3)


@pytest.fixture(scope="module")
def exactly(exact: Model, clips: list[Array]) -> list[Array]:
    return [exact.extract(clip) for clip in clips]


@pytest.mark.parametrize(
    "engine", [pytest.param("torch"), pytest.param("openvino", marks=pytest.mark.night)]
)
def test_reduced_precision_changes_no_score_by_more_than_a_hundredth(
    engine: Literal["torch", "openvino"], exact: Model, clips: list[Array], exactly: list[Array]
) -> None:
    settings = Settings(runtime=engine, precision="reduced")
    roughly = [load_model("compact", settings=settings).extract(clip) for clip in clips]
    assert not np.array_equal(exactly[0], roughly[0])
    for i, j in combinations_with_replacement(range(len(clips)), 2):
        one = pair_scores(exactly[i], exactly[j], exact.scorer)
        other = pair_scores(roughly[i], roughly[j], exact.scorer)
        assert other.score == pytest.approx(one.score, abs=MOST_CHANGE)
        assert other.reverse_score == pytest.approx(one.reverse_score, abs=MOST_CHANGE)
