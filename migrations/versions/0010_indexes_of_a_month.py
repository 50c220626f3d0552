"""Each month of usage has its indexes for reading on its own, so that a large load can make them at its end

Revision: 0010, after 0009
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import text

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

ENSURE_MONTH = """
CREATE FUNCTION ensure_usage_month(month date{parameter}) RETURNS void LANGUAGE plpgsql AS $body$
-- Makes the part of usage_record that holds a month (UTC); does nothing where it is there.
DECLARE
    first date := date_trunc('month', month)::date;
    part text := 'usage_record_' || to_char(first, 'YYYY_MM');
BEGIN
    IF to_regclass(part) IS NOT NULL THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(2026110006);
    EXECUTE format(
        'CREATE TABLE IF NOT EXISTS %I PARTITION OF usage_record FOR VALUES FROM (%L) TO (%L)',
        part, first::timestamp AT TIME ZONE 'UTC', (first + interval '1 month')::timestamp AT TIME ZONE 'UTC');
    {indexed}
END
$body$
"""
WITH_CHOICE = {
    "parameter": ", indexed boolean DEFAULT true",
    "indexed": "IF indexed THEN PERFORM index_usage_month(part); END IF;",
}

INDEX_MONTH = """
CREATE FUNCTION index_usage_month(part text) RETURNS void LANGUAGE plpgsql AS $body$
-- Makes the indexes that a part of usage_record is read by, all or none; the last of them says they are there.
BEGIN
    IF to_regclass(part || '_read_number') IS NOT NULL THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(2026110006);
    EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON %I (started_at, id)', part || '_read_start', part);
    EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON %I (usage_day_id)', part || '_read_day', part);
    EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON %I (result, started_at, id) WHERE result <> ''answered''',
        part || '_read_result', part);
    EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON %I (rating, started_at, id) WHERE rating <> ''rated''',
        part || '_read_rating', part);
    EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON %I (number text_pattern_ops)',
        part || '_read_number', part);
END
$body$
"""
PARTS = """
SELECT {function}(inhrelid::regclass::text) FROM pg_inherits WHERE inhparent = 'usage_record'::regclass
"""
DROP_INDEXES = """
DO $$ DECLARE name text; BEGIN
    FOR name IN
        SELECT i.indexrelid::regclass FROM pg_inherits AS p JOIN pg_index AS i ON i.indrelid = p.inhrelid
        JOIN pg_class AS c ON c.oid = i.indexrelid
        WHERE p.inhparent = 'usage_record'::regclass AND c.relname LIKE '%\\_read\\_%'
    LOOP EXECUTE 'DROP INDEX ' || name; END LOOP;
END $$
"""


def upgrade() -> None:
    for name in ("started_at", "usage_day_id", "number", "result", "rating"):
        op.drop_index(f"ix_usage_record_{name}", "usage_record")
    op.execute(INDEX_MONTH)
    op.execute("DROP FUNCTION ensure_usage_month(date)")
    op.execute(ENSURE_MONTH.format(**WITH_CHOICE))
    op.execute(PARTS.format(function="index_usage_month"))


def downgrade() -> None:
    op.execute(DROP_INDEXES)
    op.execute("DROP FUNCTION ensure_usage_month(date, boolean)")
    op.execute("DROP FUNCTION index_usage_month(text)")
    op.execute(ENSURE_MONTH.format(parameter="", indexed=""))
    op.create_index("ix_usage_record_started_at", "usage_record", ["started_at", "id"])
    op.create_index("ix_usage_record_usage_day_id", "usage_record", ["usage_day_id"])
    op.create_index(
        "ix_usage_record_number", "usage_record", ["number"], postgresql_ops={"number": "text_pattern_ops"}
    )
    for name, usual in (("result", "answered"), ("rating", "rated")):
        op.create_index(
            f"ix_usage_record_{name}",
            "usage_record",
            [name, "started_at", "id"],
            postgresql_where=text(f"{name} <> '{usual}'"),
        )
