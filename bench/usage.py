"""Loading an Asterisk Master.csv: read, matched, rated by 100,000 prefixes, added up; beside a COPY of it.

The COPY goes into a plain logged table with typed columns and no index. Beside the time that passes stands
the processor time of the database and of this process, which others who use the machine do not change.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
from psycopg import ClientCursor

from bench.measure import Row
from dashboard import create_app
from dashboard.config import Settings
from dashboard.extensions import db
from dashboard.models import UsageImport
from dashboard.operations import usage_load
from dashboard.operations.base import SYSTEM
from dashboard.operations.usage_files import HEAD_BYTES, sniff
from tests.support.servers import Servers

ROWS = {"small": 100_000, "usual": 1_000_000, "full": 5_000_000}
CUSTOMERS, PREFIXES = 2_000, 100_000

# A card of prefixes of five to seven digits, about a hundred to a destination, with nine shorter ones below.
CARD = """
INSERT INTO rate_card (name, kind, currency, cost_places, minimum_seconds, pulse_seconds)
VALUES ('Example Bench', 'sell', 'USD', 4, 1, 1);
INSERT INTO provider (name, currency, trunks)
SELECT 'Example Carrier ' || n, 'USD', ARRAY['carrier-' || n] FROM generate_series(0, 4) AS n;
INSERT INTO rate_card (name, kind, currency, provider_id)
SELECT 'Cost of ' || name, 'cost', 'USD', id FROM provider WHERE name LIKE 'Example Carrier %%';
INSERT INTO rate_revision (rate_card_id, valid_from) SELECT id, '2020-01-01' FROM rate_card;
INSERT INTO rate (rate_card_id, revision_id, prefix, destination, rate_per_minute, valid_from)
SELECT c.id, v.id, prefix, 'Destination ' || left(prefix, 4), (1 + n %% 997) / 10000.0, '2020-01-01'
FROM rate_card AS c JOIN rate_revision AS v ON v.rate_card_id = c.id
CROSS JOIN LATERAL (
    SELECT n, n::text AS prefix FROM generate_series(1, 9) AS n
    UNION ALL SELECT n, n::text FROM generate_series(10000, 10000 + least(90000, %(prefixes)s) - 1) AS n
    WHERE c.kind = 'sell' OR n %% 10 = 0
    UNION ALL SELECT n, (1000000 + n * 899)::text FROM generate_series(1, %(prefixes)s - 90000 - 9) AS n
    WHERE c.kind = 'sell'
) AS prefixes;
INSERT INTO customer (name, currency, rate_card_id)
SELECT 'Bench Telecom ' || n, 'USD', (SELECT id FROM rate_card WHERE name = 'Example Bench')
FROM generate_series(1, %(customers)s) AS n;
INSERT INTO usage_rule (customer_id, kind, value)
SELECT id, 'account_code', replace(name, 'Bench Telecom ', 'bench-') FROM customer
WHERE name LIKE 'Bench Telecom %%';
"""

# Thirty days in the order of time, as Asterisk's cdr_csv writes them; a customer calls a dozen destinations,
# six calls of ten are answered.
CALLS = """
COPY (
    SELECT 'bench-' || customer, source, number, 'from-customer',
        '"Example ' || customer || '" <' || source || '>',
        'PJSIP/bench-' || customer || '-' || tail, 'PJSIP/' || carrier || '-' || tail, 'Dial',
        'PJSIP/' || number || '@' || carrier || ',60', to_char(start, 'YYYY-MM-DD HH24:MI:SS'),
        CASE WHEN seconds > 0 THEN to_char(start + interval '8 s', 'YYYY-MM-DD HH24:MI:SS') ELSE '' END,
        to_char(start + (8 + seconds) * interval '1 s', 'YYYY-MM-DD HH24:MI:SS'), 8 + seconds, seconds,
        CASE WHEN seconds > 0 THEN 'ANSWERED' WHEN n %% 10 < 8 THEN 'NO ANSWER' ELSE 'BUSY' END,
        'DOCUMENTATION', extract(epoch FROM start)::bigint || '.' || n
    FROM (
        SELECT n, customer, '3491' || lpad((n * 7919 %% 10000000)::text, 7, '0') AS source,
            ((1000 + place %% 9000) * 100000 + n * 104729 %% 100000)::text || lpad((n %% 1000)::text, 3, '0')
                AS number,
            'carrier-' || place %% 5 AS carrier, lpad(to_hex(n), 8, '0') AS tail,
            timestamp '2026-09-01' + n * (interval '30 days' / %(rows)s) AS start,
            CASE WHEN n %% 10 < 6 THEN 1 + n * 48271 %% 600 ELSE 0 END AS seconds
        FROM (
            SELECT n, customer, customer * 37 + (n * 31 + n / 7) %% 6 * 613 AS place
            FROM (
                SELECT n, 1 + n * 7919 %% %(customers)s AS customer
                FROM generate_series(1, %(rows)s::bigint) AS n
            ) AS dealt
        ) AS placed
    ) AS made
) TO STDOUT (FORMAT csv, FORCE_QUOTE *)
"""
BARE = """
CREATE TABLE bench_calls (
    account_code text, source text, number text, context text, caller text, channel text, carrier text,
    application text, data text, started_at timestamptz, answered_at timestamptz, ended_at timestamptz,
    duration int, seconds int, result text, flags text, unique_id text)
