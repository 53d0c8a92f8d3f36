"""`python -m visil_dash fivr`: choose videos of FIVR-200K by its annotations, and fetch them."""

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from visil_dash.cli.output import watch
from visil_dash.errors import InputError
from visil_dash.laboratory import fivr
from visil_dash.settings import Settings

DONE, REFUSED = 0, 1


def add_fivr(commands: Any, common: argparse.ArgumentParser) -> None:
    """The subcommands `fivr select` and `fivr fetch`."""
    text = "videos of FIVR-200K: choose by annotation, fetch by id"
    actions = commands.add_parser("fivr", help=text, description=text).add_subparsers(
        required=True, metavar="ACTION"
    )
    choose = actions.add_parser(
        "select", parents=[common], help="one video of each relation for some events"
    )
    choose.add_argument("--annotation", type=Path, required=True, metavar="annotation.json")
    choose.add_argument("--events", type=int, default=5, metavar="N", help="queries, 5 by default")
    choose.add_argument("--out", type=Path, metavar="FILE", help="write them as CSV")
    choose.set_defaults(run=_select)
    fetch = actions.add_parser("fetch", parents=[common], help="fetch videos by their ids")
    fetch.add_argument("--ids", type=Path, required=True, metavar="FILE", help="ids, or a CSV")
    fetch.add_argument("--out", type=Path, default=Path("data/fivr"), metavar="DIR")
    fetch.add_argument("--limit", type=int, metavar="N", help="at most N in this run")
    fetch.add_argument(
        "--rate",
        type=_bytes,
        default=fivr.RATE_BYTES,
        metavar="BYTES",
        help="a second, as 500k, 2M",
    )
    fetch.add_argument("--pause", type=float, default=fivr.PAUSE_SECONDS, metavar="SECONDS")
    fetch.add_argument(
        "--address", default=fivr.YOUTUBE, metavar="URL", help="with {id}; another source"
    )
    fetch.set_defaults(run=_fetch)


def _bytes(text: str) -> int:
    """500k → 500000, 2M → 2000000."""
    factor = {"k": 1_000, "m": 1_000_000, "g": 1_000_000_000}.get(text[-1:].lower())
    number = text[:-1] if factor else text
    try:
        value = int(float(number) * (factor or 1))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"no number of bytes: {text!r}") from error
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected more than 0, got {text!r}")
    return value


def read_text(path: Path) -> str:
    """Raises InputError when it cannot be read as text."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(str(path), f"it cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise InputError(str(path), "it is no text in UTF-8") from error


def _select(given: argparse.Namespace, _settings: Settings) -> int:
    chosen = fivr.select(
        read_text(given.annotation), name=given.annotation.name, events=given.events
    )
    if given.out is not None:
        given.out.write_text(fivr.wanted_csv(chosen), encoding="utf-8", newline="")
        print(f"{len(chosen)} videos in {given.out}", file=sys.stderr)
        return DONE
    for wanted in chosen:
        line = f"{wanted.video:14} {wanted.relation:7} of {wanted.event}"
        print(json.dumps(asdict(wanted)) if given.json else line)
    return DONE


def _fetch(given: argparse.Namespace, settings: Settings) -> int:
    wanted = fivr.read_wanted(read_text(given.ids), name=given.ids.name)
    found = fivr.fetch(
        wanted,
        given.out,
        settings=settings,
        limit=given.limit,
        address=given.address,
        rate_bytes=given.rate,
        pause_seconds=given.pause,
        watch=watch(given),
        on_video=_teller(given),
    )
    here = sum(f.here for f in found)
    if not given.json:
        print(f"{here} of {len(found)} here. Next: python -m visil_dash add {given.out}")
    return DONE if here == len(found) else REFUSED


def _teller(given: argparse.Namespace) -> Callable[[fivr.Fetched], None]:
    def tell(f: fivr.Fetched) -> None:
        said = f"fetched   {f.file}, {f.bytes:,} bytes" if f.here else f"missing   {f.video}: "
        line = said if f.here else said + f.reason
        print(json.dumps(asdict(f)) if given.json else line, flush=True)

    return tell
