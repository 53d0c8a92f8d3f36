"""A page, the command line, Python and HTTP give the same numbers on one library, bit for bit."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.support.benches import copy_library, fake_bench
from tests.support.fakes import fake_model
from tests.support.page_world import pages, texts
from tests.support.pair_world import copy_world, ids
from tests.support.scenes import make_scene
from visil_dash.api.app import make_app
from visil_dash.api.tokens import make_token
from visil_dash.cli.main import main
from visil_dash.collection.rows import pair_rows
from visil_dash.exports.search import comparison_as_dict, search_as_dict
from visil_dash.workbench.bench import Workbench
from visil_dash.workbench.collection import all_pairs
from visil_dash.workbench.questions import search_many

Command = Callable[..., list[dict[str, Any]]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_library(copy_world(), tmp_path_factory.mktemp("contract") / "library")


@pytest.fixture(scope="module")
def bench(folder: Path) -> Iterator[Workbench]:
    with fake_bench(folder, start_worker=False) as opened:
        yield opened


@pytest.fixture(scope="module")
def client(bench: Workbench, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    tokens = tmp_path_factory.mktemp("tokens") / "tokens.json"
    token = make_token(tokens, "ann")
    app = make_app(bench, tokens=tokens)
    with TestClient(app, headers={"Authorization": f"Bearer {token}"}) as opened:
        yield opened


@pytest.fixture
def command(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Command:
    monkeypatch.setattr("visil_dash.workbench.bench.load_model", lambda _name, **_kw: fake_model())

    def run(*arguments: str | Path) -> list[dict[str, Any]]:
        code = main([*map(str, arguments), "--json", "--library", str(folder)])
        assert code == 0
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return run


def timeless(result: dict[str, Any]) -> dict[str, Any]:
    """Without what differs between two runs, and the words in which a clip was named."""
    return {k: v for k, v in result.items() if k not in ("timings", "query")}


def answered(response: Any, status: int = 200) -> Any:
    assert response.status_code == status, response.text
    return response.json()


@pytest.mark.parametrize("options", [{}, {"exhaustive": "true", "top": "2"}])
def test_a_search_has_one_answer(
    bench: Workbench, client: TestClient, command: Command, options: dict[str, str]
) -> None:
    exhaustive, top = "exhaustive" in options, int(options["top"]) if options else None
    (python,) = search_many(bench, ["excerpt.mp4"], exhaustive=exhaustive, inside="auto", top=top)
    assert python.result is not None
    asked = {"query": "excerpt.mp4", "proof": "0"} | options
    http = answered(client.get("/search", params=asked))
    words = ["--exhaustive", "--top", "2"] if options else []
    (shell,) = command("search", "excerpt.mp4", "--proof", "0", *words)
    assert http["matches"][0]["name"] == "market.mp4"
    # Through JSON as the others went: numbers keep every bit, tuples become lists.
    there = json.loads(json.dumps(search_as_dict(python.result)))
    assert timeless(http) == timeless(shell) == timeless(there)


def test_a_comparison_has_one_answer_and_the_page_shows_it(
    bench: Workbench, client: TestClient, command: Command, folder: Path, tmp_path: Path
) -> None:
    pair = bench.compare("excerpt.mp4", "market.mp4")
    python = comparison_as_dict(pair, match_score=bench.match_score(), model="fake")
    asked = {"query": "excerpt.mp4", "reference": "market.mp4", "proof": "0"}
    http = answered(client.get("/compare", params=asked))
    (shell,) = command("compare", "excerpt.mp4", "market.mp4", "--proof", "0")
    assert http == json.loads(json.dumps(python))
    assert timeless(http) | {"reference": ""} == timeless(shell) | {"reference": ""}
    with pages(copy_library(folder, tmp_path / "library")) as open_page:
        page = open_page("compare")
        page.query_params["q"], page.query_params["r"] = (
            ids()[name][:16] for name in ("excerpt.mp4", "market.mp4")
        )
        shown = texts(page.run())
    assert f"{http['score']:.3f}" in shown
    assert f"{http['reverse_score']:.3f}" in shown


def test_all_pairs_and_groups_have_one_answer(
    bench: Workbench, client: TestClient, command: Command
) -> None:
    http = answered(client.get("/pairs"))
    assert http == pair_rows(all_pairs(bench).table)
    shell = {(r["query_id"], r["reference_id"]): r["score"] for r in command("pairwise")}
    assert {(r["query_id"], r["reference_id"]): r["score"] for r in http} == shell
    assert answered(client.get("/groups")) == command("groups")


def test_a_clip_that_was_sent_is_the_clip_that_lies_on_disk(
    client: TestClient, command: Command, tmp_path: Path
) -> None:
    clip = make_scene(tmp_path / "clip.mp4", 1, start=4.0, seconds=4.0)
    sent = answered(client.post("/clips", params={"name": "c.mp4"}, content=clip.read_bytes()), 201)
    asked = {"query": sent["query_id"], "proof": "0"}
    http = answered(client.get("/search", params=asked))
    (shell,) = command("search", clip, "--proof", "0")
    assert {m["name"] for m in http["matches"] if m["match"]} >= {"market.mp4"}
    assert timeless(http) == timeless(shell)
    report = client.get("/report", params=asked)
    assert report.status_code == 200
    assert "market.mp4" in report.text
    assert "data:image/jpeg" in report.text


def test_a_verdict_is_of_the_caller_and_everybody_sees_it(
    bench: Workbench, client: TestClient, command: Command
) -> None:
    pair = {"query": "market.mp4", "reference": "excerpt.mp4"}
    given = answered(client.put("/verdicts", json=pair | {"verdict": "match", "note": "seen"}))
    assert given["source"] == "review:ann"
    (seen,) = command("verdict", "list")
    assert (seen["by"], seen["note"], seen["updated"]) == ("ann", "seen", given["updated"])
    assert client.delete("/verdicts", params=pair).status_code == 204
    assert bench.library.labels() == ()
