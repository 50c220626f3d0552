"""The books that the bench reads: made in the database itself, the same rows every time."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Size:
    customers: int
    invoices: int
    lines_each: int = 4


SIZES = {"small": Size(500, 10_000), "usual": Size(5_000, 100_000), "full": Size(20_000, 1_000_000)}

CUSTOMERS = """
INSERT INTO customer (name, currency, status)
SELECT 'Example Company ' || to_char(n, 'FM000000') || (ARRAY[' Ltd', ' Networks', ' Telecom'])[1 + n %% 3],
       (ARRAY['USD', 'EUR', 'GBP', 'JPY'])[1 + n %% 4],
       (ARRAY['active', 'active', 'active', 'inactive'])[1 + n %% 4]
FROM generate_series(1, %(customers)s) AS n
"""

INVOICES = """
INSERT INTO invoice (number, state, customer_id, customer_name, currency, issue_date, due_date,
                     subtotal, tax, total, paid, issued_at, snapshot)
SELECT CASE WHEN state = 'draft' THEN NULL ELSE 'INV-2026-' || to_char(n, 'FM0000000') END,
       state, c.id, c.name, c.currency, day, day + 30, net, net / 5, net + net / 5,
       CASE WHEN state <> 'issued' THEN 0 ELSE (ARRAY[net + net / 5, net / 5, 0])[1 + n %% 3] END,
       CASE WHEN state = 'draft' THEN NULL ELSE now() END,
       CASE WHEN state = 'draft' THEN NULL ELSE '{}'::jsonb END
FROM (
    SELECT n, CASE WHEN n %% 20 = 0 THEN 'draft' WHEN n %% 31 = 0 THEN 'void' ELSE 'issued' END AS state,
           1 + (n * 7919::bigint) %% %(customers)s AS customer_id,
           current_date - 720 + n * 720 / %(invoices)s AS day,
           (5 * (1 + (n * 104729::bigint) %% 9973))::numeric AS net
    FROM generate_series(1, %(invoices)s) AS n
) AS made
JOIN customer AS c ON c.id = made.customer_id
ORDER BY n
"""

ITEMS = """
INSERT INTO invoice_item (invoice_id, position, description, quantity, unit_price, tax_name, tax_percent,
                          net, tax, gross)
SELECT id, place, 'Example service ' || place, 1, subtotal / %(lines_each)s, 'VAT', 20,
       subtotal / %(lines_each)s, tax / %(lines_each)s, total / %(lines_each)s
FROM invoice CROSS JOIN generate_series(1, %(lines_each)s) AS place
"""

PAYMENTS = """
INSERT INTO payment (customer_id, currency, paid_on, description, amount, status, allocated)
SELECT customer_id, currency, issue_date + 10, 'Example payment', paid, 'completed', paid
FROM invoice WHERE paid > %(nothing)s
"""

STEPS = (CUSTOMERS, INVOICES, ITEMS, PAYMENTS)


def load(connection: Any, size: Size) -> None:
    """Fill an empty database. Triggers are off: the bench reads, it does not audit."""
    values = {**asdict(size), "nothing": 0}
    connection.execute("SET session_replication_role = replica")
    for step in STEPS:
        connection.execute(step, values)
    connection.execute("SET session_replication_role = DEFAULT")
    connection.execute("VACUUM ANALYZE")
