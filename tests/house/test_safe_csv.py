"""Exports: a spreadsheet sees data, and nothing is lost."""

import csv
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from visil_dash.safe_csv import plain_cell, safe_cell, to_csv

FORMULA_STARTS = "=+-@\t\r"
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
HOSTILE = st.builds(lambda head, tail: head + tail, st.text("'=+-@\t\r", max_size=4), TEXT)


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


@given(HOSTILE)
def test_no_cell_starts_a_formula_and_every_text_comes_back(text: str) -> None:
    assert not safe_cell(text).startswith(tuple(FORMULA_STARTS))
    assert plain_cell(safe_cell(text)) == text


def test_the_control_a_plain_writer_lets_all_six_start_a_formula() -> None:
    table = io.StringIO(newline="")
    csv.writer(table).writerows([[start + "cmd"] for start in FORMULA_STARTS])
    assert [row[0][0] for row in read(table.getvalue())] == list(FORMULA_STARTS)


@given(st.lists(st.tuples(HOSTILE, st.floats(allow_nan=False)), min_size=1, max_size=5))
def test_a_table_survives_the_round_trip(cells: list[tuple[str, float]]) -> None:
    table = to_csv([{"=name": name, "score": score} for name, score in cells])
    header, *rows = read(table)
    assert header == ["'=name", "score"]
    assert [(plain_cell(name), float(score)) for name, score in rows] == cells


@pytest.mark.parametrize("start", FORMULA_STARTS)
def test_each_of_the_six_characters_is_guarded(start: str) -> None:
    assert safe_cell(start + "cmd|' /C calc'!A0") == "'" + start + "cmd|' /C calc'!A0"


def test_missing_values_are_empty_and_columns_can_be_chosen() -> None:
    assert to_csv([{"a": 1, "b": None, "c": "x"}], columns=("c", "b")) == "c,b\r\nx,\r\n"
    assert to_csv([], columns=("a", "b")) == "a,b\r\n"
    assert to_csv([]) == ""


def test_numpy_numbers_stay_numbers() -> None:
    assert (
        to_csv([{"score": np.float32(-0.5), "frames": np.int64(3)}]) == "score,frames\r\n-0.5,3\r\n"
    )
