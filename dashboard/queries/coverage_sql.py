"""The SQL of the coverage calendar. One statement answers for any number of customers and periods."""

from __future__ import annotations

# The customers of a schedule, narrowed by name.
SCHEDULED = "c.invoice_schedule = :schedule AND c.name ILIKE :pattern"


# Common table expressions that end in `cell`: a row for each customer of WHO, and each period.
#
# An invoice covers a period that lies in its own; several that touch it cover it where nothing is left open.
# Nearly every invoice is of exactly one period, so those that are not are looked at by themselves. Open usage
# of a covered period is late. Packages count that fall due in the period and are not charged; on which days
# those with the same rhythm do (`due_*`) is worked out once for all of them. Minimum spend is due on the last
# day of its span, where less was spent; a part of a span is held against the whole minimum here. Unrated
# calls block a period until they have a rate.
_CELLS = """
WITH slot AS (
  SELECT * FROM unnest(
    CAST(:zones AS text[]), CAST(:starts AS date[]), CAST(:ends AS date[]),
    CAST(:from_at AS timestamptz[]), CAST(:until_at AS timestamptz[])
  ) AS s(zone, start_day, end_day, from_at, until_at)
), who AS (
  SELECT c.id, c.name, c.status, c.currency, c.empty_invoices,
    c.invoice_delay_hours AS delay, coalesce(c.time_zone, :zone) AS zone,
    greatest(c.invoice_from, least(
      (SELECT min(u.day) FROM usage_day u WHERE u.customer_id = c.id),
      (SELECT min(p.start_date) FROM customer_package p WHERE p.customer_id = c.id)
    )) AS first_day
  FROM customer c WHERE /*WHO*/
), owned AS (
  SELECT o.id, o.customer_id, o.start_date, o.end_date, k.frequency, CAST(k.frequency_match AS text) AS match,
    CAST(CASE k.frequency WHEN 'weekly' THEN date_part('isodow', o.start_date)
      WHEN 'monthly' THEN date_part('day', o.start_date) ELSE 0 END AS int) AS own,
    k.retail, k.setup_retail, k.minimum_spend, o.quantity * k.retail AS least,
    o.auto_decrement_credit AS by_account
  FROM who w
  JOIN customer_package o ON o.customer_id = w.id
  JOIN package k ON k.id = o.package_id
  WHERE k.minimum_spend OR NOT o.auto_decrement_credit
), usage AS (
  SELECT u.customer_id, CAST(date_trunc(:unit, CAST(u.day AS timestamp)) AS date) AS start_day,
    sum(u.charge) FILTER (WHERE u.rated) AS charge,
    sum(u.attempts) FILTER (WHERE u.rated) AS calls,
    sum(u.connected) FILTER (WHERE NOT u.rated) AS unrated
  FROM usage_day_open o
  JOIN who w ON w.id = o.customer_id
  JOIN usage_day u ON u.id = o.usage_day_id AND u.invoice_item_id IS NULL
  WHERE o.day >= :first AND o.day < :last
  GROUP BY 1, 2
), due AS (
  SELECT * FROM unnest(
    CAST(:due_frequency AS text[]), CAST(:due_match AS text[]), CAST(:due_own AS int[]),
    CAST(:due_day AS date[])
  ) AS d(frequency, match, own, day)
), span AS (
  SELECT o.id, o.customer_id, o.least, a.last_day, greatest(o.start_date, (
    SELECT max(d.day) FROM due d
    WHERE d.frequency = o.frequency AND d.match = o.match AND d.own = o.own AND d.day <= a.last_day
  )) AS first_day
  FROM owned o CROSS JOIN LATERAL (
    SELECT d.day - 1 AS last_day FROM due d
    WHERE d.frequency = o.frequency AND d.match = o.match AND d.own = o.own
      AND d.day > o.start_date AND (o.end_date IS NULL OR d.day <= o.end_date)
    UNION
    SELECT o.end_date WHERE o.end_date IS NOT NULL AND o.frequency <> 'once'
  ) a
  WHERE o.minimum_spend AND o.retail > 0 AND a.last_day >= :first AND a.last_day < :last
    AND NOT EXISTS (
      SELECT 1 FROM package_charge g
      WHERE g.customer_package_id = o.id AND g.kind = 'minimum_spend' AND g.due_on = a.last_day
    )
), short AS (
  SELECT s.id, s.customer_id, s.last_day FROM span s
  WHERE s.least > (
    SELECT coalesce(sum(u.charge), 0) FROM usage_day u
    WHERE u.customer_id = s.customer_id AND u.day >= s.first_day AND u.day <= s.last_day AND u.rated
  ) + (
    SELECT coalesce(sum(l.quantity * l.unit_price), 0)
    FROM invoice i JOIN invoice_item l ON l.invoice_id = i.id
    WHERE i.customer_id = s.customer_id AND i.state <> 'void' AND l.kind = 'free_minutes'
      AND l.date_from >= s.first_day AND l.date_from <= s.last_day
  )
), charge AS (
  SELECT a.customer_id, CAST(date_trunc(:unit, CAST(a.day AS timestamp)) AS date) AS start_day,
    count(*) AS charges
  FROM (
    SELECT o.customer_id, o.id, d.day FROM owned o
    JOIN due d ON d.frequency = o.frequency AND d.match = o.match AND d.own = o.own
      AND d.day >= o.start_date AND (o.end_date IS NULL OR d.day <= o.end_date)
      AND d.day >= :first AND d.day < :last
    WHERE o.retail <> 0 AND NOT o.minimum_spend
    UNION
    SELECT o.customer_id, o.id, o.start_date FROM owned o
    WHERE o.start_date >= :first AND o.start_date < :last AND NOT o.by_account
      AND (o.retail <> 0 AND NOT o.minimum_spend OR o.setup_retail <> 0)
  ) a
  WHERE NOT EXISTS (
    SELECT 1 FROM package_charge g
    WHERE g.customer_package_id = a.id AND g.due_on = a.day AND g.kind <> 'minimum_spend'
  )
  GROUP BY 1, 2
), short_in AS (
  SELECT s.customer_id, CAST(date_trunc(:unit, CAST(s.last_day AS timestamp)) AS date) AS start_day,
    count(*) AS charges
  FROM short s GROUP BY 1, 2
), owing AS (
  SELECT customer_id, start_day, sum(charges) AS charges
  FROM (SELECT * FROM charge UNION ALL SELECT * FROM short_in) a GROUP BY 1, 2
), held AS MATERIALIZED (
  SELECT w.id AS customer_id, w.zone, i.id, i.period_start, i.period_end
  FROM who w JOIN invoice i ON i.customer_id = w.id AND i.origin = 'generated' AND i.state <> 'void'
), fits AS MATERIALIZED (
  SELECT h.customer_id, h.zone, h.id, h.period_start, h.period_end, s.start_day
  FROM held h LEFT JOIN slot s
    ON s.zone = h.zone AND s.from_at = h.period_start AND s.until_at = h.period_end
), paper AS (
  SELECT customer_id, start_day, max(whole) AS whole, max(id) AS any_part
  FROM (
    SELECT customer_id, start_day, id, id AS whole FROM fits WHERE start_day IS NOT NULL
    UNION ALL
    SELECT f.customer_id, s.start_day, f.id,
      CASE WHEN f.period_start <= s.from_at AND f.period_end >= s.until_at THEN f.id END
    FROM fits f JOIN slot s ON s.zone = f.zone AND f.period_start < s.until_at AND f.period_end > s.from_at
    WHERE f.start_day IS NULL
  ) a
  GROUP BY 1, 2
), cell AS (
  SELECT w.id AS customer_id, w.name, w.status, w.currency, s.start_day, s.end_day,
    coalesce(p.whole, p.any_part) AS invoice_id,
    coalesce(u.charge, 0) AS open_charge, coalesce(u.calls, 0) AS open_calls,
    coalesce(u.unrated, 0) AS unrated, coalesce(g.charges, 0) AS charges,
    CASE
      WHEN w.first_day IS NULL OR s.end_day <= w.first_day THEN 'before'
      WHEN p.whole IS NOT NULL AND coalesce(u.charge, 0) <> 0 THEN 'late'
      WHEN p.whole IS NOT NULL THEN 'invoiced'
      WHEN s.until_at + make_interval(hours => coalesce(w.delay, :delay)) > now() THEN 'waiting'
      WHEN coalesce(u.unrated, 0) > 0 THEN 'blocked'
      WHEN coalesce(u.charge, 0) <> 0 OR g.charges > 0
        THEN CASE w.status WHEN 'pending_approval' THEN 'blocked' ELSE 'missing' END
      WHEN p.any_part IS NOT NULL THEN 'invoiced'
      WHEN w.empty_invoices THEN 'missing'
      ELSE 'empty'
    END AS state
  FROM who w
  JOIN slot s ON s.zone = w.zone
  LEFT JOIN usage u ON u.customer_id = w.id AND u.start_day = s.start_day
  LEFT JOIN owing g ON g.customer_id = w.id AND g.start_day = s.start_day
  LEFT JOIN paper p ON p.customer_id = w.id AND p.start_day = s.start_day
)
"""


def cells(of: str) -> str:
    return _CELLS.replace("/*WHO*/", of)


ALL = """
SELECT cell.*, i.number, i.state AS invoice_state
FROM cell LEFT JOIN invoice i ON i.id = cell.invoice_id
ORDER BY cell.customer_id, cell.start_day
"""

COUNTS = "SELECT state, count(*) AS number FROM cell GROUP BY state"

# Who has something open in the columns: only they can have late usage.
WITH_OPEN = """AND EXISTS (
  SELECT 1 FROM usage_day_open o WHERE o.customer_id = c.id AND o.rated AND o.day >= :first AND o.day < :last
)"""


def names(only: str = "", *, placed: bool) -> str:
    """The customers of a page: id, name, status and currency, by name; `only` narrows them further."""
    place = "AND (c.name, c.id) > (:after_name, :after_id)" if placed else ""
    found = "SELECT c.id, c.name, c.status, c.currency FROM customer c WHERE"
    return " ".join((found, SCHEDULED, only, place, "ORDER BY c.name, c.id LIMIT :size"))
