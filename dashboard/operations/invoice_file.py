"""Reading invoice lines from a CSV file, row by row, however long it is."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from dashboard.operations import checks
from dashboard.operations.csv_file import LONGEST_CELL, find_delimiter
from dashboard.operations.errors import Refused
from dashboard.rules.money import parse_decimal

REQUIRED = ("number", "customer", "date", "quantity", "unit_price")
OPTIONAL = ("description", "customer_name", "country", "currency", "tax_percent", "due_date")
ISO_DATE = "%Y-%m-%d"
CHUNK = 1 << 20

_number = checks.text(80, required=True)
_customer = checks.text(80, required=True)
_customer_name = checks.text(200)
_description = checks.long_text(1000)


@dataclass(frozen=True)
class Source:
    """A file that can be read: how it is written, and which of its columns (from 0) holds what."""

    path: Path
    encoding: str
    delimiter: str
    columns: Mapping[str, int]


@dataclass(frozen=True)
class Line:
    """One row of the file, read. `line` counts the file's lines from 1, as an editor shows them."""

    line: int
    number: str
    customer: str
    date: dt.date
    quantity: Decimal
    unit_price: Decimal
    description: str
    customer_name: str
    country: str
    currency: str
    tax_percent: Decimal | None
    due_date: dt.date | None


class Unreadable(ValueError):
    """Why a row can't be taken, and the invoice it belongs to ("" where it names none)."""

    def __init__(self, line: int, number: str, reason: str, *, by_date: bool = False) -> None:
        self.line, self.number, self.reason, self.by_date = line, number, reason, by_date
        super().__init__(reason)


def parse_columns(text: str) -> dict[str, str]:
    """{"number": "InvoiceNo", ...} from "number=InvoiceNo,customer=CustomerID,...". Raises Refused."""
    columns: dict[str, str] = {}
    for part in text.split(","):
        field, equals, heading = (piece.strip() for piece in part.partition("="))
        if not equals or not heading:
            raise Refused(
                f'"{part.strip()}" does not name a column. Write field=Heading, such as number=InvoiceNo.'
            )
        if field not in REQUIRED + OPTIONAL:
            known = ", ".join(REQUIRED + OPTIONAL)
            raise Refused(f'There is no field "{field}". Use these: {known}.')
        if field in columns:
            raise Refused(f'The field "{field}" comes twice.')
        columns[field] = heading
    missing = [field for field in REQUIRED if field not in columns]
    if missing:
        raise Refused(f"These fields need a column: {', '.join(missing)}.")
    return columns


def check_date_format(pattern: str) -> None:
    sample = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)
    try:
        same = _date(sample.strftime(pattern), pattern) == sample.date()
    except ValueError:
        same = False
    if not same:
        raise Refused(f'"{pattern}" does not say year, month and day. Write it like %m/%d/%y %H:%M.')


def open_source(path: Path, columns: Mapping[str, str]) -> Source:
    """The file with its encoding, its delimiter and its columns found. Raises Refused in words."""
    encoding = find_encoding(path)
    with path.open(encoding=encoding, newline="") as file:
        delimiter = find_delimiter(file.read(CHUNK))
    _, header = next(_records(path, encoding, delimiter), (0, []))
    if not header:
        raise Refused(
            f"{path.name} is empty. It needs a row of column names and a row for each invoice line."
        )
    places = {heading.strip().casefold(): at for at, heading in reversed(list(enumerate(header)))}
    found: dict[str, int] = {}
    for field, heading in columns.items():
        at = places.get(heading.casefold())
        if at is None:
            raise Refused(f'{path.name} has no column "{heading}". It has: {", ".join(header)}.')
        found[field] = at
    return Source(path, encoding, delimiter, found)


def find_encoding(path: Path) -> str:
    """UTF-8 or UTF-16 where the whole file is, else what Windows writes (cp1252)."""
    with path.open("rb") as raw:
        start = raw.read(4)
    if start in (b"PK\x03\x04", b"\xd0\xcf\x11\xe0"):
        raise Refused(f"{path.name} is a spreadsheet file. Save it as CSV and import that.")
    wide = start.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if wide else ("utf-8-sig", "cp1252"):
        if _reads_as(path, encoding):
            return encoding
    raise Refused(f"{path.name} is not a text file that can be read. Save it as CSV UTF-8 and import that.")


def read_lines(source: Source, date_format: str) -> Iterator[Line | Unreadable]:
    """Every row below the header that is not empty, one after the other."""
    records = _records(source.path, source.encoding, source.delimiter)
    next(records, None)
    for at, cells in records:
        try:
            yield _line(source, at, cells, date_format)
        except Unreadable as fault:
            yield fault


def _reads_as(path: Path, encoding: str) -> bool:
    try:
        with path.open(encoding=encoding, newline="") as file:
            while piece := file.read(CHUNK):
                if "\x00" in piece:
                    return False
    except UnicodeError:
        return False
    return True


def _records(path: Path, encoding: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    csv.field_size_limit(LONGEST_CELL)
    with path.open(encoding=encoding, newline="") as file:
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        while True:
            at = reader.line_num + 1
            try:
                cells = next(reader, None)
            except csv.Error as fault:
                raise Refused(
                    f"Line {at} of {path.name} can't be read: a quotation mark (\") is not closed, stands "
                    "where none belongs, or a cell is too long. Correct the file and import it again."
                ) from fault
            if cells is None:
                return
            if any(cell.strip() for cell in cells):
                yield at, cells


def _line(source: Source, at: int, cells: list[str], date_format: str) -> Line:
    def cell(field: str) -> str:
        column = source.columns.get(field)
        return cells[column].strip() if column is not None and column < len(cells) else ""

    try:
        number = str(_number(cell("number")))
    except ValueError as fault:
        raise Unreadable(at, "", f"the invoice number: {fault}") from fault
    if not cell("customer"):
        raise Unreadable(at, number, "no customer")
    dates = {
        field: _read_date(at, number, field, cell(field), date_format)
        for field in ("date", "due_date")
        if field == "date" or cell(field)
    }
    try:
        tax = cell("tax_percent")
        line = Line(
            line=at,
            number=number,
            customer=str(_customer(cell("customer"))),
            date=dates["date"],
            quantity=parse_decimal(cell("quantity"), places=6, max_digits=18),
            unit_price=parse_decimal(cell("unit_price"), places=6),
            description=str(_description(cell("description")) or ""),
            customer_name=str(_customer_name(cell("customer_name")) or ""),
            country=cell("country"),
            currency=checks.currency(cell("currency")) if cell("currency") else "",
            tax_percent=checks.percent(tax) if tax else None,
            due_date=dates.get("due_date"),
        )
    except ValueError as fault:
        raise Unreadable(at, number, str(fault)) from fault
    if line.quantity < 0:
        raise Unreadable(at, number, "a cancellation (its quantity is below zero)")
    return line


def _read_date(at: int, number: str, field: str, written: str, date_format: str) -> dt.date:
    try:
        return _date(written, date_format)
    except ValueError as fault:
        said = f'"{written[:40]}" is not a date written like {date_format}'
        raise Unreadable(at, number, said, by_date=field == "date") from fault


def _date(written: str, date_format: str) -> dt.date:
    return dt.datetime.strptime(written, date_format).replace(tzinfo=dt.UTC).date()
