"""How fast the product does what it does most, beside the plain way of the same work.

    make bench                                   # or python -m benchmarks.speed --json FILE

Every row runs both ways in turn, in one process with one thread, and takes the medians of CPU
seconds: other programs on the machine change the times, and hardly the ratio. `limit` is what the
arithmetic alone takes, measured in the same run: one matrix product for the rows that are made of
them. Videos are of noise, the comparator's weights are random: neither matters for the time.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from itertools import combinations_with_replacement
from pathlib import Path

import numpy as np
import torch

from benchmarks.speed import plain
from benchmarks.speed.noise import EXTRACTOR, noise_video, region_vectors, unit_vectors
from benchmarks.speed.timing import medians
from visil_dash.collection.table import pair_table
from visil_dash.index.ids import frame_ids
from visil_dash.index.tally import Rows, tally
from visil_dash.library.blobs import FeatureManifest
from visil_dash.library.store import open_library
from visil_dash.matching import paths
from visil_dash.matching.alignment import AlignOptions
from visil_dash.matching.products import frame_to_frame_many
from visil_dash.matching.rerank import rerank
from visil_dash.matching.similarity import Scorer
from visil_dash.models.comparator import VideoComparator, visil_output, visil_outputs
from visil_dash.models.extraction import reduce_products
from visil_dash.records import WHOLE, Array, MediaInfo
from visil_dash.settings import Settings

_SIZES = ((20, 20), (60, 60), (60, 300))  # frames of query and reference


@dataclass(frozen=True)
class Row:
    """Medians of CPU milliseconds; `limit`: what the matrix product alone takes, None without."""

    work: str
    plain: float
    product: float
    limit: float | None = None

    @property
    def times_faster(self) -> float:
        return self.plain / self.product


def measured(work: str, **ways: Callable[[], object]) -> Row:
    """`ways`: plain, product and perhaps limit."""
    return Row(work, **medians(ways, times=7, least=0.02))


def alignment_rows() -> Iterator[Row]:
    for p, q in _SIZES:
        score = np.random.default_rng(0).normal(-0.3, 0.1, (p, q)).astype(np.float32)
        np.fill_diagonal(score, 0.5)
        yield measured(
            f"best path of {p} × {q} frames",
            plain=partial(plain.path_scores, score, 0.3),
            product=partial(paths.path_scores, score, 0.3),
        )


def similarity_rows() -> Iterator[Row]:
    for dim in (256, 512, 3840):
        for p, q in _SIZES[1:]:
            a, b = region_vectors(p, dim, 0), region_vectors(q, dim, 1)
            one, other = (torch.from_numpy(x.reshape(-1, dim)) for x in (a, b))
            yield measured(
                f"frame-to-frame, both ways, {p} × {q} frames of 9 × {dim}",
                plain=partial(plain.frame_to_frame_both, a, b),
                product=partial(frame_to_frame_many, a, [b]),
                limit=partial(torch.matmul, one, other.T),
            )
            yield measured(
                f"the same in reduced precision, beside full, {p} × {q} frames of 9 × {dim}",
                plain=partial(frame_to_frame_many, a, [b]),
                product=partial(_in_reduced_precision, a, b),
            )


def _in_reduced_precision(query: Array, reference: Array) -> None:
    reduce_products(True)
    try:
        frame_to_frame_many(query, [reference])
    finally:
        reduce_products(False)


def comparator_rows(net: VideoComparator, fast: VideoComparator) -> Iterator[Row]:
    matrices = list(np.random.default_rng(0).uniform(-1, 1, (16, 60, 60)).astype(np.float32))
    yield measured(
        "comparator on 16 matrices of 60 × 60",
        plain=lambda: [plain.visil_output(net, matrix) for matrix in matrices],
        product=partial(visil_outputs, fast, matrices),
    )


def search_rows(net: VideoComparator, fast: VideoComparator) -> Iterator[Row]:
    query = noise_video("query", 60, 0)
    videos = {f"v{i}": noise_video(f"v{i}", 60, i) for i in range(1, 41)}
    scorer = Scorer(partial(visil_output, fast), compare_many=partial(visil_outputs, fast))

    def one_by_one() -> None:
        for video in videos.values():
            forward, reverse = plain.frame_to_frame_both(query.regions, video.regions)
            for matrix in (forward, reverse):
                plain.visil_output(net, matrix).max(1).mean()
            # What the alignment does first; noise has no segments.
            plain.path_scores((forward + reverse.T) / 2 - 0.3, 0.3)

    yield measured(
        "a query of 60 frames compared with 40 videos of 60, comparator and alignment",
        plain=one_by_one,
        product=lambda: rerank(
            {WHOLE: query},
            {WHOLE: tuple(videos)},
            load=videos.__getitem__,
            names={name: name for name in videos},
            candidates={},
            scorer=scorer,
            options=AlignOptions(frame_level=0.3),
        ),
    )


def collection_rows(net: VideoComparator, fast: VideoComparator) -> Iterator[Row]:
    videos = {f"v{i}": noise_video(f"v{i}", 60, i) for i in range(16)}
    scorer = Scorer(partial(visil_output, fast), compare_many=partial(visil_outputs, fast))

    def one_by_one() -> None:
        for one, other in combinations_with_replacement(videos.values(), 2):
            for matrix in plain.frame_to_frame_both(one.regions, other.regions):
                plain.visil_output(net, matrix).max(1).mean()

    yield measured(
        "all 136 pairs of 16 videos of 60 frames",
        plain=one_by_one,
        product=lambda: pair_table(
            {name: name for name in videos},
            load=videos.__getitem__,
            extractor=EXTRACTOR,
            scorer=scorer,
        ),
    )


def reading_rows(folder: Path) -> Iterator[Row]:
    with open_library(folder / "library", settings=Settings(min_free_bytes=0)) as library:
        staged = library.stage()
        staged.write_bytes(b"a video")
        info = MediaInfo("mp4", "h264", 320, 240, 60.0, 60)
        video = library.put_video(staged, name="a.mp4", info=info).video_id
        manifest = FeatureManifest(EXTRACTOR, "00", 9, 256)
        library.put_features(noise_video(video, 60, 0), manifest)
        library.features_ids(EXTRACTOR)  # as every search does first
        time.sleep(2.5)  # a file written a moment ago is checked at each read
        read = partial(library.features, video, extractor=EXTRACTOR)
        yield measured(
            "features of 60 frames of 9 × 256 from disk; plain: checked at each read",
            plain=partial(read, anew=True),
            product=read,
        )


def candidate_rows(frames: int) -> Iterator[Row]:
    """Candidate videos of a query of 60 frames, on noise, of which a graph finds nothing: all
    frames are compared."""
    vectors, queries = unit_vectors(frames, 256, 0), unit_vectors(60, 256, 1)
    owners = np.arange(frames) // 60
    ids = np.concatenate([frame_ids(o, int(n)) for o, n in enumerate(np.bincount(owners))])
    rows, every, nobody = Rows(ids, vectors), np.arange(60), np.zeros(frames, bool)
    one, other = torch.from_numpy(queries), torch.from_numpy(vectors)
    sample = 2 - 2 * queries @ vectors[:5000].T
    for share in (0.0001, 0.01, 0.05, 0.2, 1.0):
        threshold = float(np.quantile(sample, share))

        def compared(limit: float = threshold) -> object:
            return ((2 - 2 * (one @ other.T)) <= limit).nonzero()

        yield measured(
            f"videos of 60 frames against {frames:,}, {share:.2%} within the threshold; plain:"
            " product and comparison",
            plain=compared,
            product=partial(
                tally, rows, queries, threshold, every, compared=every, passed_over=nobody
            ),
            limit=partial(torch.matmul, one, other.T),
        )


def rows(*, frames: int, folder: Path) -> Iterator[Row]:
    torch.manual_seed(0)
    net = VideoComparator(direct=True).eval()
    fast = VideoComparator(direct=True).eval()
    fast.load_state_dict(net.state_dict())
    fast = fast.to(memory_format=torch.channels_last)
    yield from alignment_rows()
    yield from similarity_rows()
    yield from comparator_rows(net, fast)
    yield from search_rows(net, fast)
    yield from collection_rows(net, fast)
    yield from reading_rows(folder)
    yield from candidate_rows(frames)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows here as well")
    parser.add_argument("--frames", type=int, default=100_000, help="of the library of candidates")
    given = parser.parse_args()
    torch.set_num_threads(1)
    print("| work | plain, ms | here, ms | times | matrix product alone, ms |")
    print("|---|---|---|---|---|")
    made = []
    with tempfile.TemporaryDirectory() as folder:
        for row in rows(frames=given.frames, folder=Path(folder)):
            made.append(asdict(row) | {"times_faster": row.times_faster})
            limit = "" if row.limit is None else f"{row.limit:.3g}"
            print(
                f"| {row.work} | {row.plain:.3g} | {row.product:.3g} | {row.times_faster:.3g} |"
                f" {limit} |",
                flush=True,
            )
    if given.json is not None:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
