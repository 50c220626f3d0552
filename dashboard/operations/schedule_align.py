"""A customer's Invoice Schedule as a row of its own that comes due.

The row follows the customer and, where the customer says nothing, the account. It is put right in the change
that makes it differ; rows that came to differ otherwise, as by SQL, are found by the tick.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Sequence
from functools import cache
from typing import Any
from zoneinfo import ZoneInfoNotFoundError

from sqlalchemy import ColumnElement, Table, and_, bindparam, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from dashboard.models import Customer, Schedule, ScheduleRun, Setting
from dashboard.operations.base import SYSTEM, session, unit_of_work
from dashboard.operations.schedules import database_now, drop_runs
from dashboard.queries import settings
from dashboard.rules.schedules import Rule

log = logging.getLogger("schedule")

PORTION = 1_000
OFF = "The customer's Invoice Schedule was set to None before this run began."


def align(customer_ids: Sequence[int] | None = None) -> int:
    """Put the rows of these customers right, by default of all, in the transaction under way; how many."""
    done = after = 0
    times = _Times(database_now())
    while found := _differing(customer_ids, after):
        off = [row.schedule_id for row in found if row.frequency == "none"]
        if off:
            _write([{"of": key, "next_slot": None} for key in off])
            drop_runs(off, OFF)
        _follow([row for row in found if row.frequency != "none"], times)
        done, after = done + len(found), found[-1].id
    if done:
        _forget()
    return done


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


class _Times:
    """Slots as they are asked for; thousands of customers have a handful of rules."""

    def __init__(self, now: dt.datetime) -> None:
        self.now = now
        self.first = cache(self._first)
        self.moved = cache(self._moved)

    def _first(self, rule: Rule) -> dt.datetime:
        return rule.after(self.now)

    def _moved(self, rule: Rule, before: Rule, slot: dt.datetime) -> dt.datetime:
        return rule.slot(before.period_of_slot(slot))


def _follow(rows: Sequence[Any], times: _Times) -> None:
    held = _locked([row.schedule_id for row in rows if row.schedule_id is not None])
    new: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    for row in rows:
        rule = Rule(row.frequency, row.hour, row.zone, row.delay)
        values = {"name": row.name, "frequency": row.frequency, "hour": row.hour}
        values |= {"delay_hours": row.delay, "time_zone": row.zone}
        present = held.get(row.schedule_id)
        try:
            if present is None:
                made = {"produces": "invoices", "created_by_name": "System", "next_slot": times.first(rule)}
                new.append({"customer_id": row.id, **values, **made})
            else:
                changed.append({"of": present.id, **values, "next_slot": _next(present, rule, times)})
        except ZoneInfoNotFoundError:
            # Written past the checks, as by SQL; the others are put right all the same.
            log.warning("customer %s has a time zone that does not exist: %s", row.id, row.zone)
    if new:
        session().execute(insert(Schedule).on_conflict_do_nothing(index_elements=["customer_id"]), new)
    _write(_apart_from_runs(changed))


def _next(present: Any, rule: Rule, times: _Times) -> dt.datetime:
    """The period of the next run stays; another rhythm begins with its first slot from now on."""
    if present.next_slot is None or rule.frequency != present.frequency:
        return times.first(rule)
    before = Rule(present.frequency, present.hour, present.time_zone or "UTC", present.delay_hours)
    slot: dt.datetime = present.next_slot
    return slot if rule == before else times.moved(rule, before, slot)


def _apart_from_runs(changed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Where an earlier period has had the same slot already, it is a minute later."""
    if not changed:
        return changed
    earliest = min(one["next_slot"] for one in changed)
    had = select(ScheduleRun.schedule_id, ScheduleRun.slot).where(
        ScheduleRun.schedule_id.in_([one["of"] for one in changed]), ScheduleRun.slot >= earliest
    )
    taken = {(row.schedule_id, row.slot) for row in session().execute(had)}
    for one in changed:
        while (one["of"], one["next_slot"]) in taken:
            one["next_slot"] += dt.timedelta(minutes=1)
    return changed


def _write(rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        return
    table = Schedule.__table__
    assert isinstance(table, Table)
    values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in rows[0] if name != "of"}
    values |= {"version": table.c.version + 1, "updated_at": func.now()}
    session().connection().execute(
        update(table).where(table.c.id == bindparam("of")).values(values),
        [{name if name == "of" else f"new_{name}": value for name, value in row.items()} for row in rows],
    )


def _locked(keys: Sequence[int]) -> dict[int, Any]:
    columns = (
        Schedule.id,
        Schedule.frequency,
        Schedule.hour,
        Schedule.time_zone,
        Schedule.delay_hours,
        Schedule.next_slot,
    )
    found = select(*columns).where(Schedule.id.in_(keys)).order_by(Schedule.id)
    return {row.id: row for row in session().execute(found.with_for_update(key_share=True))}


def follow_zone(before: str) -> None:
    """Schedules without a zone of their own go by the account's, which was `before`."""
    zone, times = settings.current().time_zone, _Times(database_now())
    keys = select(Schedule.id).where(Schedule.time_zone.is_(None), Schedule.next_slot.is_not(None))
    changed = []
    for row in _locked(session().scalars(keys).all()).values():
        old, new = (Rule(row.frequency, row.hour, one, row.delay_hours) for one in (before, zone))
        changed.append({"of": row.id, "next_slot": times.moved(new, old, row.next_slot)})
    _write(_apart_from_runs(changed))
    _forget()


def _forget() -> None:
    """Rows were written past the session; what it holds of them is read again."""
    for held in list(session().identity_map.values()):
        if isinstance(held, Schedule):
            session().expire(held)
