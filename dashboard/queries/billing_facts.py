"""What a generated invoice follows from, read in sets for many customers at once.

Usage comes from the ledger of days only. Open days of the period are its usage; open days before it are late
where an invoice already covers them. Unrated days are counted and never billed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, TextClause, exists, func, or_, select, text

from dashboard.extensions import db
from dashboard.models import Contact, Customer, CustomerPackage, Invoice
from dashboard.queries import settings
from dashboard.rules.periods import Period

# Far from usual is told beside the mean of so many earlier invoices.
USUAL_OF = 3


@dataclass(frozen=True)
class Usage:
    """The open days of one destination, or of one day, that make a line; sums are exact.

    `day_ids` are their keys. They are left out, as there are many, where the destination alone names all open
    days of the period.
    """

    day: dt.date | None
    destination: str | None
    first: dt.date
    last: dt.date
    charge: Decimal
    connected: int
    billed_duration: int
    days: int
    day_ids: list[int]
    destinations: list[str]


@dataclass(frozen=True)
class Paper:
    """A live generated invoice and the local days that it covers."""

    id: int
    name: str
    state: str
    period: Period
    total: Decimal
    currency: str


@dataclass
class Facts:
    """Of one customer and period. `papers` are its live generated invoices, the oldest first."""

    customer: Customer
    period: Period
    zone: str
    by_day: bool
    papers: list[Paper] = field(default_factory=list)
    usage: list[Usage] = field(default_factory=list)
    late: list[Usage] = field(default_factory=list)
    unrated: int = 0
    has_packages: bool = False
    has_email: bool = False

    @property
    def covering(self) -> Paper | None:
        """The invoice that covers the whole period already, if there is one."""
        inside = (
            paper
            for paper in self.papers
            if paper.period.start <= self.period.start and self.period.end <= paper.period.end
        )
        return next(inside, None)

    @property
    def overlapping(self) -> list[Paper]:
        return [
            paper
            for paper in self.papers
            if paper.period.start < self.period.end and self.period.start < paper.period.end
        ]

    @property
    def earlier(self) -> list[Paper]:
        """Up to three invoices before the period, the latest first."""
        before = [paper for paper in self.papers if paper.period.end <= self.period.start]
        return before[::-1][:USUAL_OF]


# `who` is one row a customer: no customer comes twice in one reading. OFFSET 0 keeps each customer's days a
# walk over an index, whatever the planner believes of arrays; the ledger is large. Before the period only
# what is open is walked over.
_WHO = """
WITH who AS (
  SELECT * FROM unnest(
    CAST(:ids AS bigint[]), CAST(:starts AS date[]), CAST(:ends AS date[]), CAST(:by_day AS boolean[]),
    CAST(:named AS boolean[])
  ) AS w(customer_id, first_day, end_day, by_day, named)
)
"""
_SUMS = """
  w.customer_id,
  CASE WHEN w.by_day THEN u.day END AS day,
  CASE WHEN NOT w.by_day THEN u.destination END AS destination,
  min(u.day) AS first, max(u.day) AS last, sum(u.charge) AS charge, sum(u.connected) AS connected,
  sum(u.billed_duration) AS billed_duration, count(*) AS days
