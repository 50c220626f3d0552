"""Many at once, and workers that are lost: one invoice each, whole or not at all."""

from __future__ import annotations

import datetime as dt
import threading

import pytest
from sqlalchemy import func, text, update

from dashboard.extensions import db
from dashboard.models import Customer, Invoice, Job
from dashboard.operations import billing, billing_runs, billing_write, invoices, jobs
from dashboard.operations.base import SYSTEM
from dashboard.operations.billing_outcome import Outcome
from jobs import reaper
from tests.support.bills import (
    OCTOBER,
    billed_wrongly,
    call,
    figures,
    live_invoices,
    make_caller,
    open_charge,
    pairs,
    set_up,
)
from tests.support.books import at_once, fresh, make_customer
from tests.support.calls import load, make_card
from tests.support.waiting import wait_until

pytestmark = pytest.mark.usefixtures("app")


def callers(count: int):
    """Customers with usage of two days each, put into the ledger by SQL."""
    made = [make_customer(f"Example Caller {at:03}", invoice_schedule="monthly") for at in range(count)]
    db.session.execute(
        text(
            "INSERT INTO usage_day (customer_id, day, destination, attempts, connected, duration,"
            " billed_duration, charge) SELECT c.id, date '2025-10-01' + d, 'Place ' || p, 1, 1, 60, 60,"
            " c.id + p * 0.01 FROM customer c, generate_series(0, 1) d, generate_series(1, 3) p"
        )
    )
    db.session.commit()
    return made


def test_twelve_workers_at_once_make_one_invoice_each(app):
    made = callers(30)
    wanted = pairs(made)
    answers = at_once(app, [lambda: billing.generate_many(SYSTEM, wanted, issue=True)] * 12)
    states: dict[str, int] = {}
    for answer in answers:
        assert not isinstance(answer, Exception), answer
        for outcome in answer:
            states[outcome.state] = states.get(outcome.state, 0) + 1
    assert states == {"made": 30, "exists": 330}
    assert [len(live_invoices(customer)) for customer in made] == [1] * 30
    numbers = sorted(str(number) for (number,) in figures("SELECT number FROM invoice"))
    year = dt.datetime.now(dt.UTC).year
    assert numbers == [f"INV-{year}-{at:06}" for at in range(1, 31)]
    assert figures("SELECT count(*) FROM usage_day WHERE invoice_item_id IS NULL") == [(0,)]


def test_two_people_at_one_customer(app):
    caller = make_caller()
    call(caller, "2025-10-02")
    key = caller.id
    answers = at_once(app, [lambda: billing.generate(SYSTEM, key, OCTOBER)] * 2)
    assert sorted(answer.state for answer in answers if isinstance(answer, Outcome)) == ["exists", "made"]
    assert len({answer.invoice_id for answer in answers if isinstance(answer, Outcome)}) == 1


def test_usage_that_comes_in_meanwhile_is_on_the_invoice_or_open(app):
    """Loading and generating at once: whatever wins, nothing is lost and nothing billed that was not read."""
    caller = make_caller()
    call(caller, "2025-10-02")

    key = caller.id

    def more(at: int):
        def work():
            load(db.session.get_one(Customer, key), [("2025-10-02T12:00Z", "4420", 60)], ids=str(at))

        return work

    at_once(app, [*(more(at) for at in range(6)), lambda: billing.generate(SYSTEM, key, OCTOBER)])
    db.session.rollback()
    billed = figures("SELECT coalesce(sum(charge), 0) FROM usage_day WHERE invoice_item_id IS NOT NULL")
    assert float(billed[0][0]) + float(open_charge(caller)) == pytest.approx(4.2)
    assert billed_wrongly() == []


