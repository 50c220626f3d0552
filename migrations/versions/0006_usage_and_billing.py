"""Rates, usage and its ledger, package charges, billing runs

Revision: 0006, after 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.audit import watch

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


ENSURE_MONTH = """
CREATE FUNCTION ensure_usage_month(month date) RETURNS void LANGUAGE plpgsql AS $body$
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
END
$body$
"""

INVOICE_ORIGINS = "'manual', 'import', 'payment', 'generated'"
LINE_KINDS = (
    "'line', 'usage', 'late_usage', 'package', 'setup', 'minimum_spend', 'free_minutes', 'adjustment'"
)


def upgrade() -> None:
    op.create_table(
        "provider",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("status", sa.String(length=20), server_default="active", nullable=False),
        sa.Column("trunks", postgresql.ARRAY(sa.String(length=80)), server_default="{}", nullable=False),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("status IN ('active', 'inactive')", name=op.f("ck_provider_status")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider")),
        sa.UniqueConstraint("name", name=op.f("uq_provider_name")),
    )
    op.create_table(
        "rate_card",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=10), server_default="sell", nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("provider_id", sa.BigInteger(), nullable=True),
        sa.Column("duration_rounding", sa.String(length=10), server_default="up", nullable=False),
        sa.Column("cost_rounding", sa.String(length=10), server_default="half_up", nullable=False),
        sa.Column("cost_places", sa.Integer(), server_default="4", nullable=False),
        sa.Column("minimum_seconds", sa.Integer(), server_default="1", nullable=False),
        sa.Column("pulse_seconds", sa.Integer(), server_default="1", nullable=False),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "(kind = 'account') = (customer_id IS NOT NULL)", name=op.f("ck_rate_card_customer")
        ),
        sa.CheckConstraint("(kind = 'cost') = (provider_id IS NOT NULL)", name=op.f("ck_rate_card_provider")),
        sa.CheckConstraint(
            "cost_rounding IN ('up', 'down', 'half_up', 'half_down')", name=op.f("ck_rate_card_cost_rounding")
        ),
        sa.CheckConstraint(
            "duration_rounding IN ('up', 'down', 'half_up', 'half_down')",
            name=op.f("ck_rate_card_duration_rounding"),
        ),
        sa.CheckConstraint("kind IN ('sell', 'account', 'cost')", name=op.f("ck_rate_card_kind")),
        sa.CheckConstraint("cost_places BETWEEN 0 AND 6", name=op.f("ck_rate_card_cost_places")),
        sa.CheckConstraint("minimum_seconds >= 0", name=op.f("ck_rate_card_minimum_seconds")),
        sa.CheckConstraint("pulse_seconds >= 1", name=op.f("ck_rate_card_pulse_seconds")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_rate_card_customer_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["provider_id"], ["provider.id"], name=op.f("fk_rate_card_provider_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rate_card")),
        sa.UniqueConstraint("name", name=op.f("uq_rate_card_name")),
    )
    op.create_index("uq_rate_card_customer_id", "rate_card", ["customer_id"], unique=True)
    op.create_index("uq_rate_card_provider_id", "rate_card", ["provider_id"], unique=True)
    op.create_table(
        "usage_format",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("mapping", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_usage_format")),
        sa.UniqueConstraint("name", name=op.f("uq_usage_format_name")),
    )
    op.execute(sa.schema.CreateSequence(sa.Sequence("usage_record_id_seq")))
    op.create_table(
        "usage_record",
        sa.Column(
            "id", sa.BigInteger(), server_default=sa.text("nextval('usage_record_id_seq')"), nullable=False
        ),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("usage_day_id", sa.BigInteger(), nullable=False),
        sa.Column("destination", sa.String(length=120), server_default="", nullable=False),
        sa.Column("rating", sa.String(length=10), server_default="rated", nullable=False),
        sa.Column("rate_id", sa.BigInteger(), nullable=True),
        sa.Column("rate_per_minute", sa.Numeric(precision=20, scale=6), nullable=True),
        sa.Column("billed_duration", sa.Integer(), server_default="0", nullable=False),
        sa.Column("charge", sa.Numeric(precision=20, scale=6), nullable=True),
        sa.Column("provider_id", sa.BigInteger(), nullable=True),
        sa.Column("provider_rate_id", sa.BigInteger(), nullable=True),
        sa.Column("provider_destination", sa.String(length=120), server_default="", nullable=False),
        sa.Column("cost", sa.Numeric(precision=20, scale=6), nullable=True),
        sa.Column("identity", sa.Uuid(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("usage_import_id", sa.BigInteger(), nullable=True),
        sa.Column("line", sa.BigInteger(), nullable=True),
        sa.Column("account_code", sa.String(length=80), server_default="", nullable=False),
        sa.Column("source", sa.String(length=40), server_default="", nullable=False),
        sa.Column("number", sa.String(length=40), server_default="", nullable=False),
        sa.Column("trunk", sa.String(length=80), server_default="", nullable=False),
        sa.Column("result", sa.String(length=20), server_default="answered", nullable=False),
        sa.Column("duration", sa.Numeric(precision=12, scale=3), server_default="0", nullable=False),
        sa.CheckConstraint("rating IN ('rated', 'given', 'unrated')", name=op.f("ck_usage_record_rating")),
        sa.CheckConstraint(
            "result IN ('answered', 'no_answer', 'busy', 'failed', 'cancelled')",
            name=op.f("ck_usage_record_result"),
        ),
        sa.PrimaryKeyConstraint("customer_id", "started_at", "id", name=op.f("pk_usage_record")),
        sa.UniqueConstraint("identity", "started_at", name=op.f("uq_usage_record_identity_started_at")),
        postgresql_partition_by="RANGE (started_at)",
    )
    op.create_index(
        "ix_usage_record_number",
        "usage_record",
        ["number"],
        unique=False,
        postgresql_ops={"number": "text_pattern_ops"},
    )
    op.create_index("ix_usage_record_started_at", "usage_record", ["started_at", "id"], unique=False)
    op.create_index("ix_usage_record_usage_day_id", "usage_record", ["usage_day_id"], unique=False)
    op.create_table(
        "usage_unmatched",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("provider_name", sa.String(length=120), server_default="", nullable=False),
        sa.Column("destination", sa.String(length=120), server_default="", nullable=False),
        sa.Column("charge", sa.Numeric(precision=20, scale=6), nullable=True),
        sa.Column("cost", sa.Numeric(precision=20, scale=6), nullable=True),
        sa.Column("identity", sa.Uuid(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("usage_import_id", sa.BigInteger(), nullable=True),
        sa.Column("line", sa.BigInteger(), nullable=True),
        sa.Column("account_code", sa.String(length=80), server_default="", nullable=False),
        sa.Column("source", sa.String(length=40), server_default="", nullable=False),
        sa.Column("number", sa.String(length=40), server_default="", nullable=False),
        sa.Column("trunk", sa.String(length=80), server_default="", nullable=False),
        sa.Column("result", sa.String(length=20), server_default="answered", nullable=False),
        sa.Column("duration", sa.Numeric(precision=12, scale=3), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_usage_unmatched")),
        sa.UniqueConstraint("identity", name=op.f("uq_usage_unmatched_identity")),
    )
    op.create_index("ix_usage_unmatched_account_code", "usage_unmatched", ["account_code"], unique=False)
    op.create_index("ix_usage_unmatched_started_at", "usage_unmatched", ["started_at", "id"], unique=False)
    op.create_table(
        "rate_revision",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("rate_card_id", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.String(length=200), server_default="", nullable=False),
        sa.Column("whole", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("rates", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["rate_card_id"], ["rate_card.id"], name=op.f("fk_rate_revision_rate_card_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rate_revision")),
    )
    op.create_index(op.f("ix_rate_revision_rate_card_id"), "rate_revision", ["rate_card_id"], unique=False)
    op.create_table(
        "usage_rule",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("value", sa.String(length=80), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "kind IN ('account_code', 'caller', 'caller_prefix', 'trunk')", name=op.f("ck_usage_rule_kind")
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_usage_rule_customer_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_usage_rule")),
        sa.UniqueConstraint("kind", "value", name=op.f("uq_usage_rule_kind_value")),
    )
    op.create_index(op.f("ix_usage_rule_customer_id"), "usage_rule", ["customer_id"], unique=False)
    op.create_table(
        "billing_run",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("period_start", sa.Date(), nullable=False),
        sa.Column("period_end", sa.Date(), nullable=False),
        sa.Column("options", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("state", sa.String(length=12), server_default="previewing", nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=True),
        sa.Column("previewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("created_by_name", sa.String(length=120), server_default="", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "state IN ('previewing', 'previewed', 'running', 'done', 'cancelled', 'failed')",
            name=op.f("ck_billing_run_state"),
        ),
        sa.ForeignKeyConstraint(
            ["job_id"], ["job.id"], name=op.f("fk_billing_run_job_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_run")),
    )
    op.create_table(
        "rate",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("rate_card_id", sa.BigInteger(), nullable=False),
        sa.Column("revision_id", sa.BigInteger(), nullable=False),
        sa.Column("prefix", sa.String(length=20), nullable=False),
        sa.Column("destination", sa.String(length=120), nullable=False),
        sa.Column("rate_per_minute", sa.Numeric(precision=20, scale=6), nullable=False),
        sa.Column("connection_fee", sa.Numeric(precision=20, scale=6), server_default="0", nullable=False),
        sa.Column("minimum_seconds", sa.Integer(), nullable=True),
        sa.Column("pulse_seconds", sa.Integer(), nullable=True),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn", sa.Boolean(), server_default="false", nullable=False),
        sa.CheckConstraint("prefix ~ '^[0-9]*$'", name=op.f("ck_rate_prefix")),
        sa.CheckConstraint("minimum_seconds >= 0 AND pulse_seconds >= 1", name=op.f("ck_rate_increments")),
        sa.CheckConstraint("rate_per_minute >= 0 AND connection_fee >= 0", name=op.f("ck_rate_price")),
        sa.ForeignKeyConstraint(
            ["rate_card_id"], ["rate_card.id"], name=op.f("fk_rate_rate_card_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["revision_id"], ["rate_revision.id"], name=op.f("fk_rate_revision_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rate")),
        sa.UniqueConstraint(
            "rate_card_id", "prefix", "valid_from", name=op.f("uq_rate_rate_card_id_prefix_valid_from")
        ),
    )
    op.execute(
        "CREATE INDEX ix_rate_card_destination ON rate"
        " (rate_card_id, lower(destination) text_pattern_ops, prefix)"
    )
    op.create_index(op.f("ix_rate_revision_id"), "rate", ["revision_id"], unique=False)
    op.create_table(
        "usage_import",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("filename", sa.String(length=200), nullable=False),
        sa.Column("source", sa.String(length=80), server_default="", nullable=False),
        sa.Column("format", sa.String(length=80), server_default="", nullable=False),
        sa.Column("options", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("state", sa.String(length=10), server_default="uploaded", nullable=False),
        sa.Column("document_id", sa.BigInteger(), nullable=True),
        sa.Column("job_id", sa.BigInteger(), nullable=True),
        sa.Column("bytes", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rows", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("loaded", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("duplicates", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("unmatched", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("unrated", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("bad", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("late", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("first_call", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_call", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "state IN ('uploaded', 'running', 'done', 'failed', 'cancelled')",
            name=op.f("ck_usage_import_state"),
        ),
        sa.ForeignKeyConstraint(
            ["document_id"], ["document.id"], name=op.f("fk_usage_import_document_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["job_id"], ["job.id"], name=op.f("fk_usage_import_job_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_usage_import")),
    )
    op.create_table(
        "billing_run_row",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("billing_run_id", sa.BigInteger(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("period_start", sa.Date(), nullable=False),
        sa.Column("period_end", sa.Date(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("lines", sa.Integer(), server_default="0", nullable=False),
        sa.Column("total", sa.Numeric(precision=20, scale=4), nullable=False),
        sa.Column("last_total", sa.Numeric(precision=20, scale=4), nullable=True),
        sa.Column("warnings", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("preview", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("fingerprint", sa.String(length=64), server_default="", nullable=False),
        sa.Column("chosen", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("state", sa.String(length=10), server_default="ready", nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=True),
        sa.Column("invoice_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "state IN ('ready', 'nothing', 'blocked', 'done', 'refused', 'failed')",
            name=op.f("ck_billing_run_row_state"),
        ),
        sa.ForeignKeyConstraint(
            ["billing_run_id"],
            ["billing_run.id"],
            name=op.f("fk_billing_run_row_billing_run_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_billing_run_row_customer_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoice.id"], name=op.f("fk_billing_run_row_invoice_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_run_row")),
        sa.UniqueConstraint(
            "billing_run_id", "customer_id", "period_start", "period_end", name="uq_billing_run_row"
        ),
    )
    op.create_index(op.f("ix_billing_run_row_customer_id"), "billing_run_row", ["customer_id"], unique=False)
    op.create_index(op.f("ix_billing_run_row_invoice_id"), "billing_run_row", ["invoice_id"], unique=False)
    op.create_table(
        "free_minute_use",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("customer_package_id", sa.BigInteger(), nullable=False),
        sa.Column("span_start", sa.Date(), nullable=False),
        sa.Column("span_end", sa.Date(), nullable=False),
        sa.Column("seconds", sa.BigInteger(), nullable=False),
        sa.Column("invoice_item_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_package_id"],
            ["customer_package.id"],
            name=op.f("fk_free_minute_use_customer_package_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["invoice_item_id"],
            ["invoice_item.id"],
            name=op.f("fk_free_minute_use_invoice_item_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_free_minute_use")),
    )
    op.create_index(
        op.f("ix_free_minute_use_customer_package_id"),
        "free_minute_use",
        ["customer_package_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_free_minute_use_invoice_item_id"), "free_minute_use", ["invoice_item_id"], unique=False
    )
    op.create_table(
        "package_charge",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("customer_package_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("span_start", sa.Date(), nullable=True),
        sa.Column("span_end", sa.Date(), nullable=True),
        sa.Column("quantity", sa.Numeric(precision=18, scale=6), nullable=False),
        sa.Column("unit_price", sa.Numeric(precision=20, scale=6), nullable=False),
        sa.Column("amount", sa.Numeric(precision=20, scale=4), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("invoice_item_id", sa.BigInteger(), nullable=True),
        sa.Column("payment_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "kind IN ('setup', 'recurring', 'minimum_spend')", name=op.f("ck_package_charge_kind")
        ),
        sa.CheckConstraint(
            "num_nonnulls(invoice_item_id, payment_id) = 1", name=op.f("ck_package_charge_where")
        ),
        sa.ForeignKeyConstraint(
            ["customer_package_id"],
            ["customer_package.id"],
            name=op.f("fk_package_charge_customer_package_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["invoice_item_id"],
            ["invoice_item.id"],
            name=op.f("fk_package_charge_invoice_item_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payment.id"], name=op.f("fk_package_charge_payment_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_package_charge")),
        sa.UniqueConstraint(
            "customer_package_id",
            "kind",
            "due_on",
            name=op.f("uq_package_charge_customer_package_id_kind_due_on"),
        ),
    )
    op.create_index(
        op.f("ix_package_charge_invoice_item_id"), "package_charge", ["invoice_item_id"], unique=False
    )
    op.create_index(op.f("ix_package_charge_payment_id"), "package_charge", ["payment_id"], unique=False)
    op.create_table(
        "usage_day",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("destination", sa.String(length=120), server_default="", nullable=False),
        sa.Column("provider_id", sa.BigInteger(), nullable=True),
        sa.Column("provider_destination", sa.String(length=120), server_default="", nullable=False),
        sa.Column("rated", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("batch", sa.Integer(), server_default="1", nullable=False),
        sa.Column("attempts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("connected", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("duration", sa.Numeric(precision=16, scale=3), server_default="0", nullable=False),
        sa.Column("billed_duration", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("charge", sa.Numeric(precision=20, scale=6), server_default="0", nullable=False),
        sa.Column("cost", sa.Numeric(precision=20, scale=6), server_default="0", nullable=False),
        sa.Column("invoice_item_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_usage_day_customer_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["invoice_item_id"],
            ["invoice_item.id"],
            name=op.f("fk_usage_day_invoice_item_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["provider_id"], ["provider.id"], name=op.f("fk_usage_day_provider_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_usage_day")),
        sa.UniqueConstraint(
            "customer_id",
            "day",
            "destination",
            "provider_id",
            "provider_destination",
            "rated",
            "batch",
            name="uq_usage_day",
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index("ix_usage_day_day", "usage_day", ["day", "customer_id"], unique=False)
    op.create_index(
        "ix_usage_day_invoice_item_id",
        "usage_day",
        ["invoice_item_id"],
        unique=False,
        postgresql_where=sa.text("invoice_item_id IS NOT NULL"),
    )
    op.create_index(
        "ix_usage_day_open",
        "usage_day",
        ["customer_id", "day"],
        unique=False,
        postgresql_where=sa.text("invoice_item_id IS NULL"),
    )
    op.create_table(
        "usage_fault",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("usage_import_id", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("text", sa.String(length=2000), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["usage_import_id"],
            ["usage_import.id"],
            name=op.f("fk_usage_fault_usage_import_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_usage_fault")),
    )
    op.create_index("ix_usage_fault_import_line", "usage_fault", ["usage_import_id", "line"], unique=False)
    op.add_column("customer", sa.Column("rate_card_id", sa.BigInteger(), nullable=True))
    op.add_column(
        "customer", sa.Column("empty_invoices", sa.Boolean(), server_default="false", nullable=False)
    )
    op.create_index(op.f("ix_customer_rate_card_id"), "customer", ["rate_card_id"], unique=False)
    op.create_foreign_key(
        op.f("fk_customer_rate_card_id"),
        "customer",
        "rate_card",
        ["rate_card_id"],
        ["id"],
        ondelete="RESTRICT",
    )
    op.add_column(
        "invoice_item", sa.Column("kind", sa.String(length=20), server_default="line", nullable=False)
    )
    op.add_column("invoice_item", sa.Column("destination", sa.String(length=120), nullable=True))
    op.add_column("invoice_item", sa.Column("connected", sa.BigInteger(), nullable=True))
    op.add_column("invoice_item", sa.Column("billed_duration", sa.BigInteger(), nullable=True))
    op.add_column(
        "setting",
        sa.Column("generated_invoices", sa.String(length=10), server_default="draft", nullable=False),
    )
    op.add_column(
        "setting", sa.Column("billing_delay_hours", sa.Integer(), server_default="24", nullable=False)
    )
    op.create_check_constraint(
        op.f("ck_setting_generated_invoices"), "setting", "generated_invoices IN ('draft', 'issued')"
    )
    op.create_check_constraint(
        op.f("ck_setting_billing_delay_hours"), "setting", "billing_delay_hours BETWEEN 0 AND 240"
    )
    op.create_check_constraint(op.f("ck_invoice_item_kind"), "invoice_item", f"kind IN ({LINE_KINDS})")
    op.drop_constraint(op.f("ck_invoice_origin"), "invoice")
    op.create_check_constraint(
        op.f("ck_invoice_origin"), "invoice", f"origin IN ({INVOICE_ORIGINS}, 'package', 'adjustment')"
    )
    op.execute(ENSURE_MONTH)
    watch("provider")
    watch("rate_card")
    # Rates are only ever added; the revision says how many and by whom.
    watch("rate_revision", subject="rate_card", key="rate_card_id")
    watch("usage_rule", subject="customer", key="customer_id")
    watch("usage_format")
    watch("package_charge", subject="customer_package", key="customer_package_id")
    watch("billing_run", leave_out=("job_id",))


def downgrade() -> None:
    op.execute("DROP FUNCTION ensure_usage_month(date)")
    op.drop_constraint(op.f("ck_invoice_origin"), "invoice")
    op.create_check_constraint(op.f("ck_invoice_origin"), "invoice", f"origin IN ({INVOICE_ORIGINS})")
    op.drop_column("setting", "billing_delay_hours")
    op.drop_column("setting", "generated_invoices")
    op.drop_column("invoice_item", "billed_duration")
    op.drop_column("invoice_item", "connected")
    op.drop_column("invoice_item", "destination")
    op.drop_column("invoice_item", "kind")
    op.drop_constraint(op.f("fk_customer_rate_card_id"), "customer", type_="foreignkey")
    op.drop_index(op.f("ix_customer_rate_card_id"), table_name="customer")
    op.drop_column("customer", "empty_invoices")
    op.drop_column("customer", "rate_card_id")
    op.drop_index("ix_usage_fault_import_line", table_name="usage_fault")
    op.drop_table("usage_fault")
    op.drop_index(
        "ix_usage_day_open", table_name="usage_day", postgresql_where=sa.text("invoice_item_id IS NULL")
    )
    op.drop_index(
        "ix_usage_day_invoice_item_id",
        table_name="usage_day",
        postgresql_where=sa.text("invoice_item_id IS NOT NULL"),
    )
    op.drop_index("ix_usage_day_day", table_name="usage_day")
    op.drop_table("usage_day")
    op.drop_index(op.f("ix_package_charge_payment_id"), table_name="package_charge")
    op.drop_index(op.f("ix_package_charge_invoice_item_id"), table_name="package_charge")
    op.drop_table("package_charge")
    op.drop_index(op.f("ix_free_minute_use_invoice_item_id"), table_name="free_minute_use")
    op.drop_index(op.f("ix_free_minute_use_customer_package_id"), table_name="free_minute_use")
    op.drop_table("free_minute_use")
    op.drop_index(op.f("ix_billing_run_row_invoice_id"), table_name="billing_run_row")
    op.drop_index(op.f("ix_billing_run_row_customer_id"), table_name="billing_run_row")
    op.drop_table("billing_run_row")
    op.drop_table("usage_import")
    op.drop_index(op.f("ix_rate_revision_id"), table_name="rate")
    op.drop_index("ix_rate_card_destination", table_name="rate")
    op.drop_table("rate")
    op.drop_table("billing_run")
    op.drop_index(op.f("ix_usage_rule_customer_id"), table_name="usage_rule")
    op.drop_table("usage_rule")
    op.drop_index(op.f("ix_rate_revision_rate_card_id"), table_name="rate_revision")
    op.drop_table("rate_revision")
    op.drop_index("ix_usage_unmatched_started_at", table_name="usage_unmatched")
    op.drop_index("ix_usage_unmatched_account_code", table_name="usage_unmatched")
    op.drop_table("usage_unmatched")
    op.drop_index("ix_usage_record_usage_day_id", table_name="usage_record")
    op.drop_index("ix_usage_record_started_at", table_name="usage_record")
    op.drop_index(
        "ix_usage_record_number", table_name="usage_record", postgresql_ops={"number": "text_pattern_ops"}
    )
    op.drop_table("usage_record")
    op.execute(sa.schema.DropSequence(sa.Sequence("usage_record_id_seq")))
    op.drop_table("usage_format")
    op.drop_index("uq_rate_card_provider_id", table_name="rate_card")
    op.drop_index("uq_rate_card_customer_id", table_name="rate_card")
    op.drop_table("rate_card")
    op.drop_table("provider")
