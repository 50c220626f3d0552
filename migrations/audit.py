"""The audit trigger: one function, attached to every business table.

A trigger sees bulk SQL as well as the ORM, so nothing can be changed without an entry.
"""

from __future__ import annotations

from alembic import op

FUNCTION = """
CREATE FUNCTION audit_change() RETURNS trigger LANGUAGE plpgsql AS $body$
-- TG_ARGV: subject table, column that holds the subject's key, columns left out, columns whose values are secret.
DECLARE
    before jsonb := CASE WHEN TG_OP = 'INSERT' THEN '{}'::jsonb ELSE to_jsonb(OLD) END;
    after jsonb := CASE WHEN TG_OP = 'DELETE' THEN '{}'::jsonb ELSE to_jsonb(NEW) END;
    kept jsonb := CASE WHEN TG_OP = 'DELETE' THEN before ELSE after END;
    left_out text[] := string_to_array(TG_ARGV[2], ',');
    secret text[] := string_to_array(TG_ARGV[3], ',');
    changes jsonb;
BEGIN
    SELECT jsonb_object_agg(
        name,
        CASE WHEN name = ANY (secret)
            THEN jsonb_build_array(
                CASE WHEN coalesce(before -> name, 'null') = 'null' THEN NULL ELSE '(hidden)' END,
                CASE WHEN coalesce(after -> name, 'null') = 'null' THEN NULL ELSE '(hidden)' END)
            ELSE jsonb_build_array(before -> name, after -> name)
        END)
    INTO changes
    FROM jsonb_object_keys(before || after) AS name
    WHERE coalesce(before -> name, 'null') IS DISTINCT FROM coalesce(after -> name, 'null')
      AND NOT name = ANY (left_out);

    IF changes IS NULL AND TG_OP = 'UPDATE' THEN
        RETURN NULL;
    END IF;
    INSERT INTO audit_entry (
        actor_id, actor_name, action, table_name, row_id, subject_table, subject_id, changes, comment, transaction_id)
    VALUES (
        nullif(current_setting('app.actor_id', true), '')::bigint,
        coalesce(nullif(current_setting('app.actor_name', true), ''), 'Database'),
        lower(TG_OP), TG_TABLE_NAME, kept ->> 'id',
        TG_ARGV[0], kept ->> TG_ARGV[1],
        coalesce(changes, '{}'::jsonb),
        coalesce(current_setting('app.comment', true), ''),
        pg_current_xact_id()::text::bigint);
    RETURN NULL;
END
$body$
"""

ALWAYS_LEFT_OUT = ("id", "created_at", "updated_at", "version")


def watch(
    table: str,
    *,
    subject: str | None = None,
    key: str = "id",
    leave_out: tuple[str, ...] = (),
    secret: tuple[str, ...] = (),
) -> None:
    """Record every change of `table`, on the timeline of `subject` (by default the row itself)."""
    left_out = ",".join((*ALWAYS_LEFT_OUT, *leave_out))
    op.execute(
        f"CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW "
        f"EXECUTE FUNCTION audit_change('{subject or table}', '{key}', '{left_out}', '{','.join(secret)}')"
    )
