"""Real web servers and workers, each in a process of its own, for the tests that need them."""

from __future__ import annotations

import datetime as dt
import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from dashboard.config import ROOT, Settings
from dashboard.services import web
from dashboard.services.processes import Child
from tests.support.waiting import wait_until


def environment(settings: Settings) -> dict[str, str]:
    """What a process needs to work on the same database and queue as the test."""
    return {
        **os.environ,
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "SECRET_KEY": settings.secret_key,
        "DATA_DIR": str(settings.data_dir),
        "QUEUE_NAME": settings.queue_name,
        "WEB_CONCURRENCY": "1",
        "WEB_THREADS": "8",
        "PYTHONUNBUFFERED": "1",
    }


@dataclass
class Running:
    """A started process. `log` is everything it has said."""

    child: Child
    log_path: Path

    @property
    def pid(self) -> int:
        assert self.child.process is not None
        return self.child.process.pid

    @property
    def alive(self) -> bool:
        return self.child.alive

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def kill(self) -> None:
        """As if the machine had lost it: no chance to tidy up."""
        self.child.kill()
        assert self.child.process is not None
        self.child.process.wait()

    def stop(self) -> None:
        self.child.ask_to_end()
        assert self.child.process is not None
        try:
            self.child.process.wait(8)
        except subprocess.TimeoutExpired:
            self.kill()


@dataclass
class LiveServer(Running):
    url: str = ""
    """Such as `http://127.0.0.1:40123`, without a slash at the end."""


def start(child: Child, folder: Path) -> Running:
    path = folder / f"{child.name}.log"
    with path.open("ab") as log:
        child.start(log)
    return Running(child, path)


def start_web(settings: Settings, folder: Path, processes: int = 1) -> LiveServer:
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    bound.listen(512)
    port = bound.getsockname()[1]
    listener = web.Listener(bound, "127.0.0.1", port, port)
    env = {**environment(settings), "WEB_CONCURRENCY": str(processes)}
    running = start(web.child(listener, env, ROOT), folder)
    bound.close()  # the server has its own copy
    server = LiveServer(running.child, running.log_path, listener.url)

    def up() -> bool:
        assert server.alive, f"The web server ended:\n{server.log}"
        return web.answers(listener)

    try:
        wait_until(up, 40, "the web server answers")
    except AssertionError as error:
        server.kill()
        raise AssertionError(f"{error}\n{server.log}") from None
    return server


def start_worker(settings: Settings, folder: Path, name: str = "worker") -> Running:
    return start(Child(name, [sys.executable, "-m", "jobs.worker"], environment(settings), ROOT), folder)


def start_tick(settings: Settings, folder: Path, every: str = "1", name: str = "tick") -> Running:
    env = {**environment(settings), "TICK_SECONDS": every}
    return start(Child(name, [sys.executable, "-m", "jobs.tick"], env, ROOT), folder)


def start_elsewhen(settings: Settings, folder: Path, module: str, name: str, shift: dt.timedelta) -> Running:
    """A tick or a worker on a machine whose clock is wrong by so much."""
    code = (
        "import datetime, runpy, time_machine\n"
        f"step = datetime.timedelta(seconds={shift.total_seconds():.0f})\n"
        "time_machine.travel(datetime.datetime.now(datetime.UTC) + step, tick=True).start()\n"
        f"runpy.run_module({module!r}, run_name='__main__')\n"
    )
    env = {**environment(settings), "TICK_SECONDS": "0.2"}
    return start(Child(name, [sys.executable, "-c", code], env, ROOT), folder)
