"""Statements that a schedule makes: who gets one, each once for a run."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from dashboard.documents.pdf_renderer import PdfFailed, PdfUnavailable
from dashboard.extensions import db
from dashboard.models import Customer, ScheduleRun
from dashboard.operations import schedule_runs, schedules, statement_runs
from dashboard.operations.base import SYSTEM
from tests.support.books import make_customer, make_issued
from tests.support.reminding import mails, reachable
from tests.support.runs import month, runs, work

FIRST = month().start


@pytest.fixture
def schedule(app):
    return schedules.create(
        SYSTEM, {"name": "Statements", "frequency": "monthly", "produces": "statements", "emails": []}
    )


def owing(name, **more):
    customer = reachable(name, f"accounts@{name.split()[0].lower()}.example", **more)
    make_issued(customer, "100", issue_date=FIRST)
    return customer


def ran(schedule):
    schedules.run_now(SYSTEM, schedule.id)
    work()
    return runs(schedule)[-1]


def test_everybody_with_something_to_say_gets_one(schedule):
    first, second = owing("One Example Ltd"), owing("Two Example Ltd")
    inactive = owing("Three Example Ltd")
    db.session.execute(update(Customer).where(Customer.id == inactive.id).values(status="inactive"))
    db.session.commit()
    reachable("Silent Example Ltd")
    make_issued(make_customer("No Address Example Ltd"), "100", issue_date=FIRST)
    run = ran(schedule)
    assert (run.state, run.error) == ("done", None)
    sent = mails("statement")
    assert [mail.customer_id for mail in sent] == [first.id, second.id]
    assert run.made == {"count": 2, "mails": [mail.id for mail in sent]}
    assert any("No Address Example Ltd: left out" in line for line in run.log)
    (one,) = sent[0].attachments
    assert one.document.size > 1_000
    assert "Balance in USD: $100.00" in sent[0].body
    assert {mail.schedule_run_id for mail in sent} == {run.id}


def test_only_the_chosen_where_some_are(schedule):
    owing("One Example Ltd")
    second = owing("Two Example Ltd")
    quiet = reachable("Silent Example Ltd")
    schedules.update(SYSTEM, schedule.id, {"customer_ids": [second.id, quiet.id]})
    run = ran(schedule)
    assert [mail.customer_id for mail in mails("statement")] == [second.id]
    assert any("nothing to say" in line for line in run.log)


def test_one_that_fails_stops_no_other_and_retry_sends_it_alone(schedule, monkeypatch):
    one, two = owing("One Example Ltd"), owing("Two Example Ltd")
    real = statement_runs.statement_pdf.make_many

    def fails_for_one(found, setting):
        for statement, made in zip(found, real(found, setting), strict=True):
            yield PdfFailed("out of paper") if statement.customer.id == one.id else made

    monkeypatch.setattr(statement_runs.statement_pdf, "make_many", fails_for_one)
    run = ran(schedule)
    assert run.state == "failed"
    assert "1 statement could not be sent" in run.error
    assert [mail.customer_id for mail in mails("statement")] == [two.id]
    monkeypatch.undo()
    schedule_runs.retry(SYSTEM, run.id)
    work()
    run = runs(schedule)[-1]
    assert (run.state, run.made["count"]) == ("done", 2)
    assert sorted(mail.customer_id for mail in mails("statement")) == [one.id, two.id]


def test_without_a_renderer_it_fails_in_words(schedule, monkeypatch):
    owing("One Example Ltd")

    def unavailable(found, setting):
        raise PdfUnavailable

    monkeypatch.setattr(statement_runs.statement_pdf, "make_many", unavailable)
    run = ran(schedule)
    assert run.state == "failed"
    assert "wkhtmltopdf is not installed" in run.error


def test_cancel_ends_it_after_the_portion_under_way(schedule, monkeypatch):
    monkeypatch.setattr(statement_runs, "PORTION", 1)
    for name in ("One", "Two", "Three"):
        owing(f"{name} Example Ltd")
    real = statement_runs._Work._send_some

    def then_cancel(self, ids):
        real(self, ids)
        db.session.rollback()
        db.session.execute(update(ScheduleRun).values(cancel_requested=True))
        db.session.commit()

    monkeypatch.setattr(statement_runs._Work, "_send_some", then_cancel)
    assert ran(schedule).state == "cancelled"
    assert len(mails("statement")) == 1
