"""CPU seconds that the proof of one pair takes, beside decoding alone.

    python -m benchmarks.proof_cost --videos DIR --out DIR [--json FILE]

Of every clip of 400 to 576 lines a copy of its first ten seconds is written, cropped and compressed
anew, and verified where a search would have aligned it. Verified again, the query is at hand:
that is what each further match of a query takes. The limit is decoding the same stretches with
PyAV in this process, and nothing else.
"""

import argparse
import itertools
import resource
import statistics
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import av

from benchmarks.copies.clips import probe, read_clip, write_video
from benchmarks.copies.output import log_to_stderr, save_json
from visil_dash.errors import InputError, MediaRefused
from visil_dash.proof.sides import VideoFile
from visil_dash.proof.verify import Verifier
from visil_dash.records import Segment
from visil_dash.settings import get_settings

_LINES = 400, 576
_SECONDS = 10.0
_KEPT = 0.07, 0.93  # of either side: what a crop to 86 % leaves
_CRF, _RATE = 26, 25
_READ_BEYOND = 1.5  # seconds that verification reads beyond a segment


@dataclass(frozen=True)
class Cost:
    """CPU seconds of one pair: `first` with both videos unread, `further` with the query at hand;
    `decoding` of both stretches, `decoding_reference` of the reference's alone."""

    clip: str
    state: str
    first: float
    further: float
    decoding: float
    decoding_reference: float


def costs(videos: Path, out: Path, *, seconds: float = _SECONDS) -> Iterator[Cost]:
    for path in sorted(p for p in videos.rglob("*") if p.is_file()):
        try:
            known = probe(path)
            size = _size(path)
            if known.seconds < seconds or not _LINES[0] <= min(size) <= _LINES[1]:
                continue
            name = path.relative_to(videos).as_posix()
            copy = out / f"{name.replace('/', '__')}.copy.mp4"
            if not copy.exists():
                _write_copy(copy, path, seconds=seconds, long_side=max(size))
            yield _cost(name, path, copy, seconds=seconds, duration=known.seconds)
        except (InputError, MediaRefused) as error:
            log_to_stderr(str(error))


def _size(path: Path) -> tuple[int, int]:
    with av.open(str(path), metadata_errors="replace") as file:
        return file.streams.video[0].width, file.streams.video[0].height


def _write_copy(copy: Path, source: Path, *, seconds: float, long_side: int) -> None:
    clip = read_clip(source, rate=_RATE, seconds=seconds, long_side=long_side)
    height, width = clip.frames[0].shape[:2]
    low, high = _KEPT
    rows, columns = (slice(int(low * n) // 2 * 2, int(high * n) // 2 * 2) for n in (height, width))
    write_video(copy, [f[rows, columns] for f in clip.frames], rate=clip.rate, crf=_CRF)


def _cost(name: str, source: Path, copy: Path, *, seconds: float, duration: float) -> Cost:
    aligned = [Segment(0.0, seconds, 0.0, seconds, 0.9)]
    reference = VideoFile(source, duration)
    verifier = Verifier(VideoFile(copy, seconds), settings=get_settings())
    at = [_used()]
    proof = verifier.verify(reference, aligned)
    at.append(_used())
    verifier.verify(reference, aligned)
    at.append(_used())
    _decode(source, seconds + _READ_BEYOND)
    at.append(_used())
    _decode(copy, seconds)
    at.append(_used())
    first, further, theirs, mine = (b - a for a, b in itertools.pairwise(at))
    return Cost(name, proof.state.value, first, further, theirs + mine, theirs)


def _used() -> float:
    """CPU seconds of this process and of its ended children."""
    both = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return sum(used.ru_utime + used.ru_stime for used in both)


def _decode(path: Path, seconds: float) -> None:
    with av.open(str(path), metadata_errors="replace") as file:
        file.streams.video[0].thread_count = 1
        for frame in file.decode(video=0):
            if frame.time is not None and frame.time > seconds:
                break


def report(every: list[Cost]) -> str:
    rows = [f"{len(every)} pairs; medians of CPU seconds a pair"]
    for title, field in (
        ("both videos unread", "first"),
        ("decoding alone", "decoding"),
        ("the query at hand", "further"),
        ("decoding alone", "decoding_reference"),
    ):
        rows.append(f"{title:20} {statistics.median(getattr(one, field) for one in every):.2f}")
    return "\n".join(rows)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.proof_cost", description=str(__doc__).split("\n", 1)[0]
    )
    parser.add_argument("--videos", type=Path, required=True, help="folder of clips")
    parser.add_argument("--out", type=Path, required=True, help="folder for the copies")
    parser.add_argument("--json", type=Path, help="file for what was measured of every pair")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    every = []
    for cost in costs(options.videos, options.out):
        every.append(cost)
        log_to_stderr(f"{cost.clip}: {cost.state}, {cost.first:.2f} s, then {cost.further:.2f} s")
    if not every:
        log_to_stderr("No clip of 400 to 576 lines and ten seconds lies below the folder.")
        return 1
    print(report(every))
    if options.json is not None:
        save_json(options.json, [asdict(cost) for cost in every])
    return 0


if __name__ == "__main__":
    sys.exit(main())
