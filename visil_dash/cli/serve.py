"""`serve`: the dashboard on this machine's loopback address; `make run` calls it.

First prepares the demo library when the library folder is missing or empty, or when an earlier
preparation was interrupted.
"""

import argparse
import contextlib
import os
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any, NoReturn

from visil_dash.cli.options import port_number
from visil_dash.cli.shared import FAILED, add_command
from visil_dash.errors import InputError
from visil_dash.installed import APP, login_providers
from visil_dash.safekeeping.memory import FEW_ARENAS
from visil_dash.settings import Settings

ADDRESS = "127.0.0.1"


def add_serve_command(commands: Any, common: argparse.ArgumentParser) -> None:
    serve = add_command(commands, "serve", _serve, "start the dashboard on this machine", common)
    serve.add_argument(
        "--port", type=port_number, default=8501, help="loopback port (default 8501)"
    )
    serve.add_argument(
        "--address",
        help=f"address to listen on (default {ADDRESS}: this machine only); any other needs"
        " a login in Streamlit's secrets, or VISIL_DASH_ALLOW_PUBLIC=1",
    )
    serve.add_argument(
        "--no-demo",
        action="store_true",
        help="leave a new library empty, instead of filling it with the demo videos",
    )


def _serve(given: argparse.Namespace, settings: Settings) -> int:
    public = os.environ.get("VISIL_DASH_ALLOW_PUBLIC") == "1" or login_providers() is not None
    if given.address not in (None, ADDRESS) and not public:
        raise InputError(
            given.address,
            "the dashboard has no login, so it listens on this machine only",
            "set up a login (docs/install.md), or put a proxy with one in front of it and set"
            " VISIL_DASH_ALLOW_PUBLIC=1",
        )
    if not port_is_free(given.port):
        busy = busy_message(given.port, dashboard=dashboard_answers(given.port))
        print(busy, file=sys.stderr)
        return FAILED
    library: Path = (given.library or settings.library).absolute()
    if not given.no_demo and demo_is_due(library) and prepare_demo(library):
        print(
            "the demo library is incomplete, see the error above; the next start tries again",
            file=sys.stderr,
        )
    os.environ["VISIL_DASH_LIBRARY"] = str(library)
    if given.model is not None:
        os.environ["VISIL_DASH_MODEL"] = given.model
    return start(given.port, given.address or (None if public else ADDRESS))


def port_is_free(port: int) -> bool:
    """Whether a server can listen on `port` of the loopback address."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As the server does: a port that only waits for old connections to close counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError:
            return False
    return True


def dashboard_answers(port: int) -> bool:
    """Whether a Streamlit app answers on `port`; unknown paths give 200 too, so read the body."""
    url = f"http://{ADDRESS}:{port}/_stcore/health"
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with contextlib.suppress(OSError, ValueError), direct.open(url, timeout=2) as answer:
        return bool(answer.read(16).strip() == b"ok")
    return False


def busy_message(port: int, *, dashboard: bool) -> str:
    if dashboard:
        return (
            f"A dashboard is already running: http://{ADDRESS}:{port}\n"
            f"Open that address, or start a second one: {_on_port(port + 1)}"
        )
    return f"Port {port} is not available. Choose another one: {_on_port(max(port + 1, 8501))}"


def _on_port(port: int) -> str:
    return f"visil-dash serve --port {port} (in a checkout: make run PORT={port})"


def demo_is_due(library: Path) -> bool:
    """Whether to prepare the demo: there is no library, or its preparation was interrupted."""
    return unfinished_mark(library).exists() or not library.is_dir() or not any(library.iterdir())


def unfinished_mark(library: Path) -> Path:
    return library.with_name(library.name + ".demo-unfinished")


def prepare_demo(library: Path) -> int:
    """Adds the demo videos to `library`; returns the exit code of the command."""
    print(f"preparing the demo library in {library}, only the first time", flush=True)
    mark = unfinished_mark(library)
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.touch()
    command = [sys.executable, "-m", "visil_dash", "demo", "--library", str(library)]
    code = subprocess.call(command)
    if code == 0:
        mark.unlink()
    return code


def start(port: int, address: str | None) -> NoReturn:
    """Replaces this process by the dashboard, so that Ctrl-C reaches it directly.

    `address` None: as the user's Streamlit settings have it.
    """
    command = [sys.executable, "-m", "streamlit", "run", str(APP), "--server.port", str(port)]
    command += ["--server.address", address] if address else []
    print(f"starting the dashboard, http://{ADDRESS}:{port} here (Ctrl-C stops it)", flush=True)
    os.execve(sys.executable, command, FEW_ARENAS | os.environ)
