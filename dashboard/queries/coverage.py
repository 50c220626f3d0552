"""Which periods of which customers are invoiced, and which are not: a calendar, worked out in sets.

A cell is a customer and one period of its schedule. Its state follows from the ledger and the generated
invoices alone, so that nothing can be forgotten: what is open stays in sight until it is billed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, case, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import BigInteger

from dashboard.extensions import db
from dashboard.models import Customer, CustomerPackage, Package, UsageDay
from dashboard.queries import coverage_sql, settings
from dashboard.rules.periods import SCHEDULES, Period, bounds, period_of, periods
from dashboard.rules.recurrence import Recurrence

STATES = {
    "invoiced": "Invoiced",
    "late": "Late usage",
    "missing": "Missing",
    "blocked": "Blocked",
    "waiting": "Waiting",
    "empty": "Empty",
}
# Before the customer had anything that could be billed.
BEFORE = "before"
# How many periods the calendar goes back.
SHOWN = {"monthly": 12, "weekly": 13, "daily": 31}
MANY = 1_000
# Customers whose calendars are worked out at a time to find those with a state: so many first, then more.
PORTION, MOST_AT_ONCE = 200, 5_000
UNITS = {"monthly": "month", "weekly": "week", "daily": "day"}


@dataclass(frozen=True)
class Cell:
    """A customer's period: its state, and what it follows from."""

    customer_id: int
    period: Period
    state: str
    invoice_id: int | None
    number: str | None
    invoice_state: str | None
    open_charge: Decimal
    open_calls: int
    unrated: int
    charges: int


def zone_of(customer: Customer) -> str:
    return customer.time_zone or settings.current().time_zone


def first_day(customer: Customer) -> dt.date | None:
    """The first day of which there could be something to bill: a call, or a package."""
    found = [
        db.session.scalar(select(func.min(UsageDay.day)).where(UsageDay.customer_id == customer.id)),
        db.session.scalar(
            select(func.min(CustomerPackage.start_date)).where(CustomerPackage.customer_id == customer.id)
        ),
    ]
    first = min((day for day in found if day is not None), default=None)
    if first is None or customer.invoice_from is None:
        return first
    return max(first, customer.invoice_from)


def due_periods(customer: Customer, today: dt.date) -> list[Period]:
    """Every period of the customer's schedule that has ended by `today`, from its first usage or package."""
    start = first_day(customer)
    if customer.invoice_schedule not in SCHEDULES or start is None or start >= today:
        return []
    found = periods(customer.invoice_schedule, start, today)
    return [period for period in found if period.end <= today]


def missing(customer: Customer) -> list[Period]:
    """The due periods that have something to bill and no invoice; the oldest first. What still waits for its
    usage to be complete is not among them."""
    today = dt.datetime.now(ZoneInfo(zone_of(customer))).date()
    due = due_periods(customer, today)
    cells = of_customers([customer.id], customer.invoice_schedule, due) if due else {}
    return [cell.period for cell in cells.get(customer.id, ()) if cell.state in ("missing", "blocked")]


def shown_periods(schedule: str, today: dt.date) -> list[Period]:
    """The calendar's columns: the last periods that have ended, the oldest first."""
    found = [_before(schedule, period_of(schedule, today))]
    while len(found) < SHOWN[schedule]:
        found.append(_before(schedule, found[-1]))
    return found[::-1]


def _before(schedule: str, period: Period) -> Period:
    return period_of(schedule, period.start - dt.timedelta(days=1))


def of_customers(ids: Sequence[int], schedule: str, columns: Sequence[Period]) -> dict[int, list[Cell]]:
    """The cells of these customers, each with one a column, in the columns' order."""
    found: dict[int, list[Cell]] = {key: [] for key in ids}
    if not ids or not columns:
        return found
    statement = text(coverage_sql.cells(of="c.id = ANY(:ids)") + coverage_sql.ALL)
    statement = statement.bindparams(bindparam("ids", type_=ARRAY(BigInteger)))
    given = {**_slots(schedule, columns), "ids": list(ids)}
    for row in db.session.execute(statement, given):
        found[row.customer_id].append(_cell(row))
    return found


def is_long(schedule: str) -> bool:
    """Whether so many customers have the schedule that their sums come after the page."""
    few = select(Customer.id).where(Customer.invoice_schedule == schedule).limit(MANY + 1).subquery()
    return (db.session.scalar(select(func.count()).select_from(few)) or 0) > MANY


def counts(schedule: str, columns: Sequence[Period], search: str = "") -> dict[str, int]:
    """How many cells of all customers with the schedule are in each state."""
    statement = text(coverage_sql.cells(of=coverage_sql.SCHEDULED) + coverage_sql.COUNTS)
    given = {**_slots(schedule, columns), **_scheduled(schedule, search)}
    found = {row.state: row.number for row in db.session.execute(statement, given)}
    return {state: found.get(state, 0) for state in STATES}


@dataclass(frozen=True)
class Row:
    """A customer of the calendar with its cells."""

    id: int
    name: str
    status: str
    currency: str
    cells: list[Cell]


@dataclass(frozen=True)
class Page:
    rows: list[Row]
    # The name and key to go on after; None on the last page.
    after: tuple[str, int] | None


