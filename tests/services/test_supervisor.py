"""`make run` as a whole: it starts, keeps the data, recovers, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import psycopg
import pytest

from dashboard.config import ROOT, libpq_url, running_services
from dashboard.services.runtime import Runtime
from tests.support.waiting import wait_until

PASSWORD = "a password that nobody prints"


@dataclass
class Run:
    """One `make run`, as its reader sees it."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)

    def __post_init__(self):
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        with self.process.stdout as pipe:
            self.lines.extend(line.rstrip() for line in pipe)

    def said(self, beginning):
        return next((line for line in self.lines if line.startswith(beginning)), None)

    def until_ready(self):
        def ready():
            ended = self.process.poll() is not None and not self._reader.is_alive()
            assert not ended, "\n".join(self.lines)
            return self.said("Ready: http://")

        line = wait_until(ready, 90, "it is ready:\n" + "\n".join(self.lines))
        return re.fullmatch(r"Ready: (http://127\.0\.0\.1:\d+)", line).group(1)

    def end(self, signal_number=signal.SIGTERM):
        begun = time.monotonic()
        self.process.send_signal(signal_number)
        self.process.wait(20)
        self._reader.join(5)
        return time.monotonic() - begun


@dataclass
class Machine:
    """A data folder and everything that runs on it."""

    data: Path
    port: int

    def run(self, **extra):
        env = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
        env |= {
            "DATA_DIR": str(self.data),
            "PORT": str(self.port),
            "SEED_DEMO": "0",
            "ADMIN_EMAIL": "first@example.com",
            "ADMIN_PASSWORD": PASSWORD,
            "WEB_CONCURRENCY": "1",
            "PYTHONUNBUFFERED": "1",
        }
        command = [sys.executable, "-m", "dashboard.services.supervisor"]
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        return Run(subprocess.Popen(command, cwd=ROOT, env=env | extra, **options))

    def processes(self):
        """All that was started for this folder, whoever its parent is by now."""
        found = []
        for process in psutil.process_iter():
            try:
                ours = process.environ().get("DATA_DIR") == str(self.data)
                ours = ours or process.cwd().startswith(str(self.data))
                if ours and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except (psutil.Error, OSError):
                # It ended while we looked.
                continue
        return found

    def named(self, words):
        def cmdline(process):
            try:
                return " ".join(process.cmdline())
            except psutil.Error:
                return ""

        return [process for process in self.processes() if words in cmdline(process)]

    def query(self, text):
        url = running_services(self.data)["database_url"]
        with psycopg.connect(libpq_url(url), autocommit=True) as connection:
            return connection.execute(text).fetchone()


@pytest.fixture
def machine(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        machine = Machine(tmp_path / "my data", other.getsockname()[1])
        yield machine
        for process in machine.processes():
            process.kill()
        # A killed run leaves its folder of sockets to the next one, which here never comes.
        runtime = Runtime(machine.data)
        runtime.acquire()
        runtime.choose_sockets()
        runtime.release()


def answers(url):
    with urllib.request.urlopen(f"{url}/healthz", timeout=30) as response:
        return response.status == 200


def test_it_starts_serves_recovers_and_stops(machine):
    first = machine.run()
    url = first.until_ready()
    assert first.said(f"Port {machine.port} is taken; using {url.rpartition(':')[2]} instead.")
    assert answers(url)
    assert machine.query("SELECT count(*), max(email) FROM staff") == (1, "first@example.com")
    machine.query("UPDATE staff SET name = 'Kept' RETURNING 1")

    second = machine.run()
    assert second.process.wait(20) == 1
    second._reader.join(5)
    assert second.lines == [line for line in second.lines if "already runs in" in line and url in line]

    for words in ("jobs.worker", "jobs.tick", "gunicorn"):
        for process in machine.named(words):
            process.kill()
    wait_until(lambda: all(machine.named(words) for words in ("jobs.worker", "jobs.tick", "gunicorn")), 20)
    assert wait_until(lambda: answers(url), 20)
    assert first.said("web ended (signal SIGKILL); starting it again")

    # kill -9, and at once a new start: what was left ends, the data is there.
    first.end(signal.SIGKILL)
    third = machine.run()
    assert answers(third.until_ready())
    assert machine.query("SELECT name FROM staff") == ("Kept",)

    took = third.end(signal.SIGINT)
    assert took < 10
    assert third.process.returncode == 0
    assert machine.processes() == []
    assert running_services(machine.data) == {}
    assert not any(PASSWORD in line for line in first.lines + third.lines)


def test_everything_ends_by_itself_when_the_supervisor_is_killed(machine):
    run = machine.run(WORKERS="2")
    run.until_ready()
    assert len(machine.named("jobs.worker")) == 2
    run.end(signal.SIGKILL)
    wait_until(lambda: not machine.processes(), 10, "nothing is left")


def test_servers_named_by_the_environment_are_used(machine, servers, worker_number):
    name = f"outside_{worker_number}"
    url = servers.create_empty_database(name)
    run = machine.run(
        DATABASE_URL=url.replace("+psycopg", ""), REDIS_URL=servers.redis_url(200 + worker_number)
    )
    assert answers(run.until_ready())
    assert not (machine.data / "postgres").exists()
    assert not (machine.data / "valkey").exists()
    assert run.end() < 10
    assert machine.processes() == []
    servers.drop_database(name)


def test_a_stop_while_starting_leaves_nothing(machine):
    run = machine.run()
    wait_until(lambda: machine.named("postgres"), 30, "the database is being started")
    assert run.end() < 10
    assert machine.processes() == []


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        (
            "DATABASE_URL",
            "postgresql://u:db-secret@127.0.0.1:1/billing",
            "DATABASE_URL names a database that cannot",
        ),
        ("REDIS_URL", "redis://:db-secret@127.0.0.1:1/0", "REDIS_URL names a server that cannot be reached"),
        ("PORT", "none", "PORT must be a whole number"),
    ],
)
def test_what_cannot_work_is_said_in_one_line(machine, name, value, expected):
    run = machine.run(**{name: value})
    assert run.process.wait(30) != 0
    run._reader.join(5)
    assert run.said(expected), run.lines
    assert not any("db-secret" in line or "Traceback" in line for line in run.lines)
    assert machine.processes() == []
