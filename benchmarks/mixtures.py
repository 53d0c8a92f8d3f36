"""Long against short, fast and slow, and pages of text: what copies of whole clips leave out.

    python -m benchmarks.mixtures --videos DIR --library DIR --out DIR [--json FILE]

Queries are made from the clips below `--videos` and searched in `--library`, to which clips and
pages are added, as `search` does: inside the picture where nothing matches, then on the pixels.

compilation  six seconds of each of twelve clips, one after another
thrice       an excerpt of six seconds at three places of other footage
short        three seconds, encoded again
speed        a stretch at a quarter, half, twice and four times its speed
text         a page of text in motionless video, encoded again, among pages of the same layout
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from benchmarks.copies.clips import Clip, probe, read_clip, write_video
from benchmarks.copies.output import log_to_stderr, save_json
from benchmarks.copies.search import add_references
from visil_dash.errors import InputError
from visil_dash.matching.verdict import verdict_of
from visil_dash.records import Array, Match, SearchResult, Segment
from visil_dash.settings import get_settings
from visil_dash.workbench.bench import Workbench, open_workbench
from visil_dash.workbench.proving import prove
from visil_dash.workbench.questions import has_match

_RATE, _LONG_SIDE, _CRF = 15, 480, 27
_PIECE = 6.0  # seconds of a clip in a longer query
_TOGETHER = 12  # clips of a compilation
_SPEEDS = (0.25, 0.5, 2.0, 4.0)
_CLIPS_A_KIND = 8
_PAGES = 12
_PLACED = 1.0  # seconds by which the ends of a segment may be off
_SPEED_OFF = 0.05  # relative


@dataclass(frozen=True)
class Part:
    """Where a query shows a reference, by the reference's file name."""

    reference: str
    where: Segment


@dataclass(frozen=True)
class Mixture:
    """A query file and all that it shows of the library."""

    kind: str
    file: Path
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Outcome:
    """Of one reference of one query: how the product answered. `placed`: the stretches that have a
    segment in the right place, of `stretches`; `speed`: the best segment's."""

    kind: str
    query: str
    reference: str
    rank: int
    reported: bool
    proved: bool
    placed: int
    stretches: int
    speed: float | None
    true_speed: float


# ---- queries ----


def _piece(videos: Path, name: str, start: float, seconds: float) -> Clip:
    return read_clip(
        videos / name, rate=_RATE, start=start, seconds=seconds, long_side=_LONG_SIDE, name=name
    )


def _like(frames: Sequence[Array], first: Array) -> list[Array]:
    """Frames squeezed into the size of another."""
    size = first.shape[1], first.shape[0]
    return [cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in frames]


