"""The environment is made once, remembered by the hash of its pins, and repaired when they move."""

import sys
import threading
from pathlib import Path

import pytest

import environment


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "constraints.txt").write_text("idna==3.20\n")
    (tmp_path / "requirements.txt").write_text("-c constraints.txt\nnumpy==2.4.6  # arrays\n")
    (tmp_path / "requirements-dev.txt").write_text("-r requirements.txt\npytest==9.2.0\n")
    return tmp_path


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Commands that would have been run; making a venv makes the folder, all else succeeds."""
    made: list[list[str]] = []

    def call(command: list[str], **_: object) -> int:
        if command[1:3] == ["-m", "venv"]:
            Path(command[-1], "bin").mkdir(parents=True)
            Path(command[-1], "bin", "python").touch()
        if command[1] == "-c":
            return 0 if Path(command[0]).exists() else 1
        made.append(command)
        return 0

    monkeypatch.setattr(environment.subprocess, "call", call)
    monkeypatch.setattr(environment.preflight, "findings", lambda root, *, fresh: [])
    return made


def prepare(project: Path, name: str) -> int:
    return environment.prepare(str(project / ".venv"), str(project / name))


def test_the_second_start_runs_nothing(project: Path, calls: list[list[str]]) -> None:
    assert prepare(project, "requirements.txt") == 0
    assert [command[2] for command in calls] == ["venv", "pip"]
    calls.clear()
    assert prepare(project, "requirements.txt") == 0
    assert calls == []


def test_the_packages_of_the_tests_include_those_of_the_product(
    project: Path, calls: list[list[str]]
) -> None:
    prepare(project, "requirements-dev.txt")
    calls.clear()
    assert prepare(project, "requirements.txt") == 0
    assert calls == []


@pytest.mark.parametrize("moved", ["requirements.txt", "constraints.txt"])
def test_a_moved_pin_is_installed_and_moving_it_back_too(
    project: Path, calls: list[list[str]], moved: str
) -> None:
    prepare(project, "requirements-dev.txt")
    before = (project / moved).read_text()
    for text in (before + "six==1\n", before):
        calls.clear()
        (project / moved).write_text(text)
        prepare(project, "requirements-dev.txt")
        assert [command[2] for command in calls] == ["pip"]


def test_a_failed_install_is_tried_again(
    project: Path, calls: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    working = environment.subprocess.call

    def failing(command: list[str], **options: object) -> int:
        code = working(command, **options)
        return 1 if command[2] == "pip" else code

    monkeypatch.setattr(environment.subprocess, "call", failing)
    assert prepare(project, "requirements.txt") == 1
    monkeypatch.setattr(environment.subprocess, "call", working)
    calls.clear()
    assert prepare(project, "requirements.txt") == 0
    assert [command[2] for command in calls] == ["pip"]


def test_another_python_is_another_environment(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = environment.fingerprint(str(project / "requirements.txt"))
    monkeypatch.setattr(sys, "version_info", (3, 99, 0))
    assert environment.fingerprint(str(project / "requirements.txt")) != here


def test_two_commands_at_once_install_one_after_the_other(
    project: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    entered = threading.Event()

    def second() -> None:
        with environment.alone(str(project)):
            entered.set()

    with environment.alone(str(project)):
        thread = threading.Thread(target=second)
        thread.start()
        assert not entered.wait(0.2)
    assert entered.wait(10)
    thread.join()
    assert "waiting for it" in capfd.readouterr().out


def test_what_the_preflight_finds_stops_the_install(
    project: Path,
    calls: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    finding = environment.preflight.Finding("a C++ compiler", "hnswlib", "apt-get it")
    monkeypatch.setattr(environment.preflight, "findings", lambda root, *, fresh: [finding])
    assert prepare(project, "requirements.txt") == 1
    assert "apt-get it" in capsys.readouterr().err
    assert calls == []
    monkeypatch.setenv("VISIL_DASH_SKIP_PREFLIGHT", "1")
    assert prepare(project, "requirements.txt") == 0


def test_every_direct_requirement_is_pinned_exactly_and_says_what_it_is_for() -> None:
    root = Path(__file__).resolve().parents[2]
    for name in ("requirements.txt", "requirements-openvino.txt", "requirements-dev.txt"):
        for line in (root / name).read_text().splitlines():
            if line and not line.startswith(("#", "-")):
                pin, _, reason = line.partition("#")
                assert pin.count("==") == 1, line
                assert len(reason.split()) >= 1, line
