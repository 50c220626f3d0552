"""Reading a CSV file that somebody saved from somewhere: its encoding, its delimiter, its rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

from dashboard.operations.errors import Refused

DELIMITERS = ",;\t|"
LONGEST_CELL = 100_000


@dataclass(frozen=True)
class Row:
    """`number` is the row as a spreadsheet counts: the first row of the file is 1, empty ones included."""

    number: int
    cells: list[str]

    def cell(self, column: int) -> str:
        return self.cells[column].strip() if column < len(self.cells) else ""


@dataclass(frozen=True)
class Table:
    header: list[str]
    rows: list[Row]
    delimiter: str


def read_table(content: bytes, *, most_rows: int) -> Table:
    """The header and the rows that are not empty. Raises Refused in words."""
    text = decode(content)
    delimiter = find_delimiter(text)
    records = (row for row in _records(text, delimiter) if any(cell.strip() for cell in row.cells))
    first = next(records, None)
    if first is None:
        raise Refused("The file is empty. It needs a row of column names and a row for each record.")
    header = [cell.strip() or f"Column {at}" for at, cell in enumerate(first.cells, start=1)]
    rows: list[Row] = []
    for row in records:
        if len(rows) == most_rows:
            raise Refused(f"The file has more than {most_rows:,} rows. Split it and upload the parts.")
        rows.append(row)
    if not rows:
        raise Refused("The file has column names but no rows under them.")
    return Table(header, rows, delimiter)


def decode(content: bytes) -> str:
    """The text of a file in UTF-8 or UTF-16 with or without its mark, or else in Windows' own (cp1252)."""
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise Refused("This is a spreadsheet file. Save it as CSV (comma separated) and upload that.")
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if wide else ("utf-8-sig", "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" in text:
            break
        # What Excel writes for itself; the delimiter is found without it.
        mark, _, rest = text.partition("\n")
        return f"\n{rest}" if mark.strip().lower() in ("sep=,", "sep=;", "sep=\t", "sep=|", "sep=") else text
    raise Refused("This is not a text file that can be read. Save it as CSV UTF-8 and upload that.")


def find_delimiter(text: str) -> str:
    """The delimiter under which most of the first rows are as wide as the header; comma where none is."""
    best, found = (0, 0), ","
    for delimiter in DELIMITERS:
        widths = []
        try:
            for row in _records(text[:100_000], delimiter):
                if any(row.cells):
                    widths.append(len(row.cells))
                if len(widths) == 20:
                    break
        except Refused:
            # The piece may end inside a cell; what was read before tells enough.
            pass
        if widths and widths[0] > 1:
            score = (sum(width == widths[0] for width in widths), widths[0])
            if score > best:
                best, found = score, delimiter
    return found


def _records(text: str, delimiter: str) -> Iterator[Row]:
    """Every record of the file, empty ones too."""
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = 0
    while True:
        number += 1
        try:
            cells = next(reader, None)
        except csv.Error as fault:
            raise Refused(
                f"Row {number} can't be read: a quotation mark (\") is not closed, or stands where none "
                "belongs. Correct it in the file and upload it again."
            ) from fault
        if cells is None:
            return
        yield Row(number, cells)
