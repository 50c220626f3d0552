"""Calls into the books: matched, rated, written once, and added up by day.

A chunk of calls stands in the temporary table `usage_call`. `rate_calls` finds customer, provider and rate of
each; `merge` writes what is new into `usage_record`, `usage_unmatched` and `usage_day`, in the transaction of
the caller. Merging is one at a time over all workers; a customer that is being invoiced is waited for.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import Cursor

from dashboard.operations import usage_calls, usage_days, usage_match
from dashboard.operations.base import session
from dashboard.operations.usage_days import MERGE_LOCK, Opener
from dashboard.operations.usage_rating_sql import Rates, billed, charge, lookup
from dashboard.rules.destinations import place_of

# What the arithmetic needs of a rate, beside its destination and id.
RATES = ("sell", "paid")
CARRIED = (
    "rate_id destination rate_per_minute price fee price_units fee_units divisor smallest cost_rounding"
).split()
RATED = """
CREATE TEMP TABLE usage_rated ON COMMIT DROP AS
SELECT line, identity, started_at, account_code, source, number, trunk, provider_name, result, duration,
    given_destination, given_charge, given_cost, usage_import_id, record_id, customer_id, provider_id,
    (started_at AT TIME ZONE zone)::date AS day, coalesce(sell_destination, given_destination) AS destination,
    CASE WHEN given_charge IS NOT NULL THEN 'given'
        WHEN found.sell_n IS NULL AND spoken THEN 'unrated' ELSE 'rated' END AS rating,
    sell_rate_id AS rate_id, sell_rate_per_minute AS rate_per_minute,
    coalesce(sold, ceil(duration)::int) AS billed_duration,
    CASE WHEN given_charge IS NOT NULL THEN given_charge WHEN NOT spoken THEN 0
        ELSE {sell_charge} END AS charge,
    paid_rate_id AS provider_rate_id, coalesce(paid_destination, '') AS provider_destination,
    CASE WHEN given_cost IS NOT NULL THEN given_cost WHEN provider_id IS NULL THEN NULL
        WHEN NOT spoken THEN 0 ELSE {paid_charge} END AS cost
FROM (
    SELECT f.*, CASE WHEN spoken THEN {sell_billed} ELSE 0 END AS sold,
        CASE WHEN spoken THEN {paid_billed} ELSE 0 END AS bought, {carried}
    FROM (
        SELECT c.*, p.zone, c.result = 'answered' AND c.duration > 0 AS spoken,
            (c.duration * 1000)::bigint AS thousandths, {sell} AS sell_n, {paid} AS paid_n
        FROM usage_known AS c LEFT JOIN usage_party AS p ON p.customer_id = c.customer_id
        {joins} OFFSET 0
    ) AS f
    LEFT JOIN usage_rate AS sell ON sell.n = f.sell_n
    LEFT JOIN usage_rate AS paid ON paid.n = f.paid_n OFFSET 0
) AS found
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
            carried=", ".join(f"{rate}.{name} AS {rate}_{name}" for rate in RATES for name in CARRIED),
            sell_billed=billed("sell.", "f.thousandths"),
            paid_billed=billed("paid.", "f.thousandths"),
            sell_charge=charge("sell_", "sold"),
            paid_charge=charge("paid_", "bought"),
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
SPAN = """
SELECT min(started_at), max(started_at), count(*), count(*) FILTER (WHERE customer_id IS NULL)
FROM usage_rated
"""
# A file read in a wrong time zone first and in the right one then has the same calls at other times.
KNOWN_ALREADY = """
DELETE FROM usage_rated AS c USING usage_record AS r
WHERE r.identity = c.identity
  AND r.started_at BETWEEN %(first)s - interval '1 day' AND %(last)s + interval '1 day'
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
WAITING_OF_THIS = """
SELECT count(*) FROM usage_rated AS c JOIN usage_unmatched AS u ON u.identity = c.identity
WHERE c.customer_id IS NULL AND u.usage_import_id = %(usage_import_id)s
"""
NO_LONGER_WAITING = """
DELETE FROM usage_unmatched AS u USING usage_rated AS c
WHERE u.identity = c.identity AND c.customer_id IS NOT NULL
"""
# The few sums find their days first (OFFSET 0 sees to it), so that each call is looked up only once.
WRITE = """
INSERT INTO usage_record (
    customer_id, usage_day_id, destination, rating, rate_id, rate_per_minute, billed_duration, charge,
    provider_id, provider_rate_id, provider_destination, cost, identity, started_at, usage_import_id, line,
    account_code, source, number, trunk, result, duration)
