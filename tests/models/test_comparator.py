"""Claims about the comparator and its tiles, against plain loops."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from visil_dash.models.comparator import (
    VideoComparator,
    hard_tanh,
    repeat_short,
    visil_output,
    visil_outputs,
)
from visil_dash.models.published import head_layout

PADDINGS = ("replicate", "zeros")


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)  # the inputs are tiny: a second thread only waits


def comparator(padding="replicate", seed=0, *, direct=False):
    torch.manual_seed(seed)
    net = VideoComparator(padding=padding, direct=direct).eval()
    for parameter in net.parameters():  # biases too, so that a lost bias shows
        torch.nn.init.normal_(parameter, std=0.06)
    return net


def forward(net, matrix):
    with torch.inference_mode():
        return net(torch.as_tensor(matrix, dtype=torch.float32)[None, None])[0, 0].numpy()


def loop_conv(x, weight, bias, padding):
    """[C, H, W] → [O, H, W] with a 3×3 kernel, by loops over output cells."""
    _, h, w = x.shape
    out = np.zeros((len(weight), h, w))
    for i in range(h):
        for j in range(w):
            patch = np.zeros((x.shape[0], 3, 3))
            for a in (-1, 0, 1):
                for b in (-1, 0, 1):
                    y, z = i + a, j + b
                    if padding == "replicate":
                        y, z = min(max(y, 0), h - 1), min(max(z, 0), w - 1)
                    elif not (0 <= y < h and 0 <= z < w):
                        continue
                    patch[:, a + 1, b + 1] = x[:, y, z]
            out[:, i, j] = (weight * patch).sum((1, 2, 3)) + bias
    return out


def loop_pool(x):
    c, h, w = x.shape
    out = np.zeros((c, h // 2, w // 2))
    for i in range(h // 2):
        for j in range(w // 2):
            out[:, i, j] = x[:, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].max((1, 2))
    return out


def loop_comparator(net, matrix, padding):
    p = {k: v.double().numpy() for k, v in net.state_dict().items()}
    x = np.asarray(matrix, np.float64)[None]
    for layer, pooled in (("conv1", True), ("conv2", True), ("conv3", False)):
        x = np.maximum(loop_conv(x, p[f"{layer}.weight"], p[f"{layer}.bias"], padding), 0)
        x = loop_pool(x) if pooled else x
    out = np.einsum("c,chw->hw", p["fconv.weight"][0, :, 0, 0], x) + p["fconv.bias"][0]
    if "direct" in p:
        for i, j in np.ndindex(out.shape):
            rows = matrix[4 * i : 4 * i + 4, 4 * j : 4 * j + 4]
            out[i, j] += p["direct"][0] * np.mean([max(row) for row in rows])
    return out


@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("shape", [(4, 4), (7, 10), (5, 13)])
def test_comparator_equals_plain_loops(padding, shape, direct):
    matrix = np.random.default_rng(1).uniform(-1, 1, shape)
    net = comparator(padding, direct=direct)
    expected = loop_comparator(net, matrix, padding)
    assert expected.shape == (shape[0] // 4, shape[1] // 4)
    np.testing.assert_allclose(forward(net, matrix), expected, atol=1e-5)


def test_the_two_paddings_differ():
    matrix = np.random.default_rng(1).uniform(0.5, 1, (8, 8))
    replicate, zeros = comparator("replicate"), comparator("zeros")
    assert np.abs(forward(replicate, matrix) - forward(zeros, matrix)).max() > 1e-3


@settings(max_examples=25)
@given(st.integers(1, 40), st.integers(1, 40))
def test_output_is_a_quarter_of_each_side_and_at_least_one(p, q):
    net = comparator()
    assert forward(net, np.zeros((p, q))).shape == (max(1, p // 4), max(1, q // 4))


@pytest.mark.parametrize(
    ("frames", "repeated"), [(1, [0, 0, 0, 0]), (2, [0, 1, 0, 1]), (3, [0, 1, 2, 0, 1, 2])]
)
def test_short_videos_are_doubled_until_they_have_four_frames(frames, repeated):
    matrix = torch.arange(frames * 5.0).view(frames, 5)
    assert torch.equal(repeat_short(matrix), matrix[repeated])
    assert torch.equal(repeat_short(matrix.T), matrix.T[:, repeated])
    net = comparator()
    np.testing.assert_allclose(forward(net, matrix), forward(net, matrix[repeated]), atol=1e-6)


def test_four_frames_or_more_stay_as_they_are():
    matrix = torch.rand(4, 9)
    assert repeat_short(matrix) is matrix


def test_empty_and_wrongly_shaped_inputs_are_refused():
    net = comparator()
    with pytest.raises(ValueError, match=r"\[N, 1, P, Q\]"):
        net(torch.zeros(1, 1, 0, 5))
    with pytest.raises(ValueError, match=r"\[N, 1, P, Q\]"):
        net(torch.zeros(1, 2, 8, 8))
    with pytest.raises(ValueError, match=r"\[Tq, Tr\]"):
        visil_output(net, np.zeros((0, 8), np.float32))
    with pytest.raises(ValueError, match="multiple of 4"):
        visil_output(net, np.zeros((8, 8), np.float32), tile=6)


@pytest.mark.parametrize("padding", PADDINGS)
@settings(max_examples=20)
@given(shape=st.tuples(st.integers(1, 45), st.integers(1, 45)), tile=st.sampled_from([4, 8, 20]))
def test_tiles_give_the_numbers_of_the_whole(padding, shape, tile):
    net = comparator(padding, direct=True)
    matrix = np.random.default_rng(sum(shape)).uniform(-1, 1, shape).astype(np.float32)
    whole = forward(net, matrix)
    assert np.abs(whole).max() < 1, "the comparison must not be hidden by the clipping"
    np.testing.assert_allclose(visil_output(net, matrix, tile=tile), whole, atol=1e-6)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_several_matrices_at_once_have_the_output_that_each_has_alone(layout):
    net = comparator(direct=True)
    random = np.random.default_rng(2)
    shapes = [(8, 12), (5, 1), (8, 12), (12, 8), (8, 12)]
    matrices = [random.uniform(-1, 1, shape).astype(np.float32) for shape in shapes]
    alone = [visil_output(net, matrix) for matrix in matrices]
    together = visil_outputs(net.to(memory_format=layout), matrices)
    for mine, expected in zip(together, alone, strict=True):
        np.testing.assert_allclose(mine, expected, atol=1e-6)
    assert visil_outputs(net, []) == []


@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize(
    "shapes",
    [
        [(60, 61)] * 2,
        [(13, 22), (13, 7), (13, 9), (13, 7)],
        [(22, 13), (7, 13), (9, 13)],
        [(8, 12), (31, 7), (2, 3), (1, 40), (5, 1)],
    ],
    ids=["alike", "of one height", "of one width", "of any shape"],
)
def test_matrices_that_go_through_together_have_the_output_of_the_module(shapes, padding, direct):
    net = comparator(padding, direct=direct)
    random = np.random.default_rng(3)
    matrices = [random.uniform(-1, 1, shape).astype(np.float32) for shape in shapes]
    expected = [forward(net, matrix) for matrix in matrices]
    assert all(np.abs(output).max() < 1 for output in expected), "nothing is clipped"
    for mine, of_module in zip(visil_outputs(net, matrices), expected, strict=True):
        np.testing.assert_allclose(mine, of_module, atol=1e-6)
    double = visil_outputs(net.double(), matrices)  # as on other devices: by the module itself
    for mine, of_module in zip(double, expected, strict=True):
        np.testing.assert_allclose(mine, of_module, atol=1e-6)


def test_a_matrix_may_be_read_only_transposed_and_of_another_type():
    net = comparator(direct=True)
    matrix = np.random.default_rng(4).uniform(-1, 1, (9, 14))
    matrix.setflags(write=False)
    np.testing.assert_allclose(
        visil_output(net, matrix.T), forward(net, matrix.T.copy()), atol=1e-6
    )


def test_output_is_clipped_by_the_hard_tanh():
    net = comparator()
    torch.nn.init.constant_(net.fconv.bias, 3.0)
    assert visil_output(net, np.zeros((8, 8), np.float32)).max() == 1.0
    np.testing.assert_array_equal(
        hard_tanh(np.array([-7.0, -1.0, -0.2, 0.0, 0.9, 1.0, 1.1])),
        [-1.0, -1.0, -0.2, 0.0, 0.9, 1.0, 1.0],
    )


def test_parameters_bear_the_published_names_and_shapes():
    published = {
        name.removeprefix("video_comperator."): shape
        for name, shape in head_layout(512).items()
        if name.startswith("video_comperator.")
    }
    assert {k: tuple(v.shape) for k, v in VideoComparator().state_dict().items()} == published
