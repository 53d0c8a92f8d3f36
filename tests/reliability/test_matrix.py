"""docs/reliability.md has a line for each row of the matrix; what it names exists."""

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
TABLE = (TESTS.parent / "docs" / "reliability.md").read_text(encoding="utf-8")
ROWS = {
    row: [cell.strip() for cell in cells.split("|")]
    for row, cells in re.findall(r"^\| (R\d+) \|(.*)\|$", TABLE, re.MULTILINE)
}


def functions(paths: list[str]) -> set[str]:
    found = set()
    for path in paths:
        tree = ast.parse((TESTS / path).read_text(encoding="utf-8"))
        found |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    return found


def problems(row: str, cells: list[str]) -> list[str]:
    promise, tests, control, figure = cells
    paths = re.findall(r"`([\w/]+\.py)`", tests)
    wrong = [f"{row}: there is no tests/{path}" for path in paths if not (TESTS / path).is_file()]
    if not (promise and paths and control and figure):
        wrong.append(f"{row}: a cell is empty")
    if wrong:
        return wrong
    known = functions([*paths, "reliability/test_remedies.py"])
    names = re.findall(r"`(test_\w+)`", control)
    return [f"{row}: there is no {name} in {paths}" for name in names if name not in known]


def test_every_row_is_there_once_and_in_order() -> None:
    assert list(ROWS) == [f"R{number}" for number in range(1, 25)]


@pytest.mark.parametrize("row", ROWS)
def test_what_a_row_names_exists(row: str) -> None:
    assert problems(row, ROWS[row]) == []


def test_the_check_notices_a_test_that_is_gone() -> None:
    assert problems("R1", ["p", "`reliability/test_gone.py`", "c", "f"])
    assert problems("R1", ["p", "`reliability/test_crash.py`", "`test_gone`", "f"])
    assert problems("R1", ["p", "", "c", "f"])


def test_every_file_of_this_folder_is_named() -> None:
    here = {path.name for path in Path(__file__).parent.glob("test_*.py")}
    assert {name for name in here if name not in TABLE} == {"test_matrix.py"}
