"""The video comparator: a small CNN that reads temporal structure out of a similarity matrix
(ViSiL section 3.3)."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from visil_dash.records import Array

_MIN_SIDE = 4  # two 2×2 max-pools leave nothing of a shorter side
_TILE = 1024  # input cells a side; 32 channels of float32 make 128 MiB of the first layer
_BATCH_CELLS = 64 * 1024  # of matrices that go through together: 8 MiB of the first layer
_HALO = 8  # input cells that an output cell sees beyond its own 4×4: 7, rounded up to the pooling


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
    hours at one frame a second would need 6 GiB for the first layer alone.
    """
    return visil_outputs(comparator, [frame_similarity], tile=tile)[0]


@torch.inference_mode()
def visil_outputs(
    comparator: VideoComparator, frame_similarities: Sequence[Array], *, tile: int = _TILE
) -> list[Array]:
    """`visil_output` of several matrices; those of one shape go through together, as many as have
    _BATCH_CELLS cells."""
    if tile < _MIN_SIDE or tile % 4:
        raise ValueError(f"tile: expected a positive multiple of 4, got {tile}")
    of_shape: dict[tuple[int, ...], list[int]] = {}
    for number, matrix in enumerate(frame_similarities):
        if matrix.ndim != 2 or 0 in matrix.shape:
            raise ValueError(f"frame similarity: expected non-empty [Tq, Tr], got {matrix.shape}")
        of_shape.setdefault(matrix.shape, []).append(number)
    outputs: dict[int, Array] = {}
    for shape, numbers in of_shape.items():
        together = max(1, _BATCH_CELLS // (shape[0] * shape[1]))
        for start in range(0, len(numbers), together):
            some = numbers[start : start + together]
            batch = np.stack([frame_similarities[number] for number in some]).astype(np.float32)
            outputs |= zip(some, _tiled(comparator, torch.from_numpy(batch), tile), strict=True)
    return [outputs[number] for number in range(len(frame_similarities))]


def _tiled(comparator: VideoComparator, batch: Tensor, tile: int) -> Array:
    """`[N, Tq, Tr]` → `[N, Tq // 4, Tr // 4]`, clipped."""
    device = comparator.fconv.weight.device
    x = repeat_short(batch)
    n, p, q = x.shape
    out = torch.empty(n, p // 4, q // 4)
    # The last tile takes the remainder along, so that the border keeps its own padding.
    rows, columns = _tiles(p, tile), _tiles(q, tile)
    for top, bottom in rows:
        for left, right in columns:
            t, le = max(0, top - _HALO), max(0, left - _HALO)
            part = x[:, t : min(p, bottom + _HALO), le : min(q, right + _HALO)].to(device)
            y = comparator(part[:, None])[:, 0]
            y = y[:, (top - t) // 4 :, (left - le) // 4 :].cpu()
            target = out[:, top // 4 : bottom // 4, left // 4 : right // 4]
            target.copy_(y[:, : target.shape[1], : target.shape[2]])
    return hard_tanh(out.numpy())


def _tiles(length: int, tile: int) -> list[tuple[int, int]]:
    """[start, end) pairs that cover `length`; the last one is at most `tile` + 3 long."""
    starts = range(0, length - length % 4, tile)
    return [(s, min(s + tile, length) if s + tile < length - 3 else length) for s in starts]
