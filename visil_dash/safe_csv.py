"""Tables as CSV text that a spreadsheet reads as data, never as formulas."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from numbers import Real

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def safe_cell(text: str) -> str:
    """`text` with a leading apostrophe where a spreadsheet would run it as a formula.

    Text that already looks guarded gets one more, so `plain_cell` gives every text back.
    """
    return "'" + text if text.lstrip("'").startswith(_FORMULA_STARTS) else text


def plain_cell(cell: str) -> str:
    """What `safe_cell` was given."""
    guarded = cell.startswith("'") and cell.lstrip("'").startswith(_FORMULA_STARTS)
    return cell[1:] if guarded else cell


def to_csv(rows: Iterable[Mapping[str, object]], *, columns: Sequence[str] | None = None) -> str:
    """CSV (RFC 4180) of rows that share their keys; `columns` picks and orders them.

    Numbers are written in full and as numbers, a negative one too: it can carry no formula.
    None becomes an empty cell; everything else goes through `safe_cell`.
    """
    rows = list(rows)
    header = list(columns if columns is not None else rows[0] if rows else ())
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    if header:
        writer.writerow([safe_cell(name) for name in header])
    for row in rows:
        writer.writerow([_cell(row[name]) for name in header])
    return out.getvalue()


def _cell(value: object) -> object:
    if value is None or isinstance(value, Real):  # NumPy's scalars are Real too
        return value
    return safe_cell(str(value))
