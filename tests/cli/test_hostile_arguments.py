"""Whatever the command line is given: a sentence and an exit code, never a traceback.

And never exit code 0 where nothing was done.
"""

import io
import json
import os
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.benches import copy_library
from tests.support.fakes import fake_model
from tests.support.pair_world import copy_world
from visil_dash.cli.main import main
from visil_dash.errors import InputError
from visil_dash.settings import Settings, get_settings

LONG = "n" * 300
NUMBERS = ["-5", "-1", "0", "1", "3", "0.4", "nan", "inf", "-inf", "1e400", "many", "", "١"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a library, an empty folder, a pipe, a text and a link that leads nowhere."""
    folder = tmp_path_factory.mktemp("hostile")
    copy_library(copy_world(), folder / "library")
    (folder / "empty").mkdir()
    os.mkfifo(folder / "pipe.mp4")
    (folder / "text.mp4").write_text("a text, not a video\n")
    (folder / "zero").write_bytes(b"")
    (folder / "nowhere.mp4").symlink_to(folder / "gone.mp4")
    (folder / os.fsdecode(b"caf\xe9.mp4")).write_text("a name that is not UTF-8")
    return folder


@pytest.fixture(autouse=True)
def _fake(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "here").mkdir(exist_ok=True)
    monkeypatch.chdir(place / "here")
    monkeypatch.setattr("visil_dash.workbench.bench.load_model", lambda _name, **_kw: fake_model())


def outcome(*arguments: str | Path) -> tuple[int, str, str]:
    """Exit code, output and errors; argparse's own exit counts as its code."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    with redirect_stdout(out), redirect_stderr(err):
        try:
            code = main([*map(str, arguments)])
        except SystemExit as ended:
            code = int(ended.code or 0)
    texts = []
    for stream in (out, err):
        stream.flush()
        texts.append(stream.buffer.getvalue().decode())  # type: ignore[attr-defined]
    return code, texts[0], texts[1]


def commands() -> dict[str, tuple[int, dict[str, str | None]]]:
    """Of each command: how many values it takes, and its options with what they take."""
    return {
        "search": (2, {"--threshold": "n", "--top": "n", "--exhaustive": None, "--inside": "n"}),
        "compare": (2, {"--npz": "p"}),
        "pairwise": (0, {"--csv": "p"}),
        "list": (0, {}),
        "remove": (1, {}),
        "index status": (0, {}),
        "index verify": (0, {}),
        "evaluate": (
            0,
            {"--labels": "p", "--threshold": "n", "--rounds": "n", "--seed": "n", "--out": "p"},
        ),
        "models import": (1, {"--unverified": None}),
        "train comparator": (0, {"--data": "p", "--out": "p", "--steps": "n", "--labels": "p"}),
        "fivr select": (0, {"--annotation": "p", "--events": "n", "--out": "p"}),
        "limits": (0, {}),
    }


def paths(folder: Path) -> list[str]:
    inside = [
        "empty", "pipe.mp4", "text.mp4", "zero", "nowhere.mp4", "none/out.csv", "out.csv",
        os.fsdecode(b"caf\xe9.mp4"), "library", LONG, "line\nbreak.mp4", "text.mp4/below",
    ]  # fmt: skip
    return [
        *(str(folder / name) for name in inside),
        *(
            "market.mp4",
            "nothing.mp4",
            LONG,
            "",
            " ",
            ".",
            "/dev/null",
            "\0",
            "\u202e",
            "a/" * 3000,
        ),
    ]


@st.composite
def command_lines(draw: st.DrawFn, folder: Path) -> list[str]:
    name = draw(st.sampled_from(sorted(commands())))
    count, options = commands()[name]
    path, number = st.sampled_from(paths(folder)), st.sampled_from(NUMBERS)
    line = name.split() + [draw(path) for _ in range(count)]
    for option, kind in options.items():
        if draw(st.booleans()):
            line += [option] if kind is None else [option, draw(path if kind == "p" else number)]
    if draw(st.booleans()):
        line.append("--json")
    library = draw(st.sampled_from(["library", "library", "library", "empty", "gone", "text.mp4"]))
    return [*line, "--library", str(folder / library)]


@pytest.mark.slow
@settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_no_command_line_ends_in_a_traceback_or_in_success_without_work(
    place: Path, data: st.DataObject
) -> None:
    line = data.draw(command_lines(place))
    before = {path for path in place.rglob("*") if path.is_dir()}
    code, out, err = outcome(*line)
    assert code in (0, 1, 2)
    if code:
        assert err.strip() or out.strip(), "a reason"
        assert "Traceback" not in out + err
    else:
        assert out.strip() or "written to" in err, "something was done"
        if "--json" in line:
            assert all(isinstance(json.loads(row), dict) for row in out.splitlines())
    after = {path for path in place.rglob("*") if path.is_dir()}
    assert after - before == set(), "reading makes no folder"


REFUSED: list[tuple[str, tuple[str, ...], str]] = [
    ("a threshold below zero", ("search", "market.mp4", "--threshold", "-5"), "'-5'"),
    ("a threshold that is no number", ("search", "market.mp4", "--threshold", "nan"), "'nan'"),
    ("an endless threshold", ("evaluate", "--threshold", "inf"), "'inf'"),
    ("the best none", ("search", "market.mp4", "--top", "0"), "1 or more"),
    ("the best minus three", ("search", "market.mp4", "--top", "-3"), "1 or more"),
    ("no draws", ("evaluate", "--rounds", "0"), "1 or more"),
    ("a folder to search for", ("search", "{empty}"), "is a folder"),
    ("a pipe to search for", ("search", "{pipe.mp4}"), "no regular file"),
    ("a pipe to compare", ("compare", "market.mp4", "{pipe.mp4}"), "no regular file"),
    ("a long name", ("search", LONG), "too long"),
    ("matrices into no folder", ("compare", "a", "b", "--npz", "{none/x.npz}"), "no folder"),
    ("a table into no folder", ("pairwise", "--csv", "{none/x.csv}"), "no folder"),
    ("results into no folder", ("evaluate", "--out", "{none/x.json}"), "no folder"),
    ("results onto a folder", ("evaluate", "--out", "{empty}"), "no regular file"),
    ("a library that is a file", ("list",), "no library here"),
]


@pytest.mark.parametrize(
    ("arguments", "reason"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED]
)
def test_a_bad_value_is_refused_with_its_reason_before_the_library_is_opened(
    place: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], reason: str
) -> None:
    def opened(*_: Any, **__: Any) -> None:
        raise AssertionError("work was begun")

    monkeypatch.setattr("visil_dash.workbench.bench.open_workbench", opened)
    line = [str(place / a[1:-1]) if a.startswith("{") else a for a in arguments]
    library = "zero" if arguments == ("list",) else "library"
    code, out, err = outcome(*line, "--library", place / library)
    assert (code, out) == (2, "")
    assert reason in err


