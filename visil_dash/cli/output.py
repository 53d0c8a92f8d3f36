"""How commands speak: lines for people, or one JSON object a line; progress on a terminal."""

import argparse
import json
import sys
from typing import Any

from visil_dash.progress import UNWATCHED, Progress, Watch


def say_line(given: argparse.Namespace, line: str, facts: dict[str, Any]) -> None:
    print(json.dumps(facts, default=str) if given.json else line, flush=True)


def watch(given: argparse.Namespace) -> Watch:
    """Shows progress on a terminal, and nowhere else."""
    return UNWATCHED if given.json or not sys.stderr.isatty() else Watch(_show)


def _show(progress: Progress) -> None:
    end = "\n" if progress.share >= 1 else ""
    print(f"\r{progress.what}: {progress.share:4.0%}", end=end, file=sys.stderr, flush=True)
