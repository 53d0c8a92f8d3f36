"""python -m benchmarks.copies COMMAND: the development benchmark of edited copies."""

import argparse
import sys
from pathlib import Path

from visil_dash.edits.kinds import KINDS
from visil_dash.errors import VisilDashError


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.copies", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    make = commands.add_parser("make", help="make edited copies of the clips of a folder")
    make.add_argument("--videos", type=Path, required=True, help="folder of clips")
    make.add_argument("--out", type=Path, required=True, help="folder for the copies")
    make.add_argument("--count", type=int, required=True, help="how many copies")
    make.add_argument("--seed", type=int, default=0)
    make.add_argument("--kinds", nargs="+", default=list(KINDS), choices=KINDS, metavar="KIND")
    make.add_argument(
        "--groups", type=Path, nargs="+", default=[], help="tables (CSV) of related clips"
    )
    make.add_argument(
        "--exclude-groups", default="", help="groups that give no queries, separated by commas"
    )
    make.add_argument(
        "--unanswered", type=int, default=0, help="further copies that no reference should match"
    )
    score = commands.add_parser("score", help="score a model and the baselines on a set")
    score.add_argument("--bench", type=Path, required=True, help="folder written by make")
    score.add_argument("--videos", type=Path, required=True, help="folder of clips it came from")
    score.add_argument(
        "--library", type=Path, required=True, help="folder for the references' library"
    )
    score.add_argument("--model", default="compact")
    score.add_argument("--json", type=Path, help="file for all figures and every failed query")
    score.add_argument("--teacher", type=Path, help="MobileNetV2 archive (.npz) for a baseline")
    score.add_argument("--photos", type=Path, help="photos (folder or .tar) for its whitening")
    score.add_argument(
        "--siblings",
        action="store_true",
        help="add the copies to the library too; each that shows the same footage is to be found",
    )
    score.add_argument(
        "--product-only",
        action="store_true",
        help="only as `search` does, with and without proof: a third of the time",
    )
    score.add_argument("--no-proof", action="store_true", help="without verification on the pixels")
    score.add_argument(
        "--distractors", type=Path, help="folder of unrelated clips to add to the library"
    )
    score.add_argument("--no-hashes", action="store_true", help="without the PDQ baseline")
    sheet = commands.add_parser("sheet", help="pictures of what a system decided wrongly, as HTML")
    sheet.add_argument("--json", type=Path, required=True, help="file written by score")
    sheet.add_argument("--bench", type=Path, required=True, help="folder written by make")
    sheet.add_argument("--videos", type=Path, required=True, help="folder of clips it came from")
    sheet.add_argument("--out", type=Path, required=True, help="file for the page")
    distractors = commands.add_parser(
        "distractors", help="make unrelated clips of photos moved by pan and zoom"
    )
    distractors.add_argument("--photos", type=Path, required=True, help="photos (folder or .tar)")
    distractors.add_argument("--out", type=Path, required=True, help="folder for the clips")
    distractors.add_argument("--count", type=int, default=1000, help="how many clips")
    distractors.add_argument("--seed", type=int, default=0)
    return parser


def main() -> int:
    options = _parser().parse_args()
    try:
        if options.command == "make":
            from benchmarks.copies.make import make_copies

            truth = make_copies(
                options.videos,
                options.out,
                count=options.count,
                seed=options.seed,
                kinds=options.kinds,
                tables=options.groups,
                exclude_groups=[g for g in options.exclude_groups.split(",") if g],
                unanswered=options.unanswered,
            )
            print(
                f"{len(truth.queries)} copies, {len(truth.references)} references, "
                f"{len(truth.hosts)} hosts, {len(truth.excluded)} clips without queries"
            )
        elif options.command == "sheet":
            from benchmarks.copies.sheet import write_sheet

            count = write_sheet(options.json, options.bench, options.videos, out=options.out)
            print(f"{count} wrong decisions in {options.out}")
        elif options.command == "distractors":
            from benchmarks.copies.distractors import make_distractors

            made = make_distractors(
                options.photos, options.out, count=options.count, seed=options.seed
            )
            print(f"{len(made)} clips of photos in {options.out}")
        else:
            from benchmarks.copies.score import score

            score(
                options.bench,
                options.videos,
                library=options.library,
                model=options.model,
                teacher=options.teacher,
                photos=options.photos,
                hashes=not options.no_hashes,
                product_only=options.product_only,
                proof=not options.no_proof,
                distractors=options.distractors,
                siblings=options.siblings,
                out=options.json,
            )
    except VisilDashError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
