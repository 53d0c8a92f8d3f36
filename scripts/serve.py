"""Start the dashboard on this machine's loopback address; `make run` calls it.

    .venv/bin/python scripts/serve.py [--port 8501]

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
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[1]
ADDRESS = "127.0.0.1"


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
            f"Open that address, or start a second one: make run PORT={port + 1}"
        )
    other = max(port + 1, 8501)
    return f"Port {port} is not available. Choose another one: make run PORT={other}"


def demo_is_due(library: Path) -> bool:
    """Whether to prepare the demo: there is no library, or its preparation was interrupted."""
    return unfinished_mark(library).exists() or not library.is_dir() or not any(library.iterdir())


def unfinished_mark(library: Path) -> Path:
    return library.with_name(library.name + ".demo-unfinished")


def prepare_demo(library: Path) -> int:
    """Add the demo videos to `library`; returns the exit code of the command."""
    print(f"preparing the demo library in {library}, only the first time", flush=True)
    mark = unfinished_mark(library)
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.touch()
    command = [sys.executable, "-m", "visil_dash", "demo", "--library", str(library)]
    code = subprocess.call(command, cwd=ROOT)
    if code == 0:
        mark.unlink()
    return code


def start(port: int) -> NoReturn:
    """Replace this process by the dashboard, so that Ctrl-C reaches it directly."""
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    if os.environ.get("VISIL_DASH_ALLOW_PUBLIC") != "1":
        command += ["--server.address", ADDRESS]  # regardless of the user's Streamlit settings
    print(f"starting the dashboard on http://{ADDRESS}:{port} (Ctrl-C stops it)", flush=True)
    os.execv(sys.executable, command)


def main() -> int:
    parser = argparse.ArgumentParser(description="Start the visil_dash dashboard.")
    parser.add_argument("--port", type=int, default=8501, help="loopback port (default 8501)")
    port = parser.parse_args().port
    if not 1 <= port <= 65535:
        parser.error(f"--port: expected 1 to 65535, got {port}")
    if not port_is_free(port):
        print(busy_message(port, dashboard=dashboard_answers(port)), file=sys.stderr)
        return 1

    sys.path.insert(0, str(ROOT))
    from visil_dash.errors import InputError
    from visil_dash.settings import get_settings

    os.chdir(ROOT)  # the settings' default folders and .streamlit/ are relative to the checkout
    try:
        library = get_settings().library
    except InputError as error:
        print(f"visil_dash: {error}", file=sys.stderr)
        return 2
    if demo_is_due(library) and prepare_demo(library):
        print(
            "the demo library is incomplete, see the error above; the next start tries again",
            file=sys.stderr,
        )
    start(port)


if __name__ == "__main__":
    sys.exit(main())
