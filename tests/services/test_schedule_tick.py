"""The schedule tick: a failing task stops nobody, and a finished round leaves a sign of life."""

from __future__ import annotations

import logging
import threading

from dashboard.operations.pulses import Pulse
from dashboard.queries import pulse as pulses
from jobs.tick import run, tick


def test_a_failing_task_does_not_stop_the_others(app, settings, caplog):
    done = []
    pulse = Pulse(settings.database_url, "tick")

    def fails():
        raise RuntimeError("out of order")

    with caplog.at_level(logging.ERROR):
        tick(app, [fails, lambda: done.append(1)], pulse)
    assert done == [1]
    assert "fails failed" in caplog.text
    (seen,) = pulses.ticks()
    assert (seen.state, seen.doing, seen.heard) == ("idle", "", True)
    assert seen.round_at is not None
    pulse.stop()


def test_a_task_is_named_while_it_is_at_work(app, settings):
    seen = []
    pulse = Pulse(settings.database_url, "tick")

    def look_around():
        seen.extend((one.state, one.doing, one.round_at) for one in pulses.ticks())

    tick(app, [look_around], pulse)
    assert seen == [("busy", "look_around", None)]
    pulse.stop()


def test_it_ends_when_asked(app, settings):
    stop = threading.Event()
    thread = threading.Thread(target=run, args=(app, settings, stop, 30.0))
    thread.start()
    stop.set()
    thread.join(5)
    assert not thread.is_alive()
    assert [one.state for one in pulses.ticks()] == ["stopped"]
