"""The commands that the documents name exist, and the pipeline runs what the README says."""

import itertools
import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


def targets() -> set[str]:
    text = (ROOT / "Makefile").read_text()
    return set(re.findall(r"^([a-z-]+):(?!=)", text, flags=re.MULTILINE))


def commands_in(text: str) -> set[str]:
    """Targets of `make X` where it stands as code: alone on a line, or in backquotes."""
    return set(re.findall(r"(?:^|`)make ([a-z-]+)", text, flags=re.MULTILINE))


def test_the_reading_of_documents_finds_commands() -> None:
    text = "Run `make run PORT=1`:\n\nmake test   # tests\nwe make sure; `make` alone\n"
    assert commands_in(text) == {"run", "test"}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_make_command_of_a_document_exists(path: Path) -> None:
    assert commands_in(path.read_text()) <= targets()


def test_every_target_meant_for_people_is_in_the_help() -> None:
    plain = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
    shown = subprocess.run(
        ["make", "help"], cwd=ROOT, env=plain, capture_output=True, text=True, check=True
    ).stdout
    listed = set(re.findall(r"^  make ([a-z-]+)", shown, flags=re.MULTILINE))
    assert listed == targets() - {"environment", "dev-environment", "cluster-environment"}


def test_the_pipeline_runs_the_documented_check_and_allows_no_browser_skip() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    for command in ("make check", "make test-cluster"):
        assert re.search(rf"^{command}$", script, flags=re.MULTILINE)
    assert "VISIL_DASH_BROWSER=required" in script
    assert "set -euo pipefail" in script
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_every_test_is_in_one_lane() -> None:
    """The fast lane, the rest of `make check`, the servers' or the night: none in two or none."""
    text = (ROOT / "Makefile").read_text()
    fast = re.search(r"^FAST := (.+)$", text, flags=re.MULTILINE)
    assert fast is not None
    lanes = [
        m.replace("$(FAST)", fast[1]) for m in re.findall(r'pytest -m "?([^"\n]+?)"? \$', text)
    ]
    rest = f"not ({fast[1]}) and not night and not cluster"
    own = re.search(r"pytest -m cluster .+ tests/cluster$", text, flags=re.MULTILINE)
    assert own is not None
    assert [lanes.count(lane) for lane in (fast[1], rest, "night")] == [2, 1, 1]
    for browser, slow, lane in itertools.product((False, True), (False, True), range(3)):
        marks = {"browser": browser, "slow": slow, "night": lane == 1, "cluster": lane == 2}
        every = (fast[1], rest, "night", "cluster")
        assert sum(bool(eval(each, marks)) for each in every) == 1
