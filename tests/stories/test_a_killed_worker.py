"""A month whose workers are killed twice, in the middle of the import and in the middle of the billing run.

What comes of it is what comes of a month in which nothing happened, to the cent.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from dashboard.extensions import db
from dashboard.models import Customer, Job, UsageImport
from dashboard.operations import billing_runs, jobs, usage_imports
from dashboard.queries.checks import discrepancies
from dashboard.rules.periods import period_of
from jobs import reaper
from tests.support.bills import billed_wrongly, figures
from tests.support.books import fresh, make_customer
from tests.support.calls import make_card, make_rule
from tests.support.waiting import wait_until

D = Decimal
OCTOBER = period_of("monthly", dt.date(2025, 10, 1))
# A hundred customers are billed at a time, and the calls loaded in portions of so many.
CUSTOMERS = 250
CALLS = 30_000
PORTION = 5_000
TOTAL = D("1650.00")  # 3,000 times 1 + 2 + ... + 10 cents

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def manager(as_role):
    return as_role("manager")


@pytest.fixture
def callers() -> list[Customer]:
    """Each is found by an account code of its own. A minute costs 0.60, a second one cent."""
    card = make_card(rates={"44": "0.6", "1": "0.6"})
    first = make_customer("Example Caller 000", invoice_schedule="monthly", tax_percent=D(0))
    first.rate_card_id = card.id
    db.session.commit()
    make_rule(first, "account_code", "C0")
    names = "currency, status, invoice_schedule, tax_percent, rate_card_id"
    db.session.execute(
        text(
            f"INSERT INTO customer (name, {names}) SELECT 'Example Caller ' || n, {names} FROM customer,"
            f" generate_series(1, {CUSTOMERS - 1}) n"
        )
    )
    db.session.execute(
        text(
            "INSERT INTO usage_rule (customer_id, kind, value)"
            " SELECT id, 'account_code', 'C' || substr(name, 16) FROM customer WHERE name NOT LIKE '% 000'"
        )
    )
    db.session.commit()
    return list(db.session.query(Customer).order_by(Customer.id))


def file_of_calls() -> bytes:
    """Call n lasts 1 + n % 10 seconds, so it costs so many cents; each customer has its calls in turn."""
    rows = ["unique_id,account_code,number,started_at,billsec,result"]
    for n in range(CALLS):
        start = f"2025-10-{1 + n % 31:02} {n % 24:02}:{n % 60:02}:00"
        number = "442079460000" if n % 3 else "12025550100"
        rows.append(f"{n},C{n % CUSTOMERS},{number},{start},{1 + n % 10},answered")
    return "\n".join(rows).encode()


@pytest.fixture
def slow(app) -> Iterator[None]:
    """Each portion of calls and of invoices takes a second more: there is a middle to be killed in."""
    for line in (
        "CREATE FUNCTION wait_a_second() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN PERFORM pg_sleep(1); RETURN NULL; END'",
        "CREATE TRIGGER slow AFTER INSERT ON usage_record EXECUTE FUNCTION wait_a_second()",
        "CREATE TRIGGER slow AFTER INSERT ON invoice EXECUTE FUNCTION wait_a_second()",
    ):
        db.session.execute(text(line))
    db.session.commit()
    yield
    db.session.rollback()
    db.session.execute(text("DROP FUNCTION wait_a_second() CASCADE"))
    db.session.commit()


def lose(worker: Any) -> None:
    """Kill -9, and a minute later, as far as the books know."""
    worker.kill()
    db.session.rollback()
    # What the dead process had begun ends with its connections.
    wait_until(_alone, 30, "its connections end")
    db.session.execute(
        text("UPDATE job SET heartbeat_at = now() - interval '5 minutes' WHERE state = 'running'")
    )
    db.session.commit()
    reaper.take_up_lost_jobs()


def _alone() -> bool:
    busy = figures(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND state <> 'idle' AND backend_type = 'client backend'"
    )
    db.session.rollback()
    return busy == [(0,)]


def ended(job: Job) -> bool:
    return fresh(job).state in jobs.ENDED


def test_a_month_whose_workers_are_killed(callers, manager, slow, start_worker):
    # The import.
    made = usage_imports.keep(manager, "october.csv", io.BytesIO(file_of_calls()))
    made = usage_imports.choose(manager, made.id, usage_imports.reading_of(made))
    made.options = {**made.options, "chunk_rows": PORTION}
    db.session.commit()
    job = usage_imports.start(manager, made.id)
    first = start_worker()
    wait_until(lambda: _any("usage_record"), 60, "some of the file is loaded")
    lose(first)
    half = figures("SELECT count(*) FROM usage_record")[0][0]
    assert 0 < half < CALLS, "the worker was killed too late to show anything"
    assert discrepancies() == [], "what is loaded is whole"
    second = start_worker()
    wait_until(lambda: ended(job), 120, "another worker completes the file")
    assert (fresh(job).state, fresh(job).attempts) == ("done", 2), fresh(job).error
    found = db.session.get_one(UsageImport, made.id)
    assert (found.state, found.loaded, found.duplicates, found.bad) == ("done", CALLS, 0, 0)
    assert figures("SELECT count(*), sum(charge) FROM usage_record") == [(CALLS, TOTAL)]
    assert figures("SELECT sum(attempts), sum(charge) FROM usage_day") == [(CALLS, TOTAL)]

    # The billing run.
    run = billing_runs.start(manager, OCTOBER.start, OCTOBER.end, {"customers": "all", "issue": True})
    wait_until(lambda: fresh(run).state == "previewed", 120, "the preview is there")
    previewed = figures("SELECT count(*), sum(total) FROM billing_run_row WHERE state = 'ready'")
    assert previewed == [(CUSTOMERS, TOTAL)]
    billing_runs.commit(manager, run.id, version=fresh(run).version)
    wait_until(lambda: _any("invoice"), 60, "some invoices are made")
    lose(second)
    made_by_first = figures("SELECT count(*) FROM invoice")[0][0]
    assert 0 < made_by_first < CUSTOMERS, "the worker was killed too late to show anything"
    assert figures("SELECT count(*) FROM billing_run_row WHERE state = 'done'") == [(made_by_first,)]
    assert (billed_wrongly(), discrepancies()) == ([], []), "none is half made"
    start_worker()
    wait_until(lambda: fresh(run).state == "done", 120, "another worker finishes")

    assert figures("SELECT state, count(*) FROM billing_run_row GROUP BY 1") == [("done", CUSTOMERS)]
    assert figures("SELECT count(*), count(DISTINCT customer_id), sum(total) FROM invoice") == [
        (CUSTOMERS, CUSTOMERS, TOTAL)
    ]
    # Numbers without a gap or a double.
    numbers = sorted(int(number.rsplit("-", 1)[1]) for (number,) in figures("SELECT number FROM invoice"))
    assert numbers == list(range(1, CUSTOMERS + 1))
    assert figures("SELECT count(*) FROM usage_day WHERE invoice_item_id IS NULL") == [(0,)]
    assert (billed_wrongly(), discrepancies()) == ([], [])


def _any(table: str) -> bool:
    found = bool(figures(f"SELECT 1 FROM {table} LIMIT 1"))
    db.session.rollback()
    return found
