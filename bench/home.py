"""The first page with a million invoices: the whole request, templates included, and what comes after it.

Beside the books of `bench.data` there are schedules of every customer, runs, mails and calls that wait, and a
night's invoices that no tick has folded into the sums yet.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench.measure import Row, timed

_WAITING = """
UPDATE customer SET invoice_schedule = 'monthly' WHERE invoice_schedule = 'none';
INSERT INTO schedule (name, customer_id, produces, frequency, next_slot)
SELECT name, id, 'invoices', 'monthly',
    date_trunc('day', now()) + make_interval(days => 1 + id::int % 28, hours => 6)
FROM customer ON CONFLICT DO NOTHING;
INSERT INTO schedule_run (name, produces, slot, state)
SELECT 'Example ' || n, 'invoices', now() - make_interval(hours => n),
    CASE n % 50 WHEN 0 THEN 'failed' ELSE 'done' END
FROM generate_series(1, 20000) AS n;
INSERT INTO mail (kind, state, recipients, subject, body, message_id)
SELECT 'invoice', CASE n % 500 WHEN 0 THEN 'parked' ELSE 'sent' END, ARRAY['accounts@retail.example'],
    'Invoice', '', n::text
FROM generate_series(1, 100000) AS n;
SELECT ensure_usage_month(current_date);
INSERT INTO usage_unmatched (identity, started_at, account_code)
SELECT md5(n::text)::uuid, now(), 'example' FROM generate_series(1, 200000) AS n;
INSERT INTO usage_day (customer_id, day, rated, attempts)
SELECT id, current_date, false, 10 FROM customer;
INSERT INTO usage_record (customer_id, usage_day_id, rating, identity, started_at)
SELECT d.customer_id, d.id, 'unrated', md5(d.id || '-' || n)::uuid, now()
FROM usage_day AS d CROSS JOIN generate_series(1, 10) AS n WHERE NOT d.rated;
INSERT INTO package (name, currency, retail, frequency) VALUES ('Example line', 'USD', 10, 'monthly');
INSERT INTO customer_package (customer_id, package_id, quantity, start_date)
SELECT c.id, p.id, 1, current_date - 40 - c.id::int % 20 FROM customer AS c CROSS JOIN package AS p
"""
# What a night's invoices, one at a time, leave behind in the sums.
_NIGHT = """
INSERT INTO book_sum (kind, currency, day, customer_id, number, amount, rest)
SELECT 'debtor', currency, NULL::date, id, 1, 100, 0 FROM customer
UNION ALL
SELECT kind, currency, current_date, NULL, 1, 100, 100
FROM customer CROSS JOIN unnest(ARRAY['issued', 'due']) AS kind
"""


def rows(client: Any, connection: Any) -> Iterator[Row]:
    """A row of the budget table each, measured by a signed-in manager."""
    fill(connection)

    def get(path: str) -> None:
        response = client.get(path)
        assert response.status_code == 200, response.status

    yield Row("dashboard, the whole page", timed(lambda: get("/admin/")), limit="<= 150 ms")
    yield Row("dashboard, another currency", timed(lambda: get("/admin/?currency=JPY")), limit="<= 150 ms")
    connection.execute(_NIGHT)
    yield Row("dashboard, a night's sums unfolded", timed(lambda: get("/admin/")), limit="<= 150 ms")
    yield Row("dashboard, periods not invoiced (afterwards)", timed(lambda: get("/admin/holes"), runs=3))
    yield Row("dashboard, package charges (afterwards)", timed(lambda: get("/admin/coming"), runs=3))


def fill(connection: Any) -> None:
    """Triggers are off, so the sums are worked out at the end."""
    connection.execute("SET session_replication_role = replica")
    for step in _WAITING.split(";"):
        connection.execute(step)
    connection.execute("SET session_replication_role = DEFAULT")
    connection.execute("SELECT refill_book_sums()")
    connection.execute("VACUUM ANALYZE")