@pytest.mark.parametrize(
    ("name", "value"),
    [("RATE", "abc"), ("RATE", "nan"), ("RATE", "0"), ("THREADS", "-3"), ("MAX_QUEUE", "0")],
)
def test_a_bad_environment_variable_is_named_with_its_value(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"VISIL_DASH_{name}", value)
    monkeypatch.setattr("visil_dash.cli.main.get_settings", get_settings.__wrapped__)
    code, out, err = outcome("limits")
    assert (code, out) == (2, "")
    assert f"VISIL_DASH_{name}={value}: " in err
    with pytest.raises(InputError):
        get_settings.__wrapped__()


def test_a_wrong_model_makes_no_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str, *, settings: Settings) -> None:
        raise InputError(name, "no such model")

    monkeypatch.setattr("visil_dash.workbench.bench.load_model", missing)
    clip = tmp_path / "a.mp4"
    clip.write_bytes(b"a")
    assert outcome("add", clip, "--library", tmp_path / "new")[0] == 2
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    "line", ["index verify --json", "models list --json", "models --json list", "limits --json"]
)
def test_json_is_json_on_every_line(place: Path, line: str) -> None:
    code, out, _ = outcome(*line.split(), "--library", place / "library")
    assert code == 0
    assert all(isinstance(json.loads(row), dict) for row in out.splitlines())
    assert out
