"""What workers and ticks say of themselves; the attempts of a job; what its owner was told of it

Revision: 0013, after 0012
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

JOB = ("excused", "history", "told_at", "dismissed_at")
HEARTBEAT = ("machine", "pid", "state", "job_id", "doing", "since", "started_at", "round_at")


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.add_column("job", sa.Column("excused", sa.Integer(), server_default="0", nullable=False))
    op.add_column(
        "job",
        sa.Column("history", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
    )
    op.add_column("job", sa.Column("told_at", moment, nullable=True))
    op.add_column("job", sa.Column("dismissed_at", moment, nullable=True))
    # Nobody is told now of what ended before.
    op.execute("UPDATE job SET told_at = now(), dismissed_at = now() WHERE finished_at IS NOT NULL")
    op.create_index(
        "ix_job_finished_at", "job", ["finished_at"], postgresql_where=sa.text("finished_at IS NOT NULL")
    )
    op.add_column("heartbeat", sa.Column("machine", sa.String(length=120), server_default="", nullable=False))
    op.add_column("heartbeat", sa.Column("pid", sa.Integer(), server_default="0", nullable=False))
    op.add_column(
        "heartbeat", sa.Column("state", sa.String(length=10), server_default="idle", nullable=False)
    )
    op.add_column("heartbeat", sa.Column("job_id", sa.BigInteger(), nullable=True))
    op.add_column("heartbeat", sa.Column("doing", sa.String(length=120), server_default="", nullable=False))
    for name in ("since", "started_at", "round_at"):
        op.add_column("heartbeat", sa.Column(name, moment, nullable=True))


def downgrade() -> None:
    for name in HEARTBEAT:
        op.drop_column("heartbeat", name)
    op.drop_index("ix_job_finished_at", table_name="job")
    for name in JOB:
        op.drop_column("job", name)
