"""A billing run: worked out, ticked, committed, and what changed in between."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from flask import current_app
from sqlalchemy import func, select, update

from dashboard.extensions import db
from dashboard.models import BillingRun, BillingRunRow, Invoice, Job
from dashboard.operations import billing, billing_runs, customers, invoices, jobs
from dashboard.operations.base import SYSTEM
from dashboard.operations.errors import Forbidden, Invalid, Refused, Stale
from jobs import runner
from tests.support.bills import (
    NOVEMBER,
    OCTOBER,
    billed_wrongly,
    call,
    get,
    live_invoices,
    make_caller,
    set_for,
    set_up,
    told,
)
from tests.support.books import fresh

D = Decimal

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def manager(as_role):
    return as_role("manager")


@pytest.fixture
def three(app):
    """Three customers by month, each with a call in October, of 0.60, 1.20 and 1.80."""
    callers = [make_caller(f"Example Caller {at}", invoice_schedule="monthly") for at in (1, 2, 3)]
    for at, caller in enumerate(callers, start=1):
        call(caller, "2025-10-02", seconds=60 * at)
    return callers


def work(run: BillingRun) -> BillingRun:
    """What a worker does with the run's job, here and now, in a session of its own."""
    key = run.job_id
    with current_app.app_context():
        runner.run(key)
        db.session.remove()
    found = fresh(run)
    assert isinstance(found, BillingRun)
    return found


def start(actor: Any, **options: Any) -> BillingRun:
    given = {"customers": "schedule", "schedule": "monthly", **options}
    period = given.pop("period", OCTOBER)
    return work(billing_runs.start(actor, period.start, period.end, given))


def rows_of(run: BillingRun) -> list[BillingRunRow]:
    statement = select(BillingRunRow).where(BillingRunRow.billing_run_id == run.id).order_by(BillingRunRow.id)
    return list(db.session.scalars(statement.execution_options(populate_existing=True)))


def commit(actor: Any, run: BillingRun) -> BillingRun:
    return work(billing_runs.commit(actor, run.id, version=run.version))


def test_a_preview_writes_nothing_and_a_commit_makes_exactly_that(manager, three):
    run = start(manager)
    assert (run.state, run.title) == ("previewed", "Invoices for 2025-10-01 to 2025-10-31")
    assert db.session.query(Invoice).count() == 0
    rows = rows_of(run)
    assert [(row.state, row.chosen, row.lines, row.total) for row in rows] == [
        ("ready", True, 1, D("0.72")),
        ("ready", True, 1, D("1.44")),
        ("ready", True, 1, D("2.16")),
    ]
    assert rows[0].preview["lines"][0]["description"] == "Calls to United Kingdom"
    assert rows[0].warnings == ["The customer has no address", "No contact has an e-mail address"]

    done = commit(manager, run)
    assert (done.state, fresh(done.job).state, fresh(done.job).done) == ("done", "done", 3)
    assert done.finished_at is not None
    for row in rows_of(done):
        assert (row.state, row.reason) == ("done", None)
        invoice = get(row.invoice_id)
        assert (invoice.customer_id, invoice.total, invoice.state) == (row.customer_id, row.total, "draft")
        assert invoice.created_by == manager.id
    assert billed_wrongly() == []


def test_unticked_customers_get_none(manager, three):
    run = start(manager)
    rows = rows_of(run)
    chosen = billing_runs.choose(manager, run.id, [rows[0].id, rows[2].id], False)
    with pytest.raises(Stale):
        billing_runs.commit(manager, run.id, version=run.version - 1)
    db.session.rollback()
    billing_runs.choose(manager, run.id, [rows[2].id], True)
    done = commit(manager, fresh(chosen))
    assert [len(live_invoices(caller)) for caller in three] == [0, 1, 1]
    assert [row.state for row in rows_of(done)] == ["ready", "done", "done"]
    with pytest.raises(Refused, match="decided already"):
        billing_runs.choose(manager, run.id, [rows[0].id], True)
    with pytest.raises(Refused, match="decided already"):
        billing_runs.commit(manager, run.id)


def test_nothing_ticked_is_refused(manager, three):
    run = start(manager)
    billing_runs.choose(manager, run.id, [row.id for row in rows_of(run)], False)
    with pytest.raises(Refused, match="Nothing is ticked"):
        billing_runs.commit(manager, run.id)