def test_days_that_moved_between_reading_and_marking_are_read_again(app, monkeypatch):
    caller = make_caller()
    call(caller, "2025-10-02")
    usual, times = billing_write.write, []

    def late(actor, plans, **given):
        if not times:
            times.append(1)
            # As somebody would who got at the ledger without the customer's lock.
            with db.engine.begin() as other:
                other.execute(text("UPDATE usage_day SET charge = charge + 1"))
        return usual(actor, plans, **given)

    monkeypatch.setattr(billing_write, "write", late)
    outcome = billing.generate(SYSTEM, caller.id, OCTOBER)
    assert outcome.state == "made"
    assert figures("SELECT unit_price FROM invoice_item") == figures("SELECT charge FROM usage_day")


def test_a_chunk_that_fails_is_done_one_by_one(app, monkeypatch):
    made = callers(5)
    set_up(invoice_number_pattern="A-{seq:01}", generated_invoices="issued")
    customer = make_customer("Somebody else")
    taken = invoices.create(SYSTEM, {"customer_id": customer.id})
    db.session.execute(update(Invoice).where(Invoice.id == taken.id).values(number="A-3"))
    db.session.commit()
    states = [outcome.state for outcome in billing.generate_many(SYSTEM, pairs(made))]
    assert states == ["made", "made", "failed", "failed", "failed"], "the number is taken"
    reasons = {
        outcome.reason for outcome in billing.generate_many(SYSTEM, pairs(made)) if outcome.state == "failed"
    }
    assert "which another invoice already has" in reasons.pop()
    assert [len(live_invoices(one)) for one in made] == [1, 1, 0, 0, 0]


def test_a_worker_killed_in_the_middle_is_taken_over_without_doubles(app, as_role, start_worker):
    """A real worker, killed while it makes invoices; another one finishes the run."""
    manager = as_role("manager")
    made = callers(700)
    first = start_worker()
    run = billing_runs.start(manager, OCTOBER.start, OCTOBER.end, {"schedule": "monthly"})
    wait_until(lambda: fresh(run).state == "previewed", 60, "the preview is there")
    previewed = figures("SELECT sum(total) FROM billing_run_row")
    run = billing_runs.commit(manager, run.id, version=fresh(run).version)
    wait_until(lambda: figures("SELECT 1 FROM invoice LIMIT 1") or _new_look(), 60, "it makes some")
    first.kill()
    db.session.rollback()
    half = figures("SELECT count(*) FROM invoice")[0][0]
    assert figures("SELECT count(*) FROM billing_run_row WHERE state = 'done'")[0][0] == half
    assert not figures(
        "SELECT v.id FROM invoice v LEFT JOIN invoice_item i ON i.invoice_id = v.id"
        " GROUP BY v.id HAVING coalesce(sum(i.net), 0) <> v.subtotal OR count(i.id) <> 3"
    )
    db.session.execute(update(Job).values(heartbeat_at=func.now() - jobs.STALE * 2))
    db.session.commit()
    start_worker()
    reaper.take_up_lost_jobs()
    wait_until(lambda: fresh(run).state == "done", 60, "another worker finishes")
    assert half < 700, "the first worker was killed too late to show anything"
    assert figures("SELECT state, count(*) FROM billing_run_row GROUP BY 1") == [("done", 700)]
    assert figures("SELECT count(*), count(DISTINCT customer_id) FROM invoice") == [(700, 700)]
    assert figures("SELECT sum(total) FROM invoice") == previewed
    assert figures("SELECT count(*) FROM usage_day WHERE invoice_item_id IS NULL") == [(0,)]
    assert fresh(run.job).done == 700
    assert len(made) == 700


def _new_look() -> None:
    """A new transaction, so that the next look sees what others have committed."""
    db.session.rollback()


def test_generating_and_a_card_for_everybody_at_once_do_not_block_each_other(app):
    made = callers(10)
    gate = threading.Barrier(2)

    def bill():
        gate.wait(10)
        return billing.generate_many(SYSTEM, pairs(made))

    def sell():
        gate.wait(10)
        return make_card(rates={"44": "0.1"})

    answers = at_once(app, [bill, sell])
    assert not any(isinstance(answer, Exception) for answer in answers)
