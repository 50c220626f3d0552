"""The schedule tick: `python -m jobs.tick`. Every 30 s it calls each task that `jobs.reaper.TASKS` lists.

Several ticks may run on several machines: a task takes its rows with FOR UPDATE SKIP LOCKED, so that none is
done twice. A task that fails is logged and does not stop the others.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from flask import Flask

from dashboard import create_app
from dashboard.config import ConfigError, Settings
from dashboard.extensions import db
from dashboard.operations.pulses import Pulse

log = logging.getLogger("schedule")

EVERY_SECONDS = 30.0
BEAT_SECONDS = 5.0

Task = Callable[[], object]


def registered_tasks() -> Sequence[Task]:
    if importlib.util.find_spec("jobs.reaper") is None:
        return ()
    reaper = importlib.import_module("jobs.reaper")
    return tuple(reaper.TASKS)


def tick(app: Flask, tasks: Sequence[Task], pulse: Pulse, stop: threading.Event | None = None) -> None:
    """One round. Its signs of life say which task it is at, so that one that hangs is seen."""
    for task in tasks:
        if stop is not None and stop.is_set():
            return
        name = getattr(task, "__name__", str(task))
        pulse.say("busy", doing=name)
        try:
            with app.app_context():
                task()
        except Exception:
            log.exception("%s failed; the next round tries again", name)
    pulse.say("idle", rounded=True)


@contextmanager
def beating(pulse: Pulse) -> Iterator[None]:
    """Signs of life from a thread, beside tasks that may take long."""
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(BEAT_SECONDS):
            pulse.say()

    thread = threading.Thread(target=beat, name="pulse", daemon=True)
    pulse.say()
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(timeout=BEAT_SECONDS)
        pulse.stop()


def run(app: Flask, settings: Settings, stop: threading.Event, every: float = EVERY_SECONDS) -> None:
    tasks = registered_tasks()
    pulse = Pulse(settings.database_url, "tick")
    with beating(pulse):
        while not stop.is_set():
            tick(app, tasks, pulse, stop)
            stop.wait(every)
    with app.app_context():
        db.engine.dispose()


def main() -> int:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        settings = Settings.from_env()
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    every = float(os.environ.get("TICK_SECONDS") or EVERY_SECONDS)
    run(create_app(settings), settings, stop, every)
    return 0


if __name__ == "__main__":
    sys.exit(main())
