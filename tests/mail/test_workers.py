"""Mail is sent by real workers and a real tick, and nothing that happens to them sends it twice."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import signal
import sys
import time
from collections import Counter

import psycopg
import pytest
from sqlalchemy import func, update

from dashboard.config import ROOT
from dashboard.extensions import db
from dashboard.models import Mail
from dashboard.operations import mail_decisions, mail_sending
from dashboard.operations.base import SYSTEM
from dashboard.services.processes import Child
from tests.support import mail_world as world
from tests.support.mail_world import again, file, tries, use_server
from tests.support.processes import environment, start
from tests.support.waiting import wait_until


@pytest.fixture
def box(app):
    with world.box() as made:
        use_server(made.host, made.port)
        yield made


@pytest.fixture
def start_tick(settings, tmp_path):
    started = []

    def go():
        command = [sys.executable, "-m", "jobs.tick"]
        child = Child(f"tick-{len(started)}", command, {**environment(settings), "TICK_SECONDS": "1"}, ROOT)
        started.append(start(child, tmp_path))
        return started[-1]

    yield go
    for one in started:
        if one.alive:
            one.stop()


def state_of(mail):
    return again(mail).state


def age(mail):
    """As if its sender had been silent for long."""
    long_ago = func.now() - dt.timedelta(hours=1)
    db.session.execute(update(Mail).where(Mail.id == mail.id).values(claimed_at=long_ago))
    db.session.commit()


def test_a_worker_sends_it_when_it_is_committed(box, worker_process):
    mails = [file(subject=f"Number {number}") for number in range(3)]
    wait_until(lambda: all(state_of(mail) == "sent" for mail in mails), 20, "they are sent")
    assert len(box.messages) == 3


def test_two_workers_send_each_once(box, start_worker):
    mails = [file(subject=f"Number {number}") for number in range(60)]
    start_worker()
    start_worker()
    for _ in range(4):
        mail_sending.call_senders()
        time.sleep(0.1)
    wait_until(lambda: len(box.messages) >= 60, 30, "they arrive")
    wait_until(lambda: state_of(mails[-1]) == "sent", 10, "the last is noted")
    assert Counter(got["Subject"] for got in box.messages) == Counter(mail.subject for mail in mails)


def test_a_queue_that_lost_everything_loses_no_mail(box, queue_connection, start_worker, start_tick):
    mail = file()
    queue_connection.flushdb()
    start_worker()
    start_tick()
    start_tick()
    wait_until(lambda: state_of(mail) == "sent", 30, "it is sent")
    time.sleep(2.5)
    assert len(box.messages) == 1


def test_a_worker_killed_after_the_server_took_it_leaves_it_to_staff(box, settings, start_worker, start_tick):
    """The answer can't be noted, as somebody holds the row: then it is killed."""
    address = settings.database_url.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(address) as holding:
        box.then = lambda _server: holding.execute("SELECT 1 FROM mail FOR UPDATE") and None
        worker = start_worker()
        mail = file()
        wait_until(lambda: box.messages, 20, "it arrives")
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = %s"
        with psycopg.connect(address, autocommit=True) as looking:
            wait_until(
                lambda: looking.execute(waiting, [looking.info.dbname]).fetchone()[0],
                10,
                "the answer waits to be noted",
            )
        worker.kill()
        time.sleep(0.5)
    box.then = None
    assert state_of(mail) == "sending"
    age(mail)
    start_worker()
    start_tick()
    wait_until(lambda: state_of(mail) == "unsure", 20, "it is asked about")
    time.sleep(1.5)
    assert len(box.messages) == 1
    assert tries(mail) == [("unsure", mail_sending.LOST)]
    mail_decisions.arrived(SYSTEM, mail.id)
    assert (state_of(mail), len(box.messages)) == ("sent", 1)


def test_a_worker_killed_before_it_was_handed_over_costs_nothing(box, start_worker, start_tick):
    async def never(_server, _session, _envelope, _hostname):
        await asyncio.sleep(60)
        return "250 here"

    box.handle_HELO = box.handle_EHLO = never
    worker = start_worker()
    mail = file()
    wait_until(lambda: state_of(mail) == "sending", 20, "it is claimed")
    time.sleep(0.3)
    worker.kill()
    del box.handle_HELO, box.handle_EHLO
    age(mail)
    start_worker()
    start_tick()
    wait_until(lambda: state_of(mail) == "sent", 30, "it is sent")
    assert len(box.messages) == 1


def test_a_worker_told_to_stop_ends_the_mail_in_hand(box, start_worker):
    async def slowly(_server):
        await asyncio.sleep(1.5)

    box.then = slowly
    mails = [file(subject=f"Number {number}") for number in range(4)]
    worker = start_worker()
    mail_sending.call_senders()
    wait_until(lambda: box.messages, 20, "the first is in hand")
    os.kill(worker.pid, signal.SIGTERM)
    wait_until(lambda: not worker.alive, 15, "the worker ends")
    states = [state_of(mail) for mail in mails]
    assert states.count("sent") == len(box.messages) >= 1
    assert set(states) == {"sent", "queued"}
