"""`fivr select|fetch`: choosing videos of FIVR-200K by its annotations, and downloading them."""

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from visil_dash.cli.options import existing_path, new_file, new_folder, whole_number, zero_or_more
from visil_dash.cli.shared import DONE, REFUSED, add_command, read_text, terminal_watch, write_text
from visil_dash.laboratory.fivr.download import (
    PAUSE_SECONDS,
    RATE_BYTES,
    YOUTUBE,
    Fetched,
    download_videos,
)
from visil_dash.laboratory.fivr.selection import read_wanted, select_videos, wanted_csv
from visil_dash.settings import Settings


def add_fivr_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    text = "videos of FIVR-200K: choose them by annotation, download them by id"
    actions = commands.add_parser("fivr", help=text, description=text).add_subparsers(
        required=True, metavar="ACTION"
    )
    text = "choose one video of each relation for some events"
    select = add_command(actions, "select", _select, text, common)
    select.add_argument(
        "--annotation", type=existing_path, required=True, metavar="annotation.json"
    )
    select.add_argument(
        "--events", type=whole_number(1), default=5, metavar="N", help="queries, 5 by default"
    )
    select.add_argument("--out", type=new_file, metavar="FILE", help="write the list as CSV")
    fetch = add_command(actions, "fetch", _fetch, "download videos by their ids", common)
    fetch.add_argument(
        "--ids", type=existing_path, required=True, metavar="FILE", help="ids, or a CSV"
    )
    fetch.add_argument("--out", type=new_folder, default=Path("data/fivr"), metavar="DIR")
    fetch.add_argument(
        "--limit", type=whole_number(0), metavar="N", help="at most N videos in this run"
    )
    fetch.add_argument(
        "--rate",
        type=_bytes,
        default=RATE_BYTES,
        metavar="BYTES",
        help="bytes per second at most, such as 500k or 2M",
    )
    fetch.add_argument("--pause", type=zero_or_more, default=PAUSE_SECONDS, metavar="SECONDS")
    fetch.add_argument(
        "--address", default=YOUTUBE, metavar="URL", help="another source, with {id}"
    )


def _bytes(text: str) -> int:
    """500k → 500000, 2M → 2000000."""
    factor = {"k": 1_000, "m": 1_000_000, "g": 1_000_000_000}.get(text[-1:].lower())
    number = text[:-1] if factor else text
    try:
        value = int(float(number) * (factor or 1))
    except (ValueError, OverflowError) as error:
        raise argparse.ArgumentTypeError(f"not a number of bytes: {text!r}") from error
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected more than 0, got {text!r}")
    return value


def _select(given: argparse.Namespace, _settings: Settings) -> int:
    chosen = select_videos(
        read_text(given.annotation), name=given.annotation.name, events=given.events
    )
    if given.out is not None:
        write_text(given.out, wanted_csv(chosen))
        print(f"{len(chosen)} videos written to {given.out}", file=sys.stderr)
    for wanted in chosen if given.json or given.out is None else ():
        line = f"{wanted.video:14} {wanted.relation:7} of {wanted.event}"
        print(json.dumps(asdict(wanted)) if given.json else line)
    return DONE


def _fetch(given: argparse.Namespace, settings: Settings) -> int:
    wanted = read_wanted(read_text(given.ids), name=given.ids.name)
    results = download_videos(
        wanted,
        given.out,
        settings=settings,
        limit=given.limit,
        address=given.address,
        rate_bytes=given.rate,
        pause_seconds=given.pause,
        watch=terminal_watch(given),
        on_video=_printer(given),
    )
    here = sum(result.here for result in results)
    if not given.json:
        print(f"{here} of {len(results)} downloaded. Next: python -m visil_dash add {given.out}")
    return DONE if here == len(results) else REFUSED


def _printer(given: argparse.Namespace) -> Callable[[Fetched], None]:
    def print_result(result: Fetched) -> None:
        line = (
            f"fetched   {result.file}, {result.bytes:,} bytes"
            if result.here
            else f"missing   {result.video}: {result.reason}"
        )
        print(json.dumps(asdict(result)) if given.json else line, flush=True)

    return print_result
