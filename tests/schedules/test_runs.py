"""Slots that become runs, and what runs of invoices make."""

from __future__ import annotations

import datetime as dt

import pytest
from flask import current_app
from sqlalchemy import create_engine, func, select, text, update

from dashboard.extensions import db
from dashboard.models import Job, Mail, Provider, Schedule, ScheduleRun
from dashboard.models.customer import CUSTOMER_STATUSES
from dashboard.operations import (
    billing_outcome,
    billing_plan,
    contacts,
    jobs,
    schedule_hold,
    schedule_runs,
    schedule_work,
    schedules,
)
from dashboard.operations.base import SYSTEM, unit_of_work
from dashboard.operations.errors import Duplicate, Forbidden, Invalid, Refused
from dashboard.rules.periods import period_of
from jobs.report import Report
from tests.support.bills import call, live_invoices, make_caller, set_for, set_up
from tests.support.books import fresh
from tests.support.runs import aligned, due_since, month, on, runs, schedule_of, tick, told, work

pytestmark = pytest.mark.usefixtures("app")

AUGUST = period_of("monthly", dt.date(2025, 8, 1))
# The last three months that are done by now.
FIRST, SECOND, LAST = month(2), month(1), month()


@pytest.fixture
def manager(as_role):
    return as_role("manager")


def monthly(name="Example Caller Ltd", **values):
    return make_caller(name, invoice_schedule="monthly", **values)


def test_a_slot_is_one_run_and_the_schedule_moves_on(app):
    schedule = aligned(monthly())
    assert schedule.next_slot > schedules.database_now()
    slot = due_since(schedule, AUGUST)
    assert slot == dt.datetime(2025, 9, 2, 6, tzinfo=dt.UTC)
    tick()
    tick()
    found = runs(schedule)
    assert [run.slot for run in found][:3] == [
        dt.datetime(2025, month, 2, 6, tzinfo=dt.UTC) for month in (9, 10, 11)
    ]
    assert told(found)[0] == ("2025-08-01", "queued")
    assert (found[0].period_start, found[0].period_end) == (AUGUST.start, AUGUST.end)
    assert all(run.slot <= schedules.database_now() for run in found)
    assert schedule_of(schedule.customer_id).next_slot > schedules.database_now()


def test_each_run_makes_what_is_due_up_to_its_own_period(app):
    caller = monthly()
    for day in ("2025-07-03", "2025-08-03", "2025-10-03"):
        call(caller, day)
    schedule = aligned(caller)
    due_since(schedule, AUGUST)
    tick()
    work()
    found = runs(schedule)
    assert {run.state for run in found} == {"done"}, [run.error for run in found]
    assert [str(paper.period_start.date()) for paper in live_invoices(caller)] == [
        "2025-07-01",
        "2025-08-01",
        "2025-10-01",
    ]
    assert found[0].made["count"] == 2
    assert found[1].made.get("count", 0) == 0
    assert found[2].made["count"] == 1
    assert "nothing to bill" in found[1].log[-1]


def contact(caller, email="accounts@example.com"):
    contacts.create(SYSTEM, {"customer_id": caller.id, "name": "Accounts", "type": "billing", "email": email})


def due(caller, period=LAST):
    due_since(aligned(caller), period)
    tick()


def test_issued_and_sent_as_the_customer_says(app):
    caller = monthly(invoice_issue=True, invoice_send=True)
    contact(caller)
    call(caller, on(LAST, 3))
    due(caller)
    work()
    (run,) = runs()
    (paper,) = live_invoices(caller)
    (mail,) = db.session.query(Mail).all()
    assert (run.state, paper.state) == ("done", "issued")
    assert (mail.invoice_id, mail.schedule_run_id, mail.recipients) == (
        paper.id,
        run.id,
        ["accounts@example.com"],
    )
    assert run.made == {"count": 1, "invoices": [paper.id], "mails": [mail.id]}
    assert run.log == [f"{LAST}: {paper.number}."]


