"""Claims about attention by a context vector, worked by hand."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from visil_dash.models.attention import (
    apply_attention,
    attention_weights,
    on_one_scale,
    unit_context,
)


def test_weights_are_one_along_zero_against_and_a_half_across_the_context():
    context = torch.tensor([1.0, 0.0])
    x = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.6, 0.8]])
    torch.testing.assert_close(attention_weights(x, context), torch.tensor([1.0, 0.0, 0.5, 0.8]))


def test_attention_scales_each_region_and_its_norm_becomes_the_weight():
    context = torch.tensor([1.0, 0.0])
    x = torch.tensor([[[0.6, 0.8], [0.0, 1.0]]])
    scaled = apply_attention(x, context)
    torch.testing.assert_close(scaled, torch.tensor([[[0.48, 0.64], [0.0, 0.5]]]))
    torch.testing.assert_close(scaled.norm(dim=-1), torch.tensor([[0.8, 0.5]]))


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.integers(2, 40))
def test_weights_of_unit_vectors_lie_in_zero_to_one(seed, dim):
    generator = torch.Generator().manual_seed(seed)
    x = F.normalize(torch.randn(9, dim, generator=generator), dim=-1)
    context = unit_context(torch.randn(dim, generator=generator) * 30)
    weights = attention_weights(x, context)
    assert weights.min() >= -1e-6
    assert weights.max() <= 1 + 1e-6
    loop = [
        0.5 + 0.5 * sum(a * b for a, b in zip(r, context.tolist(), strict=True)) for r in x.tolist()
    ]
    np.testing.assert_allclose(weights.numpy(), loop, atol=1e-5)


def test_a_context_comes_out_with_unit_norm_whatever_its_published_shape():
    torch.testing.assert_close(unit_context(torch.tensor([[3.0, 4.0]])), torch.tensor([0.6, 0.8]))
    torch.testing.assert_close(unit_context(torch.tensor([0.0, -2.0])), torch.tensor([0.0, -1.0]))


@pytest.mark.parametrize(
    "bad",
    [torch.zeros(4), torch.tensor([1.0, float("nan")]), torch.ones(2, 2), torch.ones(1, 1, 2)],
)
def test_a_context_without_a_direction_or_of_another_shape_is_refused(bad):
    with pytest.raises(ValueError, match="context vector"):
        unit_context(bad)


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.floats(0.01, 100))
def test_on_one_scale_every_frame_is_as_similar_to_itself(seed, loudness):
    generator = torch.Generator().manual_seed(seed)
    quiet = torch.rand(5, 9, 1, generator=generator)
    x = loudness * quiet * F.normalize(torch.randn(5, 9, 16, generator=generator), dim=-1)
    x[2] = 0
    scaled = on_one_scale(x)
    own = (scaled @ scaled.transpose(1, 2)).amax(2).mean(1)
    shown = torch.tensor([True, True, False, True, True])
    assert (own[shown] >= 1 - 1e-5).all()  # 1 where no region resembles another one more
    torch.testing.assert_close(scaled[shown].square().sum(-1).mean(1), torch.ones(4))
    assert not scaled[2].any()
    # Within a frame nothing changes: attention tells its regions apart.
    norms, before = scaled.norm(dim=-1)[shown], x.norm(dim=-1)[shown]
    torch.testing.assert_close(norms / norms[:, :1], before / before[:, :1])
