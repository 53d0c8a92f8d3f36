"""The walkthrough's numbers by plain counting, and its look inside against the model itself."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.support.fakes import fake_model
from tests.support.scenes import scene_picture
from visil_dash.laboratory.walkthrough import (
    comparator_operations,
    cosines,
    dims_for,
    explained_variance,
    frame_map_operations,
    most_asymmetric,
    scan_operations,
    search_operations,
)
from visil_dash.models.comparator import VideoComparator
from visil_dash.models.load import load_model
from visil_dash.models.stages import look_inside
from visil_dash.records import PairTable
from visil_dash.settings import Settings


def counted_by_hooks(tq: int, tr: int) -> int:
    """Multiply–adds of a real comparator, from the shapes that its layers see."""
    network, total = VideoComparator().eval(), 0

    def count(layer: torch.nn.Conv2d, _given: object, made: torch.Tensor) -> None:
        nonlocal total
        kernel = layer.kernel_size[0] * layer.kernel_size[1] * layer.in_channels
        total += made[0].numel() * kernel

    for layer in network.children():
        layer.register_forward_hook(count)  # type: ignore[arg-type]
    with torch.inference_mode():
        network(torch.zeros(1, 1, tq, tr))
    return total


@pytest.mark.parametrize(("tq", "tr"), [(20, 16), (21, 19), (4, 4), (3, 9), (1, 2), (120, 7)])
def test_the_comparator_is_counted_as_it_runs(tq: int, tr: int) -> None:
    assert comparator_operations(tq, tr) == counted_by_hooks(tq, tr)


def test_products_are_counted_by_hand() -> None:
    # 2 × 3 frames, 9 × 9 region pairs each, 4 multiply–adds a pair.
    assert frame_map_operations(2, 3, regions=9, dim=4) == 2 * 3 * 81 * 4
    assert scan_operations(2, 100, 16) == 3200


def test_brute_force_and_hierarchical_search_by_hand() -> None:
    lengths = {"a": 8, "b": 16, "c": 4}
    plain = search_operations(
        4, lengths, {"b", "gone"}, regions=2, dim=3, index_dim=5, comparator=False
    )
    assert plain.brute == 4 * 2 * 2 * 3 * 28
    assert plain.reranking == 4 * 2 * 2 * 3 * 16
    assert plain.scan == 4 * 28 * 5
    assert plain.hierarchical == plain.scan + plain.reranking
    assert (plain.videos, plain.candidates) == (3, 1)
    full = search_operations(4, lengths, {"b"}, regions=2, dim=3, index_dim=5, comparator=True)
    both = counted_by_hooks(4, 16) + counted_by_hooks(16, 4)
    assert full.reranking == plain.reranking + both


def test_variance_is_that_of_a_singular_value_decomposition() -> None:
    rng = np.random.default_rng(0)
    for n, d in ((50, 12), (10, 40)):
        x = rng.standard_normal((n, d)) * np.linspace(3, 0.1, d)
        s = np.linalg.svd(x - x.mean(0), compute_uv=False) ** 2
        shares = explained_variance(x)
        np.testing.assert_allclose(shares[: len(s)], np.cumsum(s) / s.sum(), atol=1e-9)
    assert dims_for(np.array([0.5, 0.8, 0.9, 1.0]), 0.9) == 3
    assert dims_for(np.array([0.5, 0.8]), 0.99) == 2
    np.testing.assert_array_equal(explained_variance(np.ones((5, 3))), 1)


def test_cosines_are_those_of_all_pairs() -> None:
    x = np.random.default_rng(1).standard_normal((2, 3, 4))
    flat = x.reshape(6, 4)
    expected = [
        a @ b / np.linalg.norm(a) / np.linalg.norm(b)
        for i, a in enumerate(flat)
        for b in flat[i + 1 :]
    ]
    np.testing.assert_allclose(cosines(x), expected, atol=1e-6)
    assert len(cosines(np.ones((500, 9, 2)), most=10)) == 45


def test_the_largest_difference_of_directions_is_found() -> None:
    scores = np.array([[1, 0.2, 0.5], [0.9, 1, 0.1], [0.6, 0.3, 1]])
    found = most_asymmetric(PairTable(("a", "b", "c"), ("a", "b", "c"), scores, "x"))
    assert found is not None
    assert (found.query, found.reference, found.there, found.back) == ("b", "a", 0.9, 0.2)
    assert most_asymmetric(PairTable(("a",), ("a",), np.ones((1, 1)), "x")) is None


def test_the_steps_of_the_bundled_model_end_where_the_model_ends() -> None:
    settings = Settings()
    model = load_model("compact", settings=settings)
    side = model.preprocess.side
    frames = np.stack([scene_picture(s, 1.0, size=(side, side)) for s in (1, 2)])
    found = look_inside(model, frames, settings=settings)
    assert found is not None
    np.testing.assert_allclose(found.regions, model.extract(frames), atol=2e-4)
    np.testing.assert_allclose(np.linalg.norm(found.raw, axis=-1), 1, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(found.whitened, axis=-1), 1, atol=1e-5)
    assert found.attention.min() >= 0
    assert found.attention.max() <= 1
    assert [m.shape[0] for m in found.maps] == [2] * len(found.maps)
    sides = [m.shape[2] for m in found.maps]
    assert sides == sorted(sides, reverse=True)
    assert all(m.energy.shape == m.shape[2:] for m in found.maps)


def test_a_model_of_other_parts_cannot_be_looked_into(tmp_path: Path) -> None:
    frames = np.zeros((1, 48, 48, 3), np.uint8)
    assert look_inside(fake_model(), frames, settings=Settings()) is None