@pytest.mark.parametrize(
    ("account", "own", "state"),
    [
        ("draft", None, "draft"),
        ("issued", None, "issued"),
        ("issued", False, "draft"),
        ("draft", True, "issued"),
    ],
)
def test_whether_invoices_are_issued(app, account, own, state):
    set_up(generated_invoices=account)
    caller = monthly(invoice_issue=own)
    call(caller, on(LAST, 3))
    due(caller)
    work()
    assert [paper.state for paper in live_invoices(caller)] == [state]
    assert db.session.query(Mail).count() == 0


def test_an_invoice_that_could_not_be_sent_is_sent_by_the_next_try(app, manager):
    caller = monthly(invoice_issue=True, invoice_send=True)
    call(caller, on(LAST, 3))
    due(caller)
    work()
    (run,) = runs()
    assert run.state == "failed"
    assert "could not be sent" in run.error
    assert any("no contact" in line for line in run.log)
    assert len(live_invoices(caller)) == 1
    contact(caller)
    schedule_runs.retry(manager, run.id)
    work()
    (run,) = runs()
    assert (run.state, run.error) == ("done", None)
    assert db.session.query(Mail).count() == 1
    assert len(live_invoices(caller)) == 1


def test_a_customer_that_is_inactive_is_billed_one_that_waits_for_approval_is_not(app):
    """As everywhere: only Pending Approval holds an invoice back; whoever left still owes for its calls."""
    callers = {status: monthly(f"Example {status}", status=status) for status in CUSTOMER_STATUSES}
    for caller in callers.values():
        call(caller, on(LAST, 3))
        due_since(aligned(caller), LAST)
    tick()
    work()
    states = {run.name.removeprefix("Example "): run.state for run in runs()}
    assert states == {"active": "done", "inactive": "done", "penalty": "done", "pending_approval": "failed"}
    assert [len(live_invoices(caller)) for caller in callers.values()] == [1, 1, 1, 0]


def test_the_wait_of_the_customer_counts_not_the_accounts(app):
    set_up(billing_delay_hours=240)
    hasty = make_caller("Example Hasty", invoice_schedule="daily", invoice_delay_hours=0, invoice_hour=0)
    yesterday = schedules.database_now().date() - dt.timedelta(days=1)
    call(hasty, str(yesterday))
    due(hasty, period_of("daily", yesterday))
    work()
    assert [str(paper.period_start.date()) for paper in live_invoices(hasty)] == [str(yesterday)]
    assert {run.state for run in runs()} == {"done"}


@pytest.fixture
def refuses(app):
    """Invoices of Example Unlucky fail in the database."""
    for line in (
        "CREATE FUNCTION no_invoice() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN"
        " IF NEW.customer_name = 'Example Unlucky' THEN RAISE EXCEPTION 'unlucky'; END IF; RETURN NEW; END$$",
        "CREATE TRIGGER unlucky BEFORE INSERT ON invoice FOR EACH ROW EXECUTE FUNCTION no_invoice()",
    ):
        db.session.execute(text(line))
    db.session.commit()
    yield
    db.session.rollback()
    db.session.execute(text("DROP FUNCTION no_invoice() CASCADE"))
    db.session.commit()


def test_the_failure_of_one_stops_nobody_else(refuses, manager):
    callers = [monthly(f"Example {name}") for name in ("First", "Unlucky", "Last")]
    for caller in callers:
        call(caller, on(LAST, 3))
        due_since(aligned(caller), LAST)
    tick()
    work()
    found = {run.name: run for run in runs()}
    assert [found[caller.name].state for caller in callers] == ["done", "failed", "done"]
    assert "not foreseen" in found["Example Unlucky"].error
    assert [len(live_invoices(caller)) for caller in callers] == [1, 0, 1]
    db.session.execute(text("DROP TRIGGER unlucky ON invoice"))
    db.session.commit()
    schedule_runs.retry(manager, found["Example Unlucky"].id)
    work()
    assert [len(live_invoices(caller)) for caller in callers] == [1, 1, 1]
    assert {run.state for run in runs()} == {"done"}