"""
INTO = "COPY bench_calls FROM STDIN (FORMAT csv, FORCE_NULL (answered_at))"


def rows(servers: Servers, size: str) -> Iterator[Row]:
    count = ROWS[size]
    settings = Settings(
        database_url=servers.create_database("bench_load"),
        redis_url=servers.redis_url(1),
        secret_key="only for the bench, never elsewhere",
    )
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        servers.superuser("bench_load") as connection,
        create_app(settings).app_context(),
    ):
        path = Path(folder) / "Master.csv"
        _write(connection, path, count)
        before = _processor(connection)
        bare = _copy(connection, path)
        copied = _processor(connection)
        took, peak = _load(path)
        loaded = _processor(connection)
        db.session.remove()
        db.engine.dispose()
    servers.drop_database("bench_load")
    work = f"{count:,} calls loaded, rated and added up"
    yield Row(work, took * 1000, limit="<= 5x COPY", other=bare * 1000, other_name="bare COPY of the file")
    yield Row(
        "the same, processor time",
        (loaded - copied) * 1000,
        other=(copied - before) * 1000,
        other_name="COPY",
    )
    yield Row("calls loaded a second", count / took, unit="/s", other=count / bare, other_name="COPY")
    yield Row("the same, memory of the process at its peak", peak, unit="MB", limit="<= 300 MB")


def _write(connection: Any, path: Path, count: int) -> None:
    values = {"prefixes": PREFIXES, "customers": CUSTOMERS}
    connection.execute("SET session_replication_role = replica")
    # Several statements with values at once: those are put in here and not by the server.
    with ClientCursor(connection) as cursor:
        cursor.execute(CARD, values)
        connection.execute("SET session_replication_role = DEFAULT")
        connection.execute("ANALYZE rate; ANALYZE customer; ANALYZE usage_rule")
        with path.open("wb") as file, cursor.copy(CALLS, {"rows": count, "customers": CUSTOMERS}) as stream:
            for piece in stream:
                file.write(piece)


def _copy(connection: Any, path: Path) -> float:
    connection.execute(BARE)
    start = time.perf_counter()
    with path.open("rb") as file, connection.cursor() as cursor, cursor.copy(INTO) as stream:
        while piece := file.read(1 << 20):
            stream.write(piece)
    took = time.perf_counter() - start
    connection.execute("DROP TABLE bench_calls")
    return took


def _processor(connection: Any) -> float:
    """Seconds that this process and the database server, with whom it started, have worked so far."""
    server = psutil.Process(connection.info.backend_pid).parent()
    assert server is not None
    at_work = [psutil.Process().cpu_times(), *(child.cpu_times() for child in server.children())]
    ended = server.cpu_times()
    return ended.children_user + ended.children_system + sum(one.user + one.system for one in at_work)


def _load(path: Path) -> tuple[float, float]:
    with path.open("rb") as file:
        reading = sniff(file.read(HEAD_BYTES), path.name).reading
    assert reading.format == "asterisk" and reading.date_order, reading
    made = UsageImport(filename=path.name, options={"reading": reading.to_json()}, bytes=path.stat().st_size)
    db.session.add(made)
    db.session.commit()
    with _Peak() as peak, path.open("rb") as file:
        start = time.perf_counter()
        counts = usage_load.load_stream(SYSTEM, made, file, usage_load.Silent())
        took = time.perf_counter() - start
    assert counts.loaded == counts.rows, counts
    return took, peak.megabytes


class _Peak:
    """The most memory that this process had in the meantime, beyond what it had before."""

    def __init__(self) -> None:
        self.process = psutil.Process(os.getpid())
        self.ended = threading.Event()
        self.most = 0

    @property
    def megabytes(self) -> float:
        return self.most / 1_000_000

    def __enter__(self) -> _Peak:
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()
        return self

    def _watch(self) -> None:
        while not self.ended.wait(0.05):
            self.most = max(self.most, self.process.memory_info().rss)

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.thread.join()