"""
# Attempts that nobody answered and that cost nothing are no line; they stay in the ledger as they are.
_WORTH_A_LINE = "GROUP BY 1, 2, 3 HAVING sum(u.connected) > 0 OR sum(u.charge) <> 0 ORDER BY 1, 2, 3"
_USAGE = """/*WHO*/
SELECT /*SUMS*/, array_agg(u.id) FILTER (WHERE w.named OR w.by_day) AS day_ids
FROM who w CROSS JOIN LATERAL (
  SELECT * FROM usage_day d
  WHERE d.customer_id = w.customer_id AND d.day >= w.first_day AND d.day < w.end_day
    AND d.invoice_item_id IS NULL AND d.rated
  OFFSET 0
) u
/*WORTH*/
"""
_LATE = """/*WHO*/, paper AS (
  SELECT * FROM unnest(
    CAST(:paper_of AS bigint[]), CAST(:paper_starts AS date[]), CAST(:paper_ends AS date[])
  ) AS p(customer_id, first_day, end_day)
)
SELECT /*SUMS*/, array_agg(u.id) AS day_ids
FROM who w CROSS JOIN LATERAL (
  SELECT d.* FROM usage_day_open o JOIN usage_day d ON d.id = o.usage_day_id
  WHERE o.customer_id = w.customer_id AND o.rated AND o.day < w.first_day AND d.invoice_item_id IS NULL
    AND EXISTS (
      SELECT 1 FROM paper p WHERE p.customer_id = o.customer_id AND o.day >= p.first_day AND o.day < p.end_day
    )
  OFFSET 0
) u
/*WORTH*/
"""
_UNRATED = """/*WHO*/
SELECT w.customer_id, sum(u.connected) AS calls
FROM who w CROSS JOIN LATERAL (
  SELECT d.* FROM usage_day_open o JOIN usage_day d ON d.id = o.usage_day_id
  WHERE o.customer_id = w.customer_id AND NOT o.rated AND o.day < w.end_day AND d.invoice_item_id IS NULL
  OFFSET 0
) u
GROUP BY 1
"""


def _statement(sql: str) -> TextClause:
    for mark, part in (("/*WHO*/", _WHO), ("/*SUMS*/", _SUMS), ("/*WORTH*/", _WORTH_A_LINE)):
        sql = sql.replace(mark, part)
    return text(sql)


_USAGE_STATEMENT, _LATE_STATEMENT, _UNRATED_STATEMENT = map(_statement, (_USAGE, _LATE, _UNRATED))


def read(pairs: Sequence[tuple[int, Period]], *, grouping: str | None, lock: bool) -> dict[int, Facts]:
    """The facts of each customer's period. A customer comes once at most; one that is gone is left out.

    With `lock` the customers are locked first, in the order of their ids, until the transaction ends.
    """
    wanted = dict(pairs)
    setting = settings.current()
    found: dict[int, Facts] = {}
    for customer in _customers(list(wanted), lock=lock):
        by = grouping or customer.invoice_line_grouping or setting.invoice_line_grouping
        zone = customer.time_zone or setting.time_zone
        found[customer.id] = Facts(customer, wanted[customer.id], zone, by == "day")
    if found:
        _add_papers(found)
        _add_marks(found)
        _add_usage(found)
    return found


def unmatched(first: dt.datetime, until: dt.datetime) -> int:
    """Calls of that time whose customer is not known."""
    statement = text(
        "SELECT count(*) FROM usage_unmatched WHERE started_at >= :first AND started_at < :until"
    )
    return db.session.scalar(statement, {"first": first, "until": until}) or 0


def _customers(ids: Sequence[int], *, lock: bool) -> Sequence[Customer]:
    statement = select(Customer).where(Customer.id.in_(ids)).order_by(Customer.id)
    if lock:
        statement = statement.with_for_update()
    return db.session.scalars(statement.execution_options(populate_existing=True)).all()


def _add_papers(found: dict[int, Facts]) -> None:
    statement = (
        select(
            Invoice.id,
            Invoice.customer_id,
            Invoice.number,
            Invoice.state,
            Invoice.period_start,
            Invoice.period_end,
            Invoice.total,
            Invoice.currency,
        )
        .where(Invoice.customer_id.in_(found), Invoice.origin == "generated", Invoice.state != "void")
        .order_by(Invoice.period_start, Invoice.period_end, Invoice.id)
    )
    for row in db.session.execute(statement):
        facts = found[row.customer_id]
        period = Period(_nearest_day(row.period_start, facts.zone), _nearest_day(row.period_end, facts.zone))
        name = row.number or f"Draft {row.id}"
        facts.papers.append(Paper(row.id, name, row.state, period, row.total, row.currency))


def _nearest_day(moment: dt.datetime, zone: str) -> dt.date:
    """The local day that began at the moment. Where the customer's zone was another then, it is the day of
    the account's zone or of UTC, or the nearest."""
    for name in (zone, settings.current().time_zone, "UTC"):
        local = moment.astimezone(ZoneInfo(name))
        if local.time() == dt.time.min:
            return local.date()
    return (moment.astimezone(ZoneInfo(zone)) + dt.timedelta(hours=12)).date()


def _add_usage(found: dict[int, Facts]) -> None:
    who = _who(found.values())
    papers = [(key, paper.period) for key, facts in found.items() for paper in facts.papers]
    covered = {
        "paper_of": [key for key, _ in papers],
        "paper_starts": [period.start for _, period in papers],
        "paper_ends": [period.end for _, period in papers],
    }
    for row in db.session.execute(_USAGE_STATEMENT, who):
        found[row.customer_id].usage.append(_usage(row))
    if papers:
        for row in db.session.execute(_LATE_STATEMENT, {**who, **covered}):
            found[row.customer_id].late.append(_usage(row))
    for row in db.session.execute(_UNRATED_STATEMENT, who):
        found[row.customer_id].unrated = int(row.calls)


def _add_marks(found: dict[int, Facts]) -> None:
    packaged = select(CustomerPackage.customer_id).where(CustomerPackage.customer_id.in_(found)).distinct()
    for key in db.session.scalars(packaged):
        found[key].has_packages = True
    addressed = select(Customer.id).where(
        Customer.id.in_(found),
        exists().where(Contact.customer_id == Customer.id, func.coalesce(Contact.email, "") != ""),
    )
    for key in db.session.scalars(addressed):
        found[key].has_email = True


def _who(rows: Iterable[Facts]) -> dict[str, Any]:
    listed = list(rows)
    return {
        "ids": [facts.customer.id for facts in listed],
        "starts": [facts.period.start for facts in listed],
        "ends": [facts.period.end for facts in listed],
        "by_day": [facts.by_day for facts in listed],
        "named": [facts.has_packages for facts in listed],
    }


def _usage(row: Any) -> Usage:
    return Usage(
        row.day,
        row.destination,
        row.first,
        row.last,
        row.charge,
        int(row.connected),
        int(row.billed_duration),
        row.days,
        row.day_ids or [],
        [] if row.destination is None else [row.destination],
    )


def billable() -> ColumnElement[bool]:
    """Customers who have usage or packages, so that there could be something to bill."""
    return or_(
        text("EXISTS (SELECT 1 FROM usage_day u WHERE u.customer_id = customer.id)"),
        exists().where(CustomerPackage.customer_id == Customer.id),
    )
