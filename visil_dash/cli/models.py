"""`models list|import|download`: the models and their weights."""

import argparse
from dataclasses import asdict
from typing import Any

from visil_dash.cli.options import existing_path
from visil_dash.cli.shared import DONE, add_command, print_line, terminal_watch
from visil_dash.settings import Settings


def add_model_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    models = add_command(commands, "models", _models, "list, import or download models", common)
    actions = models.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", parents=[common], help="list the models")
    take = actions.add_parser(
        "import", parents=[common], help="import a weight file, or the folder of a trained model"
    )
    take.add_argument("file", type=existing_path)
    take.add_argument("--unverified", action="store_true", help="accept a file of unknown hash")
    download = actions.add_parser("download", parents=[common], help="download published weights")
    download.add_argument("name")
    download.add_argument("--unverified", action="store_true", help="accept a file of unknown hash")


def _models(given: argparse.Namespace, settings: Settings) -> int:
    from visil_dash.models.load import model_infos
    from visil_dash.models.offers import import_model
    from visil_dash.models.weights import download_weights

    if given.action == "import":
        name = import_model(given.file, settings=settings, unverified=given.unverified)
        print_line(given, f"imported  {name}", {"imported": name})
    elif given.action == "download":
        download_weights(
            given.name,
            settings=settings,
            unverified=given.unverified,
            watch=terminal_watch(given),
        )
        print_line(given, f"downloaded {given.name}", {"downloaded": given.name})
    else:
        for info in model_infos(settings=settings):
            state = "ready" if info.available else f"not available: {info.missing}"
            mark = "" if info.verified or not info.available else " (unverified weights)"
            print_line(given, f"{info.name:12} {info.title}: {state}{mark}", asdict(info))
    return DONE
