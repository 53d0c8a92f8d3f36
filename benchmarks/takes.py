"""Other takes by the same camera: are they contradicted, and is none of them called a copy?

    python -m benchmarks.takes --videos DIR --out DIR [--part first|middle] [--json FILE]

Of every clip that is long enough, one part and the last part become two files, which share no
footage but the place and the camera. Each pair is verified as if a search had aligned the whole of
both. A clip that repeats itself may rightly be proved: `--out` has a picture of every pair that is
proved, to be looked at. Exit code 1 when a pair is proved.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np

from benchmarks.copies.clips import Clip, probe, read_clip, write_video
from benchmarks.copies.output import log_to_stderr, save_json
from visil_dash.errors import InputError, MediaRefused
from visil_dash.proof.decision import STILL_SECONDS
from visil_dash.proof.sides import VideoFile
from visil_dash.proof.verify import Verifier
from visil_dash.records import Array, Proof, ProofState, Segment
from visil_dash.settings import get_settings

LONG_SIDE = 480  # pixels
_PARTS = {"first": (0.0, 0.45, 10.0), "middle": (0.35, 0.3, 8.0)}  # start, share, most seconds
_LEAST_SECONDS = 3.5
_CRFS = 23, 26  # the two files are of different quality, as copies are
_PICTURES = 6
_REGISTERED = 0.4  # share of the detail that agrees where both show the same place


@dataclass(frozen=True)
class Take:
    """Two parts of one clip, each of `seconds`."""

    clip: str
    part: Path
    last: Path
    seconds: float


def takes(videos: Path, out: Path, *, part: str) -> Iterator[Take]:
    """Writes the parts of every clip below a folder, those that exist already apart."""
    start, share, most = _PARTS[part]
    for path in sorted(p for p in videos.rglob("*") if p.is_file()):
        try:
            known = probe(path)
        except InputError:
            continue
        seconds = min(most, share * known.seconds)
        if seconds < _LEAST_SECONDS:
            continue
        name = path.relative_to(videos).as_posix()
        stem = name.replace("/", "__")
        files = out / f"{stem}.{part}.mp4", out / f"{stem}.last.{part}.mp4"
        begins = start * known.seconds, known.seconds - seconds
        try:
            for file, crf, begin in zip(files, _CRFS, begins, strict=True):
                if not file.exists():
                    _write(file, path, start=begin, seconds=seconds, rate=known.rate, crf=crf)
        except InputError as error:
            log_to_stderr(str(error))
            continue
        yield Take(name, *files, seconds)


def _write(file: Path, source: Path, *, start: float, seconds: float, rate: int, crf: int) -> None:
    clip: Clip = read_clip(source, rate=rate, start=start, seconds=seconds, long_side=LONG_SIDE)
    write_video(file, clip.frames, rate=clip.rate, crf=crf)


def verified(take: Take) -> Proof:
    """Raises MediaRefused."""
    whole = Segment(0.0, take.seconds, 0.0, take.seconds, 0.8)
    verifier = Verifier(VideoFile(take.part, take.seconds), settings=get_settings())
    return verifier.verify(VideoFile(take.last, take.seconds), [whole])


def row(take: Take, proof: Proof) -> dict[str, object]:
    return {
        "clip": take.clip,
        "state": proof.state.value,
        "motion": round(proof.motion, 3),
        "other": round(proof.other_motion, 3),
        "seconds": round(proof.agreed_seconds, 3),
        "detail": round(proof.detail, 3),
        "still": proof.still,
        "span": None if proof.span is None else asdict(proof.span),
    }


def picture(take: Take) -> Array:
    """Moments of both parts above each other, uint8 BGR."""
    strips = []
    for file in (take.part, take.last):
        frames = read_clip(file, rate=5, long_side=240).frames
        picked = np.linspace(0, len(frames) - 1, _PICTURES).round().astype(int)
        strips.append(np.hstack([frames[k] for k in picked]))
    return np.ascontiguousarray(np.vstack(strips)[:, :, ::-1])


def report(rows: list[dict[str, object]]) -> str:
    """Counts by state: of all pairs, and of those that show the same place in motion."""
    same = [r for r in rows if float(str(r["detail"])) >= _REGISTERED and not r["still"]]
    lines = [f"{len(rows)} pairs; something moves for less than {STILL_SECONDS} s is still"]
    for title, some in (("all", rows), ("same place, in motion", same)):
        states = Counter(str(r["state"]) for r in some)
        counts = ", ".join(f"{states[state.value]} {state.value}" for state in ProofState)
        lines.append(f"{title}: {len(some)}: {counts}")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.takes", description=str(__doc__).split("\n", 1)[0]
    )
    parser.add_argument("--videos", type=Path, required=True, help="folder of clips")
    parser.add_argument("--out", type=Path, required=True, help="folder for the parts and pictures")
    parser.add_argument("--part", choices=_PARTS, default="first", help="beside the last part")
    parser.add_argument("--json", type=Path, help="file for what was measured of every pair")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    rows = []
    for take in takes(options.videos, options.out, part=options.part):
        try:
            proof = verified(take)
        except MediaRefused as error:
            log_to_stderr(str(error))
            continue
        rows.append(row(take, proof))
        log_to_stderr(f"{proof.state.value}: {take.clip}: {proof.reason}")
        if proof.state is ProofState.PROVED:
            cv2.imwrite(str(take.part.with_suffix(".png")), picture(take))
    print(report(rows))
    if options.json is not None:
        save_json(options.json, rows)
    return int(any(r["state"] == ProofState.PROVED.value for r in rows))


if __name__ == "__main__":
    sys.exit(main())
