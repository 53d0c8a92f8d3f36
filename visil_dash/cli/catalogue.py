"""`catalogue` and `store`: where the library's catalogue and files are, and their moves."""

import argparse
import sys
from typing import Any

from visil_dash.cli.shared import (
    DONE,
    REFUSED,
    add_command,
    open_stored,
    print_line,
    terminal_watch,
)
from visil_dash.settings import Settings


def add_catalogue_command(commands: Any, common: argparse.ArgumentParser) -> None:
    text = "show where the catalogue is; move it to VISIL_DASH_CATALOGUE, or back to a file"
    catalogue = add_command(commands, "catalogue", _catalogue, text, common)
    catalogue.add_argument("action", choices=("show", "move", "move-back"))


def _catalogue(given: argparse.Namespace, settings: Settings) -> int:
    from visil_dash.library.postgres.moving import move_to_database, move_to_file

    folder = given.library or settings.library
    if given.action == "move":
        move_to_database(folder, settings=settings)
    elif given.action == "move-back":
        was = move_to_file(folder, settings=settings)
        text = f"moved from {was}, which is kept there with _moved after its name"
        print_line(given, text, {"moved_from": was})
    with open_stored(given, settings) as library:
        kind = library.catalogue.kind
    print_line(given, kind, {"catalogue": kind})
    return DONE


def add_store_command(commands: Any, common: argparse.ArgumentParser) -> None:
    text = (
        "show where media and features are; send to the store of the library what it lacks, which"
        " moves a library to VISIL_DASH_STORE that has none"
    )
    store = add_command(commands, "store", _store, text, common)
    store.add_argument("action", choices=("show", "send"))


def _store(given: argparse.Namespace, settings: Settings) -> int:
    with open_stored(given, settings) as library:
        if given.action == "show":
            remote = library.remote
            name = f"in {library.folder} alone" if remote is None else remote.name
            print_line(given, name, {"store": None if remote is None else remote.name})
            return DONE
        from visil_dash.library.remote.moving import send_all

        done = send_all(library, watch=terminal_watch(given))
    for text in done.lacking:
        print(text, file=sys.stderr)
    line = f"{done.name}: {done.sent:,} objects sent, {done.there:,} were there"
    facts = {"store": done.name, "sent": done.sent, "there": done.there, "lacking": done.lacking}
    print_line(given, line, facts)
    return REFUSED if done.lacking else DONE
