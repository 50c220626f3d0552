"""When reminders were switched on, and which charges customers were told of.

Revision: 0016, after 0015
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("setting", sa.Column("reminders_from", sa.Date(), nullable=True))
    op.create_index(
        "ix_invoice_owed_due_date",
        "invoice",
        ["due_date", "id"],
        postgresql_where=sa.text("state = 'issued' AND balance > 0"),
    )
    op.create_table(
        "package_notice",
        sa.Column("customer_package_id", sa.BigInteger(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("mail_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_package_id"],
            ["customer_package.id"],
            name=op.f("fk_package_notice_customer_package_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["mail_id"], ["mail.id"], name=op.f("fk_package_notice_mail_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("customer_package_id", "due_on", name=op.f("pk_package_notice")),
    )
    op.create_index(op.f("ix_package_notice_mail_id"), "package_notice", ["mail_id"])


def downgrade() -> None:
    op.drop_table("package_notice")
    op.drop_index("ix_invoice_owed_due_date", table_name="invoice")
    op.drop_column("setting", "reminders_from")
