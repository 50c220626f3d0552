"""The SQL of the coverage calendar. One statement answers for any number of customers and periods."""

from __future__ import annotations

# The customers of a schedule, narrowed by name.
SCHEDULED = "c.invoice_schedule = :schedule AND c.name ILIKE :pattern"


# Common table expressions that end in `cell`: a row for each customer of WHO, and each period.
#
# An invoice covers a period that lies in its own; several that touch it cover it where nothing is left open.
# Open usage of a covered period is late. Packages count that fall due in the period and are not charged; on
# which days those with the same rhythm do (`due_*`) is worked out once for all of them. Unrated calls block a
# period until they have a rate.
_CELLS = """
WITH slot AS (
  SELECT * FROM unnest(
    CAST(:zones AS text[]), CAST(:starts AS date[]), CAST(:ends AS date[]),
    CAST(:from_at AS timestamptz[]), CAST(:until_at AS timestamptz[])
  ) AS s(zone, start_day, end_day, from_at, until_at)
), who AS (
  SELECT c.id, c.name, c.status, c.currency, c.empty_invoices, coalesce(c.time_zone, :zone) AS zone,
    greatest(c.invoice_from, least(
      (SELECT min(u.day) FROM usage_day u WHERE u.customer_id = c.id),
      (SELECT min(p.start_date) FROM customer_package p WHERE p.customer_id = c.id)
    )) AS first_day
  FROM customer c WHERE /*WHO*/
), owned AS (
  SELECT o.id, o.customer_id, o.start_date, o.end_date, k.frequency, CAST(k.frequency_match AS text) AS match,
    CAST(CASE k.frequency WHEN 'weekly' THEN date_part('isodow', o.start_date)
      WHEN 'monthly' THEN date_part('day', o.start_date) ELSE 0 END AS int) AS own,
    k.retail, k.setup_retail
  FROM who w
  JOIN customer_package o ON o.customer_id = w.id AND NOT o.auto_decrement_credit
  JOIN package k ON k.id = o.package_id
), usage AS (
  SELECT u.customer_id, CAST(date_trunc(:unit, CAST(u.day AS timestamp)) AS date) AS start_day,
    sum(u.charge) FILTER (WHERE u.rated) AS charge,
    sum(u.attempts) FILTER (WHERE u.rated) AS calls,
    sum(u.connected) FILTER (WHERE NOT u.rated) AS unrated
  FROM usage_day u JOIN who w ON w.id = u.customer_id
  WHERE u.invoice_item_id IS NULL AND u.day >= :first AND u.day < :last
  GROUP BY 1, 2
), due AS (
  SELECT * FROM unnest(
    CAST(:due_frequency AS text[]), CAST(:due_match AS text[]), CAST(:due_own AS int[]),
    CAST(:due_day AS date[])
  ) AS d(frequency, match, own, day)
), charge AS (
  SELECT a.customer_id, CAST(date_trunc(:unit, CAST(a.day AS timestamp)) AS date) AS start_day,
    count(*) AS charges
  FROM (
    SELECT o.customer_id, o.id, d.day FROM owned o
    JOIN due d ON d.frequency = o.frequency AND d.match = o.match AND d.own = o.own
      AND d.day >= o.start_date AND (o.end_date IS NULL OR d.day <= o.end_date)
    WHERE o.retail <> 0
    UNION
    SELECT o.customer_id, o.id, o.start_date FROM owned o
    WHERE o.start_date >= :first AND o.start_date < :last AND (o.retail <> 0 OR o.setup_retail <> 0)
  ) a
  WHERE NOT EXISTS (
    SELECT 1 FROM package_charge g WHERE g.customer_package_id = a.id AND g.due_on = a.day
  )
  GROUP BY 1, 2
), paper AS (
  SELECT w.id AS customer_id, s.start_day,
    max(i.id) FILTER (WHERE i.period_start <= s.from_at AND i.period_end >= s.until_at) AS whole,
    max(i.id) AS any_part
  FROM who w
  JOIN invoice i ON i.customer_id = w.id AND i.origin = 'generated' AND i.state <> 'void'
  JOIN slot s ON s.zone = w.zone AND i.period_start < s.until_at AND i.period_end > s.from_at
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
      WHEN s.until_at + make_interval(hours => :delay) > now() THEN 'waiting'
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
  LEFT JOIN charge g ON g.customer_id = w.id AND g.start_day = s.start_day
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

_BY_SCHEDULE = "SELECT id, name, status, currency FROM customer c WHERE"
_BY_STATE = """
SELECT id, name, status, currency
FROM (SELECT DISTINCT customer_id AS id, name, status, currency FROM cell WHERE state = :state) AS found
WHERE true
"""

COUNTS = "SELECT state, count(*) AS number FROM cell GROUP BY state"


def names(*, by_state: bool, placed: bool) -> str:
    """The customers of a page: id, name, status and currency, by name. With a state the calendar of all is
    worked out first."""
    place = "AND (name, id) > (:after_name, :after_id)" if placed else ""
    found = (cells(of=SCHEDULED), _BY_STATE) if by_state else (_BY_SCHEDULE, SCHEDULED)
    return " ".join((*found, place, "ORDER BY name, id LIMIT :size"))