def test_what_changed_since_is_refused_and_told_line_by_line(manager, three):
    run = start(manager)
    call(three[0], "2025-10-03", "12025550100", 60)
    call(three[0], "2025-10-03", seconds=60)
    customers.update(SYSTEM, three[1].id, {"invoice_due_days": 7})
    done = commit(manager, run)
    rows = rows_of(done)
    assert [row.state for row in rows] == ["refused", "refused", "done"]
    assert rows[0].reason == (
        "Changed since the preview. Calls to United Kingdom: $0.60 USD before, $1.20 USD now; "
        "Calls to United States is new: $0.30 USD."
    )
    assert rows[1].reason == "Changed since the preview. The days until it is due: 30 before, 7 now."
    assert live_invoices(three[0]) == []
    assert done.state == "done"


def test_what_became_impossible_is_refused_in_words(manager, three):
    run = start(manager)
    first = billing.generate(SYSTEM, three[0].id, OCTOBER)
    customers.update(SYSTEM, three[1].id, {"status": "pending_approval"})
    rows = rows_of(commit(manager, run))
    assert [row.state for row in rows] == ["refused", "refused", "done"]
    assert rows[0].reason == f"Draft {first.invoice_id} covers 2025-10-01 to 2025-10-31 already."
    assert "waiting for approval" in rows[1].reason


def test_the_second_of_two_runs_finds_all_done(manager, three):
    one, other = start(manager), start(manager)
    commit(manager, one)
    assert {row.state for row in rows_of(commit(manager, other))} == {"refused"}
    assert [len(live_invoices(caller)) for caller in three] == [1, 1, 1]
    again = start(manager)
    assert [(row.state, row.chosen) for row in rows_of(again)] == [("blocked", False)] * 3
    assert "covers 2025-10-01 to 2025-10-31 already" in rows_of(again)[0].reason


def test_whose_invoices(manager, three):
    set_for(three[0], invoice_schedule="none", tags=["vip"])
    set_for(three[1], invoice_schedule="weekly")

    def who(**options: Any) -> list[int]:
        keys = [caller.id for caller in three]
        return [keys.index(row.customer_id) + 1 for row in rows_of(start(manager, **options))]

    assert who() == [3]
    assert who(schedule=None) == [2, 3]
    assert who(customers="chosen", customer_ids=[three[0].id, three[2].id]) == [1, 3]
    assert who(customers="tags", tags=["vip", "other"]) == [1]
    assert who(customers="all") == [1, 2, 3]
    with pytest.raises(Invalid, match="no such customer"):
        start(manager, customers="tags", tags=["nobody"])
    with pytest.raises(Invalid, match="at most a year"):
        billing_runs.start(manager, dt.date(2020, 1, 1), dt.date(2025, 1, 1), {})
    with pytest.raises(Invalid, match="end before it begins"):
        billing_runs.start(manager, dt.date(2025, 1, 2), dt.date(2025, 1, 1), {})


def test_only_who_may_run_it(as_role, three):
    with pytest.raises(Forbidden):
        start(as_role("clerk"))


def test_issued_at_once_where_wanted(manager, three):
    set_up(generated_invoices="issued")
    commit(manager, start(manager))
    numbers = [invoice.number for caller in three for invoice in live_invoices(caller)]
    year = dt.datetime.now(dt.UTC).year
    assert numbers == [f"INV-{year}-{at:06}" for at in (1, 2, 3)]
    for caller in three:
        call(caller, "2025-11-05")
    commit(manager, start(manager, issue=False, period=NOVEMBER))
    assert {invoice.state for caller in three for invoice in live_invoices(caller)[1:]} == {"draft"}


def test_warnings(manager, three, app):
    caller = three[0]
    customers.update(SYSTEM, caller.id, {"address1": "1 Sample Street"})
    for month in (7, 8, 9):
        call(caller, f"2025-{month:02}-02", seconds=60)
        billing.generate(SYSTEM, caller.id, _month(month))
    call(caller, "2025-09-03", seconds=60)
    call(caller, "2025-10-04", "33123456789", 60)
    call(caller, "2025-10-04", seconds=600)
    row = rows_of(start(manager))[0]
    assert row.last_total == D("0.72")
    assert row.total == D("8.64")
    assert row.warnings == [
        "1 call has no rate and will not be billed",
        "Includes $0.60 USD of late usage of earlier periods",
        "Far from usual: 11.9 times $0.73 USD, the mean of the last 3 invoices",
        "No contact has an e-mail address",
    ]


