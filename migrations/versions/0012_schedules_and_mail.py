"""Schedules and their runs, the ledger of e-mail, templates of invoices and mails

Revision: 0012, after 0011
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.audit import watch

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

CHECKS = (
    ("customer", "invoice_hour", "invoice_hour BETWEEN 0 AND 23"),
    ("customer", "invoice_delay_hours", "invoice_delay_hours BETWEEN 0 AND 240"),
    ("setting", "schedule_hour", "schedule_hour BETWEEN 0 AND 23"),
)


def upgrade() -> None:
    op.create_table(
        "invoice_template",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("based_on", sa.String(length=40), server_default="standard", nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice_template")),
        sa.UniqueConstraint("key", name=op.f("uq_invoice_template_key")),
    )
    op.create_index(
        "uq_invoice_template_name_lower", "invoice_template", [sa.literal_column("lower(name)")], unique=True
    )
    op.create_table(
        "mail_template",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("subject", sa.String(length=300), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "kind IN ('invoice', 'payment', 'package_notice', 'reminder', 'statement', 'report', 'message')",
            name=op.f("ck_mail_template_kind"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_template")),
        sa.UniqueConstraint("kind", name=op.f("uq_mail_template_kind")),
    )
    op.create_table(
        "invoice_template_version",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("template_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("note", sa.String(length=200), server_default="", nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("created_by_name", sa.String(length=120), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["template_id"],
            ["invoice_template.id"],
            name=op.f("fk_invoice_template_version_template_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice_template_version")),
        sa.UniqueConstraint("template_id", "number", name="uq_invoice_template_version_number"),
    )
    op.create_table(
        "schedule",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("produces", sa.String(length=12), server_default="report", nullable=False),
        sa.Column("frequency", sa.String(length=10), server_default="monthly", nullable=False),
        sa.Column("hour", sa.Integer(), server_default="6", nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=True),
        sa.Column("delay_hours", sa.Integer(), server_default="24", nullable=False),
        sa.Column("emails", postgresql.ARRAY(sa.String(length=254)), server_default="{}", nullable=False),
        sa.Column("groups", postgresql.ARRAY(sa.String(length=40)), server_default="{}", nullable=False),
        sa.Column("columns", postgresql.ARRAY(sa.String(length=40)), server_default="{}", nullable=False),
        sa.Column("customer_ids", postgresql.ARRAY(sa.BigInteger()), server_default="{}", nullable=False),
        sa.Column("provider_ids", postgresql.ARRAY(sa.BigInteger()), server_default="{}", nullable=False),
        sa.Column("format", sa.String(length=10), server_default="csv", nullable=False),
        sa.Column("issue", sa.Boolean(), nullable=True),
        sa.Column("send", sa.Boolean(), nullable=True),
        sa.Column("paused", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("next_slot", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("created_by_name", sa.String(length=120), server_default="", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("format IN ('csv', 'xlsx', 'pdf', 'html')", name=op.f("ck_schedule_format")),
        sa.CheckConstraint("frequency IN ('daily', 'weekly', 'monthly')", name=op.f("ck_schedule_frequency")),
        sa.CheckConstraint(
            "produces IN ('report', 'invoices', 'statements')", name=op.f("ck_schedule_produces")
        ),
        sa.CheckConstraint("delay_hours BETWEEN 0 AND 240", name=op.f("ck_schedule_delay_hours")),
        sa.CheckConstraint("hour BETWEEN 0 AND 23", name=op.f("ck_schedule_hour")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_schedule_customer_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedule")),
    )
    op.create_index(
        "ix_schedule_due",
        "schedule",
        ["next_slot"],
        unique=False,
        postgresql_where=sa.text("next_slot IS NOT NULL AND NOT paused"),
    )
    op.create_index("ix_schedule_name_id", "schedule", ["name", "id"], unique=False)
    op.create_index("uq_schedule_customer_id", "schedule", ["customer_id"], unique=True)
    op.create_table(
        "schedule_run",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("schedule_id", sa.BigInteger(), nullable=True),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("produces", sa.String(length=12), nullable=False),
        sa.Column("slot", sa.DateTime(timezone=True), nullable=False),
        sa.Column("period_start", sa.Date(), nullable=True),
        sa.Column("period_end", sa.Date(), nullable=True),
        sa.Column("state", sa.String(length=10), server_default="queued", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("cancel_requested", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("made", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("log", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("document_id", sa.BigInteger(), nullable=True),
        sa.Column("asked_by", sa.BigInteger(), nullable=True),
        sa.Column("asked_by_name", sa.String(length=120), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'done', 'failed', 'cancelled')",
            name=op.f("ck_schedule_run_state"),
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_schedule_run_customer_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["document_id"], ["document.id"], name=op.f("fk_schedule_run_document_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["job_id"], ["job.id"], name=op.f("fk_schedule_run_job_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["schedule_id"], ["schedule.id"], name=op.f("fk_schedule_run_schedule_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedule_run")),
        sa.UniqueConstraint("schedule_id", "slot", name="uq_schedule_run_slot"),
    )
    op.create_index(op.f("ix_schedule_run_customer_id"), "schedule_run", ["customer_id"], unique=False)
    op.create_index(op.f("ix_schedule_run_document_id"), "schedule_run", ["document_id"], unique=False)
    op.create_index(op.f("ix_schedule_run_job_id"), "schedule_run", ["job_id"], unique=False)
    op.create_index(
        "ix_schedule_run_live",
        "schedule_run",
        ["slot", "id"],
        unique=False,
        postgresql_where=sa.text("state IN ('queued', 'running')"),
    )
    op.create_index("ix_schedule_run_slot_id", "schedule_run", ["slot", "id"], unique=False)
    op.create_index("ix_schedule_run_state_slot", "schedule_run", ["state", "slot", "id"], unique=False)
    op.create_table(
        "mail",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=10), server_default="queued", nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("invoice_id", sa.BigInteger(), nullable=True),
        sa.Column("payment_id", sa.BigInteger(), nullable=True),
        sa.Column("schedule_run_id", sa.BigInteger(), nullable=True),
        sa.Column("once", sa.String(length=200), nullable=True),
        sa.Column("recipients", postgresql.ARRAY(sa.String(length=254)), nullable=False),
        sa.Column("subject", sa.String(length=300), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=True),
        sa.Column("message_id", sa.String(length=200), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("created_by_name", sa.String(length=120), server_default="", nullable=False),
        sa.Column("seen", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "kind IN ('invoice', 'payment', 'package_notice', 'reminder', 'statement', 'report', 'message')",
            name=op.f("ck_mail_kind"),
        ),
        sa.CheckConstraint(
            "state IN ('queued', 'kept', 'sending', 'sent', 'parked', 'unsure', 'cancelled')",
            name=op.f("ck_mail_state"),
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_mail_customer_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoice.id"], name=op.f("fk_mail_invoice_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payment.id"], name=op.f("fk_mail_payment_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["schedule_run_id"],
            ["schedule_run.id"],
            name=op.f("fk_mail_schedule_run_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail")),
        sa.UniqueConstraint("message_id", name=op.f("uq_mail_message_id")),
        sa.UniqueConstraint("once", name=op.f("uq_mail_once")),
    )
    op.create_index("ix_mail_created_at_id", "mail", ["created_at", "id"], unique=False)
    op.create_index("ix_mail_customer_id_id", "mail", ["customer_id", "id"], unique=False)
    op.create_index(
        "ix_mail_due",
        "mail",
        ["next_try_at", "id"],
        unique=False,
        postgresql_where=sa.text("state IN ('queued', 'sending')"),
    )
    op.create_index(
        "ix_mail_invoice_id",
        "mail",
        ["invoice_id"],
        unique=False,
        postgresql_where=sa.text("invoice_id IS NOT NULL"),
    )
    op.create_index(
        "ix_mail_payment_id",
        "mail",
        ["payment_id"],
        unique=False,
        postgresql_where=sa.text("payment_id IS NOT NULL"),
    )
    op.create_index(op.f("ix_mail_schedule_run_id"), "mail", ["schedule_run_id"], unique=False)
    op.create_index("ix_mail_state_id", "mail", ["state", "id"], unique=False)
    op.create_table(
        "mail_attachment",
        sa.Column("mail_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("filename", sa.String(length=200), nullable=False),
        sa.Column("media_type", sa.String(length=80), nullable=False),
        sa.Column("invoice_id", sa.BigInteger(), nullable=True),
        sa.Column("document_id", sa.BigInteger(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["document_id"], ["document.id"], name=op.f("fk_mail_attachment_document_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoice.id"], name=op.f("fk_mail_attachment_invoice_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["mail_id"], ["mail.id"], name=op.f("fk_mail_attachment_mail_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("mail_id", "position", name=op.f("pk_mail_attachment")),
    )
    op.create_index(op.f("ix_mail_attachment_document_id"), "mail_attachment", ["document_id"], unique=False)
    op.create_index(op.f("ix_mail_attachment_invoice_id"), "mail_attachment", ["invoice_id"], unique=False)
    op.create_table(
        "mail_attempt",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("mail_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("result", sa.String(length=10), nullable=False),
        sa.Column("server", sa.String(length=260), server_default="", nullable=False),
        sa.Column("reply", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint("result IN ('sent', 'failed', 'unsure')", name=op.f("ck_mail_attempt_result")),
        sa.ForeignKeyConstraint(
            ["mail_id"], ["mail.id"], name=op.f("fk_mail_attempt_mail_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_attempt")),
    )
    op.create_index(op.f("ix_mail_attempt_mail_id"), "mail_attempt", ["mail_id"], unique=False)
    op.add_column("customer", sa.Column("invoice_hour", sa.Integer(), nullable=True))
    op.add_column("customer", sa.Column("invoice_delay_hours", sa.Integer(), nullable=True))
    op.add_column("customer", sa.Column("invoice_issue", sa.Boolean(), nullable=True))
    op.add_column("customer", sa.Column("invoice_send", sa.Boolean(), nullable=True))
    op.add_column("customer", sa.Column("no_reminders", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("setting", sa.Column("schedule_hour", sa.Integer(), server_default="6", nullable=False))
    op.add_column("setting", sa.Column("send_invoices", sa.Boolean(), server_default="false", nullable=False))
    op.add_column(
        "setting",
        sa.Column("reminder_days", postgresql.ARRAY(sa.Integer()), server_default="{}", nullable=False),
    )
    for table, name, condition in CHECKS:
        op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition)
    watch("schedule", leave_out=("next_slot",))
    watch("invoice_template", leave_out=("html", "fault"))
    watch("mail_template")


def downgrade() -> None:
    for table, name, _ in CHECKS:
        op.drop_constraint(op.f(f"ck_{table}_{name}"), table, type_="check")
    op.drop_column("setting", "reminder_days")
    op.drop_column("setting", "send_invoices")
    op.drop_column("setting", "schedule_hour")
    op.drop_column("customer", "no_reminders")
    op.drop_column("customer", "invoice_send")
    op.drop_column("customer", "invoice_issue")
    op.drop_column("customer", "invoice_delay_hours")
    op.drop_column("customer", "invoice_hour")
    op.drop_table("mail_attempt")
    op.drop_table("mail_attachment")
    op.drop_table("mail")
    op.drop_table("schedule_run")
    op.drop_table("schedule")
    op.drop_table("invoice_template_version")
    op.drop_table("mail_template")
    op.drop_table("invoice_template")
