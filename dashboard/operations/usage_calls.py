"""The calls of one chunk in a temporary table, whatever they come from: a file, the waiting ones, a test."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from psycopg import Cursor, sql

# In the order of the table's columns. `customer_id` is set where the source says whose call it is.
COLUMNS = (
    "line identity started_at account_code source number trunk provider_name result duration destination"
    " charge cost customer_id"
).split()

TABLE = """
CREATE TEMP TABLE usage_call (
    line bigint, identity uuid NOT NULL, started_at timestamptz NOT NULL, account_code text NOT NULL DEFAULT '',
    source text NOT NULL DEFAULT '', number text NOT NULL, trunk text NOT NULL DEFAULT '',
    provider_name text NOT NULL DEFAULT '', result text NOT NULL, duration numeric(12,3) NOT NULL,
    destination text NOT NULL DEFAULT '', charge numeric(20,6), cost numeric(20,6), customer_id bigint
) ON COMMIT DROP
"""


def make_table(cursor: Cursor[Any]) -> None:
    cursor.execute("DROP TABLE IF EXISTS pg_temp.usage_call")
    cursor.execute(TABLE)


def put(cursor: Cursor[Any], calls: Iterable[Mapping[str, Any]]) -> None:
    """Calls by name of column; those left out are empty."""
    make_table(cursor)
    into = sql.SQL("COPY usage_call ({}) FROM STDIN").format(sql.SQL(", ").join(map(sql.Identifier, COLUMNS)))
    empty = {"account_code": "", "source": "", "trunk": "", "provider_name": "", "destination": ""}
    with cursor.copy(into) as copy:
        for call in calls:
            copy.write_row([call.get(name, empty.get(name)) for name in COLUMNS])
