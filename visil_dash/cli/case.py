"""`case` and `verify-case`: pinned matches as one file, and checking such a file later."""

import argparse
import getpass
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visil_dash.cli.options import clip_source, existing_path, new_file, person_name
from visil_dash.cli.shared import (
    DONE,
    REFUSED,
    add_command,
    open_bench,
    print_line,
    terminal_watch,
)
from visil_dash.settings import Settings

if TYPE_CHECKING:
    from visil_dash.cases.check import CheckedCase, CheckedVideo


def add_case_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    case = commands.add_parser("case", help="matches with notes and evidence, as one file")
    actions = case.add_subparsers(required=True, metavar="ACTION")
    pin = add_command(actions, "pin", _pin, "put a match into the case", common)
    pin.add_argument("clip", type=clip_source, metavar="CLIP", help="a file, or a library video")
    pin.add_argument("video", metavar="VIDEO", help="id, unique prefix or name")
    pin.add_argument("--note", default="", metavar="TEXT", help="what the reader must know of it")
    pin.add_argument("--by", type=person_name, metavar="NAME", help="who (the user of this shell)")
    unpin = add_command(actions, "unpin", _unpin, "take a match out of the case", common)
    unpin.add_argument("clip", type=clip_source, metavar="CLIP")
    unpin.add_argument("video", metavar="VIDEO")
    add_command(actions, "list", _list, "the pinned matches", common)
    text = "compare and verify the pinned matches anew, and write them with their evidence"
    export = add_command(actions, "export", _export, text, common)
    export.add_argument("file", type=new_file, metavar="FILE.zip")
    text = "whether a case file was changed, and whether the videos that it names are the same"
    verify = add_command(commands, "verify-case", _verify, text, common, aliases=("verify",))
    verify.add_argument("case", type=existing_path, metavar="FILE.zip")
    verify.add_argument(
        "files",
        nargs="*",
        type=existing_path,
        metavar="PATH",
        help="files and folders in which to look for the videos, beside the library and the places"
        " where they lay",
    )
    verify.add_argument(
        "--sha256", default="", metavar="HASH", help="of the manifest, as `case export` showed it"
    )


def _pin(given: argparse.Namespace, settings: Settings) -> int:
    from visil_dash.cases.pins import pin

    with open_bench(given, settings) as bench:
        by = given.by or getpass.getuser()
        made = pin(bench, given.clip, given.video, note=given.note, by=by)
        print_line(given, f"pinned    {given.clip}  {given.video}", vars(made))
    return DONE


def _unpin(given: argparse.Namespace, settings: Settings) -> int:
    from visil_dash.cases.pins import unpin

    with open_bench(given, settings) as bench:
        unpin(bench, given.clip, given.video)
        facts = {"unpinned": [str(given.clip), given.video]}
        print_line(given, f"unpinned  {given.clip}  {given.video}", facts)
    return DONE


def _list(given: argparse.Namespace, settings: Settings) -> int:
    from visil_dash.cases.pins import pins

    with open_bench(given, settings) as bench:
        names = {video.video_id: video.name for video in bench.videos()}
        for pin in pins(bench):
            query, reference = (names.get(key, key) for key in (pin.query, pin.reference))
            line = f"{query}  {reference}  {pin.by}  {pin.at}  {pin.note}"
            print_line(given, line, vars(pin))
    return DONE


def _export(given: argparse.Namespace, settings: Settings) -> int:
    from visil_dash.cases.make import make_case

    with open_bench(given, settings) as bench:
        manifest, digest = make_case(bench, given.file, watch=terminal_watch(given))
        count = len(manifest.pairs)
        line = (
            f"{count} pair{'' if count == 1 else 's'} written to {given.file}\n"
            f"sha256 of its manifest: {digest}\n"
            "Note it elsewhere: with it, verify-case notices a case that was rewritten as a whole."
        )
        facts = {"file": str(given.file), "pairs": count, "manifest_sha256": digest}
        print_line(given, line, facts)
    return DONE


def _verify(given: argparse.Namespace, settings: Settings) -> int:
    from visil_dash.cases.check import check_case

    library: Path = given.library or settings.library
    checked = check_case(given.case, library=library, files=given.files)
    wanted = given.sha256.strip().lower()
    rewritten = bool(wanted) and wanted != checked.manifest_sha256
    for video in checked.videos:
        print_line(given, _video_line(video), _video_facts(video))
    for problem in checked.problems:
        print(f"the case: {problem}", file=sys.stderr)
    if rewritten:
        print("the case: its manifest is another one than was noted", file=sys.stderr)
    holds = checked.holds and not rewritten
    print_line(given, _conclusion(checked, holds=holds), {"holds": holds})
    return DONE if holds else REFUSED


def _conclusion(checked: "CheckedCase", *, holds: bool) -> str:
    made = f"{len(checked.manifest.pairs)} pairs, made {checked.manifest.made}"
    return f"the case holds: {made}" if holds else f"the case does NOT hold: {made}"


def _video_line(checked: "CheckedVideo") -> str:
    name = checked.video.name
    lines = [f"unchanged {name}  {checked.path}"] if checked.path else []
    lines += [f"CHANGED   {name}  {path}" for path in checked.changed]
    return "\n".join(lines or [f"MISSING   {name}  {checked.video.sha256}"])


def _video_facts(checked: "CheckedVideo") -> dict[str, Any]:
    return {
        "name": checked.video.name,
        "sha256": checked.video.sha256,
        "path": str(checked.path) if checked.path else None,
        "changed": [str(path) for path in checked.changed],
    }
