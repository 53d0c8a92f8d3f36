"""Who may call the HTTP interface, what it refuses and how, and adding videos through it."""

import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.support.benches import SOON, copy_library, fake_bench, page_settings
from tests.support.pair_world import copy_world
from tests.support.scenes import make_scene
from visil_dash.api.app import make_app
from visil_dash.api.tokens import make_token, owner_of, revoke_token, token_names
from visil_dash.cli.main import main
from visil_dash.errors import InputError, NotFound, StoreError
from visil_dash.settings import Settings
from visil_dash.workbench.bench import Workbench


@pytest.fixture
def tokens(tmp_path: Path) -> Path:
    return tmp_path / "tokens" / "tokens.json"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    with fake_bench(copy_library(copy_world(), tmp_path / "library"), start_worker=False) as opened:
        yield opened


@pytest.fixture
def client(bench: Workbench, tokens: Path) -> Iterator[TestClient]:
    token = make_token(tokens, "ann")
    with TestClient(make_app(bench, tokens=tokens)) as opened:
        opened.headers["Authorization"] = f"Bearer {token}"
        yield opened


# ---- tokens ----


def test_a_token_is_kept_as_its_hash_in_a_file_of_its_owner(tokens: Path) -> None:
    token = make_token(tokens, "ann")
    assert token not in tokens.read_text()
    assert stat.S_IMODE(tokens.stat().st_mode) == 0o600
    assert list(tokens.parent.iterdir()) == [tokens]
    assert owner_of(tokens, token) == "ann"
    assert owner_of(tokens, token + "x") is None
    with pytest.raises(InputError, match="has a token already"):
        make_token(tokens, "ann")
    make_token(tokens, "bob")
    revoke_token(tokens, "ann")
    assert (token_names(tokens), owner_of(tokens, token)) == (("bob",), None)
    with pytest.raises(NotFound):
        revoke_token(tokens, "ann")
    tokens.write_text("[]")
    with pytest.raises(StoreError, match="not a file of tokens"):
        token_names(tokens)


def test_every_route_needs_a_token_and_one_that_was_taken_back_opens_nothing(
    client: TestClient, tokens: Path
) -> None:
    shown = client.get("/openapi.json").json()
    calls = [(path, method) for path, methods in shown["paths"].items() for method in methods]
    assert {"/videos", "/jobs", "/search", "/compare", "/pairs", "/verdicts", "/report"} <= {
        path for path, _ in calls
    }
    token = client.headers.pop("Authorization")
    for path, method in calls:
        address = path.replace("{", "").replace("}", "")
        for wrong in ({}, {"Authorization": "Bearer x"}):
            refused = client.request(method, address, headers=wrong)
            assert refused.status_code == 401, (method, path)
            assert refused.headers["WWW-Authenticate"] == "Bearer"
    assert client.get("/videos", headers={"Authorization": token}).status_code == 200
    revoke_token(tokens, "ann")
    assert client.get("/videos", headers={"Authorization": token}).status_code == 401


def test_without_a_token_and_on_an_open_address_it_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(tokens=tmp_path / "tokens.json", library=tmp_path / "library")
    monkeypatch.setattr("visil_dash.cli.main.get_settings", lambda: settings)
    monkeypatch.delenv("VISIL_DASH_ALLOW_PUBLIC", raising=False)
    assert main(["api", "serve"]) == 2
    assert "api token NAME" in capsys.readouterr().err
    assert main(["api", "token", "ann"]) == 0
    token = capsys.readouterr().out.strip()
    assert owner_of(settings.tokens, token) == "ann"
    assert main(["api", "serve", "--address", "0.0.0.0"]) == 2
    assert "VISIL_DASH_ALLOW_PUBLIC" in capsys.readouterr().err
    assert main(["api", "tokens"]) == 0
    assert capsys.readouterr().out == "ann\n"
    assert main(["api", "revoke", "ann"]) == 0
    assert token_names(settings.tokens) == ()
    assert not settings.library.exists()


# ---- adding ----


def ended(client: TestClient, job_id: str) -> dict[str, Any]:
    until = time.monotonic() + SOON
    while time.monotonic() < until:
        job: dict[str, Any] = client.get(f"/jobs/{job_id}").json()
        if job["state"] in ("indexed", "refused", "failed"):
            return job
        time.sleep(0.02)
    raise AssertionError("the job did not end")


def test_a_video_that_was_sent_is_added_and_one_that_is_none_is_refused(
    client: TestClient, tmp_path: Path
) -> None:
    clip = make_scene(tmp_path / "new.mp4", 3, seconds=4.0)
    sent = client.post("/videos", params={"name": "new.mp4"}, content=clip.read_bytes())
    assert sent.status_code == 202
    job = ended(client, sent.json()["job_id"])
    assert job["state"] == "indexed"
    assert client.get(f"/videos/{job['video_id']}").json()["name"] == "new.mp4"
    sent = client.post("/videos", params={"name": "bad.mp4"}, content=b"nothing")
    job = ended(client, sent.json()["job_id"])
    assert (job["state"], "it is text" in job["reason"]) == ("refused", True)


def test_a_body_above_the_limit_leaves_nothing_behind(bench: Workbench, tokens: Path) -> None:
    bench.settings = page_settings(bench.library.folder, max_file_bytes=1000)
    token, before = make_token(tokens, "ann"), len(bench.jobs())
    head = {"Authorization": f"Bearer {token}"}
    with TestClient(make_app(bench, tokens=tokens), headers=head) as client:
        for path in ("/videos", "/clips"):
            refused = client.post(path, params={"name": "a"}, content=b"x" * 1001)
            assert refused.status_code == 422
            assert "limit of 1000 bytes" in refused.json()["detail"]
        assert len(client.get("/jobs").json()) == before
    assert not list((bench.library.folder / "incoming").glob("*"))


def test_a_path_is_read_within_the_allowed_folders_only(client: TestClient, tmp_path: Path) -> None:
    refused = client.post("/videos/from-path", params={"path": str(tmp_path)})
    assert refused.status_code == 422
    assert "allowed folders" in refused.json()["detail"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/search?query=gone", 404),
        ("/search?query=market.mp4&top=0", 422),
        ("/search", 422),
        ("/search?query=market.mp4&tag=nobody", 422),
        ("/compare?query=market.mp4&reference=gone", 404),
        ("/jobs/gone", 404),
        ("/videos/gone", 404),
        ("/report?query=gone", 404),
    ],
)
def test_what_cannot_be_answered_has_a_status_and_a_reason(
    client: TestClient, path: str, status: int
) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert answer.json()["detail"]
