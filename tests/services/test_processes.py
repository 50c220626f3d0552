"""Children: what they say, how they end, what is left of them."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from dashboard.services.processes import Child, Output, end_leftovers, identity
from tests.support.waiting import wait_until

SLEEPER = [sys.executable, "-c", "import time; print('here', flush=True); time.sleep(60)"]


def child(command, **options):
    return Child("someone", command, dict(os.environ), Path("/"), **options)


def test_lines_come_whole_and_behind_their_name():
    said = io.StringIO()
    output = Output(said)
    program = "import sys; sys.stdout.write('one\\ntw'); sys.stdout.flush(); sys.stdout.write('o\\n\\nthree')"
    each = child([sys.executable, "-c", program])
    output.start(each)
    output.drain(each, 5)
    assert said.getvalue().splitlines() == ["someone  | one", "someone  | two", "someone  | three"]
    each.process.wait()


def test_what_is_not_worth_saying_is_not_said():
    said = io.StringIO()
    output = Output(said)
    each = child([sys.executable, "-c", "print('advice'); print('news')"], unsaid=b"advice")
    output.start(each)
    output.drain(each, 5)
    assert said.getvalue() == "someone  | news\n"
    each.process.wait()


def test_a_reader_that_left_stops_nothing():
    closed = io.StringIO()
    closed.close()
    Output(closed).say("nobody reads this")


def test_a_child_ends_with_its_parent_even_when_that_is_killed():
    program = (
        "import os, sys, time, pathlib\n"
        "from dashboard.services.processes import Child\n"
        f"each = Child('x', {SLEEPER!r}, dict(os.environ), pathlib.Path('/'))\n"
        "each.start(); print(each.process.pid, flush=True); time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    pid = int(parent.stdout.readline())
    assert identity(pid) is not None
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_until(lambda: identity(pid) is None, 5, "the child is gone")


def test_leftovers_are_ended_but_never_a_stranger_with_the_same_number():
    each = subprocess.Popen(SLEEPER, stdout=subprocess.DEVNULL, start_new_session=True)
    begun = identity(each.pid)
    assert end_leftovers([(each.pid, begun - 10)], patience=0.2) == 0
    assert each.poll() is None
    assert end_leftovers([(each.pid, begun)], patience=0.2) == 1
    assert each.wait(2) == -signal.SIGKILL


def test_each_failure_waits_longer_up_to_half_a_minute():
    each = child(SLEEPER)
    each.started = time.monotonic()
    waits = [each.back_off() for _ in range(9)]
    assert waits == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    each.started = time.monotonic() - 61
    assert each.back_off() == 0.5


def test_a_group_is_ended_whole():
    program = (
        "import subprocess, time\n"
        f"p = subprocess.Popen({SLEEPER!r}); print(p.pid, flush=True); time.sleep(60)"
    )
    each = child([sys.executable, "-c", program])
    pipe = each.start()
    grandchild = psutil.Process(int(os.read(pipe.fileno(), 20).split()[0]))
    each.kill()
    each.process.wait()
    pipe.close()
    wait_until(lambda: not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE, 5)
