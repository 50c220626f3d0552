"""The calls of one chunk in a temporary table, whatever they come from: a file, the waiting ones, a test."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from psycopg import Cursor, sql

# `customer_id` and `provider_id` are set where the source says whose call it is, `record_id` where the call
# is in the books already; `reason` where a row can't be a call.
COLUMNS = (
    "line identity started_at account_code source number trunk provider_name result duration destination"
    " charge cost customer_id usage_import_id"
).split()

TABLE = """
CREATE TEMP TABLE usage_call (
    line bigint, identity uuid, started_at timestamptz, account_code text, source text, number text,
    trunk text, provider_name text, result text, duration numeric(12,3), destination text,
    charge numeric(20,6), cost numeric(20,6), customer_id bigint, reason text, usage_import_id bigint,
    provider_id bigint, record_id bigint
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
