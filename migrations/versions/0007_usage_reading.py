"""Indexes for reading usage: by destination and provider in the ledger, by what is not usual among the calls

Revision: 0007, after 0006
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import text

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_usage_day_destination", "usage_day", ["destination", "day"])
    op.create_index("ix_usage_day_provider_id", "usage_day", ["provider_id", "day"])
    # Only the calls that differ from most: these cost next to nothing while usage is loaded.
    op.create_index(
        "ix_usage_record_result",
        "usage_record",
        ["result", "started_at", "id"],
        postgresql_where=text("result <> 'answered'"),
    )
    op.create_index(
        "ix_usage_record_rating",
        "usage_record",
        ["rating", "started_at", "id"],
        postgresql_where=text("rating <> 'rated'"),
    )


def downgrade() -> None:
    op.drop_index("ix_usage_record_rating", "usage_record")
    op.drop_index("ix_usage_record_result", "usage_record")
    op.drop_index("ix_usage_day_provider_id", "usage_day")
    op.drop_index("ix_usage_day_destination", "usage_day")
