"""Putting a worker's database back to how the migrations left it."""

from __future__ import annotations

from psycopg import errors, sql

from tests.support.servers import SEED_SCHEMA, Servers, tables


class Cleaner:
    """Empties what a test filled. Works as the superuser with triggers off: it must not be audited, nor be
    kept from emptying tables that only grow."""

    def __init__(self, servers: Servers, database: str) -> None:
        self._database = database
        self._connection = servers.superuser(database)
        self._connection.execute("SET session_replication_role = replica")
        self._connection.execute("SET lock_timeout = '2s'")
        self._seeded = tables(self._connection, SEED_SCHEMA)
        self._counters = self._seeded_counters()
        parts = [
            sql.SQL("SELECT {} WHERE EXISTS (SELECT 1 FROM {})").format(
                sql.Literal(name), sql.Identifier(name)
            )
            for name in tables(self._connection)
            if name not in self._seeded
        ]
        self._filled = sql.SQL(" UNION ALL ").join(parts)

    def clean(self) -> None:
        filled = [str(name) for (name,) in self._connection.execute(self._filled)] + self._seeded
        if not filled:
            return
        try:
            self._empty(filled)
        except (errors.LockNotAvailable, errors.DeadlockDetected):
            self._end_others()
            self._empty(filled)

    def _empty(self, filled: list[str]) -> None:
        names = sql.SQL(", ").join(map(sql.Identifier, filled))
        with self._connection.transaction():
            self._connection.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY CASCADE").format(names))
            for name in self._seeded:
                table = sql.Identifier(name)
                back = sql.SQL("INSERT INTO {} SELECT * FROM {}.{}")
                self._connection.execute(back.format(table, sql.Identifier(SEED_SCHEMA), table))
            for name, column in self._counters:
                after = sql.SQL("SELECT setval(pg_get_serial_sequence({}, {}), max({})) FROM {}")
                parts = (sql.Literal(name), sql.Literal(column), sql.Identifier(column), sql.Identifier(name))
                self._connection.execute(after.format(*parts))

    def _seeded_counters(self) -> list[tuple[str, str]]:
        """Columns of seeded tables that count by themselves; they go on after the seeded rows."""
        rows = self._connection.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
            " AND table_name = ANY (%s)"
            " AND pg_get_serial_sequence(quote_ident(table_name), column_name) IS NOT NULL",
            [self._seeded],
        )
        return [(str(table), str(column)) for table, column in rows]

    def _end_others(self) -> None:
        """A test that left a transaction open, in a thread or a server, must not block the next one."""
        self._connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = %s AND pid <> pg_backend_pid() AND state <> 'idle'",
            [self._database],
        )

    def close(self) -> None:
        self._connection.close()
