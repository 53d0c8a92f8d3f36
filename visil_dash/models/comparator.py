"""The video comparator: a small CNN that reads temporal structure out of a similarity matrix
(ViSiL section 3.3)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from visil_dash.matching.compiled import compiled_reordered
from visil_dash.records import Array

_MIN_SIDE = 4  # two 2×2 max-pools leave nothing of a shorter side
_TILE = 1024  # input cells a side; 64 channels of float32 make 64 MiB of the second layer
_BATCH_CELLS = 64 * 1024  # of matrices that go through together: 4 MiB of the second layer
_HALO = 8  # input cells that an output cell sees beyond its own 4×4: 7, rounded up to the pooling
_Box = tuple[int, int, int, int, int]  # picture, first row, first column, height, width


class VideoComparator(nn.Module):
    """Frame-to-frame similarity → ViSiL output.

    Channels 1→32→64→128→1. `padding`: "replicate" as in ViSiL, "zeros" as in the fine-grained
    student of Distill-and-Select. Parameter names are those of the published files.

    `direct` (ours, not in ViSiL): the input itself has a say in the output, by a weight that is
    learned. Each output cell adds, of its 4×4 input cells, the mean over rows of the best of each
    row, so that the Chamfer similarity of the output is that of the input plus what the CNN makes
    of the pattern in time.
    """

    direct: nn.Parameter | None

    def __init__(
        self, *, padding: Literal["replicate", "zeros"] = "replicate", direct: bool = False
    ) -> None:
        super().__init__()
        self.register_parameter("direct", nn.Parameter(torch.ones(1)) if direct else None)
        self.conv1 = nn.Conv2d(1, 32, 3, padding=1, padding_mode=padding)
        self.conv2 = nn.Conv2d(32, 64, 3, padding=1, padding_mode=padding)
        self.conv3 = nn.Conv2d(64, 128, 3, padding=1, padding_mode=padding)
        self.fconv = nn.Conv2d(128, 1, 1)

    def forward(self, similarity: Tensor) -> Tensor:
        """`[N, 1, P, Q]` → `[N, 1, P // 4, Q // 4]`, not yet clipped (see `hard_tanh`).

        Sides under 4 frames are repeated first, and so give 1.
        """
        n, c, p, q = similarity.shape
        if c != 1 or 0 in (n, p, q):
            raise ValueError(f"comparator: expected non-empty [N, 1, P, Q], got {[n, c, p, q]}")
        whole = repeat_short(similarity)
        # Which of pooling and rectifying comes first changes no number, and this is a third faster.
        x = F.relu_(F.max_pool2d(self.conv1(whole), 2))
        x = F.relu_(F.max_pool2d(self.conv2(x), 2))
        out: Tensor = self.fconv(F.relu_(self.conv3(x)))
        if self.direct is None:
            return out
        # Halved twice as above, so that the odd rows and columns at the end are left out alike.
        best = F.max_pool2d(F.max_pool2d(whole, (1, 2)), (1, 2))
        return out + self.direct * F.avg_pool2d(F.avg_pool2d(best, (2, 1)), (2, 1))


def repeat_short(similarity: Tensor) -> Tensor:
    """Doubles the last two axes until each has at least 4 entries: 1, 2, 3 become 4, 4, 6.

    Repeating a video's frames repeats the rows or columns of its similarity matrix, so this is
    the rule that the published evaluation applies to short videos.
    """
    while similarity.shape[-2] < _MIN_SIDE:
        similarity = torch.cat([similarity, similarity], dim=-2)
    while similarity.shape[-1] < _MIN_SIDE:
        similarity = torch.cat([similarity, similarity], dim=-1)
    return similarity


def hard_tanh(similarity: Array) -> Array:
    return np.clip(similarity, -1.0, 1.0)


def visil_output(
    comparator: VideoComparator, frame_similarity: Array, *, tile: int = _TILE
) -> Array:
    """Frame-to-frame similarity `[Tq, Tr]` → ViSiL output `[Tq // 4, Tr // 4]` in -1..1.

    Long videos go through in tiles of `tile` cells a side (a multiple of 4) that overlap by what
    an output cell sees, which gives the same numbers in bounded memory: two hours against two
    hours at one frame a second would need 3 GiB for the second layer alone.
    """
    return visil_outputs(comparator, [frame_similarity], tile=tile)[0]


@torch.inference_mode()
def visil_outputs(
    comparator: VideoComparator, frame_similarities: Sequence[Array], *, tile: int = _TILE
) -> list[Array]:
    """`visil_output` of several matrices, which go through together, as many as have _BATCH_CELLS
    cells."""
    if tile < _MIN_SIDE or tile % 4:
        raise ValueError(f"tile: expected a positive multiple of 4, got {tile}")
    outputs: list[Array] = []
    parts: list[_Part] = []
    for matrix in frame_similarities:
        if matrix.ndim != 2 or 0 in matrix.shape:
            raise ValueError(f"frame similarity: expected non-empty [Tq, Tr], got {matrix.shape}")
        if min(matrix.shape) < _MIN_SIDE:
            matrix = repeat_short(torch.from_numpy(matrix.copy())).numpy()
        p, q = matrix.shape
        outputs.append(np.empty((p // 4, q // 4), np.float32))
        parts += _parts(matrix, outputs[-1], tile)
    parts.sort(key=lambda part: part.cells.shape, reverse=True)
    weight = comparator.fconv.weight
    by_loops = weight.device.type == "cpu" and weight.dtype == torch.float32
    outputs_of = _outputs_by_loops if by_loops else _outputs_by_module
    for some in _batches(parts):
        matrices = [np.array(part.cells, np.float32, order="C") for part in some]
        for part, output in zip(some, outputs_of(comparator, matrices), strict=True):
            rows, columns = part.target.shape
            below, right = part.above + rows, part.left + columns
            part.target[:] = output[part.above : below, part.left : right]
    return outputs


@dataclass(frozen=True)
class _Part:
    """A tile of a matrix and what its output cells see around it: `cells`. Its output goes to
    `target`, without `above` rows and `left` columns at the beginning."""

    cells: Array
    target: Array
    above: int
    left: int


def _parts(matrix: Array, output: Array, tile: int) -> Iterator[_Part]:
    # The last tile takes the remainder along, so that the border keeps its own padding.
    for top, bottom in _tiles(matrix.shape[0], tile):
        for left, right in _tiles(matrix.shape[1], tile):
            t, le = max(0, top - _HALO), max(0, left - _HALO)
            yield _Part(
                matrix[t : bottom + _HALO, le : right + _HALO],
                output[top // 4 : bottom // 4, left // 4 : right // 4],
                (top - t) // 4,
                (left - le) // 4,
            )


def _tiles(length: int, tile: int) -> list[tuple[int, int]]:
    """[start, end) pairs that cover `length`; the last one is at most `tile` + 3 long."""
    starts = range(0, length - length % 4, tile)
    return [(s, min(s + tile, length) if s + tile < length - 3 else length) for s in starts]


def _batches(parts: Sequence[_Part]) -> Iterator[list[_Part]]:
    some: list[_Part] = []
    cells = 0
    for part in parts:
        if some and cells + part.cells.size > _BATCH_CELLS:
            yield some
            some, cells = [], 0
        some.append(part)
        cells += part.cells.size
    if some:
        yield some


def _outputs_by_module(comparator: VideoComparator, matrices: Sequence[Array]) -> list[Array]:
    """The module's clipped output of each matrix; those of one shape go through together where they
    follow one another."""
    outputs: list[Array] = []
    for _, alike in groupby(matrices, key=lambda matrix: matrix.shape):
        batch = torch.from_numpy(np.stack(list(alike))).to(comparator.fconv.weight)
        outputs += list(hard_tanh(comparator(batch[:, None])[:, 0].float().cpu().numpy()))
    return outputs


def _outputs_by_loops(net: VideoComparator, matrices: Sequence[Array]) -> list[Array]:
    """The same on a CPU, of float32 matrices of any shapes, at least 4 cells a side.

    They lie in pictures, each in the border that its padding makes: a convolution is one call,
    whatever the shapes. All but the two large convolutions are compiled loops, each of which writes
    what the next layer reads. Videos of one length take two thirds of the module's time, of many
    lengths less than half.
    """
    replicate = net.conv1.padding_mode == "replicate"
    kernel = net.conv1.weight[:, 0].permute(1, 2, 0).contiguous().numpy()
    bias = cast(Tensor, net.conv1.bias).numpy()
    boxes, pictures = _laid_out([(m.shape[0] // 2, m.shape[1] // 2) for m in matrices], 32)
    for matrix, box in zip(matrices, boxes, strict=True):
        _first_layer(matrix, kernel, bias, replicate, pictures, box)
    layer = _convolved(net.conv2, pictures)
    halves, pictures = _laid_out([(rows // 2, columns // 2) for *_, rows, columns in boxes], 64)
    for box, half in zip(boxes, halves, strict=True):
        _second_pooling(layer, box, replicate, pictures, half)
    layer = _convolved(net.conv3, pictures)
    last, last_bias = net.fconv.weight.flatten().numpy(), cast(Tensor, net.fconv.bias).item()
    direct = 0.0 if net.direct is None else net.direct.item()
    outputs = [np.empty(half[3:], np.float32) for half in halves]
    for matrix, half, output in zip(matrices, halves, outputs, strict=True):
        _last_layer(layer, half, last, last_bias, matrix, direct, output)
    return outputs


def _laid_out(sizes: Sequence[tuple[int, int]], channels: int) -> tuple[list[_Box], Array]:
    """Boxes of these heights and widths in empty pictures `[N, H, W, channels]`, a cell of border
    around each. Equal ones have a picture each. Others share one: side by side where all are of one
    height, else in lines as wide as the widest."""
    boxes: list[_Box] = []
    if len(set(sizes)) == 1:
        height, width = sizes[0]
        boxes += ((number, 1, 1, height, width) for number in range(len(sizes)))
        return boxes, np.zeros((len(sizes), height + 2, width + 2, channels), np.float32)
    widths = [width + 2 for _, width in sizes]
    length = sum(widths) if len({height for height, _ in sizes}) == 1 else max(widths)
    top = bottom = left = 0
    for height, width in sizes:
        if left + width + 2 > length:
            top, left = bottom, 0
        boxes.append((0, top + 1, left + 1, height, width))
        left, bottom = left + width + 2, max(bottom, top + height + 2)
    return boxes, np.zeros((1, bottom, length, channels), np.float32)


def _convolved(convolution: nn.Conv2d, pictures: Array) -> Array:
    """`[N, H, W, C]` → `[N, H - 2, W - 2, D]`."""
    x = torch.from_numpy(pictures).permute(0, 3, 1, 2)
    out = F.conv2d(x, convolution.weight, convolution.bias).permute(0, 2, 3, 1)
    return np.asarray(out.contiguous().numpy())


# Everywhere below, an output of a convolution lies one cell above and left of what it is made of.


@compiled_reordered
def _first_layer(
    matrix: Array, kernel: Array, bias: Array, replicate: bool, pictures: Array, box: _Box
) -> None:
    """`[P, Q]`, convolved with `kernel` `[3, 3, C]`, 2×2 max-pooled and rectified, in its box."""
    p, q = matrix.shape
    x = np.zeros((p + 2, q + 2), np.float32)
    for i in range(p + 2):
        for j in range(q + 2):
            y, z = min(max(i - 1, 0), p - 1), min(max(j - 1, 0), q - 1)
            if replicate or (y == i - 1 and z == j - 1):
                x[i, j] = matrix[y, z]
    number, top, left, height, width = box
    for i in range(0, 2 * height, 2):
        for j in range(0, 2 * width, 2):
            x00, x01, x02, x03 = x[i, j], x[i, j + 1], x[i, j + 2], x[i, j + 3]
            x10, x11, x12, x13 = x[i + 1, j], x[i + 1, j + 1], x[i + 1, j + 2], x[i + 1, j + 3]
            x20, x21, x22, x23 = x[i + 2, j], x[i + 2, j + 1], x[i + 2, j + 2], x[i + 2, j + 3]
            x30, x31, x32, x33 = x[i + 3, j], x[i + 3, j + 1], x[i + 3, j + 2], x[i + 3, j + 3]
            out = pictures[number, top + i // 2, left + j // 2]
            for c in range(len(bias)):
                a, b, d = kernel[0, 0, c], kernel[0, 1, c], kernel[0, 2, c]
                e, f, g = kernel[1, 0, c], kernel[1, 1, c], kernel[1, 2, c]
                k, m, n = kernel[2, 0, c], kernel[2, 1, c], kernel[2, 2, c]
                s = a * x00 + b * x01 + d * x02 + e * x10 + f * x11 + g * x12
                t = a * x01 + b * x02 + d * x03 + e * x11 + f * x12 + g * x13
                u = a * x10 + b * x11 + d * x12 + e * x20 + f * x21 + g * x22
                v = a * x11 + b * x12 + d * x13 + e * x21 + f * x22 + g * x23
                s += k * x20 + m * x21 + n * x22
                t += k * x21 + m * x22 + n * x23
                u += k * x30 + m * x31 + n * x32
                v += k * x31 + m * x32 + n * x33
                out[c] = max(max(max(s, t), max(u, v)) + bias[c], np.float32(0))
    if replicate:
        _replicate_border(pictures, box)


@compiled_reordered
def _second_pooling(layer: Array, box: _Box, replicate: bool, pictures: Array, half: _Box) -> None:
    """What a convolution made of `box`, 2×2 max-pooled and rectified, in the box `half`."""
    here, from_top, from_left, _, _ = box
    number, top, left, height, width = half
    for i in range(height):
        for j in range(width):
            y, x = from_top - 1 + 2 * i, from_left - 1 + 2 * j
            a, b = layer[here, y, x], layer[here, y, x + 1]
            c, d = layer[here, y + 1, x], layer[here, y + 1, x + 1]
            out = pictures[number, top + i, left + j]
            for n in range(len(out)):
                out[n] = max(max(max(a[n], b[n]), max(c[n], d[n])), np.float32(0))
    if replicate:
        _replicate_border(pictures, half)


@compiled_reordered
def _replicate_border(pictures: Array, box: _Box) -> None:
    number, top, left, height, width = box
    for i in range(top, top + height):
        for c in range(pictures.shape[3]):
            pictures[number, i, left - 1, c] = pictures[number, i, left, c]
            pictures[number, i, left + width, c] = pictures[number, i, left + width - 1, c]
    for j in range(left - 1, left + width + 1):
        for c in range(pictures.shape[3]):
            pictures[number, top - 1, j, c] = pictures[number, top, j, c]
            pictures[number, top + height, j, c] = pictures[number, top + height - 1, j, c]


@compiled_reordered
def _last_layer(
    layer: Array, box: _Box, weight: Array, bias: float, matrix: Array, direct: float, output: Array
) -> None:
    """The last convolution of what one made of `box`, and the direct share of `matrix`, clipped."""
    number, top, left, height, width = box
    for i in range(height):
        for j in range(width):
            cell = layer[number, top - 1 + i, left - 1 + j]
            total = np.float32(0)
            for c in range(len(weight)):
                total += weight[c] * max(cell[c], np.float32(0))
            best = np.float32(0)
            for y in range(4 * i, 4 * i + 4):
                row = matrix[y]
                best += max(max(row[4 * j], row[4 * j + 1]), max(row[4 * j + 2], row[4 * j + 3]))
            value = total + bias + direct * best / 4
            output[i, j] = min(max(value, -1), 1)
