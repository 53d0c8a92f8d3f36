"""One pair under several scorers, both directions, side by side."""

from dataclasses import dataclass

from visil_dash.matching.similarity import chamfer
from visil_dash.records import Comparison


@dataclass(frozen=True)
class ScorerRow:
    """One scorer's answer: query → reference and back. `decides`: the verdict goes by this one."""

    name: str
    forward: float
    reverse: float
    told: str
    decides: bool = False


def scorer_rows(pair: Comparison) -> tuple[ScorerRow, ...]:
    """Video-to-video similarity by every scorer that the pair's maps allow."""
    symmetric = pair.symmetric
    rows = [
        ScorerRow(
            "Raw Chamfer",
            pair.chamfer,
            pair.chamfer_reverse,
            "each frame's best partner, averaged; order does not count",
            decides=pair.visil_output is None,
        ),
        ScorerRow(
            "Symmetric Chamfer",
            chamfer(symmetric),
            chamfer(symmetric.T),
            "the same over the mean of both frame-to-frame directions",
        ),
    ]
    there, back = pair.visil_output, pair.visil_output_reverse
    if there is not None and back is not None:
        both = (there + back.T) / 2
        rows += [
            ScorerRow(
                "ViSiL",
                pair.score,
                pair.reverse_score,
                "Chamfer over the ViSiL output: frames that match in order count",
                decides=True,
            ),
            ScorerRow(
                "Symmetric ViSiL",
                chamfer(both),
                chamfer(both.T),
                "the same over the mean of both ViSiL outputs",
            ),
        ]
    return tuple(sorted(rows, key=lambda row: not row.decides))
