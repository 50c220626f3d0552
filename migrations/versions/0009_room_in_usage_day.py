"""Room in the pages of the ledger: a load adds to the same days again and again

With room on its page a day's new sums stay there, and none of the indexes has to be told.

Revision: 0009, after 0008
"""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE usage_day SET (fillfactor = 50)")


def downgrade() -> None:
    op.execute("ALTER TABLE usage_day RESET (fillfactor)")
