"""Marking days of the ledger as billed without telling an index

An update that changes no indexed column stays on its page. So what is open is kept in a narrow table beside
the ledger, what belongs to a line is found among its customer's days, and the line's existence is seen to once
a statement instead of once a row.

Revision: 0011, after 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# Every open day is in `usage_day_open`. A day in it need not be open: who reads it asks the day itself.
NEW_DAYS = """
CREATE FUNCTION usage_day_opened() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    INSERT INTO usage_day_open (customer_id, rated, day, usage_day_id)
    SELECT customer_id, rated, day, id FROM fresh WHERE invoice_item_id IS NULL;
    RETURN NULL;
END
$body$;
CREATE TRIGGER opened AFTER INSERT ON usage_day REFERENCING NEW TABLE AS fresh
FOR EACH STATEMENT EXECUTE FUNCTION usage_day_opened();
"""
OPENED_AGAIN = """
CREATE FUNCTION usage_day_opened_again() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    INSERT INTO usage_day_open (customer_id, rated, day, usage_day_id)
    VALUES (NEW.customer_id, NEW.rated, NEW.day, NEW.id) ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$body$;
CREATE TRIGGER opened_again AFTER UPDATE OF invoice_item_id ON usage_day FOR EACH ROW
WHEN (OLD.invoice_item_id IS NOT NULL AND NEW.invoice_item_id IS NULL)
EXECUTE FUNCTION usage_day_opened_again();
"""
GONE_DAYS = """
CREATE FUNCTION usage_day_gone() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    DELETE FROM usage_day_open AS o USING gone AS g
    WHERE o.customer_id = g.customer_id AND o.rated = g.rated AND o.day = g.day AND o.usage_day_id = g.id;
    RETURN NULL;
END
$body$;
CREATE TRIGGER gone AFTER DELETE ON usage_day REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION usage_day_gone();
"""
# What a foreign key would see to, row by row.
LINE_IS_THERE = """
CREATE FUNCTION usage_day_line_is_there() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    lines bigint[] := ARRAY(SELECT DISTINCT invoice_item_id FROM marked WHERE invoice_item_id IS NOT NULL);
    there int;
BEGIN
    IF cardinality(lines) = 0 THEN
        RETURN NULL;
    END IF;
    PERFORM 1 FROM invoice_item WHERE id = ANY (lines) FOR KEY SHARE;
    GET DIAGNOSTICS there = ROW_COUNT;
    IF there <> cardinality(lines) THEN
        RAISE foreign_key_violation USING
            MESSAGE = 'usage_day.invoice_item_id names a line that is not there', TABLE = 'usage_day';
    END IF;
    RETURN NULL;
END
$body$;
CREATE TRIGGER line_is_there_new AFTER INSERT ON usage_day REFERENCING NEW TABLE AS marked
FOR EACH STATEMENT EXECUTE FUNCTION usage_day_line_is_there();
CREATE TRIGGER line_is_there AFTER UPDATE ON usage_day REFERENCING NEW TABLE AS marked
FOR EACH STATEMENT EXECUTE FUNCTION usage_day_line_is_there();
"""
# A line's days are looked for among its customer's: an index of lines would be told of each mark.
LINE_GONE = """
CREATE FUNCTION invoice_item_gone() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    UPDATE usage_day AS d SET invoice_item_id = NULL FROM gone AS g JOIN invoice AS i ON i.id = g.invoice_id
    WHERE g.kind IN ('usage', 'late_usage') AND d.customer_id = i.customer_id AND d.invoice_item_id = g.id;
    RETURN NULL;
END
$body$;
CREATE TRIGGER gone AFTER DELETE ON invoice_item REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION invoice_item_gone();
"""
# When its lines go with it, nobody knows the customer any more.
INVOICE_GOES = """
CREATE FUNCTION invoice_goes() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    UPDATE usage_day SET invoice_item_id = NULL
    WHERE customer_id = OLD.customer_id AND invoice_item_id IN (
        SELECT id FROM invoice_item WHERE invoice_id = OLD.id AND kind IN ('usage', 'late_usage'));
    RETURN OLD;
END
$body$;
CREATE TRIGGER goes BEFORE DELETE ON invoice FOR EACH ROW WHEN (OLD.origin = 'generated')
EXECUTE FUNCTION invoice_goes();
"""
FUNCTIONS = (
    "usage_day_opened",
    "usage_day_opened_again",
    "usage_day_gone",
    "usage_day_line_is_there",
    "invoice_item_gone",
    "invoice_goes",
)


def upgrade() -> None:
    op.create_table(
        "usage_day_open",
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("rated", sa.Boolean(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("usage_day_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "customer_id", "rated", "day", "usage_day_id", name=op.f("pk_usage_day_open")
        ),
    )
    op.execute(
        "INSERT INTO usage_day_open (customer_id, rated, day, usage_day_id)"
        " SELECT customer_id, rated, day, id FROM usage_day WHERE invoice_item_id IS NULL ORDER BY day, customer_id"
    )
    for statement in (NEW_DAYS, OPENED_AGAIN, GONE_DAYS, LINE_IS_THERE, LINE_GONE, INVOICE_GOES):
        op.execute(statement)
    op.drop_constraint("fk_usage_day_invoice_item_id", "usage_day", type_="foreignkey")
    op.drop_index("ix_usage_day_open", "usage_day")
    op.drop_index("ix_usage_day_invoice_item_id", "usage_day")


def downgrade() -> None:
    for name in FUNCTIONS:
        op.execute(f"DROP FUNCTION {name} CASCADE")
    op.drop_table("usage_day_open")
    op.create_index(
        "ix_usage_day_invoice_item_id",
        "usage_day",
        ["invoice_item_id"],
        postgresql_where=sa.text("invoice_item_id IS NOT NULL"),
    )
    op.create_index(
        "ix_usage_day_open",
        "usage_day",
        ["customer_id", "day"],
        postgresql_where=sa.text("invoice_item_id IS NULL"),
    )
    op.create_foreign_key(
        op.f("fk_usage_day_invoice_item_id"),
        "usage_day",
        "invoice_item",
        ["invoice_item_id"],
        ["id"],
        ondelete="SET NULL",
    )
