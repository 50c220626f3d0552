"""Rows that say they are a call which was loaded before, and tell it otherwise: listed, never loaded.

A true duplicate is left out and counted. One with another start, number or duration may be a call that got
lost, or a wrong one in the books: staff have to look at it. Looked for only where rows were left out at all.
"""

from __future__ import annotations

from typing import Any

from psycopg import Cursor

from dashboard.operations.usage_ledger import Counts

REASON = "This call was loaded before with other contents: the same ID, another start, number or duration."
LEFT_OUT = """
CREATE TEMP TABLE usage_left_out ON COMMIT DROP AS
SELECT c.line, c.identity, c.started_at, c.number, c.duration, k.identity IS NOT NULL AS here
FROM usage_call AS c LEFT JOIN (SELECT DISTINCT identity FROM usage_rated) AS k ON k.identity = c.identity
WHERE c.reason IS NULL AND NOT EXISTS (
    SELECT 1 FROM usage_rated AS r WHERE r.line = c.line AND r.customer_id IS NOT NULL)
"""
TWINS = """
CREATE TEMP TABLE usage_twin ON COMMIT DROP AS
SELECT c.line, c.here, r.usage_import_id, r.rating
FROM usage_left_out AS c JOIN usage_record AS r ON r.identity = c.identity
WHERE r.started_at BETWEEN %(first)s - interval '1 day' AND %(last)s + interval '1 day'
  AND (r.started_at, r.number, r.duration) IS DISTINCT FROM (c.started_at, c.number, c.duration)
UNION ALL
SELECT c.line, c.here, u.usage_import_id, 'waits'
FROM usage_left_out AS c JOIN usage_unmatched AS u ON u.identity = c.identity
WHERE (u.started_at, u.number, u.duration) IS DISTINCT FROM (c.started_at, c.number, c.duration)
"""
# `mine`: those that were counted as loaded, or waiting, by this very import before.
OTHERS = """
UPDATE usage_call AS c SET reason = %(reason)s FROM usage_twin AS twin WHERE twin.line = c.line
RETURNING CASE WHEN twin.rating = 'waits' THEN EXISTS (SELECT 1 FROM usage_rated AS r WHERE r.line = c.line)
    ELSE NOT twin.here END AND twin.usage_import_id = %(key)s AS mine, twin.rating
"""


def set_apart(cursor: Cursor[Any], usage_import_id: int | None, counts: Counts) -> None:
    """After a merge: such rows get a reason, so that they count as bad, and count as nothing else."""
    left = cursor.execute("SELECT count(*) FROM usage_rated").fetchone()
    if not counts.duplicates and left is not None and left[0] == counts.rows:
        return
    cursor.execute("DROP TABLE IF EXISTS pg_temp.usage_left_out, pg_temp.usage_twin")
    # Few or all of a chunk: the planner has to know, or each row is compared with each.
    cursor.execute("SET LOCAL enable_nestloop = off")
    cursor.execute(LEFT_OUT)
    cursor.execute("SET LOCAL enable_nestloop = on")
    cursor.execute("ANALYZE usage_left_out")
    span = cursor.execute("SELECT min(started_at), max(started_at) FROM usage_left_out").fetchone()
    first, last = span or (None, None)
    cursor.execute(TWINS, {"first": first, "last": last})
    cursor.execute("ANALYZE usage_twin")
    found = cursor.execute(OTHERS, {"reason": REASON, "key": usage_import_id}).fetchall()
    for mine, rating in found:
        if not mine:
            counts.duplicates -= 1
        elif rating == "waits":
            counts.unmatched -= 1
        else:
            counts.loaded -= 1
            counts.unrated -= rating == "unrated"