def test_a_failed_run_does_not_hold_back_the_next_which_makes_up_for_it(app):
    caller = monthly(status="pending_approval")
    for day in (on(SECOND, 3), on(LAST, 3)):
        call(caller, day)
    due(caller, SECOND)
    # Approved between the two.
    (one, two) = runs()
    held = schedule_work.take(make_job(), ScheduleRun.id == one.id, 1)
    schedule_work._do(held, {}, lambda: None)
    set_for(caller, status="active")
    work()
    assert told(runs()) == [(str(SECOND.start), "failed"), (str(LAST.start), "done")]
    assert fresh(two).made["count"] == 2


def make_job() -> int:
    return jobs.start(SYSTEM, "schedule_runs", "Invoices", {"lane": "customers"}).id


def test_runs_of_one_schedule_go_one_by_one_in_order(app, manager):
    caller = monthly()
    due(caller, FIRST)
    one, two, three = runs()
    everything = ScheduleRun.state == "queued"
    job = make_job()
    held = schedule_work.take(job, everything, 10)
    assert [one.id] == [each.run_id for each in held]
    assert schedule_work.take(job, everything, 10) == []
    assert schedule_work.do_one(job + 1, three.id, {}, lambda done: None).startswith("It waits")
    assert {fresh(run).state for run in (two, three)} == {"queued"}
    # An older one that is tried again comes before those that wait, and not beside one under way.
    schedule_runs.cancel(manager, two.id)
    schedule_work._failed(held[0], "It failed.")
    held = schedule_work.take(job, everything, 10)
    assert [three.id] == [each.run_id for each in held]
    schedule_runs.retry(manager, one.id)
    assert schedule_work.take(job, everything, 10) == []


def test_run_now_is_one_run_and_refused_beside_another(app, manager, as_role):
    caller = monthly()
    call(caller, on(LAST, 3))
    schedule = aligned(caller)
    with pytest.raises(Forbidden):
        schedules.run_now(as_role("clerk"), schedule.id)
    ended = schedules.rule_of(schedule).last_ended(schedules.database_now())
    run = schedules.run_now(manager, schedule.id, form_key="a")
    with pytest.raises(Duplicate) as again:
        schedules.run_now(manager, schedule.id, form_key="a")
    assert again.value.result == f"schedule_run:{run.id}"
    with pytest.raises(Refused, match="under way"):
        schedules.run_now(manager, schedule.id)
    before = schedule_of(caller).next_slot
    work()
    run = fresh(run)
    assert (run.state, run.period_start, run.asked_by) == ("done", ended.start, manager.id)
    assert len(live_invoices(caller)) == 1
    # The slots stay what they are.
    assert schedule_of(caller).next_slot == before
    # The job is that of whoever asked, so that it stands in the drawer.
    assert db.session.get(Job, run.job_id).created_by == manager.id


def several(manager, count=3, **values):
    """A Schedule Report that makes the invoices of all customers."""
    callers = [make_caller(f"Example Caller {n}") for n in range(count)]
    for caller in callers:
        call(caller, on(LAST, 3))
    made = schedules.create(
        manager, {"name": "All invoices", "produces": "invoices", "frequency": "monthly", **values}
    )
    return callers, made


def test_a_schedule_of_chosen_customers_is_one_run(app, manager):
    callers, schedule = several(manager)
    schedules.update(manager, schedule.id, {"customer_ids": [caller.id for caller in callers[:2]]})
    due_since(schedule, LAST)
    tick()
    work()
    (run,) = runs()
    assert (run.state, run.made["count"]) == ("done", 2)
    assert [len(live_invoices(caller)) for caller in callers] == [1, 1, 0]
    assert min(run.log).startswith(f"Example Caller 0, {LAST}")


def test_a_run_under_way_stops_at_the_next_chunk_and_goes_on_when_retried(app, manager, monkeypatch):
    callers, schedule = several(manager)
    monkeypatch.setattr(billing_outcome, "CHUNK", 1)
    due_since(schedule, LAST)
    tick()
    (run,) = runs()
    held = schedule_work.take(make_job(), ScheduleRun.id == run.id, 1)

    def stop():
        if fresh(run).made.get("count") == 1:
            schedule_runs.cancel(manager, run.id)

    schedule_work._do(held, {}, stop)
    stopped = fresh(run)
    assert (stopped.state, stopped.made["count"]) == ("cancelled", 1)
    assert sum(len(live_invoices(caller)) for caller in callers) == 1
    schedule_runs.retry(manager, run.id)
    work()
    assert fresh(run).state == "done"
    assert fresh(run).made["count"] == 3
    assert [len(live_invoices(caller)) for caller in callers] == [1, 1, 1]


