"""The schedule tick: a failing task stops nobody, and a finished round leaves a sign of life."""

from __future__ import annotations

import logging
import threading
import time

from jobs.tick import heartbeat_key, run, tick


def test_a_failing_task_does_not_stop_the_others(app, settings, queue_connection, caplog):
    done = []

    def fails():
        raise RuntimeError("out of order")

    with caplog.at_level(logging.ERROR):
        tick(app, [fails, lambda: done.append(1)], queue_connection, settings)
    assert done == [1]
    assert "fails failed" in caplog.text
    assert abs(int(queue_connection.get(heartbeat_key(settings))) - time.time()) < 5
    assert 0 < queue_connection.ttl(heartbeat_key(settings)) <= 120


def test_it_ends_when_asked(app, settings, queue_connection):
    stop = threading.Event()
    thread = threading.Thread(target=run, args=(app, settings, stop, 30.0))
    thread.start()
    stop.set()
    thread.join(5)
    assert not thread.is_alive()