def page(
    schedule: str,
    columns: Sequence[Period],
    *,
    state: str = "",
    search: str = "",
    after: tuple[str, int] | None = None,
    size: int = 50,
) -> Page:
    """Customers by name; with a state, those that have a period in it."""
    if state:
        return _page_of_state(schedule, columns, state, search=search, after=after, size=size)
    found = _named(schedule, search, after, size + 1)
    here = found[:size]
    cells = of_customers([row.id for row in here], schedule, columns)
    rows = [Row(row.id, row.name, row.status, row.currency, cells[row.id]) for row in here]
    last = here[-1] if len(found) > size else None
    return Page(rows, (last.name, last.id) if last is not None else None)


def _page_of_state(
    schedule: str,
    columns: Sequence[Period],
    state: str,
    *,
    search: str,
    after: tuple[str, int] | None,
    size: int,
) -> Page:
    """By name, ever more customers at a time, until the page is full: most states are soon found."""
    rows: list[Row] = []
    portion = PORTION
    only = coverage_sql.WITH_OPEN if state == "late" else ""
    bounded = {"first": columns[0].start, "last": columns[-1].end} if only else {}
    while len(rows) <= size:
        found = _named(schedule, search, after, portion, only=only, values=bounded)
        cells = of_customers([row.id for row in found], schedule, columns)
        rows += (
            Row(row.id, row.name, row.status, row.currency, cells[row.id])
            for row in found
            if any(cell.state == state for cell in cells[row.id])
        )
        if len(found) < portion:
            break
        after, portion = (found[-1].name, found[-1].id), min(portion * 4, MOST_AT_ONCE)
    here = rows[:size]
    return Page(here, (here[-1].name, here[-1].id) if len(rows) > size else None)


def _named(
    schedule: str,
    search: str,
    after: tuple[str, int] | None,
    size: int,
    *,
    only: str = "",
    values: Mapping[str, Any] | None = None,
) -> Sequence[Any]:
    """Customers of the schedule by name, from a place on."""
    given = {
        **_scheduled(schedule, search),
        "after_name": after[0] if after else None,
        "after_id": after[1] if after else None,
        "size": size,
        **(values or {}),
    }
    return db.session.execute(text(coverage_sql.names(only, placed=after is not None)), given).all()


def _scheduled(schedule: str, search: str) -> dict[str, Any]:
    words = search.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return {"schedule": schedule, "pattern": f"%{words}%" if words else "%"}


def _slots(schedule: str, columns: Sequence[Period]) -> Mapping[str, Any]:
    """The bounds of every column in every zone that customers have."""
    setting = settings.current()
    zones = {setting.time_zone, *_zones()}
    slots = [(zone, period, *bounds(period, zone)) for zone in sorted(zones) for period in columns]
    return {
        "unit": UNITS.get(schedule, "month"),
        "zone": setting.time_zone,
        "delay": setting.billing_delay_hours,
        "zones": [slot[0] for slot in slots],
        "starts": [slot[1].start for slot in slots],
        "ends": [slot[1].end for slot in slots],
        "from_at": [slot[2] for slot in slots],
        "until_at": [slot[3] for slot in slots],
        "first": columns[0].start,
        "last": columns[-1].end,
        **_due_days(columns[0].start, columns[-1].end),
    }


def _due_days(first: dt.date, end: dt.date) -> dict[str, list[Any]]:
    """The due days of every rhythm that assigned packages have. A few dozen rhythms serve all customers."""
    weekday = func.date_part("isodow", CustomerPackage.start_date)
    day = func.date_part("day", CustomerPackage.start_date)
    own = case((Package.frequency == "weekly", weekday), (Package.frequency == "monthly", day), else_=0)
    rhythms = db.session.execute(
        select(Package.frequency, Package.frequency_match, own)
        .join(CustomerPackage, CustomerPackage.package_id == Package.id)
        .where(Package.frequency != "once")
        .distinct()
    )
    found: list[tuple[str, str, int, dt.date]] = []
    for frequency, match, number in rhythms:
        # Any day with the same number has the same rhythm: 2001 began on a Monday, and January has 31 days.
        anchor = dt.date(2001, 1, max(int(number), 1))
        written = "{" + ",".join(map(str, match)) + "}"
        rhythm = Recurrence(frequency, anchor, tuple(match))
        # A span that ends on the first day began up to a month before; one ends where the next begins.
        reach = rhythm.due_days(first - dt.timedelta(days=31), end + dt.timedelta(days=1))
        found += [(frequency, written, int(number), due) for due in reach]
    names = ("due_frequency", "due_match", "due_own", "due_day")
    return {name: [row[at] for row in found] for at, name in enumerate(names)}


def _zones() -> Iterable[str]:
    return db.session.scalars(select(Customer.time_zone).where(Customer.time_zone.is_not(None)).distinct())


def _cell(row: Any) -> Cell:
    return Cell(
        customer_id=row.customer_id,
        period=Period(row.start_day, row.end_day),
        state=row.state,
        invoice_id=row.invoice_id,
        number=row.number,
        invoice_state=row.invoice_state,
        open_charge=row.open_charge,
        open_calls=row.open_calls,
        unrated=row.unrated,
        charges=row.charges,
    )
