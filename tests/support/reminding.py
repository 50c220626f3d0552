"""Invoices that are due on chosen days, and the reminders of them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import update

from dashboard.extensions import db
from dashboard.models import Customer, Invoice, Mail, Setting
from dashboard.operations import contacts
from dashboard.operations.base import SYSTEM
from dashboard.queries import settings
from tests.support.books import make_customer, make_issued

LONG_AGO = dt.date(2020, 1, 1)


def set_days(*days: int, since: dt.date = LONG_AGO, **more: Any) -> None:
    """As if reminders had been switched on long ago; the day begins at midnight."""
    values = {"reminder_days": list(days), "reminders_from": since, "schedule_hour": 0, **more}
    db.session.execute(update(Setting).values(**values))
    db.session.commit()
    db.session.info.pop("setting", None)


def reachable(
    name: str = "Example Retail Ltd", email: str = "accounts@retail.example", **more: Any
) -> Customer:
    """A customer with a billing contact."""
    customer = make_customer(name, **more)
    values = {"customer_id": customer.id, "name": "Accounts", "email": email, "type": "billing"}
    contacts.create(SYSTEM, values)
    return customer


def late(days: int, customer: Customer | None = None, total: str = "100") -> Invoice:
    """An open invoice that is so many days past its due date (below 0: before), issued long ago."""
    made = make_issued(customer or reachable(), total)
    due = settings.today() - dt.timedelta(days=days)
    long_ago = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    values = {"due_date": due, "issue_date": LONG_AGO, "issued_at": long_ago}
    db.session.execute(update(Invoice).where(Invoice.id == made.id).values(**values))
    db.session.commit()
    return db.session.get_one(Invoice, made.id, populate_existing=True)


def move_due(invoice: Invoice, days: int) -> None:
    """As if so many days had passed since."""
    due = Invoice.due_date - days
    db.session.execute(update(Invoice).where(Invoice.id == invoice.id).values(due_date=due))
    db.session.commit()


def mails(kind: str = "reminder") -> list[Mail]:
    db.session.rollback()
    return db.session.query(Mail).filter_by(kind=kind).order_by(Mail.id).all()
