"""A quarter of automatic billing: by day, week and month, once in peace and once under every fault.

Ticks are killed, one machine's clock is an hour behind and another's an hour ahead, workers are killed while
they write invoices, the queue forgets everything twice. The invoices are the same, to the cent.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from sqlalchemy import text, update

from dashboard.config import Settings
from dashboard.extensions import db
from dashboard.models import Customer, Invoice, InvoiceItem, Job, Mail, Schedule
from dashboard.operations import contacts
from dashboard.operations.base import SYSTEM
from dashboard.operations.schedules import rule_of
from dashboard.queries.checks import discrepancies
from dashboard.rules.periods import period_of
from tests.support.bills import billed_wrongly
from tests.support.books import give, make_customer
from tests.support.processes import Running, start_elsewhen, start_tick, start_worker
from tests.support.runs import month, runs, tick, work
from tests.support.usage_rows import put_call
from tests.support.waiting import wait_until

pytestmark = pytest.mark.usefixtures("app")

HOUR = dt.timedelta(hours=1)
FIRST, LAST = month(2), month()
WORLD: dict[str, dict[str, Any]] = {
    "Example Monthly": {"invoice_schedule": "monthly", "invoice_issue": True, "invoice_send": True},
    "Example Drafts": {"invoice_schedule": "monthly", "invoice_hour": 22},
    "Example Madrid": {"invoice_schedule": "weekly", "time_zone": "Europe/Madrid", "invoice_issue": True},
    "Example New York": {
        "invoice_schedule": "weekly",
        "time_zone": "America/New_York",
        "invoice_issue": True,
        "invoice_send": True,
    },
    "Example Lord Howe": {
        "invoice_schedule": "daily",
        "time_zone": "Australia/Lord_Howe",
        "invoice_issue": True,
        "invoice_delay_hours": 0,
    },
}


def build() -> None:
    """Calls every few days of the quarter; a line rented by one. No tick has run since before."""
    for at, (name, values) in enumerate(WORLD.items()):
        caller = make_customer(name, tax_percent="20", tax_name="VAT", **values)
        contacts.create(SYSTEM, {"customer_id": caller.id, "name": "Accounts", "email": f"a{at}@example.com"})
        day = FIRST.start + dt.timedelta(days=at)
        while day < LAST.end:
            moment = dt.datetime.combine(day, dt.time(12), dt.UTC)
            put_call(caller, moment, charge=f"{at + 1}.{day.day:02}")
            day += dt.timedelta(days=5 + at)
        if at == 0:
            give(caller, str(FIRST.start), frequency="monthly")
    db.session.commit()
    tick()
    for schedule in db.session.query(Schedule):
        schedule.next_slot = rule_of(schedule).slot(period_of(schedule.frequency, FIRST.start))
    db.session.commit()


def books() -> dict[str, Any]:
    """What came of it, without the keys and numbers that the order of things gives."""
    db.session.rollback()
    lines: dict[int, list[tuple[str, str]]] = {}
    for item in db.session.query(InvoiceItem).order_by(InvoiceItem.invoice_id, InvoiceItem.position):
        lines.setdefault(item.invoice_id, []).append((item.description, str(item.net)))
    papers = db.session.query(Invoice).all()
    sent = sorted(mail.invoice_id for mail in db.session.query(Mail))
    names = {paper.id: (paper.customer_name, str(paper.period_start)) for paper in papers}
    return {
        "invoices": sorted(
            (*names[paper.id], paper.state, str(paper.total), tuple(lines[paper.id])) for paper in papers
        ),
        "numbers": sorted(paper.number for paper in papers if paper.number),
        "mails": sorted(names[key] for key in sent),
        "runs": [(run.name, run.slot, run.state) for run in runs()],
    }


@pytest.fixture
def processes(settings: Settings, tmp_path: Path) -> Iterator[Callable[..., Running]]:
    started: list[Running] = []

    def begin(what: str, shift: dt.timedelta | None = None) -> Running:
        name = f"{what}-{len(started) + 1}"
        if shift is not None:
            started.append(start_elsewhen(settings, tmp_path, f"jobs.{what}", name, shift))
        elif what == "tick":
            started.append(start_tick(settings, tmp_path, "0.2", name))
        else:
            started.append(start_worker(settings, tmp_path, name))
        return started[-1]

    yield begin
    for one in started:
        if one.alive:
            one.stop()


def make_slow() -> None:
    """Each portion of invoices takes half a second more: there is a middle to be killed in."""
    for line in (
        "CREATE FUNCTION wait_a_little() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN PERFORM pg_sleep(0.5); RETURN NULL; END'",
        "CREATE TRIGGER slow AFTER INSERT ON invoice EXECUTE FUNCTION wait_a_little()",
    ):
        db.session.execute(text(line))
    db.session.commit()


def make_fast() -> None:
    db.session.rollback()
    db.session.execute(text("DROP FUNCTION IF EXISTS wait_a_little() CASCADE"))
    db.session.commit()


def writing() -> bool:
    db.session.rollback()
    asked = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"
    )
    return bool(db.session.scalar(text(asked)))


def a_minute_later() -> None:
    """As far as the books know of signs of life, and of what the queue was given."""
    wait_until(lambda: not writing(), 20, "what the dead process began has ended")
    for table in ("job", "schedule_run"):
        db.session.execute(
            text(f"UPDATE {table} SET heartbeat_at = now() - interval '1 minute' WHERE state = 'running'")
        )
    db.session.execute(update(Job).values(enqueued_at=Job.enqueued_at - dt.timedelta(minutes=1)))
    db.session.commit()


def over() -> bool:
    found = runs()
    return len(found) > 100 and all(run.state == "done" for run in found) and not _due()


def _due() -> int:
    return int(db.session.scalar(text("SELECT count(*) FROM schedule WHERE next_slot <= now()")) or 0)


def test_a_quarter_under_faults_ends_with_the_same_invoices(
    processes: Callable[..., Running],
    queue_connection: redis.Redis,
    request: pytest.FixtureRequest,
) -> None:
    build()
    while _due() or runs(None, "queued"):
        tick()
        work()
    peace = books()
    assert {run[2] for run in peace["runs"]} == {"done"}
    assert len({name for name, *_ in peace["invoices"]}) == len(WORLD)
    assert len(peace["mails"]) == sum(
        paper[2] == "issued" and paper[0] in ("Example Monthly", "Example New York")
        for paper in peace["invoices"]
    )
    db.session.remove()
    request.getfixturevalue("_cleaner")()

    build()
    make_slow()
    try:
        first = processes("tick")
        processes("tick", -HOUR)
        processes("tick", HOUR)
        wait_until(runs, 30, "the ticks have begun")
        first.kill()
        for shift in (None, -HOUR):
            worker = processes("worker", shift)
            wait_until(writing, 40, "invoices are being written")
            worker.kill()
            queue_connection.flushdb()
            a_minute_later()
    finally:
        make_fast()
    processes("worker", HOUR)
    processes("worker")
    wait_until(over, 90, "everything is done")
    war = books()

    assert war["invoices"] == peace["invoices"]
    assert war["numbers"] == peace["numbers"]
    assert war["mails"] == peace["mails"]
    assert war["runs"] == peace["runs"]
    assert db.session.query(Customer).count() == len(WORLD)
    assert discrepancies() == []
    assert billed_wrongly() == []
