"""What a distance threshold admits, as rows for a screen or a file."""

from collections.abc import Callable, Iterable, Mapping
from typing import TypedDict

from visil_dash.candidates.thresholds import QueryDistances
from visil_dash.records import Array, Candidate


class CandidateRow(TypedDict):
    video_id: str
    name: str
    query_frames: int
    hits: int
    reference_frames: int
    nearest: float


def candidate_rows(candidates: Iterable[Candidate], names: Mapping[str, str]) -> list[CandidateRow]:
    return [
        CandidateRow(
            video_id=c.video_id,
            name=names[c.video_id],
            query_frames=c.query_frames,
            hits=c.hits,
            reference_frames=c.reference_frames,
            nearest=c.min_distance,
        )
        for c in candidates
    ]


def neighbour_labels(
    view: QueryDistances, columns: Array, *, describe: Callable[[str, float], str]
) -> list[list[str]]:
    """The library frames of `columns` `[Q, K]`, each as `describe(name, seconds)`."""
    names = [view.names[v] for v in view.video[columns].reshape(-1).tolist()]
    times = view.times[columns].reshape(-1).tolist()
    flat = [describe(name, at) for name, at in zip(names, times, strict=True)]
    width = columns.shape[1]
    return [flat[i * width : (i + 1) * width] for i in range(len(columns))]
