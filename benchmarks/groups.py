"""Known groups of copies in a folder: is each file's nearest neighbour in its own group?

    python -m benchmarks.groups --videos DIR --library DIR [--model NAME] [--groups TABLE…]

The tables (DIR/GROUPS.csv by default) have the columns file, group, role; later tables may correct
earlier ones. Groups whose role is a hard negative (another take of the same object) must rank below
the true copies. Exit code 1 when a group fails.
"""

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.copies.groups import read_rows
from visil_dash.media.files import content_hash
from visil_dash.records import Array, PairTable
from visil_dash.settings import get_settings
from visil_dash.workbench.bench import Workbench, open_workbench


@dataclass(frozen=True)
class KnownGroups:
    """Files by group: `copies` show the same footage, `takes` the same object in another take."""

    copies: dict[str, list[str]]
    takes: dict[str, list[str]]

    @property
    def files(self) -> list[str]:
        return [f for kind in (self.copies, self.takes) for files in kind.values() for f in files]


@dataclass(frozen=True)
class PairScores:
    """Scores `[N, N]` of all pairs, rows are queries, -inf on the diagonal.

    `row`: of each known file that is in the library; files of the same bytes share one.
    """

    names: tuple[str, ...]
    values: Array
    row: Mapping[str, int]

    def rows(self, files: Iterable[str]) -> list[int]:
        return [self.row[file] for file in files if file in self.row]


def read_groups(tables: Iterable[Path]) -> KnownGroups:
    members: dict[str, list[str]] = defaultdict(list)
    takes: set[str] = set()
    for row in read_rows(tables):
        if row.role.startswith("copy") or "hard negative" in row.role:
            members[row.group].append(row.file)
        if "hard negative" in row.role:
            takes.add(row.group)
    return KnownGroups(
        copies={group: files for group, files in members.items() if group not in takes},
        takes={group: files for group, files in members.items() if group in takes},
    )


def add_videos(bench: Workbench, folder: Path) -> None:
    """Take the videos of a folder into the library and print how it went."""
    bench.add_paths([folder])
    bench.worker.wait_idle()
    bench.space.wait()
    jobs = bench.jobs()
    for job in jobs:
        if job.reason:
            print(f"{job.state.value}: {job.name}: {job.reason}")
    ended = Counter(job.state.value for job in jobs)
    print(f"{dict(ended)}, {len(bench.videos())} videos")


def pair_scores(table: PairTable, files: Iterable[str], *, folder: Path) -> PairScores:
    place = {video_id: row for row, video_id in enumerate(table.video_ids)}
    values = table.scores.copy()
    np.fill_diagonal(values, -np.inf)
    hashes = {file: content_hash(folder / file) for file in files}
    return PairScores(table.names, values, {f: place[h] for f, h in hashes.items() if h in place})


def failed_groups(groups: Mapping[str, list[str]], scores: PairScores) -> int:
    """Print each group of copies; count those where a nearest neighbour is outside the group."""
    failures = 0
    for group, files in sorted(groups.items()):
        rows = sorted(set(scores.rows(files)))
        if len(rows) < 2:
            continue
        inside = np.isin(np.arange(len(scores.names)), rows)
        values = scores.values[rows]
        first = int(inside[values.argmax(1)].sum())
        weakest = values[:, inside][~np.eye(len(rows), dtype=bool)].min()
        strongest = values[:, ~inside].max()
        failures += first < len(rows)
        print(
            f"{group}: {len(rows)} files, nearest neighbour inside for {first}; "
            f"weakest inside {weakest:.3f}, strongest outside {strongest:.3f}"
        )
    return failures


def failed_takes(known: KnownGroups, scores: PairScores) -> int:
    """Print each other take; count those that score at least as high as a true copy."""
    failures = 0
    for _, takes in sorted(known.takes.items()):
        for take in (file for file in takes if file in scores.row):
            beaten = queries_beaten(known.copies, scores, scores.row[take])
            failures += bool(beaten)
            outcome = f"ranks above a true copy for {beaten}" if beaten else "below every copy"
            print(f"other take {take}: {outcome}")
    return failures


def queries_beaten(groups: Mapping[str, list[str]], scores: PairScores, take: int) -> list[str]:
    """Names of the files for which the video in row `take` scores at least as high as a copy."""
    beaten = []
    for files in groups.values():
        rows = scores.rows(files)
        for query in rows:
            copies = [row for row in rows if row != query]
            if copies and scores.values[query, take] >= scores.values[query, copies].min():
                beaten.append(scores.names[query])
    return beaten


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--videos", type=Path, required=True)
    parser.add_argument("--library", type=Path, required=True, help="created if missing")
    parser.add_argument("--model")
    parser.add_argument("--groups", type=Path, nargs="+", help="tables (CSV) of related clips")
    options = parser.parse_args()
    known = read_groups(options.groups or [options.videos / "GROUPS.csv"])
    with open_workbench(
        settings=get_settings(), library=options.library, model=options.model
    ) as bench:
        add_videos(bench, options.videos)
        table = bench.pairwise()
    scores = pair_scores(table, known.files, folder=options.videos)
    failures = failed_groups(known.copies, scores) + failed_takes(known, scores)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
