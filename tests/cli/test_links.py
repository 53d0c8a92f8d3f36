"""A link is a clip where the network is allowed: fetched, searched for, and gone afterwards."""

import json
import tempfile
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.support.benches import copy_library
from tests.support.fakes import fake_model
from tests.support.pair_world import copy_world
from tests.support.scenes import make_scene
from visil_dash.cli.main import main
from visil_dash.settings import Settings

Shell = Callable[..., tuple[int, str, str]]


class Quiet(SimpleHTTPRequestHandler):
    asked: list[str] = []  # noqa: RUF012 - of the one server of this module

    def do_GET(self) -> None:
        self.asked.append(self.path)
        super().do_GET()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server with a clip of the market, a text and a page with a player."""
    folder = tmp_path_factory.mktemp("site")
    make_scene(folder / "a clip.mp4", 1, start=3.0, seconds=4.0)
    (folder / "text.mp4").write_text("nothing to see")
    (folder / "page.html").write_text('<html><video src="a%20clip.mp4"></video></html>')
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def shell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Shell:
    folder = copy_library(copy_world(), tmp_path / "library")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    monkeypatch.setattr("visil_dash.workbench.bench.load_model", lambda _name, **_kw: fake_model())
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: str, network: bool = True, **limits: int) -> tuple[int, str, str]:
        settings = Settings(library=folder, allow_network=network, min_free_bytes=0, **limits)
        monkeypatch.setattr("visil_dash.cli.main.get_settings", lambda: settings)
        code = main(["search", *arguments, "--proof", "0", "--inside", "never", "--json"])
        assert list(scratch.iterdir()) == []
        return (code, *capsys.readouterr())

    return run


def test_a_link_to_a_video_is_searched_for(shell: Shell, site: str) -> None:
    code, out, _ = shell(f"{site}/a%20clip.mp4", "harbour.mp4")
    assert code == 0
    first, second = [json.loads(line) for line in out.splitlines()]
    assert first["query"] == f"{site}/a%20clip.mp4"
    assert "market.mp4" in {match["name"] for match in first["matches"] if match["match"]}
    assert second["query"] == "harbour.mp4"


def test_a_page_with_a_video_is_left_to_yt_dlp(shell: Shell, site: str) -> None:
    code, out, err = shell(f"{site}/page.html")
    assert code == 0, err
    assert "market.mp4" in {match["name"] for match in json.loads(out)["matches"]}


def test_no_link_is_followed_unless_the_settings_allow_it(shell: Shell, site: str) -> None:
    before = len(Quiet.asked)
    code, out, err = shell(f"{site}/a%20clip.mp4", network=False)
    assert (code, out, "VISIL_DASH_ALLOW_NETWORK=1" in err) == (2, "", True)
    assert len(Quiet.asked) == before


@pytest.mark.parametrize(
    ("path", "exit_code", "reason"), [("gone.mp4", 2, "404"), ("text.mp4", 1, "it is text")]
)
def test_a_link_that_leads_to_no_video_is_refused_with_the_reason(
    shell: Shell, site: str, path: str, exit_code: int, reason: str
) -> None:
    code, out, err = shell(f"{site}/{path}")
    assert (code, out) == (exit_code, "")
    assert reason in err


def test_what_is_larger_than_a_file_may_be_is_not_downloaded(shell: Shell, site: str) -> None:
    code, _, err = shell(f"{site}/a%20clip.mp4", max_file_bytes=1000)
    assert (code, "at most 1,000" in err) == (2, True)
