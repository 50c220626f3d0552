"""Schedules as staff set them: made, changed, paused, deleted, run now.

A customer's own Invoice Schedule is a row, too. It follows what is set on the customer
(`operations.schedule_align`), so that here it can only be run.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy import update as update_rows

from dashboard.models import Customer, Provider, Schedule, ScheduleRun
from dashboard.models.customer import ISSUES
from dashboard.models.schedule import FREQUENCIES, PRODUCES, REPORT_FORMATS
from dashboard.operations import checks, jobs
from dashboard.operations.base import Actor, check_version, fetch, once, operation, session
from dashboard.operations.errors import Invalid, Refused
from dashboard.queries import settings
from dashboard.queries.breakout import DIMENSIONS
from dashboard.rules.periods import Period
from dashboard.rules.report_columns import COLUMNS, ungrouped
from dashboard.rules.schedules import Rule

ONE_RUN = "schedule_run"
MOST_EMAILS = 20
MOST_CHOSEN = 1_000


def _listed(value: Any) -> list[Any]:
    if isinstance(value, str):
        value = re.split(r"[,;\s]+", value)
    return [part for part in value or () if str(part).strip()]


def emails(value: Any) -> list[str]:
    """Several addresses, each once; given as a list or parted by commas, semicolons or spaces."""
    found: dict[str, str] = {}
    for part in _listed(value):
        try:
            address = checks.email(part)
        except ValueError as fault:
            raise ValueError(f'"{str(part)[:60]}": {fault}') from fault
        if address:
            found.setdefault(address.casefold(), address)
    if len(found) > MOST_EMAILS:
        raise ValueError(f"Use at most {MOST_EMAILS} addresses; these are {len(found)}.")
    return list(found.values())


def _groups(value: Any) -> list[str]:
    found = list(dict.fromkeys(str(part) for part in _listed(value)))
    if any(name not in DIMENSIONS for name in found):
        raise ValueError("Choose from the list.")
    return found


def _columns(value: Any) -> list[str]:
    found = list(dict.fromkeys(str(part) for part in _listed(value)))
    if any(name not in COLUMNS for name in found):
        raise ValueError("Choose from the list.")
    return found


def _keys(model: type[Customer] | type[Provider], what: str) -> Callable[[Any], list[int]]:
    def check(value: Any) -> list[int]:
        found = [checks.key(part) for part in _listed(value)]
        keys = list(dict.fromkeys(key for key in found if key is not None))
        if len(keys) > MOST_CHOSEN:
            raise ValueError(f"Choose at most {MOST_CHOSEN:,}, or none for all of them.")
        there = session().scalar(select(func.count(model.id)).where(model.id.in_(keys))) if keys else 0
        if there != len(keys):
            raise ValueError(f"One of these {what} no longer exists. Choose again.")
        return keys

    return check


CHECKS: dict[str, checks.Check] = {
    "name": checks.text(120, required=True),
    "produces": checks.choice(PRODUCES),
    "frequency": checks.choice(FREQUENCIES),
    "hour": checks.hour,
    "time_zone": checks.time_zone,
    "delay_hours": checks.whole(0, 240),
    "emails": emails,
    "groups": _groups,
    "columns": _columns,
    "customer_ids": _keys(Customer, "customers"),
    "provider_ids": _keys(Provider, "providers"),
    "format": checks.choice(REPORT_FORMATS),
    "issue": checks.perhaps(*ISSUES),
    "send": checks.perhaps(),
}
# What says when it runs.
TIMES = ("frequency", "hour", "time_zone", "delay_hours")


@operation("schedule.write")
def create(actor: Actor, values: Mapping[str, Any], *, form_key: str | None = None) -> Schedule:
    file = once(actor, form_key)
    schedule = drafted(values)
    schedule.created_by, schedule.created_by_name = actor.id, actor.name
    schedule.next_slot = rule_of(schedule).after(database_now())
    session().add(schedule)
    session().flush()
    file(f"schedule:{schedule.id}")
    return schedule


def drafted(values: Mapping[str, Any]) -> Schedule:
    """The schedule that these values make, not stored. Invalid where they make none."""
    wanted = {"hour": None, "delay_hours": None, **values}
    schedule = Schedule(**_usual(checks.read(wanted, CHECKS, required=("name", "frequency"))))
    _check_together(schedule)
    return schedule


@operation("schedule.write")
def update(actor: Actor, key: int, values: Mapping[str, Any], *, version: int | None = None) -> Schedule:
    """Change the fields given. The next run is moved with its period: none is lost, none comes twice. Another
    frequency begins with the first slot from now on."""
    schedule = _own(key)
    check_version(schedule, version)
    taken = _usual(checks.read(values, CHECKS))
    before = rule_of(schedule)
    for name, value in taken.items():
        if getattr(schedule, name) != value:
            setattr(schedule, name, value)
    _check_together(schedule)
    if rule_of(schedule) != before:
        schedule.next_slot = moved(schedule, before, database_now())
    session().flush()
    return schedule


@operation("schedule.write")
def pause(actor: Actor, key: int) -> Schedule:
    """Nothing of it comes due until it is resumed. A run under way goes on."""
    schedule = _own(key)
    if schedule.paused:
        raise Refused("This schedule is paused already.")
    schedule.paused = True
    session().flush()
    return schedule


@operation("schedule.write")
def resume(actor: Actor, key: int) -> Schedule:
    """From now on; what would have come during the pause does not come. (A run of invoices makes every
    invoice that is due, whenever it runs.)"""
    schedule = _own(key)
    if not schedule.paused:
        raise Refused("This schedule is not paused.")
    schedule.paused = False
    schedule.next_slot = rule_of(schedule).after(database_now())
    session().flush()
    return schedule


@operation("schedule.write")
def delete(actor: Actor, key: int) -> None:
    """Its runs stay, those not begun as cancelled."""
    schedule = _own(key)
    drop_runs([key], "The schedule was deleted before this run began.")
    session().delete(schedule)
    session().flush()


@operation("schedule.write")
def run_now(actor: Actor, key: int, form_key: str | None = None) -> ScheduleRun:
    """A run of this moment, about the last period that has ended. It is done in the background."""
    file = once(actor, form_key)
    schedule = fetch(Schedule, key, "schedule", lock=True)
    if schedule.customer_id is not None and schedule.next_slot is None:
        raise Refused("This customer has no Invoice Schedule any more.")
    live = select(ScheduleRun.id).where(
        ScheduleRun.schedule_id == key, ScheduleRun.state.in_(("queued", "running"))
    )
    if session().scalar(live.limit(1)) is not None:
        raise Refused("A run of this schedule is under way already. Look at Reports > Runs.")
    now = database_now()
    period = rule_of(schedule).last_ended(now)
    run = new_run(schedule, now, period)
    run.asked_by, run.asked_by_name = actor.id, actor.name
    session().add(run)
    session().flush()
    hand_to_job(actor, run)
    file(f"schedule_run:{run.id}")
    return run


def hand_to_job(actor: Actor, run: ScheduleRun) -> None:
    """Have this one run done in the background by a job of its own, which whoever asked can watch."""
    job = jobs.start(actor, ONE_RUN, run.name, {"run_id": run.id}, 1)
    run.job_id = job.id
    session().flush()


def new_run(schedule: Schedule, slot: dt.datetime, period: Period) -> ScheduleRun:
    return ScheduleRun(
        schedule_id=schedule.id,
        customer_id=schedule.customer_id,
        name=schedule.name[:200],
        produces=schedule.produces,
        slot=slot,
        period_start=period.start,
        period_end=period.end,
    )


def drop_runs(schedule_ids: Sequence[int], reason: str) -> None:
    """Runs of the schedules that have not begun are cancelled, those under way are asked to stop."""
    live = ScheduleRun.schedule_id.in_(schedule_ids)
    session().execute(
        update_rows(ScheduleRun)
        .where(live, ScheduleRun.state == "queued")
        .values(
            state="cancelled",
            finished_at=func.now(),
            log=ScheduleRun.log.concat([reason]),
        )
        .execution_options(synchronize_session=False)
    )
    session().execute(
        update_rows(ScheduleRun)
        .where(live, ScheduleRun.state == "running")
        .values(cancel_requested=True)
        .execution_options(synchronize_session=False)
    )


# When it runs


def rule_of(schedule: Schedule) -> Rule:
    zone = schedule.time_zone or settings.current().time_zone
    return Rule(schedule.frequency, schedule.hour, zone, schedule.delay_hours)


def next_slots(schedule: Schedule, count: int) -> list[dt.datetime]:
    """The next so many moments at which it runs, in UTC; none where it does not run."""
    if schedule.next_slot is None or schedule.paused or count < 1:
        return []
    rule = rule_of(schedule)
    return [schedule.next_slot, *rule.next_slots(schedule.next_slot, count - 1)]


def period_of_slot(schedule: Schedule, slot: dt.datetime) -> Period:
    """What the run of that slot is about."""
    return rule_of(schedule).period_of_slot(slot)


def moved(schedule: Schedule, before: Rule, now: dt.datetime) -> dt.datetime:
    """The next slot after the rule of a schedule was changed. It keeps its period. Where an earlier period
    has had the same slot, it is a minute later."""
    rule, slot = rule_of(schedule), schedule.next_slot
    if slot is None or rule.frequency != before.frequency:
        return rule.after(now)
    found = rule.slot(before.period_of_slot(slot))
    had: Sequence[dt.datetime] = ()
    if schedule.id is not None:
        had = session().scalars(select(ScheduleRun.slot).where(ScheduleRun.schedule_id == schedule.id)).all()
    while found in had:
        found += dt.timedelta(minutes=1)
    return found


def database_now() -> dt.datetime:
    """What is due is decided by this clock alone: there is one of it, however many machines there are."""
    now: dt.datetime = session().execute(select(func.clock_timestamp())).scalar_one()
    return now


def _usual(taken: dict[str, Any]) -> dict[str, Any]:
    """Where a time is left empty, the account's."""
    setting = settings.current()
    usual = {"hour": setting.schedule_hour, "delay_hours": setting.billing_delay_hours}
    return {name: usual.get(name) if value is None else value for name, value in taken.items()}


def _own(key: int) -> Schedule:
    schedule = fetch(Schedule, key, "schedule", lock=True)
    if schedule.customer_id is not None:
        raise Refused(f"{schedule.name} is set on the customer's page, under Invoice Schedule.")
    return schedule


def _check_together(schedule: Schedule) -> None:
    errors: dict[str, str] = {}
    if (schedule.produces or "report") == "report":
        if not schedule.emails:
            errors["emails"] = "Fill in at least one address to send the report to."
        if not schedule.groups:
            errors["groups"] = "Choose at least one."
        missing = ungrouped(schedule.groups or (), schedule.columns or ())
        if schedule.groups and missing:
            errors["columns"] = (
                f"Rows are not divided by {' and '.join(missing)}. Add that to Group, or take it off here."
            )
    if errors:
        raise Invalid(errors)
