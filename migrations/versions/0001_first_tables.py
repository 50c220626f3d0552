"""First tables

Revision: 0001, after
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("actor_name", sa.String(length=120), nullable=False),
        sa.Column("action", sa.String(length=10), nullable=False),
        sa.Column("table_name", sa.String(length=63), nullable=False),
        sa.Column("row_id", sa.String(length=63), nullable=False),
        sa.Column("subject_table", sa.String(length=63), nullable=False),
        sa.Column("subject_id", sa.String(length=63), nullable=False),
        sa.Column("changes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("comment", sa.Text(), server_default="", nullable=False),
        sa.Column("transaction_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
    )
    op.create_index("ix_audit_entry_actor_id_id", "audit_entry", ["actor_id", "id"], unique=False)
    op.create_index("ix_audit_entry_at_id", "audit_entry", ["at", "id"], unique=False)
    op.create_index("ix_audit_entry_row", "audit_entry", ["table_name", "row_id", "id"], unique=False)
    op.create_index(
        "ix_audit_entry_subject", "audit_entry", ["subject_table", "subject_id", "id"], unique=False
    )
    op.create_table(
        "document",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("media_type", sa.String(length=80), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document")),
        sa.UniqueConstraint("key", name=op.f("uq_document_key")),
    )
    op.create_index(op.f("ix_document_created_at"), "document", ["created_at"], unique=False)
    op.create_table(
        "form_key",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("result", sa.String(length=80), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_form_key")),
    )
    op.create_index(op.f("ix_form_key_created_at"), "form_key", ["created_at"], unique=False)
    op.create_table(
        "heartbeat",
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_heartbeat")),
    )
    op.create_table(
        "number_series",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("next_value", sa.BigInteger(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_number_series")),
    )
    op.create_table(
        "package",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("cost", sa.Numeric(precision=20, scale=6), server_default="0", nullable=False),
        sa.Column("retail", sa.Numeric(precision=20, scale=6), server_default="0", nullable=False),
        sa.Column("setup_cost", sa.Numeric(precision=20, scale=6), server_default="0", nullable=False),
        sa.Column("setup_retail", sa.Numeric(precision=20, scale=6), server_default="0", nullable=False),
        sa.Column("tax_percent", sa.Numeric(precision=7, scale=4), nullable=True),
        sa.Column("tax_name", sa.String(length=40), nullable=True),
        sa.Column("frequency", sa.String(length=10), server_default="monthly", nullable=False),
        sa.Column("frequency_match", postgresql.ARRAY(sa.Integer()), server_default="{}", nullable=False),
        sa.Column("minimum_days", sa.Integer(), server_default="0", nullable=False),
        sa.Column("minimum_spend", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("type", sa.String(length=20), server_default="standard", nullable=False),
        sa.Column("free_minutes", sa.Integer(), nullable=True),
        sa.Column("destination_prefixes", sa.String(length=2000), nullable=True),
        sa.Column("active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "frequency IN ('once', 'daily', 'weekly', 'monthly')", name=op.f("ck_package_frequency")
        ),
        sa.CheckConstraint("type IN ('standard', 'free_minutes')", name=op.f("ck_package_type")),
        sa.CheckConstraint("minimum_days >= 0", name=op.f("ck_package_minimum_days")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_package")),
    )
    op.create_index(op.f("ix_package_currency"), "package", ["currency"], unique=False)
    op.create_index("ix_package_name_id", "package", ["name", "id"], unique=False)
    op.create_table(
        "setting",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("company_name", sa.String(length=200), server_default="", nullable=False),
        sa.Column("registration_number", sa.String(length=40), nullable=True),
        sa.Column("vat_number", sa.String(length=40), nullable=True),
        sa.Column("address1", sa.String(length=120), nullable=True),
        sa.Column("address2", sa.String(length=120), nullable=True),
        sa.Column("city", sa.String(length=80), nullable=True),
        sa.Column("county", sa.String(length=80), nullable=True),
        sa.Column("postcode", sa.String(length=20), nullable=True),
        sa.Column("country", sa.String(length=2), nullable=True),
        sa.Column("phone", sa.String(length=40), nullable=True),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("website", sa.String(length=200), nullable=True),
        sa.Column("logo", sa.LargeBinary(), nullable=True),
        sa.Column("logo_type", sa.String(length=40), nullable=True),
        sa.Column("currency", sa.String(length=3), server_default="USD", nullable=False),
        sa.Column("time_zone", sa.String(length=64), server_default="UTC", nullable=False),
        sa.Column(
            "invoice_number_pattern",
            sa.String(length=60),
            server_default="INV-{year}-{seq:06}",
            nullable=False,
        ),
        sa.Column("number_reset", sa.String(length=10), server_default="never", nullable=False),
        sa.Column("invoice_due_days", sa.Integer(), server_default="30", nullable=False),
        sa.Column("tax_name", sa.String(length=40), server_default="VAT", nullable=False),
        sa.Column("tax_percent", sa.Numeric(precision=7, scale=4), server_default="20", nullable=False),
        sa.Column("tax_mode", sa.String(length=10), server_default="per_rate", nullable=False),
        sa.Column("tax_inclusive", sa.Boolean(), server_default="false", nullable=False),
        sa.Column(
            "invoice_line_grouping", sa.String(length=20), server_default="destination", nullable=False
        ),
        sa.Column("invoice_template", sa.String(length=40), server_default="standard", nullable=False),
        sa.Column("payment_details", sa.Text(), nullable=True),
        sa.Column("package_notification_days", sa.Integer(), server_default="3", nullable=False),
        sa.Column("auto_logout_minutes", sa.Integer(), server_default="60", nullable=False),
        sa.Column("audit_comment", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("smtp_host", sa.String(length=200), nullable=True),
        sa.Column("smtp_port", sa.Integer(), nullable=True),
        sa.Column("smtp_security", sa.String(length=10), server_default="starttls", nullable=False),
        sa.Column("smtp_user", sa.String(length=200), nullable=True),
        sa.Column("smtp_password", sa.Text(), nullable=True),
        sa.Column("smtp_from", sa.String(length=254), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "invoice_line_grouping IN ('destination', 'day')", name=op.f("ck_setting_invoice_line_grouping")
        ),
        sa.CheckConstraint("number_reset IN ('never', 'yearly')", name=op.f("ck_setting_number_reset")),
        sa.CheckConstraint(
            "smtp_security IN ('none', 'starttls', 'tls')", name=op.f("ck_setting_smtp_security")
        ),
        sa.CheckConstraint("tax_mode IN ('per_rate', 'per_line')", name=op.f("ck_setting_tax_mode")),
        sa.CheckConstraint("id = 1", name=op.f("ck_setting_single_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_setting")),
    )
    op.create_table(
        "staff",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("password", sa.String(length=255), nullable=True),
        sa.Column("fs_uniquifier", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("tf_primary_method", sa.String(length=64), nullable=True),
        sa.Column("tf_totp_secret", sa.String(length=255), nullable=True),
        sa.Column("mf_recovery_codes", sa.Text(), nullable=True),
        sa.Column("failed_sign_ins", sa.Integer(), server_default="0", nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_sign_in_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("role IN ('viewer', 'clerk', 'manager', 'admin')", name=op.f("ck_staff_role")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff")),
        sa.UniqueConstraint("email", name=op.f("uq_staff_email")),
        sa.UniqueConstraint("fs_uniquifier", name=op.f("uq_staff_fs_uniquifier")),
    )
    op.create_table(
        "customer",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("status", sa.String(length=20), server_default="active", nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("debit_limit", sa.Numeric(precision=20, scale=4), nullable=True),
        sa.Column("tax_percent", sa.Numeric(precision=7, scale=4), nullable=True),
        sa.Column("tax_name", sa.String(length=40), nullable=True),
        sa.Column("website", sa.String(length=200), nullable=True),
        sa.Column("tags", postgresql.ARRAY(sa.String(length=40)), server_default="{}", nullable=False),
        sa.Column("account_manager_id", sa.BigInteger(), nullable=True),
        sa.Column("invoice_schedule", sa.String(length=10), server_default="none", nullable=False),
        sa.Column("invoice_due_days", sa.Integer(), nullable=True),
        sa.Column("invoice_template", sa.String(length=40), nullable=True),
        sa.Column("invoice_line_grouping", sa.String(length=20), nullable=True),
        sa.Column("time_zone", sa.String(length=64), nullable=True),
        sa.Column("external_accounting_id", sa.String(length=80), nullable=True),
        sa.Column("create_invoice_on_payment", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("registration_number", sa.String(length=40), nullable=True),
        sa.Column("vat_number", sa.String(length=40), nullable=True),
        sa.Column("address1", sa.String(length=120), nullable=True),
        sa.Column("address2", sa.String(length=120), nullable=True),
        sa.Column("city", sa.String(length=80), nullable=True),
        sa.Column("county", sa.String(length=80), nullable=True),
        sa.Column("postcode", sa.String(length=20), nullable=True),
        sa.Column("country", sa.String(length=2), nullable=True),
        sa.Column("phone", sa.String(length=40), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "invoice_schedule IN ('none', 'daily', 'weekly', 'monthly')",
            name=op.f("ck_customer_invoice_schedule"),
        ),
        sa.CheckConstraint(
            "status IN ('active', 'inactive', 'penalty', 'pending_approval')", name=op.f("ck_customer_status")
        ),
        sa.CheckConstraint("invoice_due_days BETWEEN 0 AND 365", name=op.f("ck_customer_invoice_due_days")),
        sa.CheckConstraint("tax_percent BETWEEN 0 AND 100", name=op.f("ck_customer_tax_percent")),
        sa.ForeignKeyConstraint(
            ["account_manager_id"],
            ["staff.id"],
            name=op.f("fk_customer_account_manager_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer")),
    )
    op.create_index(op.f("ix_customer_account_manager_id"), "customer", ["account_manager_id"], unique=False)
    op.create_index(
        op.f("ix_customer_external_accounting_id"), "customer", ["external_accounting_id"], unique=False
    )
    op.create_index("ix_customer_name_id", "customer", ["name", "id"], unique=False)
    op.create_index(
        "ix_customer_name_lower", "customer", [sa.literal_column("lower(name)"), "id"], unique=False
    )
    op.create_index("ix_customer_status_id", "customer", ["status", "id"], unique=False)
    op.create_table(
        "document_part",
        sa.Column("document_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["document_id"], ["document.id"], name=op.f("fk_document_part_document_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("document_id", "position", name=op.f("pk_document_part")),
    )
    op.create_table(
        "job",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("params", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("state", sa.String(length=10), server_default="queued", nullable=False),
        sa.Column("done", sa.Integer(), server_default="0", nullable=False),
        sa.Column("total", sa.Integer(), server_default="0", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("cancel_requested", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("notes", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("enqueued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("result_id", sa.BigInteger(), nullable=True),
        sa.Column("result_name", sa.String(length=200), nullable=True),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("created_by_name", sa.String(length=120), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'done', 'failed', 'cancelled')", name=op.f("ck_job_state")
        ),
        sa.ForeignKeyConstraint(
            ["result_id"], ["document.id"], name=op.f("fk_job_result_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
    )
    op.create_index("ix_job_created_by_id", "job", ["created_by", "id"], unique=False)
    op.create_index(
        "ix_job_live", "job", ["id"], unique=False, postgresql_where=sa.text("state IN ('queued', 'running')")
    )
    op.create_table(
        "contact",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("phone", sa.String(length=40), nullable=True),
        sa.Column("mobile", sa.String(length=40), nullable=True),
        sa.Column("type", sa.String(length=20), server_default="billing", nullable=False),
        sa.Column("public_notes", sa.Text(), nullable=True),
        sa.Column("private_notes", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "type IN ('billing', 'technical', 'sales', 'management', 'other')", name=op.f("ck_contact_type")
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_contact_customer_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact")),
    )
    op.create_index(op.f("ix_contact_customer_id"), "contact", ["customer_id"], unique=False)
    op.create_index(op.f("ix_contact_email"), "contact", ["email"], unique=False)
    op.create_index(op.f("ix_contact_name"), "contact", ["name"], unique=False)
    op.create_table(
        "customer_package",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("package_id", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=18, scale=6), nullable=False),
        sa.Column("start_date", sa.Date(), nullable=False),
        sa.Column("end_date", sa.Date(), nullable=True),
        sa.Column("auto_decrement_credit", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("free_minutes", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "end_date IS NULL OR end_date >= start_date", name=op.f("ck_customer_package_dates")
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_customer_package_quantity")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_customer_package_customer_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["package_id"], ["package.id"], name=op.f("fk_customer_package_package_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_package")),
    )
    op.create_index(
        op.f("ix_customer_package_customer_id"), "customer_package", ["customer_id"], unique=False
    )
    op.create_index(op.f("ix_customer_package_package_id"), "customer_package", ["package_id"], unique=False)
    op.create_table(
        "invoice",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=True),
        sa.Column("state", sa.String(length=10), server_default="draft", nullable=False),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("customer_name", sa.String(length=200), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("issue_date", sa.Date(), nullable=False),
        sa.Column("due_date", sa.Date(), nullable=False),
        sa.Column("reference", sa.String(length=80), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("tax_mode", sa.String(length=10), server_default="per_rate", nullable=False),
        sa.Column("tax_inclusive", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("subtotal", sa.Numeric(precision=20, scale=4), server_default="0", nullable=False),
        sa.Column("tax", sa.Numeric(precision=20, scale=4), server_default="0", nullable=False),
        sa.Column("total", sa.Numeric(precision=20, scale=4), server_default="0", nullable=False),
        sa.Column("paid", sa.Numeric(precision=20, scale=4), server_default="0", nullable=False),
        sa.Column(
            "balance",
            sa.Numeric(precision=20, scale=4),
            sa.Computed("CASE WHEN state = 'issued' THEN total - paid ELSE 0 END", persisted=True),
            nullable=False,
        ),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("void_reason", sa.String(length=200), nullable=True),
        sa.Column("snapshot", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("origin", sa.String(length=10), server_default="manual", nullable=False),
        sa.Column("origin_key", sa.String(length=200), nullable=True),
        sa.Column("period_start", sa.DateTime(timezone=True), nullable=True),
        sa.Column("period_end", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "origin IN ('manual', 'import', 'payment', 'generated')", name=op.f("ck_invoice_origin")
        ),
        sa.CheckConstraint("state <> 'issued' OR number IS NOT NULL", name=op.f("ck_invoice_number")),
        sa.CheckConstraint("state <> 'void' OR paid = 0", name=op.f("ck_invoice_void_unpaid")),
        sa.CheckConstraint("state IN ('draft', 'issued', 'void')", name=op.f("ck_invoice_state")),
        sa.CheckConstraint("tax_mode IN ('per_rate', 'per_line')", name=op.f("ck_invoice_tax_mode")),
        sa.CheckConstraint("paid >= 0 AND paid <= greatest(total, 0)", name=op.f("ck_invoice_paid")),
        sa.CheckConstraint("total = subtotal + tax", name=op.f("ck_invoice_total")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_invoice_customer_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice")),
        sa.UniqueConstraint("number", name=op.f("uq_invoice_number")),
    )
    op.create_index("ix_invoice_balance_id", "invoice", ["balance", "id"], unique=False)
    op.create_index(
        "ix_invoice_customer_id_issue_date_id", "invoice", ["customer_id", "issue_date", "id"], unique=False
    )
    op.create_index("ix_invoice_customer_name_id", "invoice", ["customer_name", "id"], unique=False)
    op.create_index("ix_invoice_due_date_id", "invoice", ["due_date", "id"], unique=False)
    op.create_index("ix_invoice_issue_date_id", "invoice", ["issue_date", "id"], unique=False)
    op.create_index(
        "ix_invoice_number_pattern",
        "invoice",
        ["number"],
        unique=False,
        postgresql_ops={"number": "text_pattern_ops"},
    )
    op.create_index(
        "ix_invoice_owed",
        "invoice",
        ["customer_id", "due_date", "issue_date", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'issued' AND balance > 0"),
    )
    op.create_index("ix_invoice_paid_id", "invoice", ["paid", "id"], unique=False)
    op.create_index(op.f("ix_invoice_reference"), "invoice", ["reference"], unique=False)
    op.create_index("ix_invoice_state_issue_date_id", "invoice", ["state", "issue_date", "id"], unique=False)
    op.create_index("ix_invoice_total_id", "invoice", ["total", "id"], unique=False)
    op.create_index(
        "uq_invoice_generated_period",
        "invoice",
        ["customer_id", "origin", "period_start", "period_end"],
        unique=True,
        postgresql_where=sa.text("origin = 'generated' AND state <> 'void'"),
    )
    op.create_index(
        "uq_invoice_origin_key",
        "invoice",
        ["origin", "origin_key"],
        unique=True,
        postgresql_where=sa.text("origin_key IS NOT NULL AND state <> 'void'"),
    )
    op.create_table(
        "invoice_item",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("invoice_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("package_id", sa.BigInteger(), nullable=True),
        sa.Column("description", sa.String(length=1000), server_default="", nullable=False),
        sa.Column("date_from", sa.Date(), nullable=True),
        sa.Column("date_to", sa.Date(), nullable=True),
        sa.Column("quantity", sa.Numeric(precision=18, scale=6), nullable=False),
        sa.Column("unit_price", sa.Numeric(precision=20, scale=6), nullable=False),
        sa.Column("tax_name", sa.String(length=40), server_default="", nullable=False),
        sa.Column("tax_percent", sa.Numeric(precision=7, scale=4), nullable=False),
        sa.Column("net", sa.Numeric(precision=20, scale=4), nullable=False),
        sa.Column("tax", sa.Numeric(precision=20, scale=4), nullable=False),
        sa.Column("gross", sa.Numeric(precision=20, scale=4), nullable=False),
        sa.CheckConstraint(
            "date_to IS NULL OR date_from IS NULL OR date_to >= date_from", name=op.f("ck_invoice_item_dates")
        ),
        sa.CheckConstraint("gross = net + tax", name=op.f("ck_invoice_item_gross")),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoice.id"], name=op.f("fk_invoice_item_invoice_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["package_id"], ["package.id"], name=op.f("fk_invoice_item_package_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice_item")),
    )
    op.create_index(
        "ix_invoice_item_invoice_id_position", "invoice_item", ["invoice_id", "position"], unique=False
    )
    op.create_index(op.f("ix_invoice_item_package_id"), "invoice_item", ["package_id"], unique=False)
    op.create_table(
        "payment",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=False),
        sa.Column("description", sa.String(length=500), server_default="", nullable=False),
        sa.Column("amount", sa.Numeric(precision=20, scale=4), nullable=False),
        sa.Column("fee", sa.Numeric(precision=20, scale=4), nullable=True),
        sa.Column("status", sa.String(length=10), server_default="pending", nullable=False),
        sa.Column("method", sa.String(length=20), nullable=True),
        sa.Column("reference", sa.String(length=80), nullable=True),
        sa.Column("email_confirmation", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("allocated", sa.Numeric(precision=20, scale=4), server_default="0", nullable=False),
        sa.Column("refunded", sa.Numeric(precision=20, scale=4), server_default="0", nullable=False),
        sa.Column(
            "unallocated",
            sa.Numeric(precision=20, scale=4),
            sa.Computed(
                "CASE WHEN status = 'completed' AND amount > 0 THEN amount - refunded - allocated ELSE 0 END",
                persisted=True,
            ),
            nullable=False,
        ),
        sa.Column("created_invoice_id", sa.BigInteger(), nullable=True),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "status = 'completed' OR allocated = 0", name=op.f("ck_payment_allocated_completed")
        ),
        sa.CheckConstraint("status IN ('pending', 'completed', 'cancelled')", name=op.f("ck_payment_status")),
        sa.CheckConstraint("allocated + refunded <= greatest(amount, 0)", name=op.f("ck_payment_not_over")),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_payment_amount")),
        sa.CheckConstraint("refunded >= 0 AND allocated >= 0", name=op.f("ck_payment_not_negative")),
        sa.ForeignKeyConstraint(
            ["created_invoice_id"],
            ["invoice.id"],
            name=op.f("fk_payment_created_invoice_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_payment_customer_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment")),
    )
    op.create_index("ix_payment_amount_id", "payment", ["amount", "id"], unique=False)
    op.create_index(
        "ix_payment_customer_id_paid_on_id", "payment", ["customer_id", "paid_on", "id"], unique=False
    )
    op.create_index("ix_payment_paid_on_id", "payment", ["paid_on", "id"], unique=False)
    op.create_index(op.f("ix_payment_reference"), "payment", ["reference"], unique=False)
    op.create_index("ix_payment_status_id", "payment", ["status", "id"], unique=False)
    op.create_index(
        "ix_payment_unallocated",
        "payment",
        ["customer_id", "paid_on", "id"],
        unique=False,
        postgresql_where=sa.text("unallocated > 0"),
    )
    op.create_table(
        "allocation",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("payment_id", sa.BigInteger(), nullable=False),
        sa.Column("invoice_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=20, scale=4), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("created_by_name", sa.String(length=120), server_default="", nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_allocation_amount")),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoice.id"], name=op.f("fk_allocation_invoice_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payment.id"], name=op.f("fk_allocation_payment_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allocation")),
    )
    op.create_index(op.f("ix_allocation_invoice_id"), "allocation", ["invoice_id"], unique=False)
    op.create_index(op.f("ix_allocation_payment_id"), "allocation", ["payment_id"], unique=False)
    op.create_table(
        "refund",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("payment_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=20, scale=4), nullable=False),
        sa.Column("refunded_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(length=200), server_default="", nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("created_by_name", sa.String(length=120), server_default="", nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_refund_amount")),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payment.id"], name=op.f("fk_refund_payment_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refund")),
    )
    op.create_index(op.f("ix_refund_payment_id"), "refund", ["payment_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_refund_payment_id"), table_name="refund")
    op.drop_table("refund")
    op.drop_index(op.f("ix_allocation_payment_id"), table_name="allocation")
    op.drop_index(op.f("ix_allocation_invoice_id"), table_name="allocation")
    op.drop_table("allocation")
    op.drop_index("ix_payment_unallocated", table_name="payment", postgresql_where=sa.text("unallocated > 0"))
    op.drop_index("ix_payment_status_id", table_name="payment")
    op.drop_index(op.f("ix_payment_reference"), table_name="payment")
    op.drop_index("ix_payment_paid_on_id", table_name="payment")
    op.drop_index("ix_payment_customer_id_paid_on_id", table_name="payment")
    op.drop_index("ix_payment_amount_id", table_name="payment")
    op.drop_table("payment")
    op.drop_index(op.f("ix_invoice_item_package_id"), table_name="invoice_item")
    op.drop_index("ix_invoice_item_invoice_id_position", table_name="invoice_item")
    op.drop_table("invoice_item")
    op.drop_index(
        "uq_invoice_origin_key",
        table_name="invoice",
        postgresql_where=sa.text("origin_key IS NOT NULL AND state <> 'void'"),
    )
    op.drop_index(
        "uq_invoice_generated_period",
        table_name="invoice",
        postgresql_where=sa.text("origin = 'generated' AND state <> 'void'"),
    )
    op.drop_index("ix_invoice_total_id", table_name="invoice")
    op.drop_index("ix_invoice_state_issue_date_id", table_name="invoice")
    op.drop_index(op.f("ix_invoice_reference"), table_name="invoice")
    op.drop_index("ix_invoice_paid_id", table_name="invoice")
    op.drop_index(
        "ix_invoice_owed", table_name="invoice", postgresql_where=sa.text("state = 'issued' AND balance > 0")
    )
    op.drop_index(
        "ix_invoice_number_pattern", table_name="invoice", postgresql_ops={"number": "text_pattern_ops"}
    )
    op.drop_index("ix_invoice_issue_date_id", table_name="invoice")
    op.drop_index("ix_invoice_due_date_id", table_name="invoice")
    op.drop_index("ix_invoice_customer_name_id", table_name="invoice")
    op.drop_index("ix_invoice_customer_id_issue_date_id", table_name="invoice")
    op.drop_index("ix_invoice_balance_id", table_name="invoice")
    op.drop_table("invoice")
    op.drop_index(op.f("ix_customer_package_package_id"), table_name="customer_package")
    op.drop_index(op.f("ix_customer_package_customer_id"), table_name="customer_package")
    op.drop_table("customer_package")
    op.drop_index(op.f("ix_contact_name"), table_name="contact")
    op.drop_index(op.f("ix_contact_email"), table_name="contact")
    op.drop_index(op.f("ix_contact_customer_id"), table_name="contact")
    op.drop_table("contact")
    op.drop_index("ix_job_live", table_name="job", postgresql_where=sa.text("state IN ('queued', 'running')"))
    op.drop_index("ix_job_created_by_id", table_name="job")
    op.drop_table("job")
    op.drop_table("document_part")
    op.drop_index("ix_customer_status_id", table_name="customer")
    op.drop_index("ix_customer_name_lower", table_name="customer")
    op.drop_index("ix_customer_name_id", table_name="customer")
    op.drop_index(op.f("ix_customer_external_accounting_id"), table_name="customer")
    op.drop_index(op.f("ix_customer_account_manager_id"), table_name="customer")
    op.drop_table("customer")
    op.drop_table("staff")
    op.drop_table("setting")
    op.drop_index("ix_package_name_id", table_name="package")
    op.drop_index(op.f("ix_package_currency"), table_name="package")
    op.drop_table("package")
    op.drop_table("number_series")
    op.drop_table("heartbeat")
    op.drop_index(op.f("ix_form_key_created_at"), table_name="form_key")
    op.drop_table("form_key")
    op.drop_index(op.f("ix_document_created_at"), table_name="document")
    op.drop_table("document")
    op.drop_index("ix_audit_entry_subject", table_name="audit_entry")
    op.drop_index("ix_audit_entry_row", table_name="audit_entry")
    op.drop_index("ix_audit_entry_at_id", table_name="audit_entry")
    op.drop_index("ix_audit_entry_actor_id_id", table_name="audit_entry")
    op.drop_table("audit_entry")