def test_an_overlap_is_told(manager, three):
    week = billing.Period(dt.date(2025, 10, 6), dt.date(2025, 10, 13))
    call(three[0], "2025-10-07", seconds=60)
    made = billing.generate(SYSTEM, three[0].id, week)
    row = rows_of(start(manager))[0]
    assert f"Overlaps Draft {made.invoice_id}, which covers 2025-10-06 to 2025-10-12" in row.warnings
    assert row.total == D("0.72"), "what the week has billed is not billed again"


def test_usage_without_a_customer_is_told(manager, three):
    from tests.support.calls import load

    load(None, [("2025-10-02T10:00Z", "4420", 60)], account_code="nobody")
    run = start(manager)
    assert fresh(run.job).notes == [
        "1 call of this period found no customer yet (Usage > Unmatched), so no invoice has them."
    ]
    assert run.options["unmatched"] == 1


def test_one_failure_stops_nobody_else(manager, three, monkeypatch):
    from dashboard.operations import billing_lines

    usual = billing_lines.usage_lines

    def broken(facts):
        if facts.customer.id == three[1].id:
            raise ZeroDivisionError
        return usual(facts)

    run = start(manager)
    monkeypatch.setattr(billing_lines, "usage_lines", broken)
    rows = rows_of(commit(manager, run))
    assert [row.state for row in rows] == ["done", "failed", "done"]
    assert "not foreseen" in rows[1].reason
    assert fresh(run).state == "done"


def test_a_cancel_while_waiting_or_by_somebody_else_ends_the_run(manager, three, as_role):
    run = billing_runs.start(manager, OCTOBER.start, OCTOBER.end, {"schedule": "monthly"})
    billing_runs.cancel(as_role("manager"), run.id)
    assert (fresh(run).state, fresh(run.job).state) == ("cancelled", "cancelled")
    with pytest.raises(Refused, match="ended already"):
        billing_runs.cancel(manager, run.id)
    jobs.retry(manager, run.job_id)
    assert work(fresh(run)).state == "previewed", "tried again, it is worked out"


def test_a_cancelled_run_keeps_what_is_done_and_lists_the_rest(manager, three, monkeypatch):
    from dashboard.operations import billing_outcome
    from jobs import report

    monkeypatch.setattr(billing_outcome, "CHUNK", 1)
    monkeypatch.setattr(report, "EVERY", 0)
    run = billing_runs.commit(manager, start(manager).id)

    usual = jobs.progress

    def asks(held, done):
        if done == 1:
            jobs.request_cancel(manager, held.job_id)
        usual(held, done)

    monkeypatch.setattr(jobs, "progress", asks)
    found = work(run)
    assert (found.state, fresh(found.job).state) == ("cancelled", "cancelled")
    assert [row.state for row in rows_of(found)] == ["done", "ready", "ready"]
    assert [len(live_invoices(caller)) for caller in three] == [1, 0, 0]
    monkeypatch.setattr(jobs, "progress", usual)
    jobs.retry(manager, run.job_id)
    again = work(fresh(run))
    assert (again.state, fresh(again.job).done) == ("done", 3)
    assert [row.state for row in rows_of(again)] == ["done"] * 3


def test_a_run_given_up_after_three_lost_workers_has_failed(manager, three):
    run = billing_runs.start(manager, OCTOBER.start, OCTOBER.end, {"schedule": "monthly"})
    for _ in range(3):
        assert jobs.claim(run.job_id) is not None
        db.session.execute(update(Job).values(heartbeat_at=func.now() - jobs.STALE * 2))
        db.session.commit()
        jobs.revive()
    assert (fresh(run.job).state, fresh(run).state) == ("failed", "failed")


def test_a_void_invoice_frees_its_period_for_the_next_run(manager, three):
    set_up(generated_invoices="issued")
    first = commit(manager, start(manager))
    before = [told(row.invoice_id) for row in rows_of(first)]
    for row in rows_of(first):
        invoices.void(manager, row.invoice_id, "A slip")
    again = commit(manager, start(manager))
    assert [told(row.invoice_id) for row in rows_of(again)] == before
    assert billed_wrongly() == []


def _month(number: int) -> Any:
    from dashboard.rules.periods import period_of

    return period_of("monthly", dt.date(2025, number, 1))
