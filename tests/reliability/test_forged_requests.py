"""R21: a running server refuses what another page, host or path would smuggle in.

A page of one line under the options of `.streamlit/config.toml`, and as a control the same page
without those options.
"""

import base64
import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
SOON = 60.0
UNGUARDED = ["--server.enableXsrfProtection=false", "--server.enableCORS=false"]
EVIL = "http://evil.example"


@contextmanager
def server(page: Path, *options: str, cwd: Path) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", str(page), f"--server.port={port}",
         "--server.address=127.0.0.1", "--server.headless=true",
         "--browser.gatherUsageStats=false", *options],
        cwd=cwd,
        env={k: v for k, v in os.environ.items() if not k.startswith("STREAMLIT_")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        end = time.monotonic() + SOON
        while status_of(port, "GET", "/_stcore/health") != 200:
            assert time.monotonic() < end
            assert process.poll() is None
            time.sleep(0.1)
        yield port
    finally:
        process.kill()
        process.wait()


def status_of(
    port: int, method: str, path: str, *, body: bytes | None = None, **headers: str
) -> int:
    """0 where nobody listens. Header names are written with _ for -."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, body=body, headers=named)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def forged_upload(port: int) -> int:
    """As a form of another page would send it: no token, another origin."""
    body = b'--x\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\nx\r\n--x--\r\n'
    kind = "multipart/form-data; boundary=x"
    return status_of(
        port, "PUT", "/_stcore/upload_file/session/file", body=body, Content_Type=kind, Origin=EVIL
    )


def socket_from(port: int, origin: str, *, host: str = "") -> int:
    key = base64.b64encode(os.urandom(16)).decode()
    return status_of(
        port, "GET", "/_stcore/stream", Host=host or f"127.0.0.1:{port}", Origin=origin,
        Upgrade="websocket", Connection="Upgrade", Sec_WebSocket_Key=key,
        Sec_WebSocket_Version="13",
    )  # fmt: skip


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "page.py"
    path.write_text("import streamlit as st\nst.write('hello')\n")
    return path


@pytest.fixture(scope="module")
def guarded(page: Path) -> Iterator[int]:
    with server(page, cwd=ROOT) as port:
        yield port


def test_an_upload_without_the_token_is_refused(guarded: int) -> None:
    assert forged_upload(guarded) == 403


def test_a_socket_is_opened_by_our_own_page_only(guarded: int) -> None:
    assert socket_from(guarded, f"http://127.0.0.1:{guarded}") == 101
    assert socket_from(guarded, EVIL) == 403


def test_a_rebound_name_reaches_nothing(guarded: int) -> None:
    """The browser then takes the page for one of ours, and its origin agrees with its host."""
    host = f"evil.example:{guarded}"
    assert socket_from(guarded, f"http://{host}", host=host) not in (0, 101)


@pytest.mark.parametrize(
    "path",
    [
        "/media/../../../../etc/passwd",
        "/media/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/media/..%2f..%2f..%2fetc/passwd",
        f"/media/{'0' * 56}.mp4",
        "/app/static/../app.py",
    ],
)
def test_no_path_leads_to_a_file_of_this_machine(guarded: int, path: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", guarded, timeout=10)
    connection.request("GET", path)
    body = connection.getresponse().read()
    connection.close()
    assert b"root:" not in body
    assert b"import streamlit" not in body


def test_the_control_without_the_options_lets_the_forged_requests_in(page: Path) -> None:
    with server(page, *UNGUARDED, cwd=page.parent) as port:
        assert forged_upload(port) != 403
        assert socket_from(port, EVIL) == 101