@pytest.mark.parametrize(("fault", "state"), [(jobs.Cancelled, "cancelled"), (jobs.Stopping, "queued")])
def test_runs_end_or_wait_with_their_job(app, manager, monkeypatch, fault, state):
    """A job that is cancelled takes its runs along; a worker that is told to stop gives them back."""
    callers, schedule = several(manager)
    monkeypatch.setattr(billing_outcome, "CHUNK", 1)
    due_since(schedule, LAST)
    tick()

    def stop(self, done):
        raise fault

    monkeypatch.setattr(Report, "reached", stop)
    work()
    (run,) = runs()
    assert run.state == state
    assert run.made["count"] == 1
    monkeypatch.undo()
    if state == "queued":
        work()
        assert fresh(run).state == "done"
        assert [len(live_invoices(caller)) for caller in callers] == [1, 1, 1]


def lose_worker(run):
    """As if the worker had died a minute ago in the middle of the run."""
    held = schedule_work.take(make_job(), ScheduleRun.id == run.id, 1)
    db.session.execute(text("UPDATE schedule_run SET heartbeat_at = now() - interval '1 minute'"))
    db.session.execute(text("UPDATE job SET state = 'failed'"))
    db.session.commit()
    return held[0]


def test_a_run_that_loses_its_worker_three_times_is_given_up(app, manager):
    due(monthly())
    (run,) = runs()
    for _ in range(2):
        lose_worker(run)
        assert schedule_runs.recover() == [run.id]
        assert fresh(run).state == "queued"
    held = lose_worker(run)
    schedule_runs.recover()
    assert fresh(run).state == "failed"
    assert "interrupted 3 times" in fresh(run).error
    schedule_runs.retry(manager, run.id)
    lose_worker(run)
    schedule_runs.recover()
    assert fresh(run).state == "queued"
    # Whoever was taken for dead can't write to it any more.
    with pytest.raises(schedule_hold.Overtaken), unit_of_work(SYSTEM):
        schedule_hold.end(held, "done")


def test_a_worker_that_is_overtaken_keeps_nothing(app, monkeypatch):
    """Its invoices and the run's row are one transaction: both or neither."""
    caller = monthly()
    call(caller, on(LAST, 3))
    due(caller)
    (run,) = runs()
    (held,) = schedule_work.take(make_job(), ScheduleRun.id == run.id, 1)
    plan = billing_plan.make_many

    def overtaken(found, setting):
        with current_app.app_context():
            db.session.execute(update(ScheduleRun).values(attempts=9))
            db.session.commit()
            db.session.remove()
        return plan(found, setting)

    monkeypatch.setattr(billing_plan, "make_many", overtaken)
    schedule_work._do([held], {}, lambda: None)
    assert live_invoices(caller) == []
    assert fresh(run).state == "running"


def test_what_makes_reports_ends_the_run_or_says_why_not(app, manager):
    values = {"name": "Weekly", "frequency": "weekly", "groups": ["customer"], "emails": "a@example.com"}
    schedule = schedules.create(manager, values)
    asked = []

    def made(run):
        asked.append(run.period_start)
        return {"count": 7, "log": ["Seven rows."]}

    def refused(run):
        db.session.add(Provider(name="Half made", currency="USD"))
        db.session.flush()
        raise Refused("There is nobody to send it to.")

    for producer, state, error in (
        (made, "done", None),
        (refused, "failed", "There is nobody to send it to."),
        (lambda run: 1 / 0, "failed", schedule_work.UNFORESEEN),
    ):
        run = schedules.run_now(manager, schedule.id)
        schedule_work.do_one(run.job_id, run.id, {"report": producer}, lambda done: None)
        assert (fresh(run).state, fresh(run).error) == (state, error)
    assert db.session.query(Provider).count() == 0
    first = runs(schedule)[0]
    assert (first.made, first.log) == ({"count": 7}, ["Seven rows."])
    assert asked[0].weekday() == 0


