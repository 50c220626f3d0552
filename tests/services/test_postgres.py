"""The embedded PostgreSQL: first start, recovery, and what it refuses."""

from __future__ import annotations

import contextlib
import os

import psycopg
import pytest

from dashboard.config import libpq_url
from dashboard.services.postgres import EmbeddedPostgres, wait_until_ready
from dashboard.services.privileges import PrivilegeError
from dashboard.services.runtime import Runtime

QUICK = {"fsync": "off", "shared_buffers": "16MB"}


@pytest.fixture
def runtime(tmp_path):
    # A name with a space, and folders that others may not enter (pytest's): the hard case is the tested one.
    runtime = Runtime(tmp_path / "my data")
    runtime.acquire()
    runtime.choose_sockets()
    yield runtime
    runtime.release()


@contextlib.contextmanager
def running(runtime):
    server = EmbeddedPostgres(runtime, options=QUICK, sync=False)
    server.initialise()
    child = server.child(dict(os.environ))
    with (runtime.data_dir / "log").open("ab") as log:
        child.start(log)
    assert wait_until_ready(server, child), (runtime.data_dir / "log").read_text()
    try:
        yield server, child
    finally:
        child.ask_to_end()
        child.process.wait(10)


def query(server, text):
    with psycopg.connect(libpq_url(server.url()), autocommit=True) as connection:
        return connection.execute(text).fetchone()


def test_data_is_kept_and_a_killed_server_does_not_stand_in_the_way(runtime):
    with running(runtime) as (server, _child):
        server.ensure_database()
        server.ensure_database()
        found = query(server, "SELECT current_user, upper('é'), current_setting('TimeZone')")
        assert found == ("billing", "É", "UTC")
        with psycopg.connect(libpq_url(server.url()), autocommit=True) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS number")

        # A second server on the same folder, as after a killed supervisor: the first is ended for it.
        with running(runtime) as (again, child):
            assert query(again, "SELECT number FROM kept") == (42,)
            child.kill()
            child.process.wait()

    # What is left is the note of a dead server; its number goes to a stranger, which PostgreSQL fears.
    note = server.data / "postmaster.pid"
    note.write_text(f"{os.getpid()}\n{server.data}\n1\n5432\n{server.socket_folder}\n\n 1 1\nready\n")
    with running(runtime) as (again, _child):
        assert query(again, "SELECT number FROM kept") == (42,)


def test_an_interrupted_first_start_is_made_anew(runtime):
    half = runtime.data_dir / "postgres.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18")
    server = EmbeddedPostgres(runtime, options=QUICK, sync=False)
    server.initialise()
    assert (server.data / "global" / "pg_control").exists()
    assert not half.exists()


def test_another_version_and_a_strange_folder_are_refused(runtime):
    data = runtime.data_dir / "postgres"
    data.mkdir()
    server = EmbeddedPostgres(runtime)
    (data / "letter.txt").write_text("mine")
    with pytest.raises(PrivilegeError, match="is not a database folder"):
        server.initialise()
    (data / "PG_VERSION").write_text("16")
    with pytest.raises(PrivilegeError, match="made by PostgreSQL 16 and this is 18"):
        server.initialise()
