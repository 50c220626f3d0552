"""The list of usage, a Summary and a Breakout as the browser asks for them, over very many calls.

The calls are of three months, 2,000 customers (one of them has a tenth), seven carriers and one that carried
little, and ten destinations and one that is rare.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench.measure import Row, timed
from dashboard import create_app
from dashboard.config import Settings
from dashboard.extensions import db
from tests.support.servers import Servers
from tests.support.staff import Client, hashed_password, insert_staff, load_staff, session_cookie

CALLS = {"small": 100_000, "usual": 500_000, "full": 5_000_000}
PATH = "/admin/usage/"

_BOOKS = """
INSERT INTO customer (name, currency)
SELECT 'Example Company ' || to_char(n, 'FM0000'), (ARRAY['USD', 'EUR', 'GBP', 'JPY'])[1 + n % 4]
FROM generate_series(1, 2000) AS n;
INSERT INTO provider (name, currency)
SELECT 'Example Carrier ' || n, (ARRAY['USD', 'EUR'])[1 + n % 2] FROM generate_series(1, 8) AS n;
SELECT ensure_usage_month(month::date)
FROM generate_series('2026-08-01'::date, '2026-11-01'::date, interval '1 month') AS month
"""
_MADE = """
CREATE UNLOGGED TABLE made AS
SELECT n, CASE WHEN n %% 10 = 0 THEN 1 ELSE 1 + (n * 7919::bigint) %% 2000 END AS customer_id,
    '2026-08-24'::timestamptz + (n * 91.0 * 86400 / %(calls)s) * interval '1 second' AS started_at,
    CASE WHEN n %% (%(calls)s / 20) = 7 THEN 'Rare Island'
        ELSE 'Destination ' || chr(65 + (n * 31 / 7 %% 10)::int) END AS destination,
    CASE WHEN n BETWEEN 1000 AND 1400 THEN 8 ELSE 1 + (n * 104729::bigint / 3) %% 7 END AS provider_id,
    (ARRAY['442', '447', '12', '34', '346', '33', '49', '4915', '39', '91'])[1 + (n * 31 / 7 %% 10)]
        || to_char(n * 7919::bigint %% 10000000, 'FM0000000') AS number,
    (ARRAY['answered', 'answered', 'no_answer', 'answered', 'busy', 'answered', 'failed'])
        [1 + n * 13 / 3 %% 7]
        AS result, 1 + n %% 600 AS seconds
FROM generate_series(1, %(calls)s) AS n
"""
_DAYS = """
INSERT INTO usage_day (customer_id, day, destination, provider_id, provider_destination,
    attempts, connected, duration, billed_duration, charge, cost)
SELECT customer_id, (started_at AT TIME ZONE 'UTC')::date, destination, provider_id, destination, count(*),
    count(*) FILTER (WHERE result = 'answered'), sum(seconds), sum(seconds), sum(seconds * 0.0002),
    sum(seconds * 0.0001)
FROM made GROUP BY 1, 2, 3, 4
"""
_RECORDS = """
INSERT INTO usage_record (customer_id, usage_day_id, destination, rate_per_minute, billed_duration, charge,
    provider_id, provider_destination, cost, identity, started_at, source, number, result, duration)
SELECT m.customer_id, d.id, m.destination, 0.012, seconds, seconds * 0.0002, m.provider_id, m.destination,
    seconds * 0.0001, md5(n::text)::uuid, started_at, '15550100', number, result, seconds
FROM made AS m JOIN usage_day AS d ON d.customer_id = m.customer_id AND d.destination = m.destination
    AND d.day = (m.started_at AT TIME ZONE 'UTC')::date AND d.provider_id = m.provider_id
ORDER BY n
"""

CASES = (
    ("first page", ""),
    ("last page", "?last=1"),
    ("one customer", "?customer.is=5"),
    ("the largest customer", "?customer.is=1"),
    ("a number's beginning", "?search=447"),
    ("one number", "?number.is=4427919"),
    ("a destination", "?destination.is=Destination+C"),
    ("a rare destination", "?destination.is=Rare+Island"),
    ("part of a destination's name", "?destination.contains=island"),
    ("a provider", "?provider.is=3"),
    ("a provider that carried little", "?provider.is=8"),
    ("failed calls", "?result.is=failed"),
    ("a result that there is none of", "?result.is=cancelled"),
    ("unrated calls", "?rating.is=unrated"),
    ("two days", "?started_at.between=2026-09-01..2026-09-02"),
    ("failed calls to a destination", "?destination.is=Destination+C&result.is=failed"),
    ("three filters", "?search=44&result.is=failed&provider.is=3"),
)


def rows(servers: Servers, size: str) -> Iterator[Row]:
    name, calls = "bench_usage_list", CALLS[size]
    url = servers.create_database(name)
    with servers.superuser(name) as connection:
        fill(connection, calls)
    settings = Settings(
        database_url=url, redis_url=servers.redis_url(1), secret_key="only for the bench, never elsewhere"
    )
    app = create_app(settings)
    app.test_client_class = Client
    with app.app_context():
        insert_staff(servers, name, hashed_password(app))
        client = app.test_client()
        agent = client.environ_base["HTTP_USER_AGENT"]
        client.set_cookie("billing_session", session_cookie(app, load_staff()["manager"].id, agent))
        yield from _measured(client, calls)
        db.session.remove()
        db.engine.dispose()
    servers.drop_database(name)


def _measured(client: Any, calls: int) -> Iterator[Row]:
    def get(path: str) -> str:
        response = client.get(path)
        assert response.status_code == 200, response.status
        return str(response.text)

    for label, query in CASES:
        taken = timed(lambda query=query: get(PATH + query))
        yield Row(f"Usage of {calls:,} calls, {label}", taken, limit="<= 100 ms")
    yield Row("Usage, the page after the 40th", timed(_deep(get)), limit="<= 100 ms")
    yield Row("Summary of the largest customer, daily", timed(lambda: get("/admin/customer/summary?id=1")))
    month = "/admin/breakout/?from=2026-10-01&to=2026-10-31&group=destination"
    yield Row("Breakout of a month, by destination", timed(lambda: get(month), runs=3))


def _deep(get: Any) -> Any:
    """The address forty pages on, as somebody would come to it."""
    href = PATH
    for _ in range(40):
        href = get(href).split('aria-label="Next page"')[0].rsplit('href="', 1)[1].split('"')[0]
        href = href.replace("&amp;", "&")
    return lambda: get(href)


def fill(connection: Any, calls: int) -> None:
    """Triggers are off: the bench reads, it does not audit."""
    connection.execute("SET session_replication_role = replica")
    for step in _BOOKS.split(";"):
        connection.execute(step)
    for step in (_MADE, _DAYS, _RECORDS):
        connection.execute(step, {"calls": calls} if step is _MADE else None)
    connection.execute("DROP TABLE made")
    connection.execute("SET session_replication_role = DEFAULT")
    connection.execute("VACUUM ANALYZE")
