"""The rows of a report as texts, written as on screen."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from dashboard.rules.figures import clock
from dashboard.rules.money import format_price, places_of
from dashboard.rules.report_columns import ReportColumn

NOTHING = "–"
UNNAMED = "No destination"
_WEEK = dt.timedelta(days=6)

Row = Sequence[Any]
Texts = list[list[str]]


def texts(columns: Sequence[ReportColumn], rows: Sequence[Row], totals: Sequence[Row]) -> tuple[Texts, Texts]:
    """Rows and totals. Amounts have as many decimals as the longest of their currency, so that they add up in
    sight."""
    names = [column.name for column in columns]
    at = {column.name: names.index(column.currency) for column in columns if column.currency}
    places: dict[str, int] = {}
    for row in (*rows, *totals):
        for column, value in zip(columns, row, strict=True):
            if column.kind == "money" and value is not None:
                currency = row[at[column.name]]
                places[currency] = max(places.get(currency, 0), places_of([value]))

    def written(row: Row, *, is_total: bool) -> list[str]:
        made = []
        for column, value in zip(columns, row, strict=True):
            if column.kind == "money" and value is not None:
                currency = row[at[column.name]]
                made.append(format_price(value, currency, places=places[currency]))
            else:
                made.append("" if is_total and not _is_sum(column) else _text(column, value))
        return made

    found = [written(row, is_total=False) for row in rows]
    sums = [written(row, is_total=True) for row in totals]
    for one in sums:
        # The first column that no sum stands in says what the line is.
        free = next((n for n, column in enumerate(columns) if not _is_sum(column)), None)
        if free is not None:
            one[free] = "Total"
    return found, sums


def _is_sum(column: ReportColumn) -> bool:
    return column.is_figure or column.kind == "currency"


def _text(column: ReportColumn, value: Any) -> str:
    if value is None:
        return NOTHING
    if column.kind == "week":
        return f"{value} to {value + _WEEK}"
    if column.kind == "month":
        return f"{value:%Y-%m}"
    if column.kind == "percent":
        return f"{value:,.2f}%"
    if column.kind == "seconds":
        return clock(Decimal(value)) if value else NOTHING
    if column.kind == "number":
        return f"{int(value):,}"
    if column.name in ("destination", "provider_destination") and not value:
        return UNNAMED
    return str(value)


def plain_table(heads: Sequence[str], rows: Texts, columns: Sequence[ReportColumn]) -> str:
    """The rows for a reader of plain text: columns under each other."""
    every = [list(heads), *rows]
    widths = [max(len(row[n]) for row in every) for n in range(len(heads))]
    lines = []
    for row in every:
        cells = [
            cell.rjust(width) if column.is_figure else cell.ljust(width)
            for cell, width, column in zip(row, widths, columns, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
