"""`catalogue`: where the library's catalogue is, and its move to a database or back to a file."""

import argparse
from typing import Any

from visil_dash.cli.shared import DONE, add_command, open_stored, print_line
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
