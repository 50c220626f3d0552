"""What is told to stop ends the chunk it is at, and after the restart the job goes on: each chunk once.

Real workers, and a whole product under its supervisor, get SIGTERM in the middle of a month. What comes of it
is what comes of a month in which nothing happened.
"""

from __future__ import annotations

import io
import signal
import time
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from dashboard.extensions import db
from dashboard.models import Job, UsageImport
from dashboard.operations import billing_runs, jobs, usage_imports, usage_rerate
from dashboard.operations.usage_moves import Filters
from dashboard.queries import pulse
from dashboard.queries.checks import discrepancies
from tests.services.test_supervisor import machine  # noqa: F401 - a fixture
from tests.stories.test_a_killed_worker import (  # noqa: F401 - fixtures among them
    CALLS,
    CUSTOMERS,
    OCTOBER,
    PORTION,
    TOTAL,
    callers,
    ended,
    file_of_calls,
    manager,
    slow,
)
from tests.support.bills import billed_wrongly, figures
from tests.support.books import fresh, make_customer
from tests.support.calls import add_rates, load, make_card
from tests.support.waiting import wait_until

pytestmark = pytest.mark.usefixtures("app")


def count(table: str) -> int:
    db.session.rollback()
    found = int(figures(f"SELECT count(*) FROM {table}")[0][0])
    db.session.rollback()
    return found


def tell_to_stop(worker: Any) -> float:
    """SIGTERM, and how long it took to end."""
    begun = time.monotonic()
    worker.child.ask_to_end()
    worker.child.process.wait(20)
    return time.monotonic() - begun


def given_back(job: Job, times: int = 1) -> None:
    found = fresh(job)
    assert (found.state, found.attempts, found.excused, found.error) == ("queued", times, times, None)
    assert [entry["state"] for entry in found.history] == ["stopped"] * times


def import_of(actor: Any) -> tuple[UsageImport, Job]:
    made = usage_imports.keep(actor, "october.csv", io.BytesIO(file_of_calls()))
    made = usage_imports.choose(actor, made.id, usage_imports.reading_of(made))
    made.options = {**made.options, "chunk_rows": PORTION}
    db.session.commit()
    return made, usage_imports.start(actor, made.id)


def previewed_run(actor: Any) -> Any:
    """Worked out here and now, so that the worker has only the making to do."""
    run = billing_runs.start(actor, OCTOBER.start, OCTOBER.end, {"customers": "all", "issue": True})
    held = jobs.claim(fresh(run).job_id)
    assert held is not None
    billing_runs.work_out(run.id, lambda done: None, lambda note: None)
    jobs.finish(held, CUSTOMERS, [])
    return fresh(run)


def billed_whole() -> None:
    assert figures("SELECT count(*), count(DISTINCT customer_id), sum(total) FROM invoice") == [
        (CUSTOMERS, CUSTOMERS, TOTAL)
    ]
    assert figures("SELECT count(*) FROM usage_day WHERE invoice_item_id IS NULL") == [(0,)]
    assert (billed_wrongly(), discrepancies()) == ([], [])


def test_an_import_and_a_run_whose_workers_are_told_to_stop(callers, manager, slow, start_worker):  # noqa: F811
    made, job = import_of(manager)
    first = start_worker()
    wait_until(lambda: count("usage_record"), 60, "some of the file is loaded")
    assert tell_to_stop(first) < 8
    half = count("usage_record")
    assert 0 < half < CALLS
    given_back(job)
    assert fresh(made).state == "running", "for the reader it goes on"
    assert discrepancies() == []
    assert [one.state for one in pulse.workers()] == ["stopped"]

    second = start_worker()
    wait_until(lambda: ended(job), 120, "another worker completes the file")
    assert (fresh(job).state, fresh(job).attempts, fresh(job).excused) == ("done", 2, 1)
    found = db.session.get_one(UsageImport, made.id)
    assert (found.state, found.loaded, found.duplicates, found.bad) == ("done", CALLS, 0, 0)
    assert figures("SELECT count(*), sum(charge) FROM usage_record") == [(CALLS, TOTAL)]

    run = previewed_run(manager)
    billing_runs.commit(manager, run.id, version=run.version)
    making = db.session.get_one(Job, fresh(run).job_id)
    wait_until(lambda: fresh(making).state == "running", 30, "it is begun")
    wait_until(lambda: fresh(making).done > 0, 60, "a chunk of invoices is made")
    assert tell_to_stop(second) < 12
    given_back(making)
    before = count("invoice")
    assert 0 < before < CUSTOMERS, "it was told too late to show anything"
    assert figures("SELECT count(*) FROM billing_run_row WHERE state = 'done'") == [(before,)]
    kept = figures("SELECT id, number FROM invoice ORDER BY id")

    start_worker()
    wait_until(lambda: ended(making), 120, "another worker goes on")
    assert (fresh(run).state, fresh(making).state) == ("done", "done")
    assert figures("SELECT id, number FROM invoice ORDER BY id")[:before] == kept, "none was made again"
    billed_whole()


