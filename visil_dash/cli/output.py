"""How commands speak: lines for people, or one JSON object a line; progress on a terminal."""

import argparse
import json
import sys
from collections.abc import Callable
from typing import Any


def say_line(given: argparse.Namespace, line: str, facts: dict[str, Any]) -> None:
    print(json.dumps(facts, default=str) if given.json else line, flush=True)


def progress(given: argparse.Namespace) -> Callable[[str, float], None] | None:
    if given.json or not sys.stderr.isatty():
        return None

    def say(what: str, share: float) -> None:
        end = "\n" if share >= 1 else ""
        print(f"\r{what}: {share:4.0%}", end=end, file=sys.stderr, flush=True)

    return say
