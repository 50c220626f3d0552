"""A table as an XLSX workbook, written row by row: what is written is not kept in memory."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, BinaryIO

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

# A sheet holds 1,048,576 rows; a request should not be kept waiting for so many.
MOST_ROWS = 100_000
# Spreadsheets keep so many digits of a number; one with more is written as a text, whole.
DIGITS = 15


def write(file: BinaryIO, name: str, heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """The table into an open file; says how many rows it has. A text is a text, whatever it begins with."""
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(file, options)
    sheet = book.add_worksheet(name)
    bold = book.add_format({"bold": True})
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    number = book.add_format({"num_format": "#,##0.00####"})
    sheet.freeze_panes(1, 0)
    for at, head in enumerate(heads):
        sheet.set_column(at, at, max(12, len(head) + 2))
        sheet.write_string(0, at, head, bold)
    written = 0
    for written, row in enumerate(rows, 1):
        for at, value in enumerate(row):
            _cell(sheet, (written, at), value, day, number)
    book.close()
    return written


def _cell(sheet: Worksheet, place: tuple[int, int], value: Any, day: Format, number: Format) -> None:
    if value is None:
        return
    if isinstance(value, Decimal):
        if len(value.normalize().as_tuple().digits) > DIGITS:
            sheet.write_string(*place, f"{value:f}")
        else:
            sheet.write_number(*place, value, number)
    elif isinstance(value, int):
        sheet.write_number(*place, value)
    elif isinstance(value, dt.date):
        sheet.write_datetime(*place, value, day)
    else:
        sheet.write_string(*place, str(value))
