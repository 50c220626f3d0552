"""A customer's Invoice Schedule as a row of its own that comes due.

The row follows the customer and, where the customer says nothing, the account. It is put right in the change
that makes it differ; rows that came to differ otherwise, as by SQL, are found by the tick.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any
from zoneinfo import ZoneInfoNotFoundError

from sqlalchemy import ColumnElement, and_, func, or_, select

from dashboard.models import Customer, Schedule, Setting
from dashboard.operations.base import SYSTEM, session, unit_of_work
from dashboard.operations.schedules import database_now, drop_runs, moved, rule_of
from dashboard.rules.schedules import Rule

log = logging.getLogger("schedule")

PORTION = 1_000
OFF = "The customer's Invoice Schedule was set to None before this run began."


def align(customer_ids: Sequence[int] | None = None) -> int:
    """Put the rows of these customers right, by default of all, in the transaction under way; how many."""
    done = after = 0
    while found := _differing(customer_ids, after):
        now = database_now()
        first = cache(partial(_after, now))
        for row in found:
            try:
                _align(row, first, now)
            except ZoneInfoNotFoundError:
                # Written past the checks, as by SQL; the others are put right all the same.
                log.warning("customer %s has a time zone that does not exist: %s", row.id, row.zone)
        session().flush()
        done, after = done + len(found), found[-1].id
    return done


def _after(now: dt.datetime, rule: Rule) -> dt.datetime:
    return rule.after(now)


def align_missing() -> int:
    """What the tick does: rows that nobody has put right."""
    with unit_of_work(SYSTEM):
        return align()


def _differing(customer_ids: Sequence[int] | None, after: int) -> Sequence[Any]:
    hour = func.coalesce(Customer.invoice_hour, Setting.schedule_hour)
    delay = func.coalesce(Customer.invoice_delay_hours, Setting.billing_delay_hours)
    zone = func.coalesce(Customer.time_zone, Setting.time_zone)
    wanted: ColumnElement[bool] = or_(
        Schedule.id.is_(None),
        Schedule.next_slot.is_(None),
        Schedule.frequency != Customer.invoice_schedule,
        Schedule.hour != hour,
        Schedule.delay_hours != delay,
        Schedule.time_zone.is_distinct_from(zone),
        Schedule.name != func.left(Customer.name, 120),
    )
    off = and_(Customer.invoice_schedule == "none", Schedule.next_slot.is_not(None))
    query = (
        select(
            Customer.id,
            func.left(Customer.name, 120).label("name"),
            Customer.invoice_schedule.label("frequency"),
            hour.label("hour"),
            delay.label("delay"),
            zone.label("zone"),
            Schedule.id.label("schedule_id"),
        )
        .select_from(Customer)
        .join(Setting, Setting.id == 1)
        .outerjoin(Schedule, Schedule.customer_id == Customer.id)
        .where(Customer.id > after, or_(off, and_(Customer.invoice_schedule != "none", wanted)))
        .order_by(Customer.id)
        .limit(PORTION)
    )
    if customer_ids is not None:
        query = query.where(Customer.id.in_(customer_ids))
    return session().execute(query).all()


def _align(row: Any, first: Callable[[Rule], dt.datetime], now: dt.datetime) -> None:
    schedule = None
    if row.schedule_id is not None:
        schedule = session().get(Schedule, row.schedule_id, with_for_update=True, populate_existing=True)
    if row.frequency == "none":
        if schedule is not None:
            schedule.next_slot = None
            drop_runs(schedule.id, OFF)
        return
    values = {
        "name": row.name,
        "frequency": row.frequency,
        "hour": row.hour,
        "delay_hours": row.delay,
        "time_zone": row.zone,
    }
    rule = Rule(row.frequency, row.hour, row.zone, row.delay)
    if schedule is None:
        schedule = Schedule(
            customer_id=row.id, produces="invoices", next_slot=first(rule), created_by_name="System", **values
        )
        session().add(schedule)
        return
    before, slot = rule_of(schedule), schedule.next_slot
    for name, value in values.items():
        setattr(schedule, name, value)
    if slot is None or rule.frequency != before.frequency:
        schedule.next_slot = first(rule)
    elif rule != before:
        schedule.next_slot = moved(schedule, before, now)