def test_a_paused_schedule_is_not_due_and_goes_on_from_now(app, manager):
    _, schedule = several(manager, 1)
    due_since(schedule, FIRST)
    schedules.pause(manager, schedule.id)
    tick()
    assert runs() == []
    with pytest.raises(Refused):
        schedules.pause(manager, schedule.id)
    schedules.resume(manager, schedule.id)
    tick()
    assert runs() == []
    assert fresh(schedule).next_slot > schedules.database_now()


def test_a_deleted_schedule_leaves_its_runs(app, manager):
    _, schedule = several(manager, 1)
    due_since(schedule, LAST)
    tick()
    schedules.delete(manager, schedule.id)
    (run,) = runs()
    assert (run.state, run.schedule_id, run.name) == ("cancelled", None, "All invoices")
    with pytest.raises(Refused):
        schedule_runs.retry(manager, run.id)
    tick()
    work()
    assert fresh(run).state == "cancelled"


def test_a_customers_own_row_is_changed_on_the_customer_only(app, manager):
    schedule = aligned(monthly())
    for change in (
        lambda: schedules.update(manager, schedule.id, {"hour": 3}),
        lambda: schedules.pause(manager, schedule.id),
        lambda: schedules.delete(manager, schedule.id),
    ):
        with pytest.raises(Refused, match="customer's page"):
            change()


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": ""}, "name"),
        ({"emails": "not an address"}, "emails"),
        ({"emails": "a@example.com\r\nBcc: b@example.com x"}, "emails"),
        ({"emails": [f"a{n}@example.com" for n in range(21)]}, "emails"),
        ({"emails": []}, "emails"),
        ({"groups": ["planet"]}, "groups"),
        ({"groups": []}, "groups"),
        ({"customer_ids": [999]}, "customer_ids"),
        ({"hour": 24}, "hour"),
        ({"delay_hours": 241}, "delay_hours"),
        ({"time_zone": "Mars/Base"}, "time_zone"),
        ({"frequency": "hourly"}, "frequency"),
        ({"columns": ["<script>"]}, "columns"),
    ],
)
def test_wrong_values_are_refused_where_they_are_typed(app, manager, values, field):
    right = {"name": "Weekly", "frequency": "weekly", "groups": ["customer"], "emails": "a@example.com"}
    with pytest.raises(Invalid) as refused:
        schedules.create(manager, {**right, **values})
    assert list(refused.value.errors) == [field]


def test_many_customers_are_few_jobs(app, monkeypatch):
    monkeypatch.setattr(schedule_runs, "RUNS_A_JOB", 3)
    monkeypatch.setattr(schedule_work, "PORTION", 2)
    schedule = aligned(monthly())
    db.session.execute(
        text(
            "INSERT INTO customer (name, currency, invoice_schedule)"
            " SELECT 'Example ' || n, 'USD', 'monthly' FROM generate_series(1, 9) n"
        )
    )
    db.session.commit()
    aligned(schedule.customer)
    db.session.execute(update(Schedule).values(next_slot=schedules.rule_of(schedule).slot(LAST)))
    db.session.commit()
    tick()
    tick()
    assert db.session.scalar(select(func.count(Job.id))) == 4
    work()
    assert {run.state for run in runs()} == {"done"}
    assert len(runs()) == 10


def test_a_tick_leaves_alone_what_somebody_has_in_hand(app, settings):
    """A customer that is being deleted, and a schedule that is being changed: the others are taken."""
    busy, changed, free = (aligned(monthly(f"Example {name}")) for name in ("Busy", "Changed", "Free"))
    for schedule in (busy, changed, free):
        due_since(schedule, LAST)
    engine = create_engine(settings.database_url)
    with engine.connect() as other:
        other.execute(text("SELECT 1 FROM customer WHERE id = :key FOR UPDATE"), {"key": busy.customer_id})
        other.execute(text("SELECT 1 FROM schedule WHERE id = :key FOR UPDATE"), {"key": changed.id})
        assert schedule_runs.take_due() == 1
        assert [run.schedule_id for run in runs()] == [free.id]
    engine.dispose()
    assert schedule_runs.take_due() == 2
