"""Sums of invoices and payments, kept by triggers a statement

What a statement changed is added as rows of its own, which nobody waits for; a task of the tick folds them.

Revision: 0015, after 0014
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# What a row of the books counts in: the one place that says so.
INVOICE_PARTS = """
CREATE FUNCTION book_sums_of(i invoice) RETURNS TABLE
    (kind text, currency text, day date, customer_id bigint, amount numeric, rest numeric)
LANGUAGE sql IMMUTABLE AS $body$
SELECT p.kind, i.currency, p.day, p.customer_id, p.amount, p.rest
FROM (VALUES
    ('draft', NULL::date, NULL::bigint, i.total, 0::numeric, i.state = 'draft'),
    ('issued', i.issue_date, NULL, i.total, greatest(i.balance, 0), i.state = 'issued'),
    ('due', i.due_date, NULL, i.balance, 0, i.state = 'issued' AND i.balance > 0),
    ('debtor', NULL, i.customer_id, i.balance, 0, i.state = 'issued' AND i.balance > 0)
) AS p(kind, day, customer_id, amount, rest, counts) WHERE p.counts
$body$
"""
PAYMENT_PARTS = """
CREATE FUNCTION book_sums_of(y payment) RETURNS TABLE
    (kind text, currency text, day date, customer_id bigint, amount numeric, rest numeric)
LANGUAGE sql IMMUTABLE AS $body$
SELECT p.kind, y.currency, p.day, NULL::bigint, p.amount, p.rest
FROM (VALUES
    ('collected', y.paid_on, y.amount, y.refunded, y.status = 'completed' AND y.amount > 0),
    ('pending', NULL, y.amount, 0::numeric, y.status = 'pending'),
    ('unallocated', NULL, y.unallocated, 0, y.unallocated > 0)
) AS p(kind, day, amount, rest, counts) WHERE p.counts
$body$
"""
PUT = """
INSERT INTO book_sum (kind, currency, day, customer_id, number, amount, rest)
SELECT kind, currency, day, customer_id, sum(number), sum(amount), sum(rest) FROM (
    {parts}
) AS part
GROUP BY kind, currency, day, customer_id
HAVING sum(number) <> 0 OR sum(amount) <> 0 OR sum(rest) <> 0
"""
FRESH = "SELECT p.*, 1 AS number FROM {table} AS r CROSS JOIN LATERAL book_sums_of(r::{type}) AS p"
GONE = (
    "SELECT p.kind, p.currency, p.day, p.customer_id, -p.amount AS amount, -p.rest AS rest, -1 AS number"
    " FROM gone AS r CROSS JOIN LATERAL book_sums_of(r::{type}) AS p"
)
TRIGGER = """
CREATE FUNCTION {table}_sums_{event}() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    {put};
    RETURN NULL;
END
$body$;
CREATE TRIGGER sums_{event} AFTER {event} ON {table} REFERENCING {named}
FOR EACH STATEMENT EXECUTE FUNCTION {table}_sums_{event}();
"""
EVENTS = {
    "insert": ("NEW TABLE AS fresh", (FRESH,)),
    "update": ("OLD TABLE AS gone NEW TABLE AS fresh", (FRESH, GONE)),
    "delete": ("OLD TABLE AS gone", (GONE,)),
}
REFILL = """
CREATE FUNCTION refill_book_sums() RETURNS void LANGUAGE plpgsql AS $body$
BEGIN
    LOCK TABLE invoice, payment IN SHARE MODE;
    DELETE FROM book_sum;
    {put};
END
$body$
"""


def upgrade() -> None:
    op.create_table(
        "book_sum",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("day", sa.Date(), nullable=True),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.Numeric(30, 4), nullable=False),
        sa.Column("rest", sa.Numeric(30, 4), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_book_sum")),
    )
    op.create_index("ix_book_sum_kind_day", "book_sum", ["kind", "day"])
    op.execute(INVOICE_PARTS)
    op.execute(PAYMENT_PARTS)
    for table in ("invoice", "payment"):
        for event, (named, parts) in EVENTS.items():
            put = _put(*(part.format(table="fresh", type=table) for part in parts))
            op.execute(TRIGGER.format(table=table, event=event, named=named, put=put))
    everything = _put(*(FRESH.format(table=table, type=table) for table in ("invoice", "payment")))
    op.execute(REFILL.format(put=everything))
    op.execute("SELECT refill_book_sums()")


def _put(*parts: str) -> str:
    named = "SELECT kind, currency, day, customer_id, number, amount, rest FROM"
    return PUT.format(parts=" UNION ALL ".join(f"({named} ({part}) AS one)" for part in parts)).strip()


def downgrade() -> None:
    op.execute("DROP FUNCTION refill_book_sums()")
    for table in ("invoice", "payment"):
        for event in EVENTS:
            op.execute(f"DROP FUNCTION {table}_sums_{event}() CASCADE")
        op.execute(f"DROP FUNCTION book_sums_of({table})")
    op.drop_table("book_sum")
