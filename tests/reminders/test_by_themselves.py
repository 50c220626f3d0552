"""A real tick and a real worker send each kind to a real mail server, once, however many ticks there are."""

from __future__ import annotations

import datetime as dt
import sys
import time
from collections import Counter

import pytest

from dashboard.config import ROOT
from dashboard.operations import messages
from dashboard.operations.base import SYSTEM
from dashboard.queries import settings
from dashboard.services.processes import Child
from tests.support import mail_world as world
from tests.support.books import give, make_payment
from tests.support.processes import environment, start
from tests.support.reminding import late, reachable, set_days
from tests.support.waiting import wait_until


@pytest.fixture
def start_tick(app, tmp_path):
    settings = app.extensions["settings"]
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


def test_each_kind_arrives_once(app, start_tick, start_worker):
    with world.box() as box:
        world.use_server(box.host, box.port)
        set_days(1, 7, package_notification_days=3)
        customer = reachable()
        invoice = late(8, customer)
        give(customer, (settings.today() + dt.timedelta(days=2)).isoformat(), name="Line rental")
        make_payment(customer, "25", email_confirmation=True, description="Part # never on time")
        messages.send_many(SYSTEM, [customer.id], "Planned work", "On Sunday.", mark="one")
        start_worker()
        start_tick()
        start_tick()
        wait_until(lambda: len(box.messages) >= 4, 60, "all four arrive")
        time.sleep(4)
    subjects = Counter(str(message["Subject"]) for message in box.messages)
    assert set(subjects.values()) == {1}
    assert {subject.split()[0] for subject in subjects} == {"Overdue:", "Your", "Payment", "Planned"}
    said = "".join(message.get_body(("plain",)).get_content() for message in box.messages)
    assert "never on time" not in said
    (reminder,) = [message for message in box.messages if str(message["Subject"]).startswith("Overdue")]
    (attached,) = reminder.iter_attachments()
    assert attached.get_filename() == f"{invoice.number}.pdf"
