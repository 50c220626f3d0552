"""Calls that are in the books already, written anew: another charge, another day, the ledger with them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from psycopg import Cursor

from dashboard.operations import usage_calls, usage_days
from dashboard.operations.usage_days import MERGE_LOCK, drop
from dashboard.operations.usage_ledger import HOLD_CUSTOMERS


@dataclass(frozen=True)
class Filters:
    """Which calls: of a customer, of local days (both included), to a destination, by a provider."""

    customer_id: int | None = None
    first_day: dt.date | None = None
    last_day: dt.date | None = None
    destination: str = ""
    provider_id: int | None = None
    unrated_only: bool = False

    def where(self) -> tuple[str, dict[str, Any]]:
        """A condition on calls `r` and their days `d`."""
        conditions = {
            "d.customer_id = %(customer_id)s": self.customer_id,
            "d.day >= %(first_day)s": self.first_day,
            "d.day <= %(last_day)s": self.last_day,
            "d.destination = %(destination)s": self.destination or None,
            "d.provider_id = %(provider_id)s": self.provider_id,
            "NOT d.rated": self.unrated_only or None,
        }
        given = [text for text, value in conditions.items() if value is not None]
        return " AND ".join(["true", *given]), vars(self)


FILL = """
INSERT INTO usage_call (
    line, identity, started_at, account_code, source, number, trunk, provider_name, result, duration,
    destination, charge, cost, usage_import_id, customer_id, provider_id, record_id)
SELECT r.line, r.identity, r.started_at, r.account_code, r.source, r.number, r.trunk, '', r.result,
    r.duration, CASE WHEN r.rate_id IS NULL THEN r.destination ELSE '' END,
    CASE WHEN r.rating = 'given' THEN r.charge END,
    CASE WHEN r.provider_rate_id IS NULL AND r.cost <> 0 THEN r.cost END, r.usage_import_id, r.customer_id,
    r.provider_id, r.id
FROM usage_record AS r JOIN usage_day AS d ON d.id = r.usage_day_id
WHERE {invoiced} AND {where}
"""

# What is now beside what would be, for calls where anything differs.
OLD = """
CREATE TEMP TABLE usage_old ON COMMIT DROP AS
SELECT r.id, r.usage_day_id, r.started_at, r.customer_id, r.result, r.duration, r.billed_duration,
    r.charge, r.cost, r.rating, r.destination
FROM usage_record AS r JOIN usage_rated AS c
  ON r.customer_id = c.customer_id AND r.started_at = c.started_at AND r.id = c.record_id
JOIN usage_day AS d ON d.id = r.usage_day_id
WHERE (r.charge, r.cost, r.rating, r.destination, r.rate_id, r.billed_duration, r.provider_rate_id,
       r.provider_destination, d.day)
    IS DISTINCT FROM (c.charge::numeric(20,6), c.cost::numeric(20,6), c.rating, c.destination, c.rate_id,
       c.billed_duration, c.provider_rate_id, c.provider_destination, c.day)
"""
ONLY_CHANGED = """
DELETE FROM usage_rated AS c WHERE NOT EXISTS (SELECT 1 FROM usage_old AS o WHERE o.id = c.record_id)
"""
TAKE_OUT = """
UPDATE usage_day AS d SET attempts = d.attempts - o.attempts, connected = d.connected - o.connected,
    duration = d.duration - o.duration, billed_duration = d.billed_duration - o.billed_duration,
    charge = d.charge - o.charge, cost = d.cost - o.cost
FROM (
    SELECT usage_day_id, count(*) AS attempts, count(*) FILTER (WHERE result = 'answered') AS connected,
        sum(duration) AS duration, sum(billed_duration) AS billed_duration,
        coalesce(sum(charge), 0) AS charge, coalesce(sum(cost), 0) AS cost
    FROM usage_old GROUP BY usage_day_id
) AS o WHERE o.usage_day_id = d.id
"""
WRITE = """
UPDATE usage_record AS r SET usage_day_id = o.day_id, destination = c.destination, rating = c.rating,
    rate_id = c.rate_id, rate_per_minute = c.rate_per_minute, billed_duration = c.billed_duration,
    charge = c.charge, provider_rate_id = c.provider_rate_id, provider_destination = c.provider_destination,
    cost = c.cost
