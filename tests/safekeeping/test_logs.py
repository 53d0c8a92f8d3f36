"""The log: events a person can act on, ids that are on the screen, nothing private."""

import json
import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.support.benches import copy_library, fake_bench, fill
from tests.support.pair_world import copy_world
from tests.support.scenes import make_scene
from visil_dash.cli.main import main
from visil_dash.errors import InputError
from visil_dash.safekeeping.logs import log_error, start_log, stop_log
from visil_dash.settings import Settings

SECRET = "canary"


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    stop_log()  # of an earlier test of this process
    made = Settings(logs=tmp_path / "logs", min_free_bytes=0, threads=1)
    yield made
    stop_log()


def lines(settings: Settings, name: str = "test") -> list[dict[str, object]]:
    text = (settings.logs / f"{name}.log").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_the_life_of_a_library_is_logged_without_a_name_or_a_path(
    settings: Settings, tmp_path: Path
) -> None:
    folder = copy_library(copy_world(), tmp_path / f"{SECRET} library")
    start_log(settings, name="test")
    good = make_scene(tmp_path / f"{SECRET} clip.mp4", 3, seconds=3.0)
    bad = tmp_path / f"{SECRET} notes.mp4"
    bad.write_text(SECRET)
    with fake_bench(folder) as bench:
        fill(bench, [good, bad])
        blob = next(folder.glob("features/*/*.safetensors"))
        bench.library.quarantine_features(
            blob.stem, extractor=bench.extractor, reason=f"{SECRET} was altered"
        )
    try:
        raise InputError(SECRET, "cannot be used")
    except InputError as error:
        log_error(error, where="test")
    found = lines(settings)
    events = [line["event"] for line in found]
    assert events == [
        "library opened", "job left the worker", "job left the worker", "features set aside",
        "error",
    ]  # fmt: skip
    assert [line.get("state") for line in found[1:3]] == ["indexed", "refused"]
    assert all(str(line["at"]).endswith("+00:00") for line in found)
    assert SECRET not in (settings.logs / "test.log").read_text()
    assert str(tmp_path) not in (settings.logs / "test.log").read_text()


def test_an_id_finds_the_line_with_the_place_of_an_unexpected_error(settings: Settings) -> None:
    start_log(settings, name="test")

    def fail() -> str:
        try:
            return str(1 / int(SECRET == ""))
        except ZeroDivisionError as error:
            return log_error(error, where="test")

    first, second = fail(), fail()
    assert first == second
    found = lines(settings)
    assert [line["error_id"] for line in found] == [first, first]
    assert (found[0]["level"], found[0]["error"]) == ("error", "ZeroDivisionError")
    assert "fail" in str(found[0]["places"])


def test_an_expected_error_that_a_page_shows_again_is_logged_once(settings: Settings) -> None:
    start_log(settings, name="test")
    ids = {log_error(InputError("a", "is wrong"), where="page") for _ in range(5)}
    assert len(ids) == 1
    assert len(lines(settings)) == 1


def test_a_command_that_fails_leaves_a_line(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("visil_dash.cli.main.get_settings", lambda: settings)
    assert main(["list", "--library", str(tmp_path / SECRET)]) == 2
    [line] = lines(settings, "commands")
    assert (line["event"], line["error"]) == ("error", "NotFound")
    assert SECRET not in json.dumps(line)


def test_a_job_that_fails_unexpectedly_names_the_line_of_its_error(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> str:
        raise ZeroDivisionError(SECRET)

    folder = copy_library(copy_world(), tmp_path / "library")
    clip = make_scene(tmp_path / "clip.mp4", 3, seconds=3.0)
    monkeypatch.setattr("visil_dash.workbench.bench.ingest", fail)
    start_log(settings, name="test")
    with fake_bench(folder) as bench:
        job = fill(bench, [clip])["clip.mp4"]
    [line] = [line for line in lines(settings) if line["level"] == "error"]
    assert f"(error {line['error_id']} in the log)" in job.reason
    assert "fail" in str(line["places"])
    assert SECRET not in json.dumps(line)


def test_an_error_on_a_page_shows_the_id_of_its_line(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("visil_dash.ui.shell.errors.get_settings", lambda: settings)

    def page() -> None:
        from visil_dash.ui.shell.errors import logged

        with logged("Search"):
            raise KeyError("canary")

    st.cache_data.clear()
    shown = AppTest.from_function(page).run()
    assert shown.exception  # nothing is swallowed
    [line] = lines(settings, "dashboard")
    assert f"error {line['error_id']} in the log" in shown.error[0].value
    assert line["where"] == "Search"
    assert SECRET not in json.dumps(line)


def test_files_are_rotated_and_levels_hold(settings: Settings) -> None:
    start_log(settings.model_copy(update={"log_level": "warning"}), name="test")
    logger = logging.getLogger("visil_dash.test")
    logger.info("quiet")
    handler = logging.getLogger("visil_dash").handlers[-1]
    handler.maxBytes = 500  # type: ignore[attr-defined]
    for number in range(40):
        logger.warning("loud", extra={"facts": {"number": number}})
    files = sorted(path.name for path in settings.logs.iterdir())
    assert files == ["test.log", *(f"test.log.{n}" for n in range(1, 6))]
    assert "quiet" not in "".join(path.read_text() for path in settings.logs.iterdir())


def test_without_a_place_to_write_the_program_goes_on(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("x")
    start_log(settings.model_copy(update={"logs": tmp_path / "file" / "logs"}), name="test")
    assert "no log is written" in capsys.readouterr().err
    start_log(settings, name="test")
    logging.getLogger("visil_dash").warning("first")
    shutil.rmtree(settings.logs)
    logging.getLogger("visil_dash").handlers[-1].close()
    logging.getLogger("visil_dash").warning("second")
    assert "the log cannot be written: second" in capsys.readouterr().err
