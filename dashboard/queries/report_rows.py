"""The rows of a scheduled Breakout report: those of the Breakout's file, with the columns that are chosen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Select, func, select

from dashboard.extensions import db
from dashboard.models import Customer
from dashboard.queries import breakout_file
from dashboard.queries.breakout import COST_CURRENCY, DIMENSIONS, TIMES, Ask, asked
from dashboard.queries.list_export import safe, statement_chunks
from dashboard.rules.report_columns import ReportColumn, splits

Columns = Sequence[ReportColumn]


def statement(ask: Ask, columns: Columns, *, for_csv: bool = False) -> Select[Any]:
    """One row for each combination of the groups and of the currencies that are shown."""
    figures = dict(breakout_file.figures())
    shown = []
    for column in columns:
        if column.name in DIMENSIONS:
            text = DIMENSIONS[column.name].text
            shown.append(safe(text) if for_csv and column.name not in TIMES else text)
        else:
            shown.append(figures[column.label])
    heads = [one.label(column.label) for one, column in zip(shown, columns, strict=True)]
    texts = [DIMENSIONS[name].text for name in ask.groups]
    # Customers and providers by key too: two may have one name.
    keys = [DIMENSIONS[name].key for name in ask.groups]
    currencies = _currencies(columns)
    by = list(dict.fromkeys([*texts, *keys, *currencies]))
    return asked(ask, select(*heads)).group_by(*by).order_by(*texts, *currencies, *keys)


def _currencies(columns: Columns) -> list[Any]:
    by_charge, by_cost = splits(columns)
    return [Customer.currency] * by_charge + [COST_CURRENCY] * by_cost


def count(ask: Ask, columns: Columns) -> int:
    every = statement(ask, columns).order_by(None).subquery()
    return db.session.scalar(select(func.count()).select_from(every)) or 0


def rows(ask: Ask, columns: Columns, most: int | None = None) -> Iterator[Sequence[Any]]:
    """The rows in order, read as they are used."""
    found = statement(ask, columns).limit(most).execution_options(yield_per=2_000)
    yield from db.session.execute(found)


def totals(ask: Ask, columns: Columns) -> list[Sequence[Any]]:
    """The sums of all rows, one for each of the currencies; nothing stands under the groups."""
    figures = dict(breakout_file.figures())
    wanted = [column for column in columns if column.name not in DIMENSIONS]
    if not wanted:
        return []
    currencies = _currencies(columns)
    found = asked(ask, select(*(figures[column.label].label(column.name) for column in wanted)))
    found = found.having(func.count() > 0)
    if currencies:
        found = found.group_by(*currencies).order_by(*currencies)
    return [
        [getattr(row, column.name, None) if column in wanted else None for column in columns]
        for row in db.session.execute(found)
    ]


def csv_chunks(ask: Ask, columns: Columns) -> Iterator[bytes]:
    return statement_chunks(statement(ask, columns, for_csv=True))
