"""2,000 customers billed for a month, by destination, beside the bare GROUP BY over their calls.

Calls and their ledger of days are made by SQL: each customer calls four destinations every day.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from typing import Any

from bench.measure import Row
from dashboard import create_app
from dashboard.config import Settings
from dashboard.extensions import db
from dashboard.operations import billing
from dashboard.operations.base import SYSTEM
from dashboard.rules.periods import period_of
from tests.support.servers import Servers

CUSTOMERS = 2_000
DAYS = 31
DESTINATIONS = 4
MONTH = period_of("monthly", dt.date(2025, 10, 1))
# How many calls, by SIZE.
CALLS = {
    "small": (100_000,),
    "usual": (500_000,),
    "full": (500_000, 1_000_000, 5_000_000, 10_000_000),
}

_CUSTOMERS = """
INSERT INTO customer (name, currency, tax_percent, tax_name, invoice_schedule)
SELECT 'Example Company ' || to_char(n, 'FM000000'), 'USD', 20, 'VAT', 'monthly'
FROM generate_series(1, %(customers)s) AS n
"""
_RECORDS = """
INSERT INTO usage_record (identity, started_at, number, duration, customer_id, usage_day_id, destination,
                          rating, rate_per_minute, billed_duration, charge)
SELECT md5(n::text)::uuid,
       timestamptz '2025-10-01 00:00Z' + day * interval '1 day' + (n * 7919) %% 86400 * interval '1 s',
       '4420794' || to_char(n %% 100000, 'FM00000'), seconds, 1 + customer,
       1 + (customer * days + day) * destinations + place,
       'Destination ' || (customer * 7 + place) %% 40, 'rated', 0.0150, seconds, seconds * 0.00025
FROM (
    SELECT n, days, destinations, n %% customers AS customer, n / customers %% days AS day,
           n / (customers * days) %% destinations AS place, 1 + (n * 104729) %% 600 AS seconds
    FROM (SELECT %(customers)s::bigint AS customers, %(days)s::bigint AS days,
                 %(destinations)s::bigint AS destinations) AS size,
         generate_series(0, %(calls)s::bigint - 1) AS n
) AS made
"""
# In the order of days, as calls come in.
_DAYS = """
INSERT INTO usage_day (id, customer_id, day, destination, attempts, connected, duration, billed_duration,
                       charge)
SELECT usage_day_id, customer_id, started_at::date, destination, count(*), count(*), sum(duration),
       sum(billed_duration), sum(charge)
FROM usage_record GROUP BY 1, 2, 3, 4 ORDER BY 3, 1
"""
_OPEN = "INSERT INTO usage_day_open SELECT customer_id, rated, day, id FROM usage_day ORDER BY id"
_GROUP_BY = """
SELECT customer_id, destination, count(*), sum(billed_duration), sum(charge) FROM usage_record
WHERE started_at >= '2025-10-01 00:00Z' AND started_at < '2025-11-01 00:00Z' GROUP BY 1, 2
"""


def rows(servers: Servers, size: str) -> Iterator[Row]:
    for calls in CALLS[size]:
        yield from _measured(servers, calls)


def _measured(servers: Servers, calls: int) -> Iterator[Row]:
    name = f"bench_billing_{calls}"
    url = servers.create_database(name)
    with servers.superuser(name) as connection:
        days = fill(connection, calls)
        shared = min(_group_by(connection) for _ in range(3))
        # Invoices are made by one worker on one connection: beside it stands what one process takes.
        connection.execute("SET max_parallel_workers_per_gather = 0")
        beside = min(_group_by(connection) for _ in range(3))
    settings = Settings(
        database_url=url, redis_url=servers.redis_url(1), secret_key="only for the bench, never elsewhere"
    )
    app = create_app(settings)
    with app.app_context():
        pairs = [(key, MONTH) for key in range(1, CUSTOMERS + 1)]
        start = time.perf_counter()
        previews = billing.preview_many(pairs)
        looked = time.perf_counter() - start
        start = time.perf_counter()
        outcomes = billing.generate_many(SYSTEM, pairs)
        took = time.perf_counter() - start
        assert {outcome.state for outcome in outcomes} == {"made"}
        assert len(previews) == len(outcomes) == CUSTOMERS
        db.session.remove()
        db.engine.dispose()
    servers.drop_database(name)
    said = f"{CUSTOMERS:,} customers, {calls:,} calls"
    group_by = "GROUP BY in one process"
    yield Row(f"Preview of {said}", looked * 1000, other=beside * 1000, other_name=group_by)
    yield Row(
        f"Invoices of {said}",
        took * 1000,
        limit="<= 3x the GROUP BY" if calls >= 5_000_000 else "",
        other=beside * 1000,
        other_name=f"{group_by}; {days:,} days of the ledger",
    )
    yield Row(
        "the same", took * 1000, other=shared * 1000, other_name="GROUP BY in as many as the server likes"
    )
    yield Row(f"Invoices a second, {calls:,} calls", CUSTOMERS / took, unit="/s", limit=">= 300 /s")


def fill(connection: Any, calls: int) -> int:
    """The customers, their calls and the ledger; triggers are off, as the bench does not measure this. Gives
    the number of days in the ledger."""
    values = {"customers": CUSTOMERS, "days": DAYS, "destinations": DESTINATIONS, "calls": calls}
    connection.execute("SET session_replication_role = replica")
    connection.execute("SELECT ensure_usage_month('2025-10-01')")
    connection.execute(_CUSTOMERS, values)
    connection.execute(_RECORDS, values)
    connection.execute(_DAYS)
    connection.execute(_OPEN)
    connection.execute("SELECT setval(pg_get_serial_sequence('usage_day', 'id'), max(id)) FROM usage_day")
    connection.execute("SET session_replication_role = DEFAULT")
    connection.execute("VACUUM ANALYZE")
    return int(connection.execute("SELECT count(*) FROM usage_day").fetchone()[0])


def _group_by(connection: Any) -> float:
    start = time.perf_counter()
    assert len(connection.execute(_GROUP_BY).fetchall()) == CUSTOMERS * DESTINATIONS
    return time.perf_counter() - start