FROM usage_rated AS c JOIN usage_sum AS s
  ON s.customer_id = c.customer_id AND s.day = c.day AND s.destination = c.destination
 AND coalesce(s.provider_id, 0) = coalesce(c.provider_id, 0)
 AND s.provider_destination = c.provider_destination AND s.rated = (c.rating <> 'unrated')
JOIN usage_open AS o ON o.n = s.n
WHERE r.customer_id = c.customer_id AND r.started_at = c.started_at AND r.id = c.record_id
"""
EMPTY = """
DELETE FROM usage_day WHERE attempts = 0 AND invoice_item_id IS NULL
    AND id IN (SELECT usage_day_id FROM usage_old)
"""
# The same calls with the rating that they have.
AS_THEY_ARE = """
CREATE TEMP TABLE usage_rated ON COMMIT DROP AS
SELECT r.line, r.identity, r.started_at, r.result, r.duration, r.usage_import_id, r.id AS record_id,
    r.customer_id, r.provider_id, (r.started_at AT TIME ZONE coalesce(k.time_zone, s.time_zone))::date AS day,
    r.destination, r.rating::text, r.rate_id, r.rate_per_minute, r.billed_duration, r.charge,
    r.provider_rate_id, r.provider_destination, r.cost
FROM usage_record AS r JOIN usage_day AS d ON d.id = r.usage_day_id
JOIN customer AS k ON k.id = r.customer_id JOIN setting AS s ON s.id = 1
WHERE d.invoice_item_id IS NULL AND d.customer_id = ANY (%(customers)s)
"""
THEIR_CUSTOMERS = """
CREATE TEMP TABLE usage_party ON COMMIT DROP AS SELECT unnest(%(customers)s::bigint[]) AS customer_id
"""


def fill(cursor: Cursor[Any], filters: Filters, *, invoiced: bool) -> int:
    """The calls asked for into `usage_call`; says how many."""
    usage_calls.make_table(cursor)
    where, values = filters.where()
    state = "d.invoice_item_id IS NOT NULL" if invoiced else "d.invoice_item_id IS NULL"
    cursor.execute(FILL.format(invoiced=state, where=where), values)
    return cursor.rowcount


def compare(cursor: Cursor[Any]) -> int:
    """`usage_old` gets the calls of `usage_rated` where anything would change; says how many."""
    drop(cursor, "usage_old")
    cursor.execute(OLD)
    return cursor.rowcount


def hold(cursor: Cursor[Any]) -> None:
    """Nobody merges usage or invoices these customers until the transaction ends."""
    cursor.execute("SELECT pg_advisory_xact_lock(%s)", [MERGE_LOCK])
    cursor.execute(HOLD_CUSTOMERS)


def write(cursor: Cursor[Any]) -> int:
    """Write what `compare` found to differ, and the ledger with it."""
    cursor.execute("ANALYZE usage_rated; ANALYZE usage_old")
    cursor.execute(ONLY_CHANGED)
    cursor.execute(TAKE_OUT)
    usage_days.add_up(cursor)
    written = cursor.execute(WRITE).rowcount
    usage_days.put_in(cursor)
    cursor.execute(EMPTY)
    return written


def rebuild(cursor: Cursor[Any], customers: list[int]) -> int:
    """Put open calls on the day that they have in their customer's time zone now; says how many moved."""
    drop(cursor, "usage_party", "usage_rated")
    cursor.execute(THEIR_CUSTOMERS, {"customers": customers})
    hold(cursor)
    cursor.execute(AS_THEY_ARE, {"customers": customers})
    return write(cursor) if compare(cursor) else 0
