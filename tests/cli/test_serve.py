"""`make run` says plainly when a port is taken, and makes the demo library exactly when due."""

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from visil_dash.cli import serve
from visil_dash.cli.main import main
from visil_dash.settings import Settings


class Health(BaseHTTPRequestHandler):
    body = b"ok"

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(params=[b"ok", b"<html>"])
def server(request: pytest.FixtureRequest) -> Iterator[tuple[int, bool]]:
    """Port of a web server, and whether it answers as a dashboard does."""
    handler = type("Answer", (Health,), {"body": request.param})
    with HTTPServer(("127.0.0.1", 0), handler) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield http.server_port, request.param == b"ok"
        http.shutdown()
        thread.join()


def test_a_taken_port_is_noticed_and_a_dashboard_on_it_is_recognised(
    server: tuple[int, bool],
) -> None:
    port, is_dashboard = server
    assert not serve.port_is_free(port)
    assert serve.dashboard_answers(port) is is_dashboard
    text = serve.busy_message(port, dashboard=is_dashboard)
    assert ("already running" in text) is is_dashboard
    assert f"PORT={port + 1}" in text


def test_a_free_port_is_free() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert serve.port_is_free(port)
    assert not serve.dashboard_answers(port)


def test_the_demo_is_due_once_and_again_after_an_interruption(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = tmp_path / "data" / "library"
    codes = iter([1, 0])

    def demo(command: list[str], **_: object) -> int:
        assert command[1:4] == ["-m", "visil_dash", "demo"]
        library.mkdir(exist_ok=True)
        (library / "catalogue").touch()
        return next(codes)

    monkeypatch.setattr(serve.subprocess, "call", demo)
    assert serve.demo_is_due(library)
    assert serve.prepare_demo(library) == 1
    assert serve.demo_is_due(library)
    assert serve.prepare_demo(library) == 0
    assert not serve.demo_is_due(library)


def test_a_library_of_ones_own_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "library").mkdir()
    assert serve.demo_is_due(tmp_path / "library")
    (tmp_path / "library" / "catalogue").touch()
    assert not serve.demo_is_due(tmp_path / "library")


def test_the_port_must_be_a_port() -> None:
    with pytest.raises(SystemExit) as ended:
        main(["serve", "--port", "70000"])
    assert ended.value.code == 2


def test_the_dashboard_listens_on_loopback_whatever_a_settings_file_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(serve.os, "execve", lambda _, command, given: started.append(command))
    monkeypatch.setattr(serve, "port_is_free", lambda _: True)
    monkeypatch.delenv("VISIL_DASH_ALLOW_PUBLIC", raising=False)
    monkeypatch.setenv("VISIL_DASH_LIBRARY", str(tmp_path))  # serve sets it: undone at the end
    command = ["serve", "--no-demo", "--library", str(tmp_path / "library")]
    main(command)
    assert started[0][-4:] == ["--server.port", "8501", "--server.address", "127.0.0.1"]
    assert main([*command, "--address", "0.0.0.0"]) == 2
    assert len(started) == 1
    monkeypatch.setenv("VISIL_DASH_ALLOW_PUBLIC", "1")
    main([*command, "--address", "0.0.0.0"])
    assert "0.0.0.0" in started[1]


def test_the_dashboard_begins_with_few_arenas_and_what_the_user_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given: list[dict[str, str]] = []
    monkeypatch.setattr(serve.os, "execve", lambda _path, _command, env: given.append(dict(env)))
    monkeypatch.setattr(serve, "port_is_free", lambda _: True)
    monkeypatch.setenv("VISIL_DASH_LIBRARY", str(tmp_path))  # serve sets it: undone at the end
    monkeypatch.delenv("MALLOC_ARENA_MAX", raising=False)
    command = ["serve", "--no-demo", "--library", str(tmp_path / "library")]
    main(command)
    monkeypatch.setenv("MALLOC_ARENA_MAX", "7")
    main(command)
    assert [env["MALLOC_ARENA_MAX"] for env in given] == ["2", "7"]
    assert given[0]["VISIL_DASH_LIBRARY"] == str(tmp_path / "library")


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LIBRARY", "LIBRARIES", "LOGS", "MODELS", "THREADS", "PROOF_SECONDS"):
        monkeypatch.setenv(f"VISIL_DASH_{name}", "")
    assert Settings() == Settings.model_construct()
    library = Settings().library
    assert serve.unfinished_mark(library).parent == library.parent