SELECT c.customer_id, s.day_id, c.destination, c.rating, c.rate_id, c.rate_per_minute, c.billed_duration,
    c.charge, c.provider_id, c.provider_rate_id, c.provider_destination, c.cost, c.identity, c.started_at,
    coalesce(c.usage_import_id, %(usage_import_id)s), c.line, c.account_code, c.source, c.number, c.trunk,
    c.result, c.duration
FROM usage_rated AS c JOIN (
    SELECT s.*, o.day_id FROM usage_sum AS s JOIN usage_open AS o USING (n) OFFSET 0
) AS s
  ON s.customer_id = c.customer_id AND s.day = c.day AND s.destination = c.destination
 AND coalesce(s.provider_id, 0) = coalesce(c.provider_id, 0)
 AND s.provider_destination = c.provider_destination AND s.rated = (c.rating <> 'unrated')
ORDER BY c.customer_id, c.started_at
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
UNRATED = "SELECT coalesce(sum(attempts), 0) FROM usage_sum WHERE NOT rated"


def merge(cursor: Cursor[Any], usage_import_id: int | None, opener: Opener | None = None) -> Counts:
    """Write what is new of `usage_rated`; the counts say what became of it.

    Without an opener nobody else merges meanwhile. With one, others do: who brings the same calls at the same
    time gets a unique violation, who lost a day DaysChanged, and either merges again without.
    """
    given = {"usage_import_id": usage_import_id}
    if opener is None:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [MERGE_LOCK])
    first, last, rows, unknown = cursor.execute(SPAN).fetchone() or (None, None, 0, 0)
    if first is None or last is None:
        return Counts()
    usage_days.make_months(cursor, opener, first, last)
    cursor.execute(HOLD_CUSTOMERS)
    cursor.execute(NO_LONGER_WAITING)
    counts = _leave_out_known(cursor, usage_import_id, first, last)
    counts.rows = rows
    if unknown:
        _let_wait(cursor, given, counts)
    usage_days.add_up(cursor, opener)
    cursor.execute("SET LOCAL enable_mergejoin = off; SET LOCAL enable_nestloop = off")
    counts.loaded += cursor.execute(WRITE, given).rowcount
    cursor.execute("SET LOCAL enable_mergejoin = on; SET LOCAL enable_nestloop = on")
    cursor.execute(LATE)
    counts.late = _count(cursor)
    cursor.execute(UNRATED)
    counts.unrated += _count(cursor)
    usage_days.put_in(cursor)
    return counts


def _let_wait(cursor: Cursor[Any], given: dict[str, Any], counts: Counts) -> None:
    """Calls without a customer. Those that wait already since this very file came count with it."""
    counts.unmatched = cursor.execute(WAITING, given).rowcount
    if given["usage_import_id"] is not None:
        cursor.execute(WAITING_OF_THIS, given)
        counts.unmatched = _count(cursor)
    cursor.execute("SELECT count(*) FROM usage_rated WHERE customer_id IS NULL")
    counts.duplicates += _count(cursor) - counts.unmatched


def _leave_out_known(
    cursor: Cursor[Any], usage_import_id: int | None, first: dt.datetime, last: dt.datetime
) -> Counts:
    """Calls that are in the books already. Those that this very file brought, before it was interrupted,
    count as loaded."""
    counts = Counts()
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
