"""The ledger of days: calls added up, the open day of each sum found or made, the sums put into it.

A load that runs beside others makes missing days on a second connection, in a transaction that ends at once:
so nobody waits for a whole chunk to have the number of a day. A day so made is empty until its sums come; one
that stays empty, because the load was killed, is removed with the next load.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from psycopg import Connection, Cursor

from dashboard.operations import usage_months

MERGE_LOCK = 2026110007

SUMS = """
CREATE TEMP TABLE usage_sum ON COMMIT DROP AS
SELECT row_number() OVER () AS n, s.* FROM (
    SELECT customer_id, day, destination, provider_id, provider_destination, rating <> 'unrated' AS rated,
        count(*) AS attempts, count(*) FILTER (WHERE result = 'answered') AS connected,
        sum(duration) AS duration, sum(billed_duration) AS billed_duration,
        coalesce(sum(charge), 0) AS charge, coalesce(sum(cost), 0) AS cost
    FROM usage_rated WHERE customer_id IS NOT NULL
    GROUP BY 1, 2, 3, 4, 5, 6
) AS s
"""
KEYS = "n, customer_id, day, destination, provider_id, provider_destination, rated"
KEY_TABLE = """
CREATE TEMP TABLE usage_key (
    n bigint, customer_id bigint, day date, destination text, provider_id bigint, provider_destination text,
    rated boolean
) ON COMMIT DROP
"""
# The open day of each key; for the others the number and batch that it is going to have.
FIND = """
CREATE TEMP TABLE usage_open ON COMMIT DROP AS
SELECT k.*, last.id IS NOT NULL AND last.invoice_item_id IS NULL AS there,
    CASE WHEN last.id IS NOT NULL AND last.invoice_item_id IS NULL THEN last.id
        ELSE nextval(pg_get_serial_sequence('usage_day', 'id')) END AS day_id,
    coalesce(last.batch, 0) + 1 AS batch
FROM usage_key AS k LEFT JOIN LATERAL (
    SELECT d.id, d.batch, d.invoice_item_id FROM usage_day AS d
    WHERE d.customer_id = k.customer_id AND d.day = k.day AND d.destination = k.destination
      AND d.provider_id IS NOT DISTINCT FROM k.provider_id
      AND d.provider_destination = k.provider_destination AND d.rated = k.rated
    ORDER BY d.batch DESC LIMIT 1
) AS last ON true
"""
OPEN = """
INSERT INTO usage_day (id, customer_id, day, destination, provider_id, provider_destination, rated, batch)
SELECT day_id, customer_id, day, destination, provider_id, provider_destination, rated, batch
FROM usage_open WHERE NOT there ORDER BY customer_id, day, destination
"""
ADD = """
UPDATE usage_day AS d SET attempts = d.attempts + s.attempts, connected = d.connected + s.connected,
    duration = d.duration + s.duration, billed_duration = d.billed_duration + s.billed_duration,
    charge = d.charge + s.charge, cost = d.cost + s.cost
FROM usage_sum AS s JOIN usage_open AS o ON o.n = s.n
WHERE d.id = o.day_id AND d.invoice_item_id IS NULL
"""
MONTHS = """
SELECT array_agg(DISTINCT date_trunc('month', started_at AT TIME ZONE 'UTC')::date) FROM usage_rated
"""
EMPTY = """
DELETE FROM usage_day WHERE attempts = 0 AND invoice_item_id IS NULL
    AND NOT EXISTS (SELECT 1 FROM usage_record AS r WHERE r.usage_day_id = usage_day.id)
"""


class DaysChanged(Exception):
    """A day was invoiced or removed after it was found; the merge has to be done again."""


class Opener:
    """Makes months and days on a connection of its own, so that others see them at once."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection

    def months(self, cursor: Cursor[Any], months: list[dt.date]) -> None:
        if usage_months.missing(cursor, months):
            with self._connection.transaction(), self._connection.cursor() as own:
                usage_months.make(own, months, indexed=False)

    def days(self, cursor: Cursor[Any]) -> None:
        with self._connection.transaction(), self._connection.cursor() as own:
            own.execute("SELECT pg_advisory_xact_lock(%s)", [MERGE_LOCK])
            drop(own, "usage_key", "usage_open")
            own.execute(KEY_TABLE)
            _hand_over(cursor, f"SELECT {KEYS} FROM usage_sum", own, "usage_key")  # noqa: S608
            _open(own)
            drop(cursor, "usage_open")
            cursor.execute("CREATE TEMP TABLE usage_open (n bigint, day_id bigint) ON COMMIT DROP")
            _hand_over(own, "SELECT n, day_id FROM usage_open", cursor, "usage_open")


def drop(cursor: Cursor[Any], *names: str) -> None:
    for name in names:
        cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{name}")


def make_months(cursor: Cursor[Any], opener: Opener | None, first: dt.datetime, last: dt.datetime) -> None:
    """The parts of `usage_record` that calls from the first to the last fall into. With an opener nothing of
    the transaction under way may have touched `usage_record` yet: a new part waits for all who have."""
    months = [month_of(first)]
    if month_of(last) != months[0]:
        row = cursor.execute(MONTHS).fetchone()
        months = row[0] if row else []
    if opener is not None:
        opener.months(cursor, months)
    else:
        usage_months.make(cursor, months)


def month_of(moment: dt.datetime) -> dt.date:
    return moment.astimezone(dt.UTC).date().replace(day=1)


def add_up(cursor: Cursor[Any], opener: Opener | None = None) -> None:
    """`usage_sum`: the calls of `usage_rated` by day, and `usage_open`: the open day of each sum."""
    drop(cursor, "usage_sum")
    cursor.execute(SUMS)
    if opener is not None:
        opener.days(cursor)
        return
    drop(cursor, "usage_key", "usage_open")
    cursor.execute(KEY_TABLE)
    cursor.execute(f"INSERT INTO usage_key SELECT {KEYS} FROM usage_sum")  # noqa: S608
    _open(cursor)


def put_in(cursor: Cursor[Any]) -> None:
    """The sums into their days. Only one does so at a time."""
    cursor.execute("SELECT pg_advisory_xact_lock(%s)", [MERGE_LOCK])
    put = cursor.execute(ADD).rowcount
    row = cursor.execute("SELECT count(*) FROM usage_sum").fetchone()
    if row is None or row[0] != put:
        raise DaysChanged


def remove_empty(cursor: Cursor[Any]) -> None:
    """Days that a killed load has left without calls."""
    cursor.execute("SELECT pg_advisory_xact_lock(%s)", [MERGE_LOCK])
    cursor.execute(EMPTY)


def _open(cursor: Cursor[Any]) -> None:
    cursor.execute(FIND)
    cursor.execute(OPEN)


def _hand_over(source: Cursor[Any], query: str, target: Cursor[Any], table: str) -> None:
    with (
        source.copy(f"COPY ({query}) TO STDOUT") as rows,
        target.copy(f"COPY {table} FROM STDIN") as into,
    ):
        for piece in rows:
            into.write(piece)
