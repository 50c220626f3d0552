"""A card's rates in force as CSV, with the headings that the import knows."""

from __future__ import annotations

from collections.abc import Iterator

from dashboard.extensions import db
from dashboard.queries.list_export import FORMULA, _pieces

# The row of a prefix that holds now is its latest one by now.
IN_FORCE = """
SELECT prefix AS "Prefix",
    CASE WHEN destination ~ %(formula)s THEN '''' || destination ELSE destination END AS "Destination",
    trim_scale(rate_per_minute) AS "Rate per Minute", trim_scale(connection_fee) AS "Connection Fee",
    minimum_seconds AS "MCD", pulse_seconds AS "Pulse"
FROM (
    SELECT DISTINCT ON (prefix) * FROM rate
    WHERE rate_card_id = %(card)s AND valid_from <= now()
    ORDER BY prefix, valid_from DESC
) AS latest
WHERE NOT withdrawn ORDER BY prefix
"""


def chunks(card_id: int) -> Iterator[bytes]:
    """The file in pieces, streamed by COPY."""
    return _pieces(
        db.engine,
        f"COPY ({IN_FORCE}) TO STDOUT WITH (FORMAT csv, HEADER true)",
        {"card": card_id, "formula": FORMULA},
    )
