"""Known copy groups among the clips of a folder: is each member's nearest neighbour in its group?

    python -m benchmarks.groups --videos DIR --library DIR [--model NAME] [--groups TABLE…]

The tables (DIR/GROUPS.csv where none is named) have the columns file, group, role; later ones may
correct earlier ones. Groups whose role is a hard negative (the same
object, another take) must rank below the true copies of the group that they resemble.
"""

import argparse
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

from benchmarks.copies.groups import read_rows
from visil_dash.media.files import content_hash
from visil_dash.settings import get_settings
from visil_dash.workbench.bench import open_workbench


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--videos", type=Path, required=True)
    parser.add_argument("--library", type=Path, required=True, help="made when missing")
    parser.add_argument("--model")
    parser.add_argument("--groups", type=Path, nargs="+", help="tables (CSV) of related clips")
    given = parser.parse_args()

    members: dict[str, list[str]] = defaultdict(list)
    takes: set[str] = set()
    for row in read_rows(given.groups or [given.videos / "GROUPS.csv"]):
        if row.role.startswith("copy") or "hard negative" in row.role:
            members[row.group].append(row.file)
        if "hard negative" in row.role:
            takes.add(row.group)

    with open_workbench(settings=get_settings(), library=given.library, model=given.model) as bench:
        bench.add_paths([given.videos])
        bench.worker.wait_idle()
        bench.space.wait()
        ended: dict[str, int] = defaultdict(int)
        for job in bench.jobs():
            ended[job.state.value] += 1
            if job.reason:
                print(f"{job.state.value}: {job.name}: {job.reason}")
        print(f"{dict(ended)}, {len(bench.videos())} videos")
        table = bench.pairwise()
        place = {video_id: i for i, video_id in enumerate(table.video_ids)}
        scores = table.scores.copy()
        np.fill_diagonal(scores, -np.inf)

        failures = 0
        for group, files in sorted(members.items()):
            ids = {content_hash(given.videos / f) for f in files}
            rows_of = [place[v] for v in ids if v in place]
            if group in takes or len(rows_of) < 2:
                continue
            inside = np.zeros(len(table.names), bool)
            inside[rows_of] = True
            first = sum(bool(inside[scores[r].argmax()]) for r in rows_of)
            weakest = min(scores[r][inside & (np.arange(len(inside)) != r)].min() for r in rows_of)
            strongest = max(scores[r][~inside].max() for r in rows_of)
            failures += first < len(rows_of)
            print(
                f"{group}: {len(rows_of)} files, nearest neighbour inside for {first}; "
                f"weakest inside {weakest:.3f}, strongest outside {strongest:.3f}"
            )
        for group in sorted(takes):
            for file in members[group]:
                other = place.get(content_hash(given.videos / file))
                if other is None:
                    continue
                beaten = []
                for files in (f for g, f in members.items() if g not in takes):
                    held = (place.get(content_hash(given.videos / f)) for f in files)
                    rows_of = [r for r in held if r is not None]
                    for r in rows_of:
                        copies = [c for c in rows_of if c != r]
                        if copies and scores[r, other] >= scores[r, copies].min():
                            beaten.append(table.names[r])
                failures += bool(beaten)
                state = f"ranks above a true copy for {beaten}" if beaten else "below every copy"
                print(f"other take {file}: {state}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
