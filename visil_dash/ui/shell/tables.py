"""Tables in which one row can be chosen."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

_HEADING, _ROW = 38, 35  # pixels


def table_height(rows: int) -> int:
    """Pixels of a table that shows all its rows."""
    return _HEADING + _ROW * max(1, rows)


def chosen_row(
    table: pd.DataFrame,
    *,
    key: str,
    most_height: int = 420,
    column_config: Mapping[str, Any] | None = None,
) -> int | None:
    """Draws the table; the number of the row that the user chose, if any.

    A choice belongs to `key`: give another one when the rows change, or it passes to another row.
    """
    event: Any = st.dataframe(
        table,
        hide_index=True,
        key=key,
        on_select="rerun",
        selection_mode="single-row",
        lazy=False,
        height=min(most_height, table_height(len(table))),
        column_config=column_config,
    )
    rows: list[int] = event["selection"]["rows"]
    return rows[0] if rows and rows[0] < len(table) else None
