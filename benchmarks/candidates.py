"""How far candidate generation narrows a collection: spaces for its index, orders of candidates.

    python -m benchmarks.candidates --bench SET --library DIR --cache FILE

SET was made by `benchmarks.copies make`; DIR is a library that holds its references and unrelated
videos (`benchmarks.copies score --distractors` fills one). Queries are whole pictures, distances
exact. The first table has the share of unrelated videos within the distance that admits 90 to 98 %
of the copies; the second, in the space that ships, the share of copies that are among the first
videos of each query.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.copies.truth import read_truth
from visil_dash.library.store import open_library
from visil_dash.models.load import load_model
from visil_dash.models.sampling import at_rate
from visil_dash.records import Array
from visil_dash.reduction.distances import squared_distances
from visil_dash.reduction.pca import fit_pca
from visil_dash.reduction.unit import unit_length
from visil_dash.settings import get_settings
from visil_dash.workbench.ingest import extract_features

RECALLS = (0.90, 0.95, 0.97, 0.98)
FIRST = (0.005, 0.01, 0.025, 0.05)  # of the unrelated videos
_DIM = 256
_NEIGHBOURS = 10  # of a library frame: how crowded its place is

Space = Callable[[Array], Array]


@dataclass(frozen=True)
class Collection:
    """Frame vectors `[N, D]`, by video: those of video v begin at `starts[v]`; `frame` `[N]` are
    their numbers."""

    vectors: Array
    starts: Array
    owner: Array
    frame: Array
    names: tuple[str, ...]

    def nearest(self, distances: Array) -> Array:
        """Of `[Tq, N]` the nearest frame of each video, `[Tq, V]`."""
        return np.minimum.reduceat(distances, self.starts, axis=1)


@dataclass(frozen=True)
class Asked:
    """A query's frame vectors `[Tq, D]`, their numbers, and which videos are right or unrelated."""

    vectors: Array
    frame: Array
    right: Array
    unrelated: Array


def read_collection(folder: Path, extractor: str) -> Collection:
    with open_library(folder, settings=get_settings(), read_only=True) as library:
        have = set(library.features_ids(extractor))
        videos = [v for v in library.videos() if v.video_id in have]
        found = [library.features(v.video_id, extractor=extractor) for v in videos]
    shown = [np.flatnonzero(f.shown) for f in found]
    counts = [len(s) for s in shown]
    return Collection(
        vectors=np.concatenate([f.frame_vectors[s] for f, s in zip(found, shown, strict=True)]),
        starts=np.cumsum([0, *counts[:-1]]),
        owner=np.repeat(np.arange(len(videos)), counts),
        frame=np.concatenate(shown),
        names=tuple(Path(v.name).name for v in videos),
    )


def read_queries(bench: Path, names: Sequence[str], cache: Path) -> list[Asked]:
    """The queries with an answer; their regions are read from the clips once, and kept."""
    queries = [q for q in read_truth(bench).queries if q.correct]
    if not cache.is_file():
        settings = get_settings()
        model = at_rate(load_model(settings.model, settings=settings), settings.rate)
        regions = {
            q.file: extract_features(
                bench / q.file, name=q.file, video_id=q.file, model=model, settings=settings
            ).features.regions
            for q in queries
        }
        np.savez(cache, allow_pickle=False, **regions)
    kept = np.load(cache)
    asked = []
    for query in queries:
        vectors = kept[query.file].astype(np.float32).reshape(len(kept[query.file]), -1)
        shown = np.flatnonzero(vectors.any(1))
        right = {Path(n).name for n in query.correct}
        ignored = right | {Path(n).name for n in query.ignored}
        asked.append(
            Asked(
                vectors[shown],
                shown,
                np.array([n in right for n in names]),
                np.array([n not in ignored for n in names]),
            )
        )
    return asked


def spaces(vectors: Array) -> dict[str, Space]:
    plain, of_unit = fit_pca(vectors, _DIM), fit_pca(unit_length(vectors), _DIM)
    mean = unit_length(vectors).mean(0)
    return {
        "as they are": lambda v: v,
        f"PCA {_DIM}": plain.projected,
        "unit length": unit_length,
        "unit length, centred, unit length": lambda v: unit_length(unit_length(v) - mean),
        f"PCA {_DIM}, unit length": lambda v: unit_length(plain.projected(v)),
        f"unit length, PCA {_DIM}, unit length (ships)": of_unit,
    }


