"""`groups` and `verdict`: which videos of a library belong together, and what people decided."""

import argparse
import getpass
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visil_dash.cli.options import existing_path, finite_number, new_file, person_name
from visil_dash.cli.shared import (
    DONE,
    add_command,
    add_engine_option,
    open_bench,
    print_line,
    read_text,
    require_features,
    terminal_watch,
    write_text,
)
from visil_dash.labels.label import VERDICTS, Label
from visil_dash.settings import Settings

if TYPE_CHECKING:
    from visil_dash.collection.rows import MemberRow
    from visil_dash.records import VideoRecord


def add_collection_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    text = "videos that match each other, as groups, with the one to keep of each"
    groups = add_command(commands, "groups", _groups, text, common)
    groups.add_argument(
        "--least", type=finite_number, metavar="X", help="least score of a match (the library's)"
    )
    groups.add_argument(
        "--candidates",
        action="store_true",
        help="compare only the pairs that the index proposes, which large libraries need",
    )
    add_engine_option(groups, "videos are compared")
    groups.add_argument("--csv", type=new_file, metavar="FILE", help="write one row per video")
    verdict = commands.add_parser("verdict", help="what people decided about pairs of videos")
    actions = verdict.add_subparsers(required=True, metavar="ACTION")
    give = add_command(actions, "set", _set, "decide about a pair", common)
    give.add_argument("a", metavar="A", help="id, unique prefix or name of a library video")
    give.add_argument("b", metavar="B")
    give.add_argument("verdict", choices=VERDICTS)
    give.add_argument("--note", default="", metavar="TEXT", help="why")
    give.add_argument("--by", type=person_name, metavar="NAME", help="who (the user of this shell)")
    remove = add_command(actions, "remove", _remove, "take the verdict on a pair back", common)
    remove.add_argument("a", metavar="A")
    remove.add_argument("b", metavar="B")
    shown = add_command(actions, "list", _list, "all verdicts, with who gave them when", common)
    shown.add_argument("--csv", type=new_file, metavar="FILE", help="write them as CSV")
    read = add_command(actions, "import", _import, "take verdicts from a CSV file", common)
    read.add_argument("file", type=existing_path, metavar="FILE")


def _groups(given: argparse.Namespace, settings: Settings) -> int:
    from visil_dash.collection.rows import group_rows
    from visil_dash.safe_csv import to_csv
    from visil_dash.workbench.collection import all_pairs, candidate_table, groups_of

    with open_bench(given, settings) as bench:
        require_features(bench)
        compare = candidate_table if given.candidates else all_pairs
        table = compare(bench, watch=terminal_watch(given)).table
        rows = group_rows(
            groups_of(bench, table, least=given.least),
            {video.video_id: video for video in bench.videos()},
        )
        if given.csv is not None:
            write_text(given.csv, to_csv(list(rows)))
            print(f"{len(rows)} videos written to {given.csv}", file=sys.stderr)
        elif not rows and not given.json:
            print("no two videos match")
        for number, row in enumerate(rows if given.csv is None or given.json else ()):
            first = number == 0 or rows[number - 1]["group"] != row["group"]
            line = f"group {row['group']}\n{_member_line(row)}" if first else _member_line(row)
            print_line(given, line, dict(row))
    return DONE


def _member_line(row: "MemberRow") -> str:
    keep = "keep" if row["keep"] else ""
    via = f"  by way of {row['via']}" if row["via"] else ""
    return (
        f"  {keep:4}  {row['score']:6.3f}  {row['seconds']:8.1f} s  {row['width']}×{row['height']}"
        f"  {row['kbit_per_second']:,} kbit/s  {row['video']}{via}"
    )


# ---- verdicts ----


def _set(given: argparse.Namespace, settings: Settings) -> int:
    from visil_dash.workbench.collection import give_verdict

    with open_bench(given, settings) as bench:
        label = give_verdict(
            bench,
            given.a,
            given.b,
            given.verdict,
            by=given.by or getpass.getuser(),
            note=given.note,
        )
        videos = {video.video_id: video for video in bench.videos()}
        print_line(given, _label_line(label, videos), _facts(label, videos))
    return DONE


def _remove(given: argparse.Namespace, settings: Settings) -> int:
    from visil_dash.library.sharing.beside_writer import take_label_back

    with open_bench(given, settings) as bench:
        a, b = (bench.library.video(key) for key in (given.a, given.b))
        take_label_back(bench.library, (a.video_id, b.video_id))
        facts = {"query_id": a.video_id, "reference_id": b.video_id, "verdict": None}
        print_line(given, f"no verdict  {a.name}  {b.name}", facts)
    return DONE


def _list(given: argparse.Namespace, settings: Settings) -> int:
    from visil_dash.labels.csv_file import labels_csv

    with open_bench(given, settings) as bench:
        labels, videos = bench.library.labels(), bench.videos()
        if given.csv is not None:
            write_text(given.csv, labels_csv(labels, videos))
            print(f"{len(labels)} verdicts written to {given.csv}", file=sys.stderr)
            return DONE
        known = {video.video_id: video for video in videos}
        for label in labels:
            print_line(given, _label_line(label, known), _facts(label, known))
    return DONE


def _import(given: argparse.Namespace, settings: Settings) -> int:
    from visil_dash.labels.csv_file import read_labels
    from visil_dash.library.sharing.beside_writer import put_labels

    path: Path = given.file
    with open_bench(given, settings) as bench:
        labels = read_labels(read_text(path), bench.videos(), name=path.name)
        put_labels(bench.library, labels)
        print_line(given, f"{len(labels)} verdicts taken", {"verdicts": len(labels)})
    return DONE


def _label_line(label: Label, videos: "dict[str, VideoRecord]") -> str:
    names = "  ".join(videos[side].name for side in (label.query, label.reference))
    note = f"  ({label.note})" if label.note else ""
    return f"{label.verdict:9}  {names}  {label.source}  {label.updated}{note}"


def _facts(label: Label, videos: "dict[str, VideoRecord]") -> dict[str, Any]:
    """The label for programs: ids, and the names beside them."""
    named = {"query": videos[label.query].name, "reference": videos[label.reference].name}
    ids = {"query_id": label.query, "reference_id": label.reference}
    return asdict(label) | named | ids | {"by": label.by}
