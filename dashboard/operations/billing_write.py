"""Writing planned invoices, a chunk of them at a time: by COPY, with their days of the ledger marked.

Everything here happens inside one transaction, in which the customers are locked.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import TextClause, text

from dashboard.documents.snapshot import snapshot_of
from dashboard.models import Package, Setting
from dashboard.operations import numbering, package_charges
from dashboard.operations.base import Actor, session
from dashboard.operations.billing_lines import PlanLine
from dashboard.operations.billing_plan import Plan
from dashboard.queries import settings
from dashboard.rules.periods import bounds, due_date

_INVOICE = (
    "id, number, state, customer_id, customer_name, currency, issue_date, due_date, tax_mode, tax_inclusive,"
    " subtotal, tax, total, issued_at, snapshot, origin, period_start, period_end, created_by"
)
_ITEM = (
    "id, invoice_id, position, package_id, description, date_from, date_to, quantity, unit_price, tax_name,"
    " tax_percent, net, tax, gross, kind, destination, connected, billed_duration"
)
# What is marked is no longer to be found among the open. Only by who marked it: a void that opens a day again
# waits for its row.
_MARKED = """
  RETURNING u.id, u.customer_id, u.day, u.invoice_item_id AS item_id, u.charge, u.connected, u.billed_duration
), closed AS (
  DELETE FROM usage_day_open WHERE ctid = ANY (ARRAY(
    SELECT p.place FROM marked m CROSS JOIN LATERAL (
      SELECT o.ctid AS place FROM usage_day_open o
      WHERE o.customer_id = m.customer_id AND o.rated AND o.day = m.day AND o.usage_day_id = m.id
      OFFSET 0
    ) p
  ))
)
SELECT item_id, count(*) AS days, sum(charge) AS charge, sum(connected) AS connected,
  sum(billed_duration) AS billed_duration
