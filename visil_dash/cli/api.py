"""`api`: the HTTP interface for other programs, and the tokens of those who may call it."""

import argparse
import os
import sys
from typing import Any

from visil_dash.cli.options import person_name, port_number
from visil_dash.cli.shared import DONE, add_command, open_bench, print_line
from visil_dash.errors import InputError
from visil_dash.settings import Settings

_LOOPBACK = "127.0.0.1"


def add_api_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    api = commands.add_parser("api", help="the HTTP interface for other programs")
    actions = api.add_subparsers(required=True, metavar="ACTION")
    serve = add_command(actions, "serve", _serve, "answer requests until Ctrl-C", common)
    serve.add_argument("--port", type=port_number, default=8502, help="port (default 8502)")
    serve.add_argument(
        "--address",
        default=_LOOPBACK,
        help=f"address to listen on (default {_LOOPBACK}: this machine only); any other needs"
        " VISIL_DASH_ALLOW_PUBLIC=1, because what is sent is not encrypted",
    )
    token = add_command(actions, "token", _token, "make a token, which is shown once", common)
    token.add_argument(
        "name", type=person_name, metavar="NAME", help="the person or program it is for"
    )
    add_command(actions, "tokens", _tokens, "who has a token", common)
    revoke = add_command(actions, "revoke", _revoke, "take a token back", common)
    revoke.add_argument("name", type=person_name, metavar="NAME")


def _serve(given: argparse.Namespace, settings: Settings) -> int:
    import uvicorn

    from visil_dash.api.app import make_app
    from visil_dash.api.tokens import token_names
    from visil_dash.safekeeping.memory import keep_memory_small

    if given.address != _LOOPBACK and os.environ.get("VISIL_DASH_ALLOW_PUBLIC") != "1":
        raise InputError(
            given.address,
            "what is sent is not encrypted, so the interface listens on this machine only",
            "put a proxy with TLS in front of it and set VISIL_DASH_ALLOW_PUBLIC=1",
        )
    if not token_names(settings.tokens):
        raise InputError(
            str(settings.tokens),
            "nobody has a token, so nobody could call the interface",
            "make one: python -m visil_dash api token NAME",
        )
    keep_memory_small()
    with open_bench(given, settings, adding=True) as bench:
        app = make_app(bench, tokens=settings.tokens)
        print(
            f"answering on http://{given.address}:{given.port}, described by /openapi.json"
            " (Ctrl-C stops it)",
            file=sys.stderr,
            flush=True,
        )
        uvicorn.run(app, host=given.address, port=given.port, log_level="warning")
    return DONE


def _token(given: argparse.Namespace, settings: Settings) -> int:
    from visil_dash.api.tokens import make_token

    made = make_token(settings.tokens, given.name)
    print_line(given, made, {"name": given.name, "token": made})
    return DONE


def _tokens(given: argparse.Namespace, settings: Settings) -> int:
    from visil_dash.api.tokens import token_names

    for name in token_names(settings.tokens):
        print_line(given, name, {"name": name})
    return DONE


def _revoke(given: argparse.Namespace, settings: Settings) -> int:
    from visil_dash.api.tokens import revoke_token

    revoke_token(settings.tokens, given.name)
    print_line(given, f"{given.name} has no token any more", {"revoked": given.name})
    return DONE
