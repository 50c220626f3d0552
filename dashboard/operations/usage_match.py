"""Whose call is it, and who carried it? By the rules of staff and the names of providers, in sets."""

from __future__ import annotations

from typing import Any

from psycopg import Cursor

RULES = """
CREATE TEMP TABLE usage_rule_now ON COMMIT DROP AS
SELECT kind, CASE WHEN kind IN ('account_code', 'trunk') THEN lower(value) ELSE value END AS value,
    length(value) AS size, min(customer_id) AS customer_id
FROM usage_rule GROUP BY 1, 2, 3
"""

# What each kind of rule looks at; those that come first count first, of prefixes the longest.
VALUES = {
    "account_code": "lower(c.account_code)",
    "caller": "c.source",
    "caller_prefix": "left(c.source, {size})",
    "trunk": "lower(c.trunk)",
}
KINDS = """
SELECT DISTINCT kind, CASE WHEN kind = 'caller_prefix' THEN size ELSE 0 END FROM usage_rule_now
"""

# A name goes before a trunk, and of two providers with the same name for a trunk the older.
PROVIDERS = """
CREATE TEMP TABLE usage_provider ON COMMIT DROP AS
SELECT DISTINCT ON (key) key, provider_id, card_id FROM (
    SELECT lower(p.name) AS key, p.id AS provider_id, 0 AS worth FROM provider AS p
    UNION ALL
    SELECT lower(trunk), p.id, 1 FROM provider AS p CROSS JOIN unnest(p.trunks) AS trunk
) AS named
LEFT JOIN LATERAL (
    SELECT c.id AS card_id FROM rate_card AS c JOIN provider AS p ON p.id = c.provider_id
    WHERE c.provider_id = named.provider_id AND c.kind = 'cost' AND c.currency = p.currency
) AS card ON true
ORDER BY key, worth, provider_id
"""

KNOWN = """
CREATE TEMP TABLE usage_known ON COMMIT DROP AS
SELECT c.line, c.identity, c.started_at, c.account_code, c.source, c.number, c.trunk, c.provider_name,
    c.result, c.duration, c.destination AS given_destination, c.charge AS given_charge,
    c.cost AS given_cost, c.usage_import_id, c.record_id,
    {customer} AS customer_id,
    coalesce(known.provider_id, named.provider_id, carried.provider_id) AS provider_id,
    coalesce(known.card_id, named.card_id, carried.card_id) AS cost_card
FROM usage_call AS c
LEFT JOIN (SELECT DISTINCT provider_id, card_id FROM usage_provider) AS known
    ON known.provider_id = c.provider_id
LEFT JOIN usage_provider AS named ON named.key = lower(c.provider_name) AND c.provider_id IS NULL
LEFT JOIN usage_provider AS carried ON carried.key = lower(c.trunk) AND named.key IS NULL
    AND c.provider_id IS NULL
{joins}
WHERE c.reason IS NULL
"""

PARTIES = """
CREATE TEMP TABLE usage_party ON COMMIT DROP AS
SELECT c.id AS customer_id, coalesce(c.time_zone, s.time_zone) AS zone, own.id AS own_card, card.id AS card
FROM (SELECT DISTINCT customer_id FROM usage_known WHERE customer_id IS NOT NULL) AS found
JOIN customer AS c ON c.id = found.customer_id
JOIN setting AS s ON s.id = 1
LEFT JOIN rate_card AS own ON own.customer_id = c.id AND own.kind = 'account' AND own.currency = c.currency
LEFT JOIN rate_card AS card ON card.id = c.rate_card_id AND card.currency = c.currency
"""


def find_parties(cursor: Cursor[Any], customer_by: str = "") -> None:
    """From `usage_call` to `usage_known` (each call with customer and provider) and `usage_party`."""
    joins, customer = by_rules(cursor, customer_by)
    cursor.execute(PROVIDERS)
    cursor.execute(KNOWN.format(customer=f"coalesce(c.customer_id, {customer})", joins=joins))
    cursor.execute(PARTIES)


def by_rules(cursor: Cursor[Any], customer_by: str = "") -> tuple[str, str]:
    """Joins of calls `c` with the rules as they are now, and the customer that they come to."""
    cursor.execute("DROP TABLE IF EXISTS pg_temp.usage_rule_now")
    cursor.execute(RULES)
    found = cursor.execute(KINDS).fetchall()
    joins, customers = [], []
    for kind, size in sorted(found, key=_worth):
        if customer_by not in ("", kind):
            continue
        name = f"{kind}_{int(size)}"
        value = VALUES[kind].format(size=int(size))
        exact = f" AND {name}.size = {int(size)}" if size else ""
        joins.append(
            f"LEFT JOIN usage_rule_now AS {name} ON {name}.kind = '{kind}' AND {name}.value = {value}{exact}"
        )
        customers.append(f"{name}.customer_id")
    return "\n".join(joins), f"coalesce({', '.join(customers)})" if customers else "NULL::bigint"


def _worth(found: tuple[str, int]) -> tuple[int, int]:
    kind, size = found
    return list(VALUES).index(kind), -size
