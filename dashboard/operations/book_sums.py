"""The parts of each sum of the books are folded into one, so that reading them stays quick."""

from __future__ import annotations

from typing import cast

from sqlalchemy import CursorResult, text

from dashboard.operations.base import session

# A row is deleted by one transaction only, and what it deleted is what it puts back: nothing is lost or
# counted twice, whoever folds at the same time.
_FOLD = text("""
WITH part AS (
  SELECT unnest(array_agg(id)) AS id FROM book_sum
  GROUP BY kind, currency, day, customer_id
  HAVING count(*) > 1 OR (sum(number) = 0 AND sum(amount) = 0 AND sum(rest) = 0)
), folded AS (
  DELETE FROM book_sum AS s USING part WHERE s.id = part.id
  RETURNING s.kind, s.currency, s.day, s.customer_id, s.number, s.amount, s.rest
)
INSERT INTO book_sum (kind, currency, day, customer_id, number, amount, rest)
SELECT kind, currency, day, customer_id, sum(number), sum(amount), sum(rest) FROM folded
GROUP BY kind, currency, day, customer_id
HAVING sum(number) <> 0 OR sum(amount) <> 0 OR sum(rest) <> 0
""")


def fold() -> int:
    """One row a sum; a sum that came to nothing goes. Returns how many rows were written."""
    result = cast("CursorResult[object]", session().execute(_FOLD))
    session().commit()
    return result.rowcount


def refill() -> None:
    """Every sum worked out anew; invoices and payments wait until it is done."""
    session().execute(text("SELECT refill_book_sums()"))
    session().commit()