def admitted(nearest: Sequence[Array], asked: Sequence[Asked]) -> list[float]:
    """The share of unrelated videos within the distance that reaches each of RECALLS."""
    best = np.sort([n[q.right].min(initial=np.inf) for n, q in zip(nearest, asked, strict=True)])
    shares = []
    for recall in RECALLS:
        limit = best[int(np.ceil(recall * len(best))) - 1]
        each = [(n[q.unrelated] <= limit).mean() for n, q in zip(nearest, asked, strict=True)]
        shares.append(float(np.mean(each)))
    return shares


def orders(
    distances: Array, query: Asked, library: Collection, crowded: Array, limit: float
) -> dict[str, Array]:
    """Each video's place by each order `[V]`, the first is the least."""
    near = library.nearest(distances)
    least = near.min(0)
    tie = 1e-6 * least
    room = np.maximum(0.0, limit - near)
    row, column = np.nonzero(distances <= limit)
    step = library.frame[column] - query.frame[row]
    key = library.owner[column] * 1_000_000 + step + 500_000
    diagonals, place = np.unique(key, return_inverse=True)
    weight = np.bincount(place, limit - distances[row, column], minlength=len(diagonals))
    in_step = np.zeros(len(library.names))
    np.maximum.at(in_step, diagonals // 1_000_000, weight)
    return {
        "nearest frame": least,
        "number of query frames, then nearest": -(near <= limit).sum(0) + 0.1 * least,
        "evidence (ships)": -room.sum(0) + tie,
        "evidence at one offset in time": -in_step + tie,
        "evidence and that at one offset": -room.sum(0) - in_step + tie,
        "nearest, less how crowded the library frame is": library.nearest(distances - crowded).min(
            0
        ),
    }


def crowding(vectors: Array, owner: Array) -> Array:
    """Mean distance of each library frame to its nearest of other videos, `[N]`."""
    out = np.empty(len(vectors), np.float32)
    for at in range(0, len(vectors), 1000):
        part = slice(at, at + 1000)
        distances = squared_distances(vectors[part], vectors)
        distances[owner[part, None] == owner] = np.inf
        out[part] = np.partition(distances, _NEIGHBOURS, axis=1)[:, :_NEIGHBOURS].mean(1)
    return out


def measure(library: Collection, asked: Sequence[Asked], share: float) -> None:
    """Prints both tables; `share`: of the unrelated distance, the threshold of evidence."""
    print(f"{len(asked)} queries, {len(library.names)} videos, {len(library.owner)} frames")
    print("unrelated videos admitted at recall " + ", ".join(f"{r:.0%}" for r in RECALLS))
    for name, space in spaces(library.vectors).items():
        held = space(library.vectors)
        nearest = [library.nearest(squared_distances(space(q.vectors), held)).min(0) for q in asked]
        print(f"  {name:48}" + "".join(f"{v:8.1%}" for v in admitted(nearest, asked)), flush=True)
    limit = share * 2.0  # frames that share nothing are 2 apart
    crowded = crowding(held, library.owner)
    places: dict[str, list[float]] = {}
    for query in asked:
        distances = squared_distances(space(query.vectors), held)
        for name, order in orders(distances, query, library, crowded, limit).items():
            best = order[query.right].min(initial=np.inf)
            places.setdefault(name, []).append(float((order[query.unrelated] <= best).mean()))
    print(f"copies among the first of the collection, threshold {limit:.3f}: {FIRST}")
    for name, ranks in places.items():
        shares = [float((np.array(ranks) <= first).mean()) for first in FIRST]
        print(f"  {name:48}" + "".join(f"{v:8.3f}" for v in shares))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bench", type=Path, required=True)
    parser.add_argument("--library", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True, help=".npz of the queries' regions")
    options = parser.parse_args()
    settings = get_settings()
    model = at_rate(load_model(settings.model, settings=settings), settings.rate)
    library = read_collection(options.library, model.extractor)
    asked = read_queries(options.bench, library.names, options.cache)
    measure(library, asked, model.threshold_share)


if __name__ == "__main__":
    main()
