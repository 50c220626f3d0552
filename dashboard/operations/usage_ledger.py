"""Calls into the books: matched, rated, written once, and added up by day.

A chunk of calls stands in the temporary table `usage_call`. `rate_calls` finds customer, provider and rate of
each; `merge` writes what is new into `usage_record`, `usage_unmatched` and `usage_day`, in the transaction of
the caller. Merging is one at a time over all workers; a customer that is being invoiced is waited for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import Cursor

from dashboard.operations import usage_calls, usage_match
from dashboard.operations.base import session
from dashboard.operations.usage_rating_sql import Rates, billed, charge, lookup
from dashboard.rules.destinations import place_of

MERGE_LOCK = 2026110007

RATED = """
CREATE TEMP TABLE usage_rated ON COMMIT DROP AS
SELECT line, identity, started_at, account_code, source, number, trunk, provider_name, result, duration,
    given_destination, given_charge, given_cost, usage_import_id, record_id, customer_id, provider_id,
    (started_at AT TIME ZONE zone)::date AS day, coalesce(sell.destination, given_destination) AS destination,
    CASE WHEN given_charge IS NOT NULL THEN 'given'
        WHEN found.sell_n IS NULL AND spoken THEN 'unrated' ELSE 'rated' END AS rating,
    sell.rate_id, sell.rate_per_minute,
    coalesce(sold, ceil(duration)::int) AS billed_duration,
    CASE WHEN given_charge IS NOT NULL THEN given_charge WHEN NOT spoken THEN 0
        ELSE {sell_charge} END AS charge,
    paid.rate_id AS provider_rate_id, coalesce(paid.destination, '') AS provider_destination,
    CASE WHEN given_cost IS NOT NULL THEN given_cost WHEN provider_id IS NULL THEN NULL
        WHEN NOT spoken THEN 0 ELSE {paid_charge} END AS cost
FROM (
    SELECT f.*, CASE WHEN spoken THEN {sell_billed} ELSE 0 END AS sold,
        CASE WHEN spoken THEN {paid_billed} ELSE 0 END AS bought
    FROM (
        SELECT c.*, p.zone, c.result = 'answered' AND c.duration > 0 AS spoken, {sell} AS sell_n,
            {paid} AS paid_n
        FROM usage_known AS c LEFT JOIN usage_party AS p ON p.customer_id = c.customer_id
        {joins} OFFSET 0
    ) AS f
    LEFT JOIN usage_rate AS sell ON sell.n = f.sell_n
    LEFT JOIN usage_rate AS paid ON paid.n = f.paid_n OFFSET 0
) AS found
LEFT JOIN usage_rate AS sell ON sell.n = found.sell_n
LEFT JOIN usage_rate AS paid ON paid.n = found.paid_n
"""

# Calls whose destination is known neither by a rate nor by the file: the country of the number.
HEADS = "SELECT DISTINCT left(number, 9) FROM usage_rated WHERE destination = ''"
PLACES = "CREATE TEMP TABLE usage_place (head text, name text) ON COMMIT DROP"
NAMED = """
UPDATE usage_rated AS c SET destination = p.name FROM usage_place AS p
WHERE c.destination = '' AND p.head = left(c.number, 9)
"""


@dataclass
class Counts:
    """What became of the rows of a chunk, or of a file."""

    rows: int = 0
    loaded: int = 0
    duplicates: int = 0
    unmatched: int = 0
    unrated: int = 0
    bad: int = 0
    late: int = 0

    def add(self, other: Counts) -> None:
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


def load_calls(calls: Iterable[Mapping[str, Any]], *, usage_import_id: int | None = None) -> Counts:
    """Put calls into the books in the transaction under way. Names of values: `usage_calls.COLUMNS`;
    `customer_id` may be given, else the rules find it."""
    with raw_cursor() as cursor:
        usage_calls.put(cursor, calls)
        rates = Rates(cursor)
        prepare(cursor, rates)
        return merge(cursor, usage_import_id)


def raw_cursor() -> Cursor[Any]:
    """A psycopg cursor in the session's own transaction."""
    connection = session().connection().connection.driver_connection
    assert connection is not None
    cursor: Cursor[Any] = connection.cursor()
    return cursor


def prepare(cursor: Cursor[Any], rates: Rates, customer_by: str = "") -> None:
    """From `usage_call` to `usage_rated`. Reads the books, changes nothing. `customer_by` is the one kind
    of rule that counts; else all do."""
    for name in "usage_rule_now usage_provider usage_known usage_party usage_rated usage_place".split():
        cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{name}")
    # Every join here is of a whole chunk with a whole table.
    cursor.execute("SET LOCAL enable_nestloop = off; SET LOCAL enable_mergejoin = off")
    usage_match.find_parties(cursor, customer_by)
    rate_calls(cursor, rates)
    _name_places(cursor)
    cursor.execute("SET LOCAL enable_nestloop = on; SET LOCAL enable_mergejoin = on")


