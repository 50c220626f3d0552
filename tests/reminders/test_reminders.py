"""Reminders: which invoices get one, when, and that none gets it twice."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from sqlalchemy import update

from dashboard.extensions import db
from dashboard.models import Customer, Invoice, Mail
from dashboard.operations import allocations, invoices, reminders, settings
from dashboard.operations.base import SYSTEM
from dashboard.operations.errors import Duplicate, Refused
from dashboard.queries import reminders as queries
from dashboard.queries import settings as setting_queries
from tests.support.books import at_once, make_draft, make_payment
from tests.support.reminding import late, mails, move_due, reachable, set_days


def keys():
    return [mail.once for mail in mails()]


@pytest.mark.parametrize(
    ("days_late", "reminder"),
    [(-4, None), (-3, -3), (0, -3), (1, 1), (6, 1), (7, 7), (20, 14), (45, 14), (46, None)],
)
def test_an_invoice_gets_the_newest_that_is_due(app, days_late, reminder):
    set_days(-3, 1, 7, 14)
    invoice = late(days_late)
    reminders.send_due()
    assert keys() == ([] if reminder is None else [f"reminder:{invoice.id}:{reminder}"])


def test_each_goes_out_once_as_the_days_go_by(app):
    set_days(-3, 1, 7)
    invoice = late(-3)
    for _ in range(12):
        reminders.send_due()
        reminders.send_due()
        move_due(invoice, 1)
    assert keys() == [f"reminder:{invoice.id}:{days}" for days in (-3, 1, 7)]


def test_after_a_pause_only_the_newest_goes_out(app):
    set_days(-3, 1, 7, 14)
    invoice = late(-3)
    reminders.send_due()
    move_due(invoice, 13)
    reminders.send_due()
    assert keys() == [f"reminder:{invoice.id}:-3", f"reminder:{invoice.id}:7"]


def test_it_says_what_is_still_owed_and_carries_the_invoice(app):
    set_days(7)
    invoice = late(8, total="100")
    allocations.allocate(SYSTEM, make_payment(invoice.customer, "30").id, invoice.id, Decimal(30))
    reminders.send_due()
    (mail,) = mails()
    assert mail.subject == f"Overdue: invoice {invoice.number}"
    assert "$70.00 still to pay" in mail.body
    assert [(one.filename, one.invoice_id) for one in mail.attachments] == [
        (f"{invoice.number}.pdf", invoice.id)
    ]
    assert mail.recipients == ["accounts@retail.example"]


def test_before_the_due_date_it_is_a_friendly_word(app):
    set_days(-3)
    invoice = late(-2)
    reminders.send_due()
    assert mails()[0].subject == f"Invoice {invoice.number} is due on {invoice.due_date}"


def test_paid_void_and_draft_are_never_reminded_of(app):
    set_days(1)
    customer = reachable()
    paid, void = late(5, customer), late(5, customer)
    allocations.allocate(SYSTEM, make_payment(customer, "100").id, paid.id, Decimal(100))
    invoices.void(SYSTEM, void.id, "A slip")
    draft = make_draft(customer)
    db.session.execute(
        update(Invoice)
        .where(Invoice.id == draft.id)
        .values(due_date=setting_queries.today() - dt.timedelta(5))
    )
    db.session.commit()
    assert reminders.send_due() == 0
    assert keys() == []


def test_a_silenced_customer_and_one_without_an_address_get_none(app):
    set_days(1)
    late(5, reachable("Silent Example Ltd", no_reminders=True))
    customer = reachable("No Address Example Ltd")
    db.session.execute(db.text("DELETE FROM contact WHERE customer_id = :id"), {"id": customer.id})
    late(5, customer)
    assert reminders.send_due() == 0
    found = queries.outlook([1])
    assert (found.due, found.unreachable, found.silenced) == (0, 1, 1)


def test_switched_on_for_the_first_time_it_floods_nobody(app):
    """What fell due before is listed and not mailed; what falls due from today on is."""
    old, today = late(30), late(7)
    settings.update(SYSTEM, {"reminder_days": "1, 7 and 14 after", "schedule_hour": 0})
    found = queries.outlook([1, 7, 14])
    assert (found.due, found.late) == (1, 1)
    reminders.send_due()
    assert keys() == [f"reminder:{today.id}:7"]
    # Another day added later makes nothing up either.
    settings.update(SYSTEM, {"reminder_days": "1, 7, 14 and 28 after"})
    reminders.send_due()
    assert keys() == [f"reminder:{today.id}:7"]
    assert old.id


def test_saving_the_same_days_again_begins_nothing_anew(app):
    set_days(1, 7)
    settings.update(SYSTEM, {"reminder_days": "7 and 1 after", "company_name": "Example Telecom Ltd"})
    assert setting_queries.current().reminders_from == dt.date(2020, 1, 1)
    settings.update(SYSTEM, {"reminder_days": "never"})
    assert setting_queries.current().reminders_from is None


def test_an_invoice_taken_over_from_elsewhere_is_not_reminded_of_its_past(app):
    set_days(1, 7)
    invoice = late(8)
    now = dt.datetime.now(dt.UTC)
    db.session.execute(update(Invoice).where(Invoice.id == invoice.id).values(issued_at=now))
    db.session.commit()
    assert reminders.send_due() == 0


def test_the_day_is_the_customers_own(app):
    """Just after midnight in the far east it is a day later than in the far west."""
    set_days(1, schedule_hour=0)
    east = late(1, reachable("East Example Ltd", time_zone="Pacific/Kiritimati"))
    west = late(1, reachable("West Example Ltd", time_zone="Pacific/Pago_Pago"))
    due = setting_queries.today()
    db.session.execute(update(Invoice).values(due_date=due))
    db.session.commit()
    # 10:30 UTC of the next day: 00:30 of the day after in the east, 23:30 of the due date in the west.
    moment = dt.datetime.combine(due + dt.timedelta(days=1), dt.time(10, 30), dt.UTC)
    assert list(queries.due(1, limit=9, now=moment)) == [east.id]
    assert list(queries.due(1, limit=9, now=moment + dt.timedelta(hours=1))) == [east.id, west.id]


def test_they_go_out_from_the_schedule_hour_on(app):
    set_days(1, schedule_hour=9)
    invoice = late(1)
    morning = dt.datetime.combine(setting_queries.today(), dt.time(8, 59), dt.UTC)
    assert list(queries.due(1, limit=9, now=morning)) == []
    assert list(queries.due(1, limit=9, now=morning + dt.timedelta(minutes=1))) == [invoice.id]


def test_two_ticks_at_once_file_each_once(app):
    set_days(1)
    customer = reachable()
    made = [late(2, customer) for _ in range(6)]
    at_once(app, [reminders.send_due] * 3)
    reminders.send_due()
    assert sorted(keys()) == sorted(f"reminder:{one.id}:1" for one in made)


def test_one_that_fails_stops_no_other(app, caplog):
    set_days(1)
    broken, sound = late(2), late(2, reachable("Sound Example Ltd"))
    db.session.execute(
        db.text("UPDATE contact SET email = E'x\\ny' WHERE customer_id = :id"), {"id": broken.customer_id}
    )
    db.session.commit()
    assert reminders.send_due() == 1
    assert keys() == [f"reminder:{sound.id}:1"]


def test_one_that_waits_is_withdrawn_when_it_is_paid(app):
    set_days(1, smtp_host="127.0.0.1", smtp_from="billing@example.com")
    invoice = late(2)
    reminders.send_due()
    allocations.allocate(SYSTEM, make_payment(invoice.customer, "100").id, invoice.id, Decimal(100))
    reminders.send_due()
    (mail,) = mails()
    assert (mail.state, mail.next_try_at) == ("cancelled", None)


# By hand


def test_by_hand_it_goes_out_whatever_the_days(app):
    invoice = late(100, reachable(no_reminders=True))
    first = reminders.send(SYSTEM, invoice.id, form_key="one")
    with pytest.raises(Duplicate):
        reminders.send(SYSTEM, invoice.id, form_key="one")
    second = reminders.send(SYSTEM, invoice.id, form_key="two")
    assert [mail.id for mail in queries.sent(invoice.id)] == [second.id, first.id]


def test_by_hand_it_is_refused_where_nothing_is_owed_or_nobody_gets_it(app):
    customer = reachable()
    paid = late(2, customer)
    allocations.allocate(SYSTEM, make_payment(customer, "100").id, paid.id, Decimal(100))
    with pytest.raises(Refused, match="Nothing is owed"):
        reminders.send(SYSTEM, paid.id)
    with pytest.raises(Refused, match="is a draft"):
        reminders.send(SYSTEM, make_draft(customer).id)
    other = late(2, reachable("Other Example Ltd"))
    db.session.execute(db.text("DELETE FROM contact"))
    db.session.commit()
    with pytest.raises(Refused, match="no contact of the type billing"):
        reminders.send(SYSTEM, other.id)


def test_a_rolled_back_transaction_leaves_no_reminder(app, monkeypatch):
    set_days(1)
    late(2)
    monkeypatch.setattr(reminders.mails, "billing_addresses", lambda key: 1 / 0)
    assert reminders.send_due() == 0
    assert db.session.query(Mail).count() == 0
    assert db.session.query(Customer).count() == 1
