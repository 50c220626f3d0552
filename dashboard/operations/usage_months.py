"""The parts of `usage_record`, one a month, and the indexes that they are read by.

A load that runs beside others makes a new month without these indexes, and all of them at its end: sorted at
once they cost a fraction of what they cost call by call. What a killed or cancelled load leaves without them
gets them by the tick, or when the next load begins.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from psycopg import Connection, Cursor

# Held, shared, by whoever loads a file: nobody makes indexes of a month while it is being filled.
LOADING = 2026110010

MISSING = """
SELECT month FROM unnest(%s::date[]) AS month
WHERE to_regclass('usage_record_' || to_char(month, 'YYYY_MM')) IS NULL ORDER BY month
"""
UNFINISHED = """
SELECT part FROM (
    SELECT inhrelid::regclass::text AS part FROM pg_inherits WHERE inhparent = 'usage_record'::regclass
) AS parts WHERE to_regclass(part || '_read_number') IS NULL ORDER BY part
"""


def make(cursor: Cursor[Any], months: list[dt.date], *, indexed: bool = True) -> None:
    """The parts that these months need. A new part waits for all who have touched `usage_record`."""
    for row in missing(cursor, months):
        cursor.execute("SELECT ensure_usage_month(%s, %s)", [*row, indexed])


def missing(cursor: Cursor[Any], months: list[dt.date]) -> list[tuple[Any, ...]]:
    return cursor.execute(MISSING, [months]).fetchall()


def begin(connection: Connection[Any]) -> None:
    """A load begins on this connection; it has to stay open until the load ends."""
    connection.execute("SELECT pg_advisory_lock_shared(%s)", [LOADING])
    connection.commit()


def end(connection: Connection[Any]) -> None:
    connection.execute("SELECT pg_advisory_unlock_shared(%s)", [LOADING])
    connection.commit()


def finish(connection: Connection[Any]) -> None:
    """Indexes for the months that lack them. Where another load is under way, it does so at its end."""
    with connection.transaction():
        free = connection.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOADING]).fetchone()
        if free and free[0]:
            connection.execute("SET LOCAL maintenance_work_mem = '256MB'")
            for part in connection.execute(UNFINISHED).fetchall():
                connection.execute("SELECT index_usage_month(%s)", part)
