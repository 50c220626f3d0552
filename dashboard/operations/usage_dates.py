"""In which order a column writes day and month, told from all of its values together."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from dashboard.operations.usage_blocks import Block, blocks
from dashboard.operations.usage_reading import Reading
from dashboard.operations.usage_text import Stream

_EPOCH = re.compile(r"\s*(\d{10}(\.\d*)?|\d{13}|\d{16})\s*")
_YMD = re.compile(
    r"\s*\d{4}[-/.]\d{1,2}[-/.]\d{1,2}(\D|$)|\s*\d{8}(T|\s|$)|\s*(19|20)\d\d(0[1-9]|1[0-2])[0-3]\d{7}(\D|$)"
)
_NAMED = re.compile(r"\s*\d{1,2}[-/. ]?[A-Za-z]{3,9}[-/. ,]*\d{2,4}(\D|$)")
_TIME = re.compile(r"\s*(\d{1,2}:\d\d(:\d\d(\.\d+)?)?(\s?[AaPp]\.?[Mm]\.?)?|\d{5,6})\s*")
_MIDNIGHT = re.compile(r"[ T]0?0:00(:00(\.0+)?)?\s*$")
_TIME_IN_IT = re.compile(r":\d\d|\d{9}")
_TWO_FIRST = re.compile(r"\s*(\d{1,2})[-/. ](\d{1,2})[-/. ](\d{4}|\d{2})(?!\d)")


@dataclass
class Orders:
    """What the dates seen so far prove. `dmy` and `mdy` are the lines on which they did."""

    seen: int = 0
    ymd: int = 0
    epoch: int = 0
    either: int = 0
    dmy: int | None = None
    mdy: int | None = None

    def look(self, value: str, line: int) -> None:
        if not value.strip():
            return
        self.seen += 1
        if found := _TWO_FIRST.match(value):
            first, second = int(found[1]), int(found[2])
            if first > 12 >= second:
                self.dmy = self.dmy or line
            elif second > 12 >= first:
                self.mdy = self.mdy or line
            self.either += 1
        elif _YMD.match(value) or _NAMED.match(value):
            self.ymd += 1
        elif _EPOCH.fullmatch(value):
            self.epoch += 1

    @property
    def order(self) -> str:
        """The order, or an empty text where it has to be asked."""
        if not self.ymd + self.epoch + self.either:
            return ""
        if self.either > self.ymd + self.epoch:
            if bool(self.dmy) == bool(self.mdy):
                return ""
            return "dmy" if self.dmy else "mdy"
        return "ymd" if self.ymd >= self.epoch else "epoch"

    @property
    def dates(self) -> int:
        return self.ymd + self.epoch + self.either

    @property
    def conflict(self) -> str:
        """The words for a file that proves both orders."""
        if not self.dmy or not self.mdy:
            return ""
        return (
            f"Dates are written in two ways in this file: with the day first in line {self.dmy:,}, with the"
            f" month first in line {self.mdy:,}. Split the file: in one order half of it would be wrong."
        )


@dataclass(frozen=True)
class Facts:
    """What only the whole file tells. `date_order` is None where it has to be asked."""

    rows: int
    bad: int
    date_order: str | None
    conflict: str = ""


def scan(stream: Stream, reading: Reading) -> Facts:
    """Read the whole file once: how many rows, and the order of its dates."""
    orders = Orders()
    column = reading.columns.get("started_at")
    rows = bad = 0
    for block in blocks(stream, reading):
        rows += block.rows
        bad += len(block.faults)
        if column is not None and (reading.date_order not in ("ymd", "epoch") or not orders.seen):
            _look(block, reading.delimiter, column, orders)
    known = reading.date_order if reading.date_order in ("ymd", "epoch") else orders.order
    return Facts(rows, bad, known or None, orders.conflict)


def order_of(values: Iterable[str]) -> str:
    orders = Orders()
    for line, value in enumerate(values, start=1):
        orders.look(value, line)
    return orders.order


def are_times(values: Iterable[str]) -> bool:
    """Whether a column holds times of day alone."""
    found = [value for value in values if value.strip()]
    return bool(found) and all(_TIME.fullmatch(value) for value in found)


def are_days(values: Iterable[str]) -> bool:
    """Whether a column holds dates without times; midnight in all of them is none."""
    found = [_MIDNIGHT.sub("", value) for value in values if value.strip()]
    orders = Orders()
    for line, value in enumerate(found, start=1):
        orders.look(value, line)
    return bool(found) and orders.dates == len(found) and not any(map(_TIME_IN_IT.search, found))


def _look(block: Block, delimiter: str, column: int, orders: Orders) -> None:
    # Many calls start on the same day: each beginning is looked at once.
    known: set[str] = set()
    for cells in _rows(block, delimiter, column + 1):
        value = cells[column + 1][:14]
        if value not in known:
            known.add(value)
            orders.look(value, int(cells[0]))


def _rows(block: Block, delimiter: str, last: int) -> Iterable[list[str]]:
    text = block.data.decode()
    if '"' in text:
        return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    return (line.split(delimiter, last + 1) for line in islice(text.split("\n"), block.rows))
