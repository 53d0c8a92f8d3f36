"""A dimension study as rows of a table or file, and as lines of a figure."""

from collections.abc import Iterable, Sequence
from typing import Literal

from visil_dash.laboratory.dimensions.geometry import Concentration
from visil_dash.laboratory.dimensions.study import SpaceResult

METHOD_NAMES = {"full": "Full", "pca": "PCA", "random": "Random projection", "lpp": "LPP"}
_Cell = str | int | float | None


def space_rows(rows: Iterable[SpaceResult], *, k: int) -> list[dict[str, _Cell]]:
    """One row per space, in the order of the study; None where undefined."""
    return [
        {
            "Space": METHOD_NAMES[row.method],
            "Dims": row.dim,
            "Precision": row.precision.value,
            f"Recall@{k}": row.recall,
            "Candidate recall": row.candidate_recall,
            "Candidates": row.candidates,
            "Top 10 kept": row.overlap,
            "mAP": row.mean_ap,
            "Threshold": row.threshold,
            "from": row.low,
            "to": row.high,
            "Bytes a frame": row.bytes,
            "Build s": row.build,
            "Query ms": row.query_ms,
        }
        for row in rows
    ]


def smallest_space(rows: Sequence[SpaceResult], *, least: float, more: float) -> SpaceResult | None:
    """The space of fewest bytes that keeps the share `least` of the full space's candidate videos
    and of its ten best matches, with at most `more` times as many candidates to compare.

    None where none does, or nothing is a candidate.
    """
    full = next((row.candidates for row in rows if row.method == "full"), None)
    keeping = [
        row
        for row in rows
        if row.candidate_recall is not None
        and row.overlap is not None
        and min(row.candidate_recall, row.overlap) >= least
        and (row.candidates or 0.0) <= more * (full or 0.0)
    ]
    return min(keeping, key=lambda row: (row.bytes, -row.recall), default=None)


def concentration_lines(
    points: Iterable[Concentration], value: Literal["contrast", "variation"]
) -> dict[str, tuple[list[float], list[float]]]:
    """By space: dims, and the value at each."""
    lines: dict[str, tuple[list[float], list[float]]] = {}
    for point in points:
        dims, values = lines.setdefault(point.space, ([], []))
        dims.append(point.dim)
        values.append(getattr(point, value))
    return lines


def method_name(method: str) -> str:
    """ "pca64" → "PCA, 64 dims"; "full" → "Full"."""
    kind = method.rstrip("0123456789")
    digits = method.removeprefix(kind)
    return METHOD_NAMES[kind] + (f", {digits} dims" if digits else "")
