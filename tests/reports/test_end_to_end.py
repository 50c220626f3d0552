"""Schedules that come due with a real tick, a real worker and a real mail server: what arrives."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from dashboard.config import Settings
from dashboard.extensions import db
from dashboard.models import Customer, Mail, Schedule, ScheduleRun
from dashboard.operations import schedules
from dashboard.operations.base import SYSTEM
from dashboard.rules.periods import Period
from tests.support.bills import call, live_invoices, make_caller
from tests.support.mail import Mailbox
from tests.support.mail_world import use_server
from tests.support.pdf import said
from tests.support.processes import start_tick
from tests.support.reports import (
    content,
    due_now,
    figures,
    leaves,
    lines,
    make_schedule,
    of_csv,
    of_html,
    of_xlsx,
)
from tests.support.runs import runs
from tests.support.usage_rows import make_provider, put_call
from tests.support.waiting import wait_until

pytestmark = pytest.mark.usefixtures("app")

READERS = ["reports@retail.example", "finance@retail.example"]


@pytest.fixture
def tick(settings: Settings, tmp_path: Path) -> Any:
    running = []

    def begin() -> None:
        running.append(start_tick(settings, tmp_path, "0.2", "tick"))

    yield begin
    for one in running:
        one.stop()


def due(**values: Any) -> tuple[Schedule, Period]:
    """A daily schedule whose slot came a moment ago, and the day that it is about."""
    schedule = make_schedule(frequency="daily", hour=0, emails=READERS, **values)
    due_now(schedule)
    return schedule, schedules.period_of_slot(schedule, schedule.next_slot)


def put_usage_in(period: Period) -> Customer:
    customer = make_caller("Acorn <b>Example</b>")
    noon = dt.datetime.combine(period.start, dt.time(12), dt.UTC)
    carrier = make_provider("Example Carrier", "EUR")
    put_call(customer, noon, charge="1234.5", cost="0.75", provider=carrier)
    put_call(customer, noon, charge="0.25", destination="=1+1 Land")
    db.session.commit()
    return customer


def done(schedule: Schedule) -> ScheduleRun:
    wait_until(lambda: runs(schedule, "done", "failed"), 60, "the run has ended")
    (run,) = runs(schedule)
    assert (run.state, run.error) == ("done", None)
    return run


def arrived(box: Mailbox, count: int = 1) -> list[EmailMessage]:
    wait_until(lambda: len(box.messages) >= count, 60, "the mail has arrived")
    return box.messages


def parts(message: EmailMessage) -> dict[str, bytes]:
    """Its files, by name."""
    return {str(part.get_filename()): part.get_payload(decode=True) for part in message.iter_attachments()}


def pdf_holds(data: bytes, period: Period) -> bool:
    text = said(data)
    return "Acorn<b>Example</b>" in text and "$1,234.50" in text and str(period.start) in text


@pytest.mark.parametrize("kind", ["csv", "xlsx", "pdf"])
def test_a_report_arrives_once_with_its_file(
    kind: str, tick: Callable[[], None], worker_process: Any, smtp_server: Mailbox
) -> None:
    use_server(smtp_server.host, smtp_server.port)
    schedule, period = due(groups=["customer"], format=kind)
    put_usage_in(period)
    tick()
    run = done(schedule)
    (message,) = arrived(smtp_server)
    assert smtp_server.envelopes[0][1] == READERS
    ((name, data),) = parts(message).items()
    assert name == f"usage-by-customer-{period.start}.{kind}" == run.made["filename"]
    assert data == content(run)
    if kind == "pdf":
        assert pdf_holds(data, period)
    else:
        rows = lines({"csv": of_csv, "xlsx": of_xlsx}[kind](data))
        wanted = [figures(node) for _, node in leaves(("customer",), period)]
        assert sorted(str({k: row[k] for k in wanted[0]}) for row in rows) == sorted(map(str, wanted))
    assert message["Subject"] == f"Usage by customer: {period.start} to {period.last}"
    wait_until(lambda: _sent() == 1, 30, "the ledger says that it was sent")
    assert len(smtp_server.messages) == 1


def _sent() -> int:
    db.session.rollback()
    return db.session.query(Mail).filter(Mail.state == "sent").count()


def test_a_report_arrives_in_the_mail_itself(
    tick: Callable[[], None], worker_process: Any, smtp_server: Mailbox
) -> None:
    use_server(smtp_server.host, smtp_server.port)
    schedule, period = due(groups=["customer", "destination"], format="html")
    put_usage_in(period)
    tick()
    done(schedule)
    (message,) = arrived(smtp_server)
    assert parts(message) == {}
    page = message.get_body(("html",)).get_content()
    assert [row[0] for row in of_html(page)[1:3]] == ["Acorn <b>Example</b>"] * 2
    plain = message.get_body(("plain",)).get_content()
    assert "=1+1 Land" in plain
    assert "$1,234.50" in plain


def test_a_day_without_usage_is_reported_too(
    tick: Callable[[], None], worker_process: Any, smtp_server: Mailbox
) -> None:
    use_server(smtp_server.host, smtp_server.port)
    schedule, _ = due()
    tick()
    done(schedule)
    (message,) = arrived(smtp_server)
    assert "nothing to report" in message.get_body(("plain",)).get_content()


def test_invoices_of_the_chosen_customers_and_a_mail_that_sums_them_up(
    tick: Callable[[], None], worker_process: Any, smtp_server: Mailbox
) -> None:
    use_server(smtp_server.host, smtp_server.port)
    schedule = make_schedule(
        name="Month's end", produces="invoices", groups=[], emails=READERS, issue=True, send=False
    )
    due_now(schedule)
    period = schedules.period_of_slot(schedule, schedule.next_slot)
    first, second, other = (make_caller(f"Caller {n}") for n in (1, 2, 3))
    # One that waits for approval can't be invoiced, and stops nobody.
    waiting = make_caller("Caller 4", status="pending_approval")
    for one in (first, second, other, waiting):
        call(one, str(period.start))
    schedules.update(SYSTEM, schedule.id, {"customer_ids": [first.id, second.id, waiting.id]}, version=None)
    tick()
    wait_until(lambda: runs(schedule, "done", "failed"), 60, "the run has ended")
    (run,) = runs(schedule)
    assert run.state == "failed"
    assert run.made["count"] == 2
    assert [len(live_invoices(one)) for one in (first, second, other, waiting)] == [1, 1, 0, 0]
    assert any("Caller 4" in line for line in run.log)
    (message,) = arrived(smtp_server)
    body = message.get_body(("plain",)).get_content()
    for words in ("made 2 invoices", "Caller 1", "Caller 2", "Caller 4", "Total USD: $1.44 USD (2)"):
        assert words in body, body
    assert "Caller 3" not in body


def test_a_paused_schedule_does_not_run_and_goes_on_when_resumed(
    tick: Callable[[], None], worker_process: Any, smtp_server: Mailbox, manager: Any
) -> None:
    use_server(smtp_server.host, smtp_server.port)
    paused, _ = due(name="Paused")
    schedules.pause(manager, paused.id)
    other, _ = due(name="Other")
    tick()
    done(other)
    arrived(smtp_server)
    assert runs(paused) == []
    schedules.resume(manager, paused.id)
    db.session.refresh(paused)
    assert paused.next_slot > schedules.database_now()
    run = schedules.run_now(manager, paused.id)
    wait_until(lambda: runs(paused, "done"), 60, "the run has ended")
    assert run.asked_by == manager.id
    assert len(arrived(smtp_server, 2)) == 2
