"""Every change of a business row is recorded

Revision: 0002, after 0001
"""

from __future__ import annotations

from alembic import op

from migrations.audit import FUNCTION, watch

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

WATCHED = (
    "customer",
    "contact",
    "customer_package",
    "package",
    "invoice",
    "invoice_item",
    "payment",
    "allocation",
    "refund",
    "setting",
    "staff",
)


def upgrade() -> None:
    op.execute(FUNCTION)
    watch("customer")
    watch("contact", subject="customer", key="customer_id")
    watch("customer_package", subject="customer", key="customer_id")
    watch("package")
    watch("invoice", leave_out=("balance", "snapshot"))
    watch("invoice_item", subject="invoice", key="invoice_id", leave_out=("invoice_id",))
    watch("payment", leave_out=("unallocated",))
    watch("allocation", subject="invoice", key="invoice_id")
    watch("refund", subject="payment", key="payment_id")
    watch("setting", secret=("smtp_password", "logo"))
    watch(
        "staff",
        leave_out=("failed_sign_ins", "last_sign_in_at"),
        secret=("password", "fs_uniquifier", "tf_totp_secret", "mf_recovery_codes"),
    )
    op.execute("INSERT INTO setting (id) VALUES (1)")


def downgrade() -> None:
    for table in WATCHED:
        op.execute(f"DROP TRIGGER audit ON {table}")
    op.execute("DROP FUNCTION audit_change()")
    op.execute("DELETE FROM setting")
