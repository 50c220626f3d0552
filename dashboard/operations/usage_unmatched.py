"""Calls that found no customer, taken up by the rules as they are now."""

from __future__ import annotations

from typing import Any

from psycopg import Cursor

from dashboard.extensions import db
from dashboard.operations import jobs, usage_calls, usage_match
from dashboard.operations.base import Actor, operation, require
from dashboard.operations.usage_chunks import own_connection
from dashboard.operations.usage_ledger import merge, prepare, raw_cursor
from dashboard.operations.usage_load import Progress, Silent
from dashboard.operations.usage_rating_sql import Rates

KIND = "usage_take_up"
# So many calls are taken up while somebody waits for the page; more become a job.
AT_ONCE = 20_000
CHUNK_ROWS = 100_000

WAITING = (
    "SELECT count(*) FROM (SELECT 1 FROM usage_unmatched AS c {joins} WHERE {found} LIMIT {most}) AS few"
)
FILL = """
INSERT INTO usage_call (
    line, identity, started_at, account_code, source, number, trunk, provider_name, result, duration,
    destination, charge, cost, usage_import_id, customer_id)
SELECT c.line, c.identity, c.started_at, c.account_code, c.source, c.number, c.trunk, c.provider_name,
    c.result, c.duration, c.destination, c.charge, c.cost, c.usage_import_id, {customer}
FROM usage_unmatched AS c {joins} WHERE {found} ORDER BY c.id LIMIT {most}
"""
COUNTED = """
UPDATE usage_import AS i SET unmatched = i.unmatched - f.calls, loaded = i.loaded + f.calls,
    unrated = i.unrated + f.unrated
FROM (
    SELECT usage_import_id, count(*) AS calls, count(*) FILTER (WHERE rating = 'unrated') AS unrated
    FROM usage_rated GROUP BY 1
) AS f WHERE i.id = f.usage_import_id
"""


@operation("usage.import")
def take_up_unmatched(actor: Actor) -> int:
    """Put the waiting calls that a rule leads to a customer into the books, in the transaction under way.
    Says how many; where there are very many a job does it once this is committed, and the answer is 0."""
    with raw_cursor() as cursor:
        waiting = _waiting(cursor, AT_ONCE + 1)
        if waiting > AT_ONCE:
            jobs.start(actor, KIND, "Calls that waited for a customer", {})
            return 0
        return _take_up(cursor, Rates(cursor), AT_ONCE) if waiting else 0


def take_up_all(actor: Actor, report: Progress | None = None) -> int:
    """The same for any number of calls, in transactions of their own."""
    require(actor, "usage.import")
    report = report or Silent()
    taken = 0
    with own_connection(db.engine) as connection, connection.cursor() as cursor:
        rates = Rates(cursor, lasting=True)
        connection.commit()
        while found := _take_up(cursor, rates, CHUNK_ROWS):
            connection.commit()
            taken += found
            report.reached(taken)
    return taken


def _take_up(cursor: Cursor[Any], rates: Rates, most: int) -> int:
    joins, customer = usage_match.by_rules(cursor)
    usage_calls.make_table(cursor)
    found = f"{customer} IS NOT NULL"
    cursor.execute(FILL.format(joins=joins, customer=customer, found=found, most=most))
    if not cursor.rowcount:
        return 0
    taken = cursor.rowcount
    prepare(cursor, rates)
    merge(cursor, None)
    cursor.execute(COUNTED)
    return taken


def _waiting(cursor: Cursor[Any], most: int) -> int:
    joins, customer = usage_match.by_rules(cursor)
    cursor.execute(WAITING.format(joins=joins, found=f"{customer} IS NOT NULL", most=most))
    row = cursor.fetchone()
    return int(row[0]) if row else 0
