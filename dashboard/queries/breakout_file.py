"""A breakout as a file: every leaf of the tree, one row for each combination of its dimensions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Select, case, func, select

from dashboard.extensions import db
from dashboard.models import Customer, UsageDay
from dashboard.queries.breakout import COST_CURRENCY, DIMENSIONS, TIMES, Ask, asked
from dashboard.queries.list_export import safe, statement_chunks


def columns(ask: Ask) -> list[str]:
    """The heads of a file: the dimensions in their order, then the figures."""
    return [*(DIMENSIONS[name].label for name in ask.groups), *(label for label, _ in figures())]


def figures() -> list[tuple[str, Any]]:
    """What is added up, by its head."""
    attempts, connected = func.sum(UsageDay.attempts), func.sum(UsageDay.connected)
    duration, charge, cost = func.sum(UsageDay.duration), func.sum(UsageDay.charge), func.sum(UsageDay.cost)
    profit = case((Customer.currency == COST_CURRENCY, charge - cost))
    return [
        ("Customer Charge", charge),
        ("Customer Currency", Customer.currency),
        ("Provider Charge", cost),
        ("Provider Currency", COST_CURRENCY),
        ("ASR", func.round(connected * 100 / func.nullif(attempts, 0), 2)),
        ("ACD", func.round(duration / func.nullif(connected, 0), 2)),
        ("Duration", duration),
        ("Billed Duration", func.sum(UsageDay.billed_duration)),
        ("Attempts", attempts),
        ("Connected", connected),
        ("Profit", profit),
        ("Profit Percent", func.round(profit * 100 / func.nullif(charge, 0), 2)),
    ]


def flat(ask: Ask, *, for_csv: bool = False) -> Select[Any]:
    """Every leaf of the tree: one row for each combination of all dimensions."""
    texts = [DIMENSIONS[name].text for name in ask.groups]
    # Customers and providers by key too: two may have one name.
    keys = [DIMENSIONS[name].key for name in ask.groups]
    shown = [
        safe(text) if for_csv and name not in TIMES else text
        for name, text in zip(ask.groups, texts, strict=True)
    ]
    shown_figures = [expression.label(label) for label, expression in figures()]
    heads = [text.label(DIMENSIONS[name].label) for name, text in zip(ask.groups, shown, strict=True)]
    statement = asked(ask, select(*heads, *shown_figures))
    by = list(dict.fromkeys([*texts, *keys, Customer.currency, COST_CURRENCY]))
    return statement.group_by(*by).order_by(*texts, Customer.currency, COST_CURRENCY)


def csv_chunks(ask: Ask) -> Iterator[bytes]:
    return statement_chunks(flat(ask, for_csv=True))


def count(ask: Ask, most: int) -> int:
    """How many rows a file has, at most `most` + 1."""
    few = flat(ask).order_by(None).limit(most + 1).subquery()
    return db.session.scalar(select(func.count()).select_from(few)) or 0


def rows(ask: Ask) -> Iterator[Sequence[Any]]:
    """The rows of a file, read as they are written."""
    yield from db.session.execute(flat(ask).execution_options(yield_per=2_000))
