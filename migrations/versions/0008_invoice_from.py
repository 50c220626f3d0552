"""From which day on a customer is invoiced by schedule

Revision: 0008, after 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("customer", sa.Column("invoice_from", sa.Date(), nullable=True))


def downgrade() -> None:
    op.drop_column("customer", "invoice_from")