def compilations(videos: Path, clips: dict[str, float], out: Path) -> Iterator[Mixture]:
    names = [name for name, seconds in clips.items() if seconds >= _PIECE + 1]
    for number in range(len(names) // _TOGETHER):
        frames: list[Array] = []
        parts = []
        for name in names[number :: len(names) // _TOGETHER][:_TOGETHER]:
            start = min(3.0, clips[name] - _PIECE)
            piece = _piece(videos, name, start, _PIECE).frames
            begin = len(frames) / _RATE
            frames += _like(piece, frames[0] if frames else piece[0])
            length = len(piece) / _RATE
            parts.append(Part(name, Segment(begin, begin + length, start, start + length, 1.0)))
        yield _written("compilation", out / f"compilation {number}.mp4", frames, parts)


def thrice(videos: Path, clips: dict[str, float], out: Path) -> Iterator[Mixture]:
    names = [name for name, seconds in clips.items() if seconds >= 10]
    for name, host in zip(names[:_CLIPS_A_KIND], reversed(names), strict=False):
        excerpt = _piece(videos, name, 2.0, _PIECE).frames
        around = _like(_piece(videos, host, 0.0, 9.0).frames, excerpt[0])
        frames: list[Array] = []
        places = []
        for gap in np.array_split(np.arange(len(around)), 3):
            frames += [around[k] for k in gap]
            begin = len(frames) / _RATE
            frames += excerpt
            places.append(Segment(begin, begin + len(excerpt) / _RATE, 2.0, 2.0 + _PIECE, 1.0))
        yield _written(
            "thrice", out / f"thrice {Path(name).stem}.mp4", frames, [Part(name, w) for w in places]
        )


def short(videos: Path, clips: dict[str, float], out: Path) -> Iterator[Mixture]:
    for name in [name for name, seconds in clips.items() if seconds >= 6][: 3 * _CLIPS_A_KIND]:
        frames = list(_piece(videos, name, 2.0, 3.0).frames)
        where = Segment(0.0, len(frames) / _RATE, 2.0, 2.0 + len(frames) / _RATE, 1.0)
        file = out / f"short {name.replace('/', '__')}.mp4"
        yield _written("short", file, frames, [Part(name, where)])


def speeds(videos: Path, clips: dict[str, float], out: Path) -> Iterator[Mixture]:
    for speed in _SPEEDS:
        seconds = min(16.0, max(5.0, 5 * speed))
        names = [name for name, length in clips.items() if length >= seconds + 1]
        for name in names[:_CLIPS_A_KIND]:
            clip = _piece(videos, name, 1.0, seconds).frames
            count = int(len(clip) / speed)
            frames = [clip[min(len(clip) - 1, int(k * speed))] for k in range(count)]
            where = Segment(0.0, count / _RATE, 1.0, 1.0 + len(clip) / _RATE, 1.0, speed=speed)
            file = out / f"speed {speed} {Path(name).stem}.mp4"
            yield _written(f"speed {speed}", file, frames, [Part(name, where)])


def page(words: int) -> Array:
    """A white page, uint8 RGB `[360, 640, 3]`, of lines of words drawn from a seed."""
    rng = np.random.default_rng(words)
    picture = np.full((360, 640, 3), 250, np.uint8)
    cv2.rectangle(picture, (0, 0), (640, 40), (40, 60, 120), -1)
    for row in range(7):
        x = 40
        while x < 540:
            letters = rng.choice(list("abcdefghkmnoprstuvwxyz"), rng.integers(2, 8))
            at = x, 85 + 38 * row
            cv2.putText(
                picture, "".join(letters), at, cv2.FONT_HERSHEY_SIMPLEX, 0.6, (20, 20, 20), 1
            )
            x += 14 + 11 * len(letters)
    return picture


def pages(out: Path) -> list[Path]:
    """Pages for the library."""
    return [_still(out / f"page {k}.mp4", page(k), crf=18) for k in range(_PAGES)]


def texts(_videos: Path, _clips: dict[str, float], out: Path) -> Iterator[Mixture]:
    for k in range(_PAGES):
        smaller = cv2.resize(page(k), (480, 270), interpolation=cv2.INTER_AREA)
        file = _still(out / f"text {k}.mp4", smaller, crf=_CRF + 3)
        yield Mixture("text", file, (Part(f"page {k}.mp4", Segment(0.0, 6.0, 0.0, 6.0, 1.0)),))


def _still(file: Path, picture: Array, *, crf: int) -> Path:
    if not file.exists():
        write_video(file, (picture,) * (6 * _RATE), rate=_RATE, crf=crf)
    return file


def _written(kind: str, file: Path, frames: Sequence[Array], parts: Sequence[Part]) -> Mixture:
    if not file.exists():
        write_video(file, tuple(frames), rate=_RATE, crf=_CRF)
    return Mixture(kind, file, tuple(parts))


KINDS: dict[str, Callable[[Path, dict[str, float], Path], Iterator[Mixture]]] = {
    "compilation": compilations,
    "thrice": thrice,
    "short": short,
    "speed": speeds,
    "text": texts,
}


# ---- answers ----


def searched(bench: Workbench, file: Path) -> SearchResult:
    """As `search` does, proved on the pixels without a limit of time."""
    query_id = bench.open_clip(file, name=file.name).query_id
    first = bench.search(query_id)
    best = first if has_match(first) else bench.search(query_id, inside=True)
    return prove(bench, best, seconds=np.inf)


def outcomes(mixture: Mixture, result: SearchResult, names: dict[str, str]) -> Iterator[Outcome]:
    """One per reference that the query shows. Raises ValueError for a result without verdicts."""
    ranked = {names[match.video_id]: (k, match) for k, match in enumerate(result.matches, 1)}
    for reference in dict.fromkeys(part.reference for part in mixture.parts):
        true = [part.where for part in mixture.parts if part.reference == reference]
        missing = Outcome(
            kind=mixture.kind,
            query=mixture.file.name,
            reference=reference,
            rank=0,
            reported=False,
            proved=False,
            placed=0,
            stretches=len(true),
            speed=None,
            true_speed=true[0].speed,
        )
        if reference not in ranked:
            yield missing
            continue
        rank, match = ranked[reference]
        verdict, at = verdict_of(match), _segments(match)
        yield replace(
            missing,
            rank=rank,
            reported=verdict.is_match,
            proved=match.proof is not None and match.proof.span is not None,
            placed=sum(any(_is_at(segment, one) for segment in at) for one in true),
            speed=None if verdict.best is None else verdict.best.speed,
        )


def _segments(match: Match) -> list[Segment]:
    best = verdict_of(match).best
    return [*match.segments] if best is None else [best, *match.segments]


def _is_at(found: Segment, true: Segment) -> bool:
    """Whether two segments lie at the same time offset and share most of the query's stretch."""
    shared = min(found.query_end, true.query_end) - max(found.query_start, true.query_start)
    if shared < 0.5 * (true.query_end - true.query_start):
        return False
    middle = max(found.query_start, true.query_start) + shared / 2
    return abs(found.reference_at(middle) - true.reference_at(middle)) <= _PLACED


def report(found: Sequence[Outcome]) -> str:
    """A table by kind."""
    lines = ["| kind | references | best ranks | reported | proved | stretches placed | speed |"]
    lines.append("|---|---|---|---|---|---|---|")
    for kind in dict.fromkeys(one.kind for one in found):
        some = [one for one in found if one.kind == kind]
        of = {one.query: sum(o.query == one.query for o in some) for one in some}
        first = sum(1 <= one.rank <= of[one.query] for one in some)
        timed = sum(
            one.speed is not None and abs(one.speed / one.true_speed - 1) <= _SPEED_OFF
            for one in some
        )
        cells = (
            kind,
            len(some),
            first,
            sum(one.reported for one in some),
            sum(one.proved for one in some),
            f"{sum(one.placed for one in some)} of {sum(one.stretches for one in some)}",
            timed,
        )
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def _clips(videos: Path, names: Sequence[str]) -> dict[str, float]:
    """Seconds of the clips that can be read, by name."""
    found = {}
    for name in names:
        try:
            found[name] = probe(videos / name).seconds
        except InputError as error:
            log_to_stderr(str(error))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.mixtures",
        description=str(__doc__),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--videos", type=Path, required=True, help="folder of clips")
    parser.add_argument("--library", type=Path, required=True, help="folder for the library")
    parser.add_argument("--out", type=Path, required=True, help="folder for queries and pages")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--json", type=Path, help="file for the answer to every query")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    bench = open_workbench(settings=get_settings(), library=options.library, model="compact")
    try:
        return _run(bench, options)
    finally:
        bench.close()


def _run(bench: Workbench, options: argparse.Namespace) -> int:
    files = sorted(p for p in options.videos.rglob("*") if p.is_file() and p.suffix != ".csv")
    added = files + (pages(options.out) if "text" in options.kinds else [])
    for name, reason in add_references(bench, added, log=log_to_stderr).items():
        log_to_stderr(f"not added: {name}: {reason}")
    relative = {path.name: path.relative_to(options.videos).as_posix() for path in files}
    names = {v.video_id: relative.get(v.name, v.name) for v in bench.videos()}
    clips = _clips(options.videos, sorted(set(names.values()) & set(relative.values())))
    found: list[Outcome] = []
    for kind in options.kinds:
        for mixture in KINDS[kind](options.videos, clips, options.out):
            answers = list(outcomes(mixture, searched(bench, mixture.file), names))
            for one in answers:
                log_to_stderr(f"{one}")
            found += answers
    print(report(found))
    if options.json is not None:
        save_json(options.json, [asdict(one) for one in found])
    return 0


if __name__ == "__main__":
    sys.exit(main())
