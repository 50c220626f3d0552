"""Texts in a CSV that a spreadsheet will open."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

_TOGETHER = 500

# A cell that begins with one of these is run as a formula; some spreadsheets take the wide forms too.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def csv_cell(value: object) -> object:
    """A text so that no spreadsheet takes it for a formula; anything that is not a text stays what it is."""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return "'" + value
    return value


def lines(rows: Iterable[Sequence[object]]) -> Iterator[bytes]:
    """The rows as a CSV in UTF-8, some hundred at a time."""
    out = io.StringIO()
    writer = csv.writer(out)
    for at, row in enumerate(rows, start=1):
        writer.writerow([csv_cell(value) for value in row])
        if at % _TOGETHER == 0:
            yield out.getvalue().encode()
            out.seek(0)
            out.truncate()
    yield out.getvalue().encode()
