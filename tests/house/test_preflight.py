"""The preflight says what is missing, why, and the command that brings it, on every system."""

import ast
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest

import preflight

ROOT = Path(__file__).resolve().parents[2]
MACHINES = ("debian", "fedora", "macos", "windows", "other")
V = (3, 11)
Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def good_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Debian that has everything; each test takes one thing away."""
    monkeypatch.setattr(preflight.platform, "system", lambda: "Linux")
    monkeypatch.setattr(preflight, "read_os_release", lambda: 'ID=debian\nVERSION_ID="12"\n')
    monkeypatch.setattr(preflight, "has_module", lambda name: True)
    monkeypatch.setattr(preflight, "find_compiler", lambda: "c++")
    monkeypatch.setattr(preflight, "compiler_works", lambda compiler: compiler is not None)
    monkeypatch.setattr(preflight.os.path, "isfile", lambda path: True)
    monkeypatch.setattr(preflight.shutil, "disk_usage", lambda path: Usage(0, 0, 100 * 1024**3))


def only(found: list[preflight.Finding]) -> preflight.Finding:
    assert len(found) == 1, found
    return found[0]


@pytest.mark.usefixtures("good_machine")
class TestEachLack:
    def test_nothing_missing_is_no_finding(self) -> None:
        assert preflight.findings(".") == []
        assert preflight.report([]) == "preflight: everything needed is here"

    def test_an_old_python_is_named_and_hides_what_would_be_asked_of_it(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(preflight.sys, "version_info", (3, 9, 2))
        monkeypatch.setattr(preflight, "find_compiler", lambda: None)
        finding = only(preflight.findings("."))
        assert "3.11" in finding.what
        assert "3.9" in finding.what
        assert "PYTHON=" in finding.remedy

    def test_debian_without_the_venv_package(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(preflight, "has_module", lambda name: name != "ensurepip")
        finding = only(preflight.findings("."))
        assert finding.what == "Python's module ensurepip"
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        assert finding.remedy == f"sudo apt-get install python{version}-venv"

    def test_no_compiler(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(preflight, "find_compiler", lambda: None)
        finding = only(preflight.findings("."))
        assert finding.what == "a C++ compiler"
        assert "hnswlib" in finding.why
        assert "build-essential" in finding.remedy

    def test_a_compiler_without_its_library(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(preflight, "compiler_works", lambda compiler: False)
        assert "c++ cannot compile" in only(preflight.findings(".")).what

    def test_no_python_headers(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(
            preflight.os.path, "isfile", lambda path: not str(path).endswith("Python.h")
        )
        finding = only(preflight.findings("."))
        assert "Python.h" in finding.what
        assert "-dev" in finding.remedy

    def test_a_small_disk_says_how_much_there_is(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(preflight.shutil, "disk_usage", lambda path: Usage(0, 0, 3 * 1024**3))
        assert only(preflight.findings(".")).what.startswith("disk: 3.0 GiB free in .")
        assert preflight.findings(".", fresh=False) == []

    def test_windows_is_sent_to_wsl(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(preflight.platform, "system", lambda: "Windows")
        assert "wsl --install" in only(preflight.findings(".")).remedy

    def test_everything_missing_is_said_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(preflight, "has_module", lambda name: False)
        monkeypatch.setattr(preflight, "find_compiler", lambda: None)
        monkeypatch.setattr(preflight.os.path, "isfile", lambda path: False)
        monkeypatch.setattr(preflight.shutil, "disk_usage", lambda path: Usage(0, 0, 0))
        text = preflight.report(preflight.findings("."))
        assert text.count("get it:") == 4

    def test_the_display_library_is_not_asked_for(self) -> None:
        # opencv-python-headless needs no libGL; its pin must stay the headless one.
        assert "opencv-python-headless==" in (ROOT / "requirements.txt").read_text()


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("need", ["python", "venv", "compiler", "headers"])
def test_every_need_has_a_command_on_every_machine(need: str, machine: str) -> None:
    text = preflight.remedy(need, machine, V)
    assert "{" not in text
    mac = "xcode-select" if need == "compiler" else "brew"
    expected = {"debian": "apt-get", "fedora": "dnf", "windows": "wsl", "macos": mac}
    words = [expected[machine]] if machine in expected else ["apt-get", "dnf", mac]
    assert all(word in text for word in words)


@pytest.mark.parametrize(
    ("system", "release", "kind"),
    [
        ("Linux", "ID=ubuntu\nID_LIKE=debian\n", "debian"),
        ("Linux", 'NAME="Linux Mint"\nID=linuxmint\nID_LIKE="ubuntu debian"\n', "debian"),
        ("Linux", "ID=fedora\n", "fedora"),
        ("Linux", 'ID="rocky"\nID_LIKE="rhel centos fedora"\n', "fedora"),
        ("Linux", "ID=arch\n", "other"),
        ("Linux", "", "other"),
        ("Darwin", "", "macos"),
        ("Windows", "", "windows"),
    ],
)
def test_the_kind_of_machine_is_recognised(system: str, release: str, kind: str) -> None:
    assert preflight.kind_of_machine(system, release) == kind


def test_a_false_compiler_is_found_out(tmp_path: Path) -> None:
    liar = tmp_path / "c++"
    liar.write_text("#!/bin/sh\nexit 1\n")
    liar.chmod(0o755)
    assert not preflight.compiler_works(str(liar))
    assert not preflight.compiler_works(str(tmp_path / "absent"))


@pytest.mark.parametrize("name", ["preflight", "environment"])
def test_an_old_python_can_read_the_scripts_that_refuse_it(name: str) -> None:
    source = (ROOT / "scripts" / f"{name}.py").read_text()
    ast.parse(source, feature_version=(3, 6))
    control = "if (n := 3): pass"
    with pytest.raises(SyntaxError):
        ast.parse(control, feature_version=(3, 6))


def test_the_preflight_needs_only_the_standard_library() -> None:
    command = [sys.executable, "-I", "-S", str(ROOT / "scripts" / "preflight.py")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert ended.stdout.startswith("preflight: "), ended.stderr
