"""`make run`: database, queue, web server, workers and schedule tick under one process that ends them all.

Everything happens in one thread, because the kernel's "end with your parent" follows the thread that started
the child.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable
from types import FrameType

from dashboard.config import ROOT, ConfigError, Settings
from dashboard.services import web
from dashboard.services.bring_up import Failed, check_external, step_env
from dashboard.services.postgres import EmbeddedPostgres
from dashboard.services.privileges import PrivilegeError, adopt_orphans, end_with_parent
from dashboard.services.processes import (
    Child,
    Output,
    end_leftovers,
    identity,
    kill_descendants,
    reap_orphans,
)
from dashboard.services.runtime import AlreadyRunning, Runtime
from dashboard.services.valkey import EmbeddedValkey

# A worker has WORKER_STOP_SECONDS for the chunk it is at and a moment to give its job back; all else together
# ends in under ten: first what serves, then what it is served from.
_GIVE_BACK, _KILL_PATIENCE = 1.5, 0.7
_START_PATIENCE = 120.0
_EARLY_FAILURES = 5


class Stopped(Exception):
    """Asked to stop while still starting."""


class Supervisor:
    def __init__(self, settings: Settings, output: Output | None = None) -> None:
        self.settings = settings
        self.output = output or Output()
        self.runtime = Runtime(settings.data_dir)
        self.stores: list[Child] = []
        self.serving: list[Child] = []
        self.stopping = False
        self.ready = False
        self.listener: web.Listener | None = None
        self.env = dict(os.environ)

    def run(self) -> int:
        self._catch_signals()
        try:
            self.runtime.acquire()
        except AlreadyRunning as error:
            self.output.say(str(error))
            return 1
        try:
            self._start()
            self._watch()
            return 0
        except Stopped:
            return 0
        except (Failed, PrivilegeError, web.NoPort) as error:
            self.output.say(str(error))
            return 1
        finally:
            self._stop()

    # Starting

    def _start(self) -> None:
        end_leftovers(self.runtime.recorded_children())
        self.listener = web.listen(self.settings.host, self.settings.port)
        if self.listener.port != self.listener.wanted:
            self.output.say(f"Port {self.listener.wanted} is taken; using {self.listener.port} instead.")
        self.runtime.choose_sockets()
        self._start_stores()
        python = sys.executable
        flask = [python, "-m", "flask", "--app", "wsgi"]
        self._step("Bringing the database up to date", [python, "-m", "dashboard.services.migrate"])
        self._step("Checking for a first staff account", [*flask, "staff", "bootstrap"], secrets=True)
        if self.settings.seed_demo:
            self._step("Checking for the demo", [*flask, "demo", "load"])
        self._start_serving()

    def _start_stores(self) -> None:
        addresses = {"database_url": self.settings.database_url, "redis_url": self.settings.redis_url}
        if not self.settings.database_url:
            self.output.say(f"Starting the embedded PostgreSQL in {self.runtime.data_dir / 'postgres'}")
            addresses["database_url"] = self._start_postgres()
        if not self.settings.redis_url:
            self.output.say(f"Starting the embedded Valkey in {self.runtime.data_dir / 'valkey'}")
            addresses["redis_url"] = self._start_valkey()
        check_external(self.settings)
        self.env = step_env(self.env, self.settings, addresses)
        self.runtime.publish(addresses)

    def _start_postgres(self) -> str:
        server = EmbeddedPostgres(self.runtime)
        server.initialise()
        child = server.child(self.env)
        self._launch(child, self.stores)
        self._wait_for(child, lambda: child.process is not None and server.is_ready(child.process.pid))
        server.ensure_database()
        return server.url()

    def _start_valkey(self) -> str:
        server = EmbeddedValkey(self.runtime)
        child = server.child(self.env)
        self._launch(child, self.stores)
        self._wait_for(child, server.is_ready)
        return server.url()

    def _start_serving(self) -> None:
        assert self.listener is not None
        env = {
            name: value for name, value in self.env.items() if name not in ("ADMIN_PASSWORD", "ADMIN_EMAIL")
        }
        self._launch(web.child(self.listener, env, ROOT), self.serving)
        for number in range(1, self.settings.workers + 1):
            command = [sys.executable, "-m", "jobs.worker"]
            patience = self.settings.worker_stop_seconds + _GIVE_BACK
            self._launch(Child(f"worker {number}", command, env, ROOT, patience=patience), self.serving)
        self._launch(Child("schedule", [sys.executable, "-m", "jobs.tick"], env, ROOT), self.serving)

    def _step(self, what: str, command: list[str], *, secrets: bool = False) -> None:
        """Run one command to its end, passing on what it says; only one of them sees ADMIN_PASSWORD."""
        self.output.say(what)
        env = {name: value for name, value in self.env.items() if secrets or name != "ADMIN_PASSWORD"}
        child = Child("setup", command, env, ROOT)
        self.output.start(child)
        try:
            while child.alive:
                self._pump(0.2)
        except Stopped:
            child.kill()
            raise
        self.output.drain(child)
        if child.process is not None and child.process.returncode != 0:
            raise Failed(f"{what} failed (see above). Nothing was left running.")

    def _launch(self, child: Child, group: list[Child]) -> None:
        self.output.start(child)
        if child not in group:
            group.append(child)
        known = ((each.name, each.process.pid) for each in [*self.stores, *self.serving] if each.process)
        self.runtime.note_children(
            [
                {"name": name, "pid": pid, "started": begun}
                for name, pid in known
                if (begun := identity(pid)) is not None
            ]
        )

    def _wait_for(self, child: Child, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _START_PATIENCE
        while not ready():
            if not child.alive:
                self.output.drain(child)
                raise Failed(f"The {child.name} did not start (see above).")
            if time.monotonic() > deadline:
                raise Failed(f"The {child.name} did not answer within {_START_PATIENCE:.0f} seconds.")
            self._pump(0.03)

    # Watching

    def _watch(self) -> None:
        while True:
            self._pump(0.5 if self.ready else 0.1)
            for group in (self.stores, self.serving):
                for child in group:
                    self._tend(child, group)
            reap_orphans([child.process.pid for child in [*self.stores, *self.serving] if child.process])
            if not self.ready and self.listener is not None and web.answers(self.listener):
                self.ready = True
                self.runtime.note_state("running", self.listener.url)
                self.output.say(f"Ready: {self.listener.url}")

    def _tend(self, child: Child, group: list[Child]) -> None:
        if child.alive:
            return
        if child.process is not None:
            code = child.process.returncode
            child.kill()  # what is left of its group
            wait = child.back_off()
            if not self.ready and child.failures >= _EARLY_FAILURES:
                raise Failed(f"The {child.name} ends as soon as it starts (see above).")
            self.output.say(f"{child.name} ended ({_reason(code)}); starting it again in {wait:.1f} s.")
            child.process = None
        elif time.monotonic() >= child.due:
            self._launch(child, group)

    def _pump(self, wait: float) -> None:
        self.output.pump(wait)
        if self.stopping:
            raise Stopped

    # Stopping

    def _catch_signals(self) -> None:
        def stop(_number: int, _frame: FrameType | None) -> None:
            self.stopping = True

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, stop)
        signal.set_wakeup_fd(self.output.wake_write, warn_on_full_buffer=False)

    def _stop(self) -> None:
        with contextlib.suppress(OSError):
            self.runtime.note_state("stopping")
        if self.stopping:
            self.output.say("Stopping.")
        self.output.quiet = True
        self._end(self.serving)
        self._end(self.stores)
        kill_descendants()
        if self.listener is not None:
            self.listener.socket.close()
        self.runtime.release()
        if self.stopping:
            self.output.quiet = False
            self.output.say("Stopped.")

    def _end(self, children: Iterable[Child]) -> None:
        living = [child for child in children if child.alive]
        for child in living:
            child.ask_to_end()
        begun = time.monotonic()
        for child in sorted(living, key=lambda child: child.patience):
            self._drain([child], begun + child.patience)
            # PostgreSQL ends at once on SIGQUIT and recovers from its log; the others end on it too.
            child.kill(signal.SIGQUIT)
        self._drain(living, time.monotonic() + _KILL_PATIENCE)
        for child in living:
            child.kill()
            if child.process is not None:
                child.process.wait()

    def _drain(self, children: list[Child], deadline: float) -> None:
        while any(child.alive for child in children) and time.monotonic() < deadline:
            self.output.pump(0.05)


def _reason(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def main(arguments: list[str]) -> int:
    if "--with-parent" in arguments:  # started by make: killing make must not leave us behind
        end_with_parent(signal.SIGTERM)
    adopt_orphans()
    try:
        settings = Settings.from_env(services=False)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    return Supervisor(settings).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
