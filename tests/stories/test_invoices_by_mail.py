"""Invoices go to twenty customers by mail while the server has a bad day and workers are killed: at the end
every customer has the invoice once, or staff know who has not and why."""

from __future__ import annotations

import datetime as dt
import sys
import time
from collections import Counter

import pytest
from sqlalchemy import func, select, update

from dashboard.config import ROOT
from dashboard.extensions import db
from dashboard.models import Mail
from dashboard.operations import invoice_mails, mail_decisions
from dashboard.queries import mail_list
from dashboard.services.processes import Child
from tests.support import mail_world as world
from tests.support.processes import environment, start
from tests.support.waiting import wait_until


@pytest.fixture
def tick(settings, tmp_path):
    command = [sys.executable, "-m", "jobs.tick"]
    child = Child("tick", command, {**environment(settings), "TICK_SECONDS": "1"}, ROOT)
    running = start(child, tmp_path)
    yield running
    running.stop()


def states():
    db.session.rollback()
    return dict(db.session.execute(select(Mail.state, func.count()).group_by(Mail.state)).all())


def hurry():
    """Time passes: what waits for its next try is due, and silent senders have been silent for long."""
    long_ago = func.now() - dt.timedelta(hours=1)
    db.session.execute(update(Mail).where(Mail.state == "queued").values(next_try_at=func.now()))
    db.session.execute(update(Mail).where(Mail.state == "sending").values(claimed_at=long_ago))
    db.session.commit()


def test_twenty_customers_and_a_bad_day(actor, start_worker, tick, queue_connection):
    with world.box() as box:
        world.use_server(box.host, box.port)
        made = [
            world.sendable_invoice(f"c{number}@retail.example", name=f"Customer {number}")
            for number in range(20)
        ]
        box.refuse_to = {
            "c3@retail.example": "550 5.1.1 no such mailbox",
            "c7@retail.example": "451 4.7.1 come back later",
        }
        box.answers = ["452 4.3.1 no room just now"] * 3
        first = start_worker()
        result = invoice_mails.send_many(actor, [one.id for one in made], mark="story")
        assert len(result.done) == 20
        wait_until(lambda: len(box.messages) >= 4, 30, "some arrive")
        first.kill()
        queue_connection.flushdb()
        hurry()
        start_worker()
        start_worker()
        del box.refuse_to["c7@retail.example"]
        deadline = time.monotonic() + 60
        while states().keys() - {"sent", "parked", "unsure"} and time.monotonic() < deadline:
            hurry()
            time.sleep(1)

        found = states()
        assert found["parked"] == 1
        assert found["sent"] + found.get("unsure", 0) == 19
        told = mail_list.notices()
        assert (told.parked, told.unsure) == (1, found.get("unsure", 0))
        arrived = Counter(got["To"] for got in box.messages)
        assert max(arrived.values()) == 1
        # Whoever may have it and is not known to: staff ask, and say so.
        for mail in db.session.scalars(select(Mail).where(Mail.state == "unsure")).all():
            if mail.recipients[0] in arrived:
                mail_decisions.arrived(actor, mail.id)
            else:
                mail_decisions.resend(actor, mail.id)
        box.refuse_to.clear()
        parked = db.session.scalars(select(Mail).where(Mail.state == "parked")).one()
        mail_decisions.resend(actor, parked.id)
        wait_until(lambda: states() == {"sent": 20}, 30, "all are sent")
        assert Counter(got["To"] for got in box.messages) == Counter(
            f"c{number}@retail.example" for number in range(20)
        )
        numbers = {next(iter(got.iter_attachments())).get_filename() for got in box.messages}
        assert numbers == {f"{one.number}.pdf" for one in made}
