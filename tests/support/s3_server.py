"""An S3 server in memory (moto), and a proxy before it that breaks requests on demand."""

import http.client
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.support.browser_harness import free_port
from tests.support.servers import Server
from tests.support.store_contract import Outage

BUCKET = "videos"
_HOP_BY_HOP = {"connection", "transfer-encoding", "keep-alive", "content-length", "expect"}
_METHODS = ("GET", "PUT", "HEAD", "POST", "DELETE")
_SLOW_SECONDS = 3.0


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def moto_server(folder: Path) -> tuple[Server, int]:
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    return Server(command, folder=folder, ready=partial(_listens, port)), port


class Proxy(Outage):
    """Passes requests on, or breaks them as `fault` has it: refuse, fail, stall, deny, tear (of an
    upload only half is passed on) or cut (of an answer only half)."""

    def __init__(self, behind: int) -> None:
        self.fault, self.behind, self.broken = "", behind, 0
        self.port = free_port()
        self._server: ThreadingHTTPServer | None = None
        self._open()

    def begin(self, fault: str = "refuse") -> None:
        self.fault, self.broken = fault, 0
        if fault == "refuse":
            self.close()

    def end(self) -> None:
        self.fault = ""
        self._open()

    @contextmanager
    def broken_by(self, fault: str) -> Iterator[None]:
        self.begin(fault)
        try:
            yield
        finally:
            self.end()

    def _open(self) -> None:
        if self._server is None:
            methods = {f"do_{name}": _Handler.any_method for name in _METHODS}
            handler = type("Handler", (_Handler,), {"proxy": self} | methods)
            self._server = ThreadingHTTPServer(("127.0.0.1", self.port), handler)
            self._server.daemon_threads = True
            threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


class _Handler(BaseHTTPRequestHandler):
    proxy: Proxy
    protocol_version = "HTTP/1.1"  # which asks clients to go on with an upload

    def log_message(self, *_: Any) -> None:
        """Not shown: a contract makes thousands of requests."""

    def any_method(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self.proxy.fault
        if fault == "refuse":  # also on a connection that was open before
            self.close_connection = True
        elif fault == "fail":
            self._answer(500, [], b"")
        elif fault == "deny":
            self._answer(403, [], b"<Error><Code>AccessDenied</Code></Error>")
        elif fault == "stall":
            time.sleep(_SLOW_SECONDS)
            self.close_connection = True
        else:
            if fault == "tear" and self.command == "PUT" and self.path.count("/") > 2:
                self.proxy.broken += 1
                body = body[: len(body) // 2]
            self._pass_on(body, cut=fault == "cut" and self.command == "GET")

    def _pass_on(self, body: bytes, *, cut: bool) -> None:
        behind = http.client.HTTPConnection("127.0.0.1", self.proxy.behind, timeout=30)
        headers = {k: v for k, v in self.headers.items() if k.lower() not in _HOP_BY_HOP}
        behind.request(self.command, self.path, body, headers | {"Content-Length": str(len(body))})
        answer = behind.getresponse()
        data = answer.read()
        kept = [(k, v) for k, v in answer.getheaders() if k.lower() not in _HOP_BY_HOP]
        size = answer.getheader("Content-Length") or str(len(data))
        behind.close()
        if cut and len(data) > 1:
            self.proxy.broken += 1
            self._answer(answer.status, kept, data[: len(data) // 2], size=size)
            self.close_connection = True
        else:
            self._answer(answer.status, kept, data, size=size)

    def _answer(
        self, status: int, headers: list[tuple[str, str]], data: bytes, *, size: str = ""
    ) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", size or str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)


def s3_variables(port: int) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "hidden-key",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
