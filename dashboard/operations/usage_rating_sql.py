"""Rating in sets: `rules/rating.py` said in SQL, for the calls of a chunk at once.

Rates become rows of a temporary table with everything that the arithmetic needs, one a stretch of time in
which they hold. A call finds its rate by one hash join a prefix length. Prices are whole numbers of
1/6,000,000 of the currency, so that a charge is one multiplication and one division, exact until the card's
own rounding. `tests/usage/test_rating_sql.py` proves it equal to the rules for every mode.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from psycopg import Cursor, sql

# A duration is at most 31 days: with prices below 100,000 a minute no product leaves 64 bits.
LONGEST_SECONDS = 31 * 24 * 3600
MOST_PRICE = 100_000

RATES = """
CREATE TEMP TABLE usage_rate (
    n int GENERATED ALWAYS AS IDENTITY, card_id bigint, prefix text, size int, valid_from timestamptz,
    valid_to timestamptz, rate_id bigint, destination text, rate_per_minute numeric,
    duration_add int, minimum int, pulse int,
    price numeric, fee numeric, price_units bigint, fee_units bigint, divisor bigint, smallest numeric,
    places int, cost_rounding text
) ON COMMIT {ending}
"""

# Each mode of rounding x to a whole number is floor((twice * x * d + add) / (twice * d)) of whole numbers.
ADD_RATES = """
INSERT INTO usage_rate (
    card_id, prefix, size, valid_from, valid_to, rate_id, destination, rate_per_minute, duration_add, minimum,
    pulse, price, fee, price_units, fee_units, divisor, smallest, places, cost_rounding)
SELECT rate_card_id, prefix, length(prefix), valid_from, coalesce(valid_to, 'infinity'), id, destination,
    rate_per_minute,
    CASE duration_rounding WHEN 'up' THEN 999 WHEN 'down' THEN 0 WHEN 'half_up' THEN 500 ELSE 499 END,
    minimum, pulse, rate_per_minute, connection_fee,
    CASE WHEN small THEN (rate_per_minute * 1000000)::bigint * twice END,
    CASE WHEN small THEN (connection_fee * 60000000)::bigint * twice + addend END,
    twice * unit, ('1e-' || cost_places)::numeric, cost_places, cost_rounding
FROM (
    SELECT found.*,
        lead(valid_from) OVER (PARTITION BY rate_card_id, prefix ORDER BY valid_from) AS valid_to,
        CASE WHEN cost_rounding LIKE 'half%%' THEN 2 ELSE 1 END AS twice,
        CASE cost_rounding WHEN 'up' THEN unit - 1 WHEN 'down' THEN 0
            WHEN 'half_up' THEN unit ELSE unit - 1 END AS addend
    FROM (
        SELECT r.*, c.duration_rounding, c.cost_rounding, c.cost_places,
            coalesce(r.minimum_seconds, c.minimum_seconds) AS minimum,
            coalesce(r.pulse_seconds, c.pulse_seconds) AS pulse,
            r.rate_per_minute < %(most)s AND r.connection_fee < %(most)s
                AND coalesce(r.minimum_seconds, c.minimum_seconds) <= %(longest)s
                AND coalesce(r.pulse_seconds, c.pulse_seconds) <= %(longest)s AS small,
            60 * (('1e' || 6 - c.cost_places)::numeric)::bigint AS unit
        FROM rate AS r JOIN rate_card AS c ON c.id = r.rate_card_id
        WHERE r.rate_card_id = ANY (%(cards)s)
    ) AS found
) AS dated
WHERE NOT withdrawn
"""

BILLED = """CASE WHEN {r}n IS NULL THEN NULL WHEN {whole} = 0 THEN 0
    WHEN {whole} <= {r}minimum THEN {r}minimum
    ELSE {r}minimum + ({whole} - {r}minimum + {r}pulse - 1) / {r}pulse * {r}pulse END"""

CHARGE = """CASE WHEN {billed} = 0 THEN 0
    WHEN {r}price_units IS NOT NULL
    THEN (({r}fee_units + {r}price_units * {billed}) / {r}divisor) * {r}smallest
    ELSE {large} * {r}smallest END"""

# The same for prices too large for whole numbers of 64 bits; `{above}` is sixty times the price.
LARGE = """(CASE {r}cost_rounding
    WHEN 'up' THEN div({above}, 60) + CASE WHEN mod({above}, 60) > 0 THEN 1 ELSE 0 END
    WHEN 'down' THEN div({above}, 60)
    WHEN 'half_up' THEN div({above} * 2 + 60, 120)
    ELSE div({above} * 2 + 60, 120) - CASE WHEN mod({above} * 2 + 60, 120) = 0 THEN 1 ELSE 0 END END)"""
ABOVE = "(({r}fee * 60 + {r}price * {billed}) / {r}smallest)"


class Rates:
    """The rates of the cards that were asked for, in a table of this connection."""

    def __init__(self, cursor: Cursor[Any], *, lasting: bool = False) -> None:
        """`lasting`: for several transactions; else the table goes with this one."""
        self._cursor = cursor
        self._cards: set[int] = set()
        self._sizes: dict[int, set[int]] = {}
        cursor.execute("DROP TABLE IF EXISTS pg_temp.usage_rate")
        ending = sql.SQL("PRESERVE ROWS" if lasting else "DROP")
        cursor.execute(sql.SQL(RATES).format(ending=ending))

    def want(self, cards: Iterable[int | None]) -> None:
        missing = sorted({card for card in cards if card is not None} - self._cards)
        if not missing:
            return
        self._cursor.execute(ADD_RATES, {"cards": missing, "most": MOST_PRICE, "longest": LONGEST_SECONDS})
        self._cursor.execute("ANALYZE usage_rate")
        self._cards.update(missing)
        found = self._cursor.execute("SELECT DISTINCT card_id, size FROM usage_rate")
        for card, size in found.fetchall():
            self._sizes.setdefault(card, set()).add(size)

    def sizes(self, cards: Iterable[int | None]) -> list[int]:
        """Lengths of the prefixes that these cards have, longest first."""
        found: set[int] = set()
        for card in cards:
            if card is not None:
                found |= self._sizes.get(card, set())
        return sorted(found, reverse=True)


def lookup(alias: str, card: str, sizes: Iterable[int]) -> tuple[str, list[str]]:
    """The longest prefix in force: joins, one a length, and the columns in the order of their worth."""
    joins, found = [], []
    for size in sizes:
        name = f"{alias}{size}"
        joins.append(
            f"LEFT JOIN usage_rate AS {name} ON {name}.card_id = {card} AND {name}.size = {size}"
            f" AND {name}.prefix = left(c.number, {size})"
            f" AND c.started_at >= {name}.valid_from AND c.started_at < {name}.valid_to"
        )
        found.append(f"{name}.n")
    return "\n".join(joins), found


def billed(rate: str, thousandths: str) -> str:
    """Seconds charged, for so many thousandths of one, by the rate whose columns begin with `rate`, such as
    "sell."."""
    whole = f"({thousandths} + {rate}duration_add) / 1000"
    return BILLED.replace("{whole}", f"({whole})").replace("{r}", rate)


def charge(rate: str, seconds: str) -> str:
    """The charge of so many billed seconds by the rate whose columns begin with `rate`."""
    text = CHARGE.replace("{large}", LARGE.replace("{above}", ABOVE))
    return text.replace("{billed}", seconds).replace("{r}", rate)
