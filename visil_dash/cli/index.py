"""`index status|verify|rebuild`: the frame index."""

import argparse
from dataclasses import asdict
from typing import Any

from visil_dash.cli.shared import DONE, REFUSED, add_command, open_bench, print_line
from visil_dash.settings import Settings


def add_index_command(commands: Any, common: argparse.ArgumentParser) -> None:
    index = add_command(commands, "index", _index, "show, check or rebuild the index", common)
    index.add_argument("action", choices=("status", "verify", "rebuild"))


def _index(given: argparse.Namespace, settings: Settings) -> int:
    with open_bench(given, settings) as bench:
        if given.action == "rebuild":
            bench.require_writer()
            bench.space.rebuild(background=False)
        if given.action == "verify":
            problems = bench.verify()
            lines = [*problems, f"{len(problems)} problems" if problems else "no problems"]
            print_line(given, "\n".join(lines), {"problems": list(problems)})
            return REFUSED if problems else DONE
        status = bench.space.status()
        lines = [f"{key:15} {value}" for key, value in asdict(status).items()]
        print_line(given, "\n".join(lines), asdict(status))
    return DONE