def test_the_whole_product_stops_and_starts_again(callers, manager, slow, machine, settings):  # noqa: F811
    """The supervisor gets the signal; after its restart nobody does anything, and the run ends whole."""
    _, job = import_of(manager)
    own = {
        "DATABASE_URL": settings.database_url.replace("+psycopg", ""),
        "REDIS_URL": settings.redis_url,
        "QUEUE_NAME": settings.queue_name,
        "SECRET_KEY": settings.secret_key,
    }
    product = machine.run(**own)
    wait_until(lambda: count("usage_record"), 90, "some of the file is loaded")
    assert product.end(signal.SIGTERM) < 15
    given_back(job)
    half = count("usage_record")
    assert 0 < half < CALLS
    assert discrepancies() == []
    again = machine.run(**own)
    wait_until(lambda: ended(job), 120, "the job goes on")
    assert (fresh(job).state, fresh(job).attempts) == ("done", 2)
    assert figures("SELECT count(*), sum(charge) FROM usage_record") == [(CALLS, TOTAL)]
    assert discrepancies() == []
    assert again.end() < 15


@pytest.fixture
def rated_again(manager: Any) -> Any:  # noqa: F811
    """Calls that have another rate by now, and a trigger that makes the change of them very slow."""
    customer = make_customer("Example Caller Ltd")
    card = make_card(rates={"44": "0.06"}, sold_to=customer)
    load(customer, [(f"2026-11-02T10:{n:02}", "442079460000", 60) for n in range(30)])
    add_rates(card, {"44": "0.12"}, valid_from="2026-01-01T00:00:00Z")
    for line in (
        "CREATE FUNCTION wait_long() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN PERFORM pg_sleep(60); RETURN NULL; END'",
        "CREATE TRIGGER slow AFTER UPDATE ON usage_record EXECUTE FUNCTION wait_long()",
    ):
        db.session.execute(text(line))
    db.session.commit()
    yield usage_rerate.start(manager, Filters())
    db.session.rollback()
    db.session.execute(text("DROP FUNCTION wait_long() CASCADE"))
    db.session.commit()


SLEEPER = "FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()"


def sleeping() -> bool:
    db.session.rollback()
    asked = (
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()"
    )
    found = figures(asked) == [(1,)]
    db.session.rollback()
    return found


def charged() -> Decimal:
    return figures("SELECT sum(charge) FROM usage_record")[0][0]


def test_work_in_one_go_is_broken_off_by_a_cancel(manager, rated_again, start_worker):  # noqa: F811
    before = charged()
    start_worker()
    wait_until(sleeping, 30, "it is in the middle")
    assert [(one.state, one.job_id, one.heard) for one in pulse.workers()] == [("busy", rated_again.id, True)]
    begun = time.monotonic()
    jobs.request_cancel(manager, rated_again.id)
    wait_until(lambda: ended(rated_again), 10, "it ends")
    assert time.monotonic() - begun < 3
    assert (fresh(rated_again).state, fresh(rated_again).error) == ("cancelled", None)
    assert charged() == before
    assert discrepancies() == []
    assert not sleeping()


def test_a_chunk_that_takes_too_long_is_left_and_does_not_count(
    manager,  # noqa: F811
    rated_again,
    start_worker,
    monkeypatch,
):
    monkeypatch.setenv("WORKER_STOP_SECONDS", "1")
    before = charged()
    worker = start_worker()
    wait_until(sleeping, 30, "it is in the middle")
    assert 1 <= tell_to_stop(worker) < 10
    given_back(rated_again)
    db.session.execute(text(f"SELECT pg_cancel_backend(pid) {SLEEPER}"))
    db.session.execute(text("DROP TRIGGER slow ON usage_record"))
    db.session.commit()
    assert charged() == before
    start_worker()
    wait_until(lambda: ended(rated_again), 60, "another worker does it")
    assert (fresh(rated_again).state, charged()) == ("done", before * 2)
