"""One PostgreSQL and one Valkey for a whole test run, and a migrated database to copy from."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import psycopg
from filelock import FileLock
from psycopg import sql

from dashboard.config import ROOT
from dashboard.services.postgres import ROLE, SUPERUSER, EmbeddedPostgres, wait_until_ready
from dashboard.services.processes import Child
from dashboard.services.runtime import Runtime
from dashboard.services.valkey import EmbeddedValkey
from tests.support.waiting import wait_until

TEMPLATE = "template_billing"
SEED_SCHEMA = "seed"  # holds the rows that migrations put into tables, to put them back after a test
_FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "128MB",
    "max_connections": "300",
}


@dataclass(frozen=True)
class Servers:
    """Where the servers of this run are; plain texts, so that they can be handed to the xdist workers."""

    folder: str
    postgres: str
    valkey: str

    def database_url(self, database: str) -> str:
        return f"postgresql+psycopg://{ROLE}@/{database}?host={self.postgres}"

    def redis_url(self, number: int) -> str:
        return f"unix://{self.valkey}?db={number}"

    def superuser(self, database: str = "postgres") -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(host=self.postgres, user=SUPERUSER, dbname=database, autocommit=True)

    def as_dict(self) -> dict[str, str]:
        return asdict(self)

    def create_database(self, name: str) -> str:
        """A fresh copy of the migrated template; returns its address."""
        with FileLock(f"{self.folder}/template.lock"), self.superuser() as connection:
            marker = Path(self.folder) / "template.ready"
            if not marker.exists():
                self._make_template(connection)
                marker.touch()
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} (FORCE)").format(sql.Identifier(name)))
            statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {} STRATEGY file_copy")
            connection.execute(statement.format(*map(sql.Identifier, (name, TEMPLATE, ROLE))))
        return self.database_url(name)

    def create_empty_database(self, name: str) -> str:
        """Without any table, for tests of the migrations themselves."""
        with self.superuser() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} (FORCE)").format(sql.Identifier(name)))
            statement = sql.SQL("CREATE DATABASE {} OWNER {}")
            connection.execute(statement.format(sql.Identifier(name), sql.Identifier(ROLE)))
        return self.database_url(name)

    def drop_database(self, name: str) -> None:
        with self.superuser() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} (FORCE)").format(sql.Identifier(name)))

    def _make_template(self, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        url = self.create_empty_database(TEMPLATE)
        env = {
            **os.environ,
            "DATABASE_URL": url,
            "REDIS_URL": self.redis_url(0),
            "DATA_DIR": self.folder,
            "SECRET_KEY": "only for the template of tests",
        }
        command = [sys.executable, "-m", "dashboard.services.migrate"]
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"The test database could not be migrated:\n{done.stdout}{done.stderr}")
        with self.superuser(TEMPLATE) as template:
            _keep_seed_rows(template)


def tables(connection: psycopg.Connection[tuple[object, ...]], schema: str = "public") -> list[str]:
    rows = connection.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = %s AND tablename <> 'alembic_version' ORDER BY 1",
        [schema],
    )
    return [str(name) for (name,) in rows]


def _keep_seed_rows(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    # What the migrations did themselves is not part of any test: the audit log of a test begins empty.
    connection.execute("SET session_replication_role = replica")
    connection.execute("TRUNCATE audit_entry RESTART IDENTITY")
    connection.execute(f"CREATE SCHEMA {SEED_SCHEMA}")
    for name in tables(connection):
        table = sql.Identifier(name)
        if connection.execute(sql.SQL("SELECT 1 FROM {} LIMIT 1").format(table)).fetchone():
            copy = sql.SQL("CREATE TABLE {}.{} AS TABLE {}")
            connection.execute(copy.format(sql.Identifier(SEED_SCHEMA), table, table))


class RunningServers:
    """The processes behind `Servers`, started by the first who needs them and ended with the run."""

    def __init__(self, **options: str) -> None:
        """`options` are settings of the database server beside the usual ones."""
        self.folder = Path(tempfile.mkdtemp(prefix="billing-tests-", dir="/tmp"))
        self.folder.chmod(0o711)
        self._children: list[Child] = []
        runtime = Runtime(self.folder)
        runtime.acquire()
        runtime.choose_sockets()
        postgres = EmbeddedPostgres(runtime, options={**_FAST, **options}, sync=False)
        valkey = EmbeddedValkey(runtime, options={"appendonly": "no", "databases": "256"})
        try:
            postgres.initialise()
            database = self._start(postgres.child(dict(os.environ)))
            self._start(valkey.child(dict(os.environ)))
            assert wait_until_ready(postgres, database), self._said()
            wait_until(valkey.is_ready, 10, "Valkey answers")
            postgres.ensure_database()
        except BaseException:
            self.stop()
            raise
        self.servers = Servers(str(self.folder), str(postgres.socket_folder), str(valkey.socket))

    def _start(self, child: Child) -> Child:
        with (self.folder / f"{child.name}.log").open("wb") as log:
            child.start(log)
        self._children.append(child)
        return child

    def _said(self) -> str:
        return "\n".join(path.read_text(errors="replace")[-2000:] for path in self.folder.glob("*.log"))

    def stop(self) -> None:
        for child in self._children:
            child.ask_to_end()
        for child in self._children:
            if child.process is not None:
                try:
                    child.process.wait(5)
                except subprocess.TimeoutExpired:
                    child.kill()
                    child.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
