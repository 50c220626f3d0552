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
import time
from collections.abc import Callable, Sequence

import redis
from flask import Flask

from dashboard import create_app
from dashboard.config import ConfigError, Settings
from dashboard.extensions import db
from dashboard.work_queue import redis_connection

log = logging.getLogger("schedule")

EVERY_SECONDS = 30.0
HEARTBEAT_LASTS = 120

Task = Callable[[], object]


def heartbeat_key(settings: Settings) -> str:
    """Holds the time of the last tick, in seconds since 1970; gone when no tick ran for two minutes."""
    return f"{settings.queue_name}:tick"


def registered_tasks() -> Sequence[Task]:
    if importlib.util.find_spec("jobs.reaper") is None:
        return ()
    reaper = importlib.import_module("jobs.reaper")
    return tuple(reaper.TASKS)


def tick(app: Flask, tasks: Sequence[Task], connection: redis.Redis, settings: Settings) -> None:
    """One round. The sign of life comes last: it says that a round was finished."""
    for task in tasks:
        try:
            with app.app_context():
                task()
        except Exception:
            log.exception("%s failed; the next round tries again", getattr(task, "__name__", task))
    try:
        connection.set(heartbeat_key(settings), str(int(time.time())), ex=HEARTBEAT_LASTS)
    except redis.RedisError as error:
        log.warning("the queue does not answer: %s", error)


def run(app: Flask, settings: Settings, stop: threading.Event, every: float = EVERY_SECONDS) -> None:
    tasks = registered_tasks()
    with redis_connection(settings) as connection:
        while not stop.is_set():
            tick(app, tasks, connection, settings)
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
