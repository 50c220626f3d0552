"""Invoices for many customers: worked out, looked at, then made exactly so.

The preview of each customer is a row with a fingerprint of its invoice. When the run is carried out the
invoice is planned anew under the customer's lock, and made only where the fingerprint is still the same.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping
from typing import Any

from sqlalchemy import delete, func, select, update

from dashboard.models import BillingRun, BillingRunRow, Customer, Job
from dashboard.operations import billing, jobs
from dashboard.operations.base import (
    SYSTEM,
    Actor,
    check_version,
    fetch,
    once,
    operation,
    session,
    unit_of_work,
)
from dashboard.operations.billing_preview import preview_many
from dashboard.operations.billing_run_rows import PORTION, Work, count_of, customers_of, file, left, portion
from dashboard.operations.errors import Invalid, Refused
from dashboard.queries import settings
from dashboard.queries.billing_facts import unmatched
from dashboard.rules.periods import SCHEDULES, Period, bounds

PREVIEW, RUN = "billing_preview", "billing_run"
WHOSE = ("schedule", "chosen", "tags", "all")
LONGEST_PERIOD = 366

Reached = Callable[[int], None]
Note = Callable[[str], None]


@operation("billing.run")
def start(
    actor: Actor,
    period_start: dt.date,
    period_end: dt.date,
    options: Mapping[str, Any],
    *,
    form_key: str | None = None,
) -> BillingRun:
    """File a run of the local days [start, end) and have it worked out in the background.

    `options`: "customers" is schedule, chosen, tags or all; "schedule" (None: any), "customer_ids" and "tags"
    say which; "grouping", "issue" and "dated" as for `billing.generate_many`.
    """
    file_key = once(actor, form_key)
    period = _period(period_start, period_end)
    taken = _options(options)
    run = BillingRun(
        title=f"Invoices for {period}",
        period_start=period.start,
        period_end=period.end,
        options=taken,
        created_by=actor.id,
        created_by_name=actor.name,
    )
    session().add(run)
    session().flush()
    count = session().scalar(select(func.count(Customer.id)).where(customers_of(taken))) or 0
    if not count:
        raise Invalid({"customers": "There is no such customer, so there is nothing to work out."})
    job = jobs.start(actor, PREVIEW, f"Preview of invoices for {period}", {"run_id": run.id}, count)
    run.job_id = job.id
    session().flush()
    file_key(f"billing_run:{run.id}")
    return run


@operation("billing.run")
def choose(actor: Actor, run_id: int, row_ids: Collection[int], chosen: bool) -> BillingRun:
    """Tick or untick rows of a preview."""
    run = _previewed(run_id)
    session().execute(
        update(BillingRunRow)
        .where(
            BillingRunRow.billing_run_id == run_id,
            BillingRunRow.id.in_(list(row_ids)),
            BillingRunRow.state == "ready",
        )
        .values(chosen=chosen)
        .execution_options(synchronize_session=False)
    )
    # Whoever looks at the run with the old ticks must look again before it is carried out.
    run.updated_at = func.now()
    session().flush()
    session().refresh(run)
    return run


@operation("billing.run")
def commit(actor: Actor, run_id: int, *, version: int | None = None) -> BillingRun:
    """Have the ticked invoices made exactly as they were previewed. `version` is that of the run as seen."""
    run = _previewed(run_id)
    check_version(run, version)
    count = count_of(run.id, *left(run.id))
    if not count:
        raise Refused("Nothing is ticked, so there is nothing to make. Tick at least one customer.")
    issue = run.options.get("issue")
    if issue is None:
        issue = settings.current().generated_invoices == "issued"
    run.options = {**run.options, "issue": bool(issue and actor.may("invoice.issue"))}
    run.state = "running"
    job = jobs.start(actor, RUN, run.title, {"run_id": run.id}, count)
    run.job_id = job.id
    session().flush()
    return run


@operation("billing.run")
def cancel(actor: Actor, run_id: int) -> BillingRun:
    """Stop what is under way, whoever began it. What is done stays."""
    run = fetch(BillingRun, run_id, "billing run")
    if run.state not in ("previewing", "running") or run.job_id is None:
        raise Refused("This run has ended already.")
    jobs.request_cancel(SYSTEM, run.job_id)
    return run


# What the worker does


def work_out(run_id: int, report: Reached, note: Note) -> int:
    """Preview every customer of the run, and file a row of each. Begins anew when it was interrupted."""
    with unit_of_work(SYSTEM):
        run = fetch(BillingRun, run_id, "billing run", lock=True)
        if run.state == "previewed":
            return count_of(run_id)
        if run.state not in ("previewing", "failed", "cancelled"):
            raise Refused("This run was carried out already.")
        run.state, run.finished_at = "previewing", None
        period, options = Period(run.period_start, run.period_end), run.options
        session().execute(delete(BillingRunRow).where(BillingRunRow.billing_run_id == run_id))
        keys = session().scalars(select(Customer.id).where(customers_of(options)).order_by(Customer.id))
        pairs = [(key, period) for key in keys]
    done = 0
    for at in range(0, len(pairs), PORTION):
        previews = preview_many(pairs[at : at + PORTION], grouping=options.get("grouping"))
        with unit_of_work(SYSTEM):
            file(run_id, previews)
        done = min(at + PORTION, len(pairs))
        report(done)
    waiting = unmatched(*bounds(period, settings.current().time_zone))
    if waiting:
        calls = "1 call" if waiting == 1 else f"{waiting:,} calls"
        note(f"{calls} of this period found no customer yet (Usage > Unmatched), so no invoice has them.")
    with unit_of_work(SYSTEM):
        run = fetch(BillingRun, run_id, "billing run", lock=True)
        if run.state == "previewing":
            run.state, run.previewed_at = "previewed", func.now()
            run.options = {**run.options, "unmatched": waiting}
    return done


def carry_out(actor: Actor, run_id: int, report: Reached) -> int:
    """Make the ticked invoices that are not made yet. What becomes of each is written with it, so that it may
    be stopped and taken up again anywhere."""
    with unit_of_work(SYSTEM):
        run = fetch(BillingRun, run_id, "billing run", lock=True)
        if run.state not in ("running", "cancelled", "failed", "done") or run.previewed_at is None:
            raise Refused("This run is not ready to be carried out.")
        run.state, run.finished_at = "running", None
        dated = run.options.get("dated")
        options = billing.Options(
            run.options.get("grouping"), run.options.get("issue"), dated and dt.date.fromisoformat(dated)
        )
        # What an earlier attempt has done counts.
        done = count_of(run_id, BillingRunRow.state.in_(("done", "refused", "failed")))
    while rows := portion(run_id):
        work = Work(run_id, rows)
        billing.carry_out(
            actor,
            list(rows),
            options,
            check=work.check,
            after=work.file,
            report=_counting_on(report, done),
        )
        done += len(rows)
    return done


def _counting_on(report: Reached, done: int) -> Reached:
    return lambda count: report(done + count)


def ended(job: Job) -> None:
    """The run ends with its job, however that ended. A preview that was worked out waits for its decision."""
    run = session().get(BillingRun, job.params.get("run_id"), with_for_update=True, populate_existing=True)
    if run is None or run.job_id != job.id or run.state not in ("previewing", "running"):
        return
    run.state = job.state
    run.finished_at = func.now()
    session().flush()


jobs.ENDINGS.update({PREVIEW: ended, RUN: ended})


def _previewed(run_id: int) -> BillingRun:
    run = fetch(BillingRun, run_id, "billing run", lock=True)
    if run.state == "previewing":
        raise Refused("This run is still being worked out.")
    if run.state != "previewed":
        raise Refused("This run was decided already. Start a new one for what is left.")
    return run


def _period(start: dt.date, end: dt.date) -> Period:
    try:
        period = Period(start, end)
    except ValueError as fault:
        raise Invalid({"last_day": "The period can't end before it begins."}) from fault
    if (end - start).days > LONGEST_PERIOD:
        raise Invalid({"last_day": "A period can have at most a year."})
    return period


def _options(given: Mapping[str, Any]) -> dict[str, Any]:
    whose, schedule = given.get("customers", "schedule"), given.get("schedule")
    if whose not in WHOSE or (schedule is not None and schedule not in SCHEDULES):
        raise Invalid({"customers": "Choose whose invoices to make."})
    if given.get("grouping") not in (None, "destination", "day"):
        raise Invalid({"grouping": "Choose one of the list."})
    return {
        "customers": whose,
        "schedule": schedule,
        "customer_ids": [int(key) for key in given.get("customer_ids") or ()],
        "tags": [str(tag) for tag in given.get("tags") or ()],
        "grouping": given.get("grouping"),
        "issue": given.get("issue"),
        "dated": _dated(given.get("dated")),
    }


def _dated(given: Any) -> str | None:
    """The date of the invoices, as the run keeps it."""
    if not given:
        return None
    try:
        day = given if isinstance(given, dt.date) else dt.date.fromisoformat(str(given))
    except ValueError as fault:
        raise Invalid({"invoice_date": "Please give a date such as 2026-11-23."}) from fault
    billing.check_date(day)
    return day.isoformat()
