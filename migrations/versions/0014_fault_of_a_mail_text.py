"""Why a text of e-mails gave way to the stock one

Revision: 0014, after 0013
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.audit import watch

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("mail_template", sa.Column("fault", sa.Text(), nullable=True))
    op.execute("DROP TRIGGER audit ON mail_template")
    watch("mail_template", leave_out=("fault",))


def downgrade() -> None:
    op.execute("DROP TRIGGER audit ON mail_template")
    watch("mail_template")
    op.drop_column("mail_template", "fault")