def rate_calls(cursor: Cursor[Any], rates: Rates) -> None:
    cards = cursor.execute("SELECT array_agg(DISTINCT own_card), array_agg(DISTINCT card) FROM usage_party")
    row = cards.fetchone() or (None, None)
    own, sold = row[0] or [], row[1] or []
    paid = cursor.execute("SELECT array_agg(DISTINCT cost_card) FROM usage_known").fetchone()
    cost = (paid[0] if paid else None) or []
    rates.want([*own, *sold, *cost])
    own_joins, own_found = lookup("own", "p.own_card", rates.sizes(own))
    sold_joins, sold_found = lookup("sold", "p.card", rates.sizes(sold))
    cost_joins, cost_found = lookup("cost", "c.cost_card", rates.sizes(cost))
    cursor.execute(
        RATED.format(
            sell=_first([*own_found, *sold_found]),
            paid=_first(cost_found),
            joins="\n".join([own_joins, sold_joins, cost_joins]),
            sell_billed=billed("sell", "f.duration"),
            paid_billed=billed("paid", "f.duration"),
            sell_charge=charge("sell", "sold"),
            paid_charge=charge("paid", "bought"),
        )
    )


def _first(names: list[str]) -> str:
    return f"coalesce({', '.join(names)})" if names else "NULL::int"


def _name_places(cursor: Cursor[Any]) -> None:
    heads = [head for (head,) in cursor.execute(HEADS).fetchall()]
    if not heads:
        return
    cursor.execute(PLACES)
    with cursor.copy("COPY usage_place FROM STDIN") as copy:
        for head in heads:
            copy.write_row((head, place_of(head)))
    cursor.execute(NAMED)


SAME_TWICE = "SELECT identity FROM usage_rated GROUP BY identity HAVING count(*) > 1 LIMIT 1"
ONCE_ONLY = """
DELETE FROM usage_rated AS c USING (
    SELECT identity, (array_agg(ctid ORDER BY line))[1] AS kept
    FROM usage_rated GROUP BY identity HAVING count(*) > 1
) AS same WHERE c.identity = same.identity AND c.ctid <> same.kept
"""
# A file read in a wrong time zone first and in the right one then has the same calls at other times.
SPAN = """
SELECT min(started_at) - interval '1 day', max(started_at) + interval '1 day', count(*) FROM usage_rated
"""
KNOWN_ALREADY = """
DELETE FROM usage_rated AS c USING usage_record AS r
WHERE r.identity = c.identity AND r.started_at BETWEEN %(first)s AND %(last)s
RETURNING c.line, r.usage_import_id, r.rating
"""
HOLD_CUSTOMERS = """
SELECT id FROM customer WHERE id IN (SELECT customer_id FROM usage_party) ORDER BY id FOR KEY SHARE
"""
WAITING = """
INSERT INTO usage_unmatched (
    identity, started_at, usage_import_id, line, account_code, source, number, trunk, result, duration,
    provider_name, destination, charge, cost)
SELECT identity, started_at, %(usage_import_id)s, line, account_code, source, number, trunk, result, duration,
    provider_name, given_destination, given_charge, given_cost
FROM usage_rated WHERE customer_id IS NULL
ON CONFLICT (identity) DO NOTHING
"""
NO_LONGER_WAITING = """
DELETE FROM usage_unmatched AS u USING usage_rated AS c
WHERE u.identity = c.identity AND c.customer_id IS NOT NULL
"""
SUMS = """
CREATE TEMP TABLE usage_sum ON COMMIT DROP AS
SELECT s.*, coalesce(open.id, nextval(pg_get_serial_sequence('usage_day', 'id'))) AS day_id,
    open.id IS NOT NULL AS there, coalesce(last.batch, 0) + 1 AS batch
FROM (
    SELECT customer_id, day, destination, provider_id, provider_destination, rating <> 'unrated' AS rated,
        count(*) AS attempts, count(*) FILTER (WHERE result = 'answered') AS connected,
        sum(duration) AS duration, sum(billed_duration) AS billed_duration,
        coalesce(sum(charge), 0) AS charge, coalesce(sum(cost), 0) AS cost
    FROM usage_rated WHERE customer_id IS NOT NULL
    GROUP BY 1, 2, 3, 4, 5, 6
) AS s
LEFT JOIN LATERAL (
    SELECT d.id, d.batch, d.invoice_item_id FROM usage_day AS d
    WHERE d.customer_id = s.customer_id AND d.day = s.day AND d.destination = s.destination
      AND d.provider_id IS NOT DISTINCT FROM s.provider_id
      AND d.provider_destination = s.provider_destination AND d.rated = s.rated
    ORDER BY d.batch DESC LIMIT 1
) AS last ON true
LEFT JOIN usage_day AS open ON open.id = last.id AND last.invoice_item_id IS NULL
"""
ADD_TO_OPEN = """
UPDATE usage_day AS d SET attempts = d.attempts + s.attempts, connected = d.connected + s.connected,
    duration = d.duration + s.duration, billed_duration = d.billed_duration + s.billed_duration,
    charge = d.charge + s.charge, cost = d.cost + s.cost
FROM usage_sum AS s WHERE s.there AND d.id = s.day_id
"""
OPEN_NEW = """
INSERT INTO usage_day (id, customer_id, day, destination, provider_id, provider_destination, rated, batch,
    attempts, connected, duration, billed_duration, charge, cost)
SELECT day_id, customer_id, day, destination, provider_id, provider_destination, rated, batch,
    attempts, connected, duration, billed_duration, charge, cost
FROM usage_sum WHERE NOT there ORDER BY customer_id, day, destination
"""
WRITE = """
INSERT INTO usage_record (
    customer_id, usage_day_id, destination, rating, rate_id, rate_per_minute, billed_duration, charge,
    provider_id, provider_rate_id, provider_destination, cost, identity, started_at, usage_import_id, line,
    account_code, source, number, trunk, result, duration)
SELECT c.customer_id, s.day_id, c.destination, c.rating, c.rate_id, c.rate_per_minute, c.billed_duration,
    c.charge, c.provider_id, c.provider_rate_id, c.provider_destination, c.cost, c.identity, c.started_at,
    coalesce(c.usage_import_id, %(usage_import_id)s), c.line, c.account_code, c.source, c.number, c.trunk,
    c.result, c.duration
FROM usage_rated AS c JOIN usage_sum AS s
  ON s.customer_id = c.customer_id AND s.day = c.day AND s.destination = c.destination
 AND coalesce(s.provider_id, 0) = coalesce(c.provider_id, 0)
 AND s.provider_destination = c.provider_destination AND s.rated = (c.rating <> 'unrated')
ORDER BY c.customer_id, c.started_at
"""
MONTHS = """
SELECT ensure_usage_month(month) FROM (
    SELECT DISTINCT date_trunc('month', started_at AT TIME ZONE 'UTC')::date AS month FROM usage_rated
) AS months ORDER BY month
"""
# A day without a call when its period was invoiced is late like any other of it.
LATE = """
SELECT coalesce(sum(s.attempts), 0) FROM usage_sum AS s
JOIN usage_party AS p ON p.customer_id = s.customer_id
WHERE EXISTS (
    SELECT 1 FROM invoice AS i
    WHERE i.customer_id = s.customer_id AND i.origin = 'generated' AND i.state <> 'void'
      AND s.day::timestamp AT TIME ZONE p.zone >= i.period_start
      AND s.day::timestamp AT TIME ZONE p.zone < i.period_end)
"""
UNRATED = "SELECT count(*) FROM usage_rated WHERE customer_id IS NOT NULL AND rating = 'unrated'"