FROM marked GROUP BY item_id
"""
# OFFSET 0 keeps it a walk over each customer's open days. A day that another transaction changes in between
# has another ctid then and is not marked, which the sums show.
_DESTINATIONS = """
WITH who AS (
  SELECT * FROM unnest(CAST(:ids AS bigint[]), CAST(:starts AS date[]), CAST(:ends AS date[]))
    AS w(customer_id, first_day, end_day)
), line AS (
  SELECT * FROM unnest(CAST(:customers AS bigint[]), CAST(:destinations AS text[]), CAST(:items AS bigint[]))
    AS l(customer_id, destination, item_id)
), marked AS (
  UPDATE usage_day u SET invoice_item_id = line.item_id
  FROM who w CROSS JOIN LATERAL (
    SELECT d.ctid AS place, d.destination FROM usage_day d
    WHERE d.customer_id = w.customer_id AND d.day >= w.first_day AND d.day < w.end_day
      AND d.invoice_item_id IS NULL AND d.rated
    OFFSET 0
  ) o
  JOIN line ON line.customer_id = w.customer_id AND line.destination = o.destination
  WHERE u.ctid = o.place
"""
_DAYS = """
WITH line AS (
  SELECT * FROM unnest(CAST(:days AS bigint[]), CAST(:items AS bigint[])) AS l(day_id, item_id)
), marked AS (
  UPDATE usage_day u SET invoice_item_id = line.item_id FROM line
  WHERE u.id = line.day_id AND u.invoice_item_id IS NULL AND u.rated
"""
_MARK_DESTINATIONS, _MARK_DAYS = text(_DESTINATIONS + _MARKED), text(_DAYS + _MARKED)


class Moved(Exception):
    """Usage changed between reading and marking it; the transaction must be done again."""


@dataclass(frozen=True)
class Made:
    plan: Plan
    invoice_id: int
    state: str


@dataclass(frozen=True)
class _Paper:
    """An invoice that is about to be: its plan, its key, and its number where it is issued."""

    plan: Plan
    id: int
    number: str | None


def write(actor: Actor, plans: Sequence[Plan], *, issue: bool, dated: dt.date | None = None) -> list[Made]:
    """Make the invoices of the plans, issued where asked, dated today or as asked. One below zero is a draft.

    Raises Moved where a day of the ledger is no longer what the plan added up.
    """
    if not plans:
        return []
    setting, day = settings.current(), dated or settings.today()
    issued = [issue and plan.totals.total >= 0 for plan in plans]
    # The counter of numbers stays locked from here to the commit, so everything slow came before.
    numbers = iter(numbering.take_many(setting, day, sum(issued)))
    papers = [
        _Paper(plan, key, next(numbers) if out else None)
        for key, plan, out in zip(_take_ids("invoice", len(plans)), plans, issued, strict=True)
    ]
    lines = [line for plan in plans for line in plan.lines]
    item_ids = _take_ids("invoice_item", len(lines))
    now = dt.datetime.now(dt.UTC)
    with _copy("invoice", _INVOICE) as copy:
        for paper in papers:
            copy.write_row((*_head(paper, setting, day, now), actor.id))
    with _copy("invoice_item", _ITEM) as copy:
        keys = iter(item_ids)
        for paper in papers:
            for at, line in enumerate(paper.plan.lines):
                copy.write_row((next(keys), *_item(paper, at, line)))
    owners = [plan for plan in plans for _ in plan.lines]
    _mark(list(zip(item_ids, owners, lines, strict=True)))
    charged = [
        (line.source, key) for key, line in zip(item_ids, lines, strict=True) if line.source is not None
    ]
    package_charges.record([source for source, _ in charged], [key for _, key in charged])
    return [Made(paper.plan, paper.id, "draft" if paper.number is None else "issued") for paper in papers]


def _head(paper: _Paper, setting: Setting, day: dt.date, now: dt.datetime) -> tuple[Any, ...]:
    """All columns but the last, in the order of _INVOICE."""
    plan, issued = paper.plan, paper.number is not None
    customer = plan.facts.customer
    start, end = bounds(plan.facts.period, plan.facts.zone)
    return (
        paper.id,
        paper.number,
        "issued" if issued else "draft",
        customer.id,
        customer.name,
        customer.currency,
        day,
        due_date(day, plan.due_days),
        plan.tax_mode,
        plan.tax_inclusive,
        plan.totals.subtotal,
        plan.totals.tax,
        plan.totals.total,
        now if issued else None,
        Jsonb(snapshot_of(customer, setting)) if issued else None,
        "generated",
        start,
        end,
    )


def _item(paper: _Paper, at: int, line: PlanLine) -> tuple[Any, ...]:
    """All columns but the key, in the order of _ITEM."""
    amounts = paper.plan.totals.lines[at]
    description = line.description
    if paper.number is not None and not description and line.package_id is not None:
        # As issuing does: the line keeps its package's name, whatever the package is called later.
        description = session().get_one(Package, line.package_id).name
    return (
        paper.id,
        at + 1,
        line.package_id,
        description,
        line.date_from,
        line.date_to,
        line.quantity,
        line.unit_price,
        line.tax_name,
        line.tax_percent,
        amounts.net,
        amounts.tax,
        amounts.gross,
        line.kind,
        line.destination,
        line.connected,
        line.billed_duration,
    )


Marks = list[tuple[int, Plan, PlanLine]]


def _mark(billed: Marks) -> None:
    """Tie the days to their lines, and prove that each line is the sum of exactly those days."""
    by_key = [(key, line) for key, _, line in billed if line.day_ids]
    whole = [(key, plan, line) for key, plan, line in billed if line.days and not line.day_ids]
    found: dict[int, tuple[int, Decimal, int, int]] = {}
    if by_key:
        days = [day for _, line in by_key for day in line.day_ids]
        items = [key for key, line in by_key for _ in line.day_ids]
        found.update(_marked(_MARK_DAYS, {"days": days, "items": items}))
    if whole:
        found.update(_marked(_MARK_DESTINATIONS, _destinations(whole)))
    if found != {
        key: (line.days, line.unit_price, line.connected, line.billed_duration)
        for key, _, line in billed
        if line.days
    }:
        raise Moved


def _marked(statement: TextClause, values: dict[str, Any]) -> dict[int, tuple[int, Decimal, int, int]]:
    rows = session().execute(statement, values)
    return {row.item_id: (row.days, row.charge, row.connected, row.billed_duration) for row in rows}


def _destinations(whole: Marks) -> dict[str, Any]:
    who = {plan.facts.customer.id: plan.facts.period for _, plan, _ in whole}
    named = [(plan.facts.customer.id, name, key) for key, plan, line in whole for name in line.destinations]
    return {
        "ids": list(who),
        "starts": [period.start for period in who.values()],
        "ends": [period.end for period in who.values()],
        "customers": [customer for customer, _, _ in named],
        "destinations": [name for _, name, _ in named],
        "items": [key for _, _, key in named],
    }


def _take_ids(table: str, count: int) -> list[int]:
    statement = text(
        "SELECT nextval(pg_get_serial_sequence(:name, 'id')) FROM generate_series(1, CAST(:count AS int))"
    )
    return list(session().scalars(statement, {"name": table, "count": count}))


def _copy(table: str, columns: str) -> Any:
    driver: Any = session().connection().connection.driver_connection
    return driver.cursor().copy(f"COPY {table} ({columns}) FROM STDIN")
