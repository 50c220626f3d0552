"""Sign-in: a code of the second factor works once; the audit log by kind of record

Revision: 0003, after 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.audit import watch

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SECRET = ("password", "fs_uniquifier", "tf_totp_secret", "mf_recovery_codes")
LEFT_OUT = ("failed_sign_ins", "last_sign_in_at")


def upgrade() -> None:
    op.add_column("staff", sa.Column("totp_counter", sa.BigInteger(), nullable=True))
    op.create_index("ix_audit_entry_table_name_id", "audit_entry", ["table_name", "id"])
    op.execute("DROP TRIGGER audit ON staff")
    watch("staff", leave_out=(*LEFT_OUT, "totp_counter"), secret=SECRET)


def downgrade() -> None:
    op.execute("DROP TRIGGER audit ON staff")
    watch("staff", leave_out=LEFT_OUT, secret=SECRET)
    op.drop_index("ix_audit_entry_table_name_id", table_name="audit_entry")
    op.drop_column("staff", "totp_counter")
