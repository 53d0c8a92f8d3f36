"""What every test gets: its own data folder, fixed seeds, few threads, and loopback only."""

import ipaddress
import os
import random
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import numpy as np
import pytest

if TYPE_CHECKING:  # a test without a browser needs no Playwright
    from playwright.sync_api import Browser

_SCRATCH = Path(tempfile.mkdtemp(prefix="visil-dash-tests-"))
_KEPT = {"VISIL_DASH_BROWSER", "VISIL_DASH_FULL_DISK", "VISIL_DASH_TEST_DATA"}

# Before any import of the project: its settings are built once, from the environment.
for _name in [name for name in os.environ if name.startswith("VISIL_DASH_")]:
    if _name not in _KEPT:
        del os.environ[_name]
os.environ["VISIL_DASH_LIBRARY"] = str(_SCRATCH / "library")
os.environ["VISIL_DASH_LOGS"] = str(_SCRATCH / "logs")
os.environ["VISIL_DASH_MODELS"] = str(_SCRATCH / "models")
# Two workers have a core each; one process has both.
_THREADS = 1 if "PYTEST_XDIST_WORKER" in os.environ else 2
os.environ.setdefault("OMP_NUM_THREADS", str(_THREADS))
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # spinning threads starve everything else

hypothesis.settings.register_profile(
    "visil_dash", derandomize=True, deadline=None, database=None, print_blob=True
)
hypothesis.settings.load_profile("visil_dash")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--screens",
        metavar="DIR",
        default=None,
        help="browser tests also write screenshots into DIR, in a wide window and a phone's",
    )
    parser.addoption(
        "--color-scheme",
        choices=("light", "dark"),
        default="light",
        help="what the browser of the browser tests prefers",
    )


def pytest_unconfigure() -> None:
    shutil.rmtree(_SCRATCH, ignore_errors=True)


@pytest.fixture(autouse=True)
def _seeds() -> None:
    random.seed(20)
    np.random.seed(20)
    if "torch" in sys.modules:  # importing it costs seconds, and tests without it need no seed
        import torch  # waits where a thread of an earlier test is importing it

        torch.manual_seed(20)
        torch.set_num_threads(_THREADS)


def _is_local(address: Any) -> bool:
    """Whether a socket address stays on this machine; AF_UNIX addresses are no tuples."""
    if not isinstance(address, tuple):
        return True
    host = str(address[0])
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in ("", "localhost")


@pytest.fixture(autouse=True, scope="session")
def _loopback_only() -> Iterator[None]:
    """No test of this process reaches beyond this machine; a look-up of a name would, too."""
    connect, connect_ex, getaddrinfo = (
        socket.socket.connect,
        socket.socket.connect_ex,
        socket.getaddrinfo,
    )

    def refuse(address: Any) -> None:
        if not _is_local(address):
            raise ConnectionRefusedError(f"tests reach loopback only, not {address!r}")

    def guarded_connect(self: socket.socket, address: Any) -> None:
        refuse(address)
        return connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        refuse(address)
        return connect_ex(self, address)

    def guarded_getaddrinfo(host: Any, *args: Any, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        refuse((name or "", 0))
        return getaddrinfo(host, *args, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded_connect)
        patch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
        patch.setattr(socket, "getaddrinfo", guarded_getaddrinfo)
        yield


@pytest.fixture(scope="session")
def browser() -> Iterator["Browser"]:
    """One for all tests of a process: Playwright runs once in a thread."""
    from playwright.sync_api import sync_playwright

    from tests.support.browser_harness import CHROMIUM_ARGUMENTS, CHROMIUM_NAMES, find_chromium

    executable = find_chromium()
    if executable is None:
        text = f"no Chromium here (looked for {', '.join(CHROMIUM_NAMES)}), so no browser tests"
        if os.environ.get("VISIL_DASH_BROWSER") == "required":
            pytest.fail(text + "; VISIL_DASH_BROWSER=required forbids to skip them")
        pytest.skip(text + "; on Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=executable, args=list(CHROMIUM_ARGUMENTS)
        )
        yield opened
        opened.close()
