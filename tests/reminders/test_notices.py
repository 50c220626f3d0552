"""Package charge notices: so many days before a charge, each charge once."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import update

from dashboard.extensions import db
from dashboard.models import Setting
from dashboard.operations import notices
from dashboard.queries import settings
from tests.support.books import at_once, give, make_customer
from tests.support.reminding import mails, reachable


def days(count, hour=0):
    values = {"package_notification_days": count, "schedule_hour": hour}
    db.session.execute(update(Setting).values(**values))
    db.session.commit()
    db.session.info.pop("setting", None)


def in_days(count):
    return (settings.today() + dt.timedelta(days=count)).isoformat()


def test_a_customer_is_told_once_of_all_that_is_coming(app):
    days(3)
    customer = reachable()
    give(customer, in_days(2), name="Line rental", retail=31)
    give(customer, in_days(3), name="Support", retail=9)
    give(customer, in_days(4), name="Too far off")
    for _ in range(3):
        notices.send_due()
    (mail,) = mails("package_notice")
    assert f"- {in_days(2)}: Line rental, $31.00" in mail.body
    assert f"- {in_days(3)}: Support, $9.00" in mail.body
    assert "Too far off" not in mail.body
    assert mail.subject == f"Your charges on {in_days(2)}"


def test_what_is_added_later_is_told_by_itself(app):
    days(3)
    customer = reachable()
    give(customer, in_days(2), name="Line rental")
    notices.send_due()
    give(customer, in_days(2), name="Support")
    notices.send_due()
    first, second = mails("package_notice")
    assert ("Support" in first.body, "Support" in second.body) == (False, True)
    assert "Line rental" not in second.body


def test_nobody_is_told_where_the_days_are_none_or_there_is_no_address(app):
    days(0)
    give(reachable(), in_days(1))
    assert notices.send_due() == 0
    days(3)
    give(make_customer("No Address Example Ltd"), in_days(1))
    assert notices.send_due() == 1
    assert len(mails("package_notice")) == 1


def test_two_ticks_at_once_tell_once(app):
    days(3)
    for number in range(4):
        give(reachable(f"Example {number} Ltd"), in_days(1))
    at_once(app, [notices.send_due] * 3)
    assert len(mails("package_notice")) == 4
