"""The audit log only grows: nobody rewrites it from within the application

Revision: 0005, after 0004
"""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "CREATE FUNCTION audit_only_grows() RETURNS trigger LANGUAGE plpgsql AS $body$"
        " BEGIN RAISE EXCEPTION 'The audit log only grows.'; END $body$"
    )
    op.execute(
        "CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entry"
        " FOR EACH STATEMENT EXECUTE FUNCTION audit_only_grows()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER only_grows ON audit_entry")
    op.execute("DROP FUNCTION audit_only_grows()")