def merge(cursor: Cursor[Any], usage_import_id: int | None) -> Counts:
    """Write what is new of `usage_rated`; the counts say what became of it."""
    given = {"usage_import_id": usage_import_id}
    cursor.execute("DROP TABLE IF EXISTS pg_temp.usage_sum")
    cursor.execute("SELECT pg_advisory_xact_lock(%s)", [MERGE_LOCK])
    cursor.execute(HOLD_CUSTOMERS)
    cursor.execute(NO_LONGER_WAITING)
    counts = _leave_out_known(cursor, usage_import_id)
    cursor.execute(WAITING, given)
    counts.unmatched = cursor.rowcount
    cursor.execute("SELECT count(*) FROM usage_rated WHERE customer_id IS NULL")
    counts.duplicates += _count(cursor) - counts.unmatched
    cursor.execute(MONTHS)
    cursor.execute(SUMS)
    cursor.execute(ADD_TO_OPEN)
    cursor.execute(OPEN_NEW)
    cursor.execute(WRITE, given)
    counts.loaded += cursor.rowcount
    cursor.execute(LATE)
    counts.late = _count(cursor)
    cursor.execute(UNRATED)
    counts.unrated += _count(cursor)
    return counts


def _leave_out_known(cursor: Cursor[Any], usage_import_id: int | None) -> Counts:
    """Calls that are in the books already. Those that this very file brought, before it was interrupted,
    count as loaded."""
    counts = Counts()
    first, last, counts.rows = cursor.execute(SPAN).fetchone() or (None, None, 0)
    if cursor.execute(SAME_TWICE).fetchone():
        counts.duplicates += cursor.execute(ONCE_ONLY).rowcount
    known = cursor.execute(KNOWN_ALREADY, {"first": first, "last": last}).fetchall()
    for _, came_with, rating in known:
        if usage_import_id is not None and came_with == usage_import_id:
            counts.loaded += 1
            counts.unrated += rating == "unrated"
        else:
            counts.duplicates += 1
    return counts


def _count(cursor: Cursor[Any]) -> int:
    row = cursor.fetchone()
    return int(row[0]) if row else 0
