"""Pair scores beside the authors' own PyTorch code, with the same random weights.

    git clone --branch pytorch https://github.com/MKLab-ITI/visil FOLDER
    python -m benchmarks.speed.authors FOLDER

CPU milliseconds a pair in both directions, medians, in turn, one thread: theirs pair by pair, ours
of one video with several at once and one by one, and the product of all regions alone. Videos are
of noise.
"""

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.speed.noise import region_vectors
from benchmarks.speed.timing import medians
from visil_dash.matching.similarity import Scorer, pair_scores, pair_scores_many
from visil_dash.models.comparator import VideoComparator, visil_output, visil_outputs

_SIZES = ((20, 20, 8), (60, 60, 8), (60, 300, 3))  # frames of both, references at once


def compared(head: Any, scorer: Scorer, dim: int, p: int, q: int, count: int) -> None:
    query = region_vectors(p, dim, 0)
    references = [region_vectors(q, dim, i + 1) for i in range(count)]
    one, others = torch.from_numpy(query), [torch.from_numpy(r) for r in references]

    def theirs() -> list[tuple[float, float]]:
        return [(float(head(one, other)), float(head(other, one))) for other in others]

    def ours() -> list[tuple[float, float]]:
        pairs = pair_scores_many(query, references, scorer)
        return [(pair.score, pair.reverse_score) for pair in pairs]

    differ = float(np.abs(np.array(theirs()) - np.array(ours())).max())
    rows, columns = one.reshape(-1, dim), others[0].reshape(-1, dim)
    taken = medians(
        {
            "theirs": theirs,
            "ours": ours,
            "one by one": lambda: [pair_scores(query, r, scorer) for r in references],
            "product": lambda: [rows @ columns.T for _ in references],
        },
        times=7,
    )
    times = " | ".join(f"{ms / count:.2f}" for ms in taken.values())
    ratio = taken["theirs"] / taken["ours"]
    print(f"| {p} × {q} frames of 9 × {dim} | {times} | {ratio:.2f} | {differ:.0e} |", flush=True)


@torch.inference_mode()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    sys.path.insert(0, str(parser.parse_args().folder))
    from model.visil import ViSiLHead  # type: ignore[import-not-found]  # of FOLDER

    torch.set_num_threads(1)
    print("| pair | authors | ours | ours one by one | product | times | difference |")
    print("|---|---|---|---|---|---|---|")
    for dim in (256, 512, 3840):
        torch.manual_seed(0)
        head = ViSiLHead(dims=dim).eval()
        net = VideoComparator().eval()
        net.load_state_dict(head.video_comperator.state_dict())
        net = net.to(memory_format=torch.channels_last)
        scorer = Scorer(partial(visil_output, net), compare_many=partial(visil_outputs, net))
        for p, q, count in _SIZES:
            compared(head, scorer, dim, p, q, count)


if __name__ == "__main__":
    main()
