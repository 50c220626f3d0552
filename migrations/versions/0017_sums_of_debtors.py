"""Who owes most is found by an index alone

Revision: 0017, after 0016
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_book_sum_debtor",
        "book_sum",
        ["currency", "customer_id"],
        postgresql_include=["amount", "number"],
        postgresql_where=sa.text("kind = 'debtor'"),
    )


def downgrade() -> None:
    op.drop_index("ix_book_sum_debtor", "book_sum")
