"""`doctor`, `backup` and `restore`: whether all is well, and copies to go back to."""

import argparse
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from visil_dash.cli.options import existing_path, new_folder
from visil_dash.cli.shared import (
    DONE,
    REFUSED,
    add_command,
    open_bench,
    print_line,
    terminal_watch,
)
from visil_dash.errors import ModelError
from visil_dash.settings import Settings

if TYPE_CHECKING:
    from visil_dash.safekeeping.doctor import HealthCheck
    from visil_dash.workbench.bench import Workbench


def add_safekeeping_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    text = "check packages, weights, every stored file and the index"
    doctor = add_command(commands, "doctor", _doctor, text, common)
    doctor.add_argument(
        "--repair",
        action="store_true",
        help="then make anew what can be made from the stored videos: features and the index",
    )
    _add_copies(commands, common)


def _doctor(given: argparse.Namespace, settings: Settings) -> int:
    from visil_dash.safekeeping.doctor import HealthCheck, State, check_installation

    used = settings.model_copy(update={"library": given.library or settings.library})
    checks = check_installation(used)
    _print_checks(given, checks)
    try:
        bench = open_bench(given, settings)
    except ModelError as error:
        _print_checks(given, (HealthCheck("weights", State.PROBLEM, str(error)),))
        return REFUSED
    with bench:
        checks += _library_checks(given, bench)
    wrong = any(check.state is State.PROBLEM for check in checks)
    print_line(given, "there are problems" if wrong else "all is well", {"well": not wrong})
    return REFUSED if wrong else DONE


def _library_checks(given: argparse.Namespace, bench: "Workbench") -> tuple["HealthCheck", ...]:
    """What was found, and with --repair what is left after it."""
    from visil_dash.safekeeping.doctor import State, check_library, repaired

    checks = check_library(bench, watch=terminal_watch(given))
    _print_checks(given, checks)
    repairs = list(dict.fromkeys(check.repair for check in checks if check.repair))
    will = "will" if given.repair else "would, with --repair,"
    for text in repairs:
        print_line(given, f"{'':12} {will} {text}", {"repair": text})
    if not (given.repair and repairs):
        return checks
    for text in repaired(bench, checks, watch=terminal_watch(given)):
        print(f"not repaired: {text}", file=sys.stderr)
    checks = check_library(bench)
    _print_checks(given, tuple(check for check in checks if check.state is State.PROBLEM))
    return checks


def _print_checks(given: argparse.Namespace, checks: tuple["HealthCheck", ...]) -> None:
    for check in checks:
        print_line(given, f"{check.state.value:8} {check.subject:10} {check.text}", asdict(check))


def _add_copies(commands: Any, common: argparse.ArgumentParser) -> None:
    text = "copy the library into a folder, which keeps all backups and each file once"
    backup = add_command(commands, "backup", _backup, text, common)
    backup.add_argument("folder", type=new_folder)
    backup.add_argument(
        "--verify", action="store_true", help="then read every file of the backup against its hash"
    )
    text = "make a library of a backup, verified, in the new folder that --library names"
    restore = add_command(commands, "restore", _restore, text, common)
    restore.add_argument("folder", type=existing_path)
    restore.add_argument(
        "--backup", default="", metavar="NAME", help="not the latest, but this one"
    )
    restore.add_argument("--list", action="store_true", help="only list the backups in the folder")


def _backup(given: argparse.Namespace, settings: Settings) -> int:
    from visil_dash.safekeeping.backup import make_backup, verify_backup

    library = given.library or settings.library
    made = make_backup(library, given.folder, settings=settings, watch=terminal_watch(given))
    wrong = list(made.left_out)
    if given.verify:
        wrong += verify_backup(given.folder, made, watch=terminal_watch(given))
    for text in wrong:
        print(f"not in the backup: {text}", file=sys.stderr)
    facts = {
        "backup": made.name,
        "videos": made.videos,
        "files": len(made.files),
        "copied": made.copied,
        "copied_bytes": made.copied_bytes,
        "in_place": made.in_place,
        "problems": wrong,
    }
    line = (
        f"backup {made.name}: {made.videos:,} videos, {len(made.files):,} files, of which "
        f"{made.copied:,} were copied ({made.copied_bytes / 2**20:,.1f} MiB)"
    )
    if made.in_place:
        line += f"; the files of {made.in_place:,} videos in place are not in it"
    print_line(given, line, facts)
    return REFUSED if wrong else DONE


def _restore(given: argparse.Namespace, settings: Settings) -> int:
    from visil_dash.safekeeping.backup import (
        backups,
        build_indexes,
        read_backup,
        restore_backup,
    )

    if given.list:
        for name in backups(given.folder):
            found = read_backup(given.folder, name)
            line = f"{name}  {found.videos:,} videos, {found.bytes / 2**20:,.1f} MiB"
            print_line(given, line, {"backup": name, "videos": found.videos, "bytes": found.bytes})
        return DONE
    library = given.library or settings.library
    made = restore_backup(given.folder, library, name=given.backup, watch=terminal_watch(given))
    build_indexes(library, settings=settings)
    facts = {"backup": made.name, "videos": made.videos, "library": str(library)}
    print_line(given, f"restored {made.videos:,} videos of backup {made.name} to {library}", facts)
    for text in made.left_out:
        print(f"was not in the backup: {text}", file=sys.stderr)
    return REFUSED if made.left_out else DONE
