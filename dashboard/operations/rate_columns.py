"""What a column of an uploaded rate card can be read as, and how a row becomes a rate."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from dashboard.operations import checks
from dashboard.operations import rates as single
from dashboard.operations.csv_file import Row
from dashboard.operations.upload import Columns, Fault, Mapped, Target, too_wide
from dashboard.rules.destinations import place_of

DECIMALS = {"point": "0.015", "comma": "0,015"}


TARGETS: tuple[Target, ...] = (
    Target(
        "prefix",
        "Prefix",
        (
            "code",
            "dial code",
            "dialcode",
            "area code",
            "dial prefix",
            "breakout",
            "number prefix",
            "prefixes",
        ),
        "4420",
        required=True,
    ),
    Target(
        "destination",
        "Destination",
        ("destination name", "name", "description", "region", "zone", "country", "area", "location"),
        "United Kingdom London",
    ),
    Target(
        "rate_per_minute",
        "Rate per Minute",
        (
            "rate",
            "price",
            "rate min",
            "price min",
            "price per minute",
            "per minute",
            "cost",
            "new rate",
            "ppm",
        ),
        "0.0125",
        required=True,
    ),
    Target(
        "connection_fee",
        "Connection Fee",
        ("connection", "connect fee", "setup fee", "setup", "fee", "call setup", "connection charge"),
        "0",
    ),
    Target(
        "minimum_seconds",
        "MCD",
        (
            "minimum",
            "min duration",
            "minimum duration",
            "minimum seconds",
            "initial",
            "interval 1",
            "interval1",
        ),
        "60",
    ),
    Target(
        "pulse_seconds",
        "Pulse",
        ("pulse seconds", "recurring", "step", "subsequent", "interval n", "intervaln", "interval 2"),
        "6",
    ),
    Target(
        "increment",
        "Increment",
        ("increments", "billing increment", "billing", "billing terms", "rounding"),
        in_template=False,
    ),
    Target("withdrawn", "Withdrawn", ("blocked", "deleted", "removed", "end of life"), in_template=False),
)


def _clashes(chosen: Sequence[str]) -> list[str]:
    if "increment" in chosen and {"minimum_seconds", "pulse_seconds"} & set(chosen):
        return ["Choose either one column for the Increment, or MCD and Pulse; not both."]
    return []


COLUMNS = Columns(TARGETS, best_first=True, clashes=_clashes)


def guess_decimal(rows: Sequence[Row], mapping: Mapped) -> str:
    """Whether prices are written 0.015 or 0,015, by the first rows that have a mark."""
    prices = [column for column, name in mapping.items() if name in ("rate_per_minute", "connection_fee")]
    for row in rows[:2_000]:
        for column in prices:
            cell = row.cell(column)
            if "." in cell:
                return "point"
            if re.fullmatch(r"\d*,\d+", cell, re.ASCII):
                return "comma"
    return "point"


# Line, prefix, destination, rate, fee, MCD, pulse, withdrawn: as they are copied into the stage.
Staged = tuple[int, str, str, Decimal, Decimal, int | None, int | None, bool]

_DIGITS = re.compile(r"[0-9]{1,20}")
_PRICE = re.compile(r"[0-9]{1,5}(?:\.[0-9]{1,6})?")
_INCREMENT = re.compile(r"([0-9]{1,5})\s*[/:+-]\s*([0-9]{1,5})")
_AS_TEXT = re.compile(r'="(.*)"')
_EXCEL = re.compile(r"[0-9][.,][0-9]+E\+?[0-9]+", re.IGNORECASE)
_name = checks.text(120)
_ZERO = Decimal(0)


@dataclass
class Reader:
    """Turns rows into rates under one mapping, and says why where it can't."""

    mapping: Mapped
    width: int
    comma: bool = False
    faults: list[Fault] = field(default_factory=list)
    faulty: int = 0

    def __post_init__(self) -> None:
        self._columns = {name: column for column, name in self.mapping.items()}
        self._seen: dict[str, int] = {}

    def read(self, rows: Sequence[Row]) -> Iterator[Staged]:
        """The rates of the rows that can be read."""
        for row in rows:
            before = len(self.faults)
            found = self._read(row)
            if found is not None and len(self.faults) == before:
                yield found
            else:
                self.faulty += 1

    def _read(self, row: Row) -> Staged | None:
        wide = too_wide(row, self.width)
        if wide:
            self.faults.append(Fault(row.number, "", wide))
            return None
        prefix = self._taken(row, "prefix", _prefix)
        withdrawn = bool(self._taken(row, "withdrawn", checks.flag))
        rate = _ZERO if withdrawn else self._price(row, "rate_per_minute")
        fee = _ZERO if withdrawn else self._price(row, "connection_fee")
        minimum, pulse = self._increments(row)
        name = self._taken(row, "destination", _destination)
        if prefix is None:
            return None
        first = self._seen.setdefault(prefix, row.number)
        if first != row.number:
            self._fault(row, "prefix", f"Row {first} has this prefix already.")
        return (row.number, prefix, name or place_of(prefix), rate, fee, minimum, pulse, withdrawn)

    def _cell(self, row: Row, name: str) -> str:
        column = self._columns.get(name)
        cell = row.cell(column) if column is not None else ""
        # As spreadsheets are told that digits are a text.
        written = _AS_TEXT.fullmatch(cell) if cell[:1] == "=" else None
        return written[1] if written else cell

    def _taken(self, row: Row, name: str, check: checks.Check) -> str | None:
        try:
            found: str | None = check(self._cell(row, name)) if name in self._columns else None
        except ValueError as fault:
            self._fault(row, name, str(fault))
            return None
        return found

    def _price(self, row: Row, name: str) -> Decimal:
        cell = self._cell(row, name)
        if self.comma:
            cell = cell.replace(".", "").replace(",", ".")
        if _PRICE.fullmatch(cell):
            return Decimal(cell)
        try:
            if not cell:
                if name == "rate_per_minute":
                    raise ValueError("Fill in the price; 0 where the call is free.")
                return _ZERO
            return single.price(cell) or _ZERO
        except ValueError as fault:
            comma = "," in cell and not self.comma
            said = "Is this a decimal comma? Say so at “Prices are written”." if comma else str(fault)
            self._fault(row, name, said)
            return _ZERO

    def _increments(self, row: Row) -> tuple[int | None, int | None]:
        if "increment" in self._columns:
            cell = self._cell(row, "increment")
            if not cell:
                return None, None
            parts = _INCREMENT.fullmatch(cell)
            if not parts:
                self._fault(row, "increment", "Write it like 60/6. A spreadsheet may have made a date of it.")
                return None, None
            return self._whole(row, "increment", parts[1], single.minimum), self._whole(
                row, "increment", parts[2], single.pulse
            )
        return (
            self._whole(row, "minimum_seconds", self._cell(row, "minimum_seconds"), single.minimum),
            self._whole(row, "pulse_seconds", self._cell(row, "pulse_seconds"), single.pulse),
        )

    def _whole(self, row: Row, name: str, cell: str, check: checks.Check) -> int | None:
        if not cell:
            return None
        try:
            found: int | None = check(cell)
        except ValueError as fault:
            self._fault(row, name, str(fault))
            return None
        return found

    def _fault(self, row: Row, name: str, message: str) -> None:
        self.faults.append(Fault(row.number, COLUMNS.label(name), message, self._cell(row, name)[:80]))


def _prefix(cell: str) -> str:
    if _DIGITS.fullmatch(cell) and not cell.startswith("00"):
        return cell
    if _EXCEL.fullmatch(cell):
        raise ValueError("A spreadsheet has rounded this. Format the column as text and save it again.")
    if "," in cell or "." in cell:
        raise ValueError("One prefix in each row, digits only, such as 4420.")
    return single.prefix(cell)


def _destination(cell: str) -> str | None:
    # What the export puts before what a spreadsheet would take for a formula.
    plain = cell[1:] if cell[:1] == "'" and cell[1:2] in tuple("=+-@") else cell
    found: str | None = _name(plain)
    return found
