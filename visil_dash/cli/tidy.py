"""`tidy`: which copies to give up, by rules one can read; shown first, done on request, undone."""

import argparse
import getpass
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visil_dash.cli.options import existing_path, finite_number, new_file, person_name
from visil_dash.cli.shared import (
    DONE,
    REFUSED,
    add_command,
    open_bench,
    print_line,
    print_place,
    read_text,
    require_features,
    terminal_watch,
    write_text,
)
from visil_dash.settings import Settings
from visil_dash.tidying.rules import DEFAULT, RULES

if TYPE_CHECKING:
    from visil_dash.workbench.trash import Trashed


def add_tidy_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    tidy = commands.add_parser(
        "tidy", help="keep one video of each group and move the others to the trash"
    )
    actions = tidy.add_subparsers(required=True, metavar="ACTION")
    text = "write what would be kept and what would go, as a CSV file that can be changed"
    plan = add_command(actions, "plan", _plan, text, common)
    plan.add_argument("file", type=new_file, metavar="PLAN.csv")
    plan.add_argument(
        "--keep",
        type=_rules,
        default=DEFAULT,
        metavar="RULES",
        help=f"what decides, joined by commas (default {','.join(DEFAULT)}). A video wins that "
        + "; ".join(f"{name}: {meaning}" for name, meaning in RULES.items()),
    )
    plan.add_argument(
        "--prefer", nargs="+", type=existing_path, default=(), metavar="FOLDER", help="for folder"
    )
    plan.add_argument("--least", type=finite_number, metavar="X", help="least score of a match")
    text = "show what a plan does; with --yes, do it"
    run = add_command(actions, "run", _run, text, common)
    run.add_argument("file", type=existing_path, metavar="PLAN.csv")
    run.add_argument("--yes", action="store_true", help="move the videos to the library's trash")
    undo = add_command(actions, "undo", _undo, "put back what a plan moved", common)
    undo.add_argument("batch", metavar="BATCH", help="as `tidy run` and `tidy log` show it")
    for command in (run, undo):
        command.add_argument("--by", type=person_name, metavar="NAME", help="who (the user)")
        command.add_argument(
            "--outside",
            action="store_true",
            help="also the files outside the library, within VISIL_DASH_ALLOWED_FOLDERS only",
        )
    add_command(actions, "log", _log, "what was done and undone, who and when", common)


def add_places_command(commands: Any, common: argparse.ArgumentParser) -> None:
    text = "whether the files that the videos were added from are the same, changed, moved or gone"
    places = add_command(commands, "places", _places, text, common)
    places.add_argument(
        "folders",
        nargs="*",
        type=existing_path,
        metavar="FOLDER",
        help="where to look for files that moved; one in place is used there from now on",
    )
    places.add_argument(
        "--read-all",
        action="store_true",
        help="read every file in place, not only those that the file system shows as changed",
    )


def _places(given: argparse.Namespace, settings: Settings) -> int:
    from visil_dash.library.sharing.lock import require_library
    from visil_dash.library.store import open_library
    from visil_dash.tidying.places import places_of

    folder: Path = given.library or settings.library
    require_library(folder)
    code = DONE
    with open_library(folder, settings=settings) as library:
        found = places_of(library, given.folders, anew=given.read_all, watch=terminal_watch(given))
        for place in found:
            code = code if place.well else REFUSED
            print_place(given, place)
    return code


def _rules(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    unknown = [name for name in names if name not in RULES]
    if unknown or not names:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not usable; give some of {', '.join(RULES)}, joined by commas"
        )
    return names


def _plan(given: argparse.Namespace, settings: Settings) -> int:
    from visil_dash.tidying.plan import TRASH, make_plan, plan_csv
    from visil_dash.workbench.collection import all_pairs, groups_of

    with open_bench(given, settings) as bench:
        require_features(bench)
        table = all_pairs(bench, watch=terminal_watch(given)).table
        videos = {video.video_id: video for video in bench.videos()}
        groups = groups_of(bench, table, least=given.least)
        prefer = [path.absolute() for path in given.prefer]
        steps = make_plan(groups, videos, given.keep, prefer=prefer)
        write_text(given.file, plan_csv(steps, videos))
        gone = [videos[step.video_id] for step in steps if step.action == TRASH]
        line = (
            f"{len(groups)} groups: {len(steps) - len(gone)} videos kept, {len(gone)} to the trash"
            f" ({sum(video.bytes for video in gone) / 2**20:,.1f} MiB). Nothing was changed.\n"
            f"Read or change {given.file}, then: python -m visil_dash tidy run {given.file}"
        )
        facts = {"groups": len(groups), "keep": len(steps) - len(gone), "trash": len(gone)}
        print_line(given, line, facts)
    return DONE


def _run(given: argparse.Namespace, settings: Settings) -> int:
    from visil_dash.media.allowed import allowed_folders
    from visil_dash.tidying.carry_out import carry_out
    from visil_dash.tidying.plan import read_plan

    with open_bench(given, settings) as bench:
        bench.require_writer()
        videos = {video.video_id: video for video in bench.videos()}
        steps = read_plan(read_text(given.file), videos, name=str(given.file))
        for step in steps:
            video = videos[step.video_id]
            places = f"  {', '.join(video.places)}" if given.outside else ""
            line = f"{step.action:5}  group {step.group}  {video.name}{places}"
            print_line(given, line, vars(step) | {"name": video.name})
        if not given.yes:
            print("nothing was changed; --yes does it", file=sys.stderr)
            return DONE
        outside = allowed_folders(settings) if given.outside else ()
        by = given.by or getpass.getuser()
        trashed = carry_out(bench, steps, by=by, outside=outside)
        line = f"moved to the trash; undo: python -m visil_dash tidy undo {trashed.batch}"
        _print_outcome(given, line, trashed)
    return DONE


def _undo(given: argparse.Namespace, settings: Settings) -> int:
    from visil_dash.media.allowed import allowed_folders
    from visil_dash.tidying.carry_out import put_back

    with open_bench(given, settings) as bench:
        outside = allowed_folders(settings) if given.outside else ()
        by = given.by or getpass.getuser()
        restored = put_back(bench, given.batch, by=by, outside=outside)
        _print_outcome(given, f"{len(restored.names)} videos put back", restored)
    return DONE


def _print_outcome(given: argparse.Namespace, line: str, what: "Trashed") -> None:
    facts = {"batch": what.batch, "videos": what.names, "moved": what.moved, "left": what.left}
    stays = [f"stays  {source}: {reason}" for source, reason in what.left]
    print_line(given, "\n".join([line, *stays]), facts)


def _log(given: argparse.Namespace, settings: Settings) -> int:
    from visil_dash.tidying.carry_out import log_of

    with open_bench(given, settings) as bench:
        for entry in log_of(bench):
            names = ", ".join(entry["videos"])
            line = f"{entry['at']}  {entry['by']}  {entry['action']}  {entry['batch']}  {names}"
            print_line(given, line, entry)
    return DONE
