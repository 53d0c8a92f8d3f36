"""The command line: `python -m visil_dash COMMAND`, or `visil-dash COMMAND` once installed."""

import argparse
import io
import sys
from collections.abc import Sequence
from pathlib import Path

from visil_dash.cli.api import add_api_commands
from visil_dash.cli.case import add_case_commands
from visil_dash.cli.catalogue import add_catalogue_command, add_store_command
from visil_dash.cli.collection import add_collection_commands
from visil_dash.cli.evaluate import add_evaluate_command
from visil_dash.cli.fivr import add_fivr_commands
from visil_dash.cli.index import add_index_command
from visil_dash.cli.library import add_library_commands
from visil_dash.cli.models import add_model_commands
from visil_dash.cli.options import existing_path
from visil_dash.cli.safekeeping import add_safekeeping_commands
from visil_dash.cli.search import add_search_commands
from visil_dash.cli.serve import add_serve_command
from visil_dash.cli.shared import DONE, FAILED, add_command, print_line
from visil_dash.cli.tidy import add_places_command, add_tidy_commands
from visil_dash.cli.train import add_train_commands
from visil_dash.errors import VisilDashError
from visil_dash.safekeeping.logs import log_error, start_log
from visil_dash.settings import Settings, get_settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code; `arguments` default to the process's own."""
    # A file's name may hold bytes that are not UTF-8; printing it must not end a command.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    given = build_parser().parse_args(arguments)
    try:
        settings = get_settings()
        start_log(settings, name="commands")
        code: int = given.run(given, settings)
    except VisilDashError as error:
        print(f"visil_dash: {error}", file=sys.stderr)
        log_error(error, where=given.run.__name__)
        return FAILED
    except KeyboardInterrupt:
        print("visil_dash: stopped; finished work is kept.", file=sys.stderr)
        return FAILED
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has ended, as `| head` does: no error
        return FAILED
    except OSError as error:
        name = error.filename or "a file"
        print(
            f"visil_dash: {name}: {error.strerror or error}. Check the path, its permissions and"
            " the free disk.",
            file=sys.stderr,
        )
        return FAILED
    return code


def build_parser() -> argparse.ArgumentParser:
    # Suppressed defaults: given before an action, as in `models --json list`, they count as well.
    common = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    common.add_argument("--library", type=existing_path, help="folder of the library")
    common.add_argument(
        "--model",
        help="compact (bundled, default), visil (the paper's) or another that `models list` shows",
    )
    common.add_argument("--json", action="store_true", help="print one JSON object per line")
    parser = argparse.ArgumentParser(prog=_program(), description="Find copied footage in videos.")
    parser.set_defaults(library=None, model=None, json=False)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add_library_commands(commands, common)
    add_search_commands(commands, common)
    add_collection_commands(commands, common)
    add_case_commands(commands, common)
    add_tidy_commands(commands, common)
    add_places_command(commands, common)
    add_evaluate_command(commands, common)
    add_index_command(commands, common)
    add_safekeeping_commands(commands, common)
    add_catalogue_command(commands, common)
    add_store_command(commands, common)
    add_model_commands(commands, common)
    add_train_commands(commands, common)
    add_fivr_commands(commands, common)
    add_serve_command(commands, common)
    add_api_commands(commands, common)
    add_command(commands, "limits", _limits, "show the settings and limits in use", common)
    return parser


def _program() -> str:
    """How the command line was called, for its help."""
    called = Path(sys.argv[0]).name
    return called if called == "visil-dash" else "python -m visil_dash"


def _limits(given: argparse.Namespace, settings: Settings) -> int:
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        print_line(given, f"{name:20} {value!s:>16}  {field.description}", {name: str(value)})
    return DONE
