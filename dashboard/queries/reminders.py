"""Which invoices are due for a reminder, counted and listed, without a look at those that are paid."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Date, DateTime, String, and_, cast, exists, func, literal, select

from dashboard.extensions import db
from dashboard.models import Contact, Customer, Invoice, Mail, Setting
from dashboard.queries import settings
from dashboard.rules import reminders as rules

DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Outlook:
    """What reminders of these days would do today. `late` are overdue and get none, as theirs fell due before
    reminders were switched on, or too long ago."""

    due: int
    unreachable: int
    silenced: int
    late: int


def once_key(invoice_id: int, days: int) -> str:
    return f"reminder:{invoice_id}:{days}"


def due(days: int, *, limit: int, after: int = 0, now: dt.datetime | None = None) -> Sequence[int]:
    """Invoices with ids above `after` that are to be reminded of now, by this reminder, in order of their
    ids. Each customer's day begins at the account's schedule hour, on the customer's own clocks."""
    setting = settings.current()
    now = now or dt.datetime.now(dt.UTC)
    if setting.reminders_from is None or days not in setting.reminder_days:
        return []
    statement = (
        _window(days, setting.reminder_days, setting.reminders_from, now, setting.schedule_hour)
        .with_only_columns(Invoice.id)
        .where(Invoice.id > after, Customer.no_reminders.is_(False), _reachable())
        .order_by(Invoice.id)
        .limit(limit)
    )
    return db.session.scalars(statement).all()


def outlook(days: Sequence[int]) -> Outlook:
    """As if these were the days in the settings; the whole of today counts, whatever the hour."""
    setting = settings.current()
    now = dt.datetime.now(dt.UTC)
    same = list(days) == list(setting.reminder_days) and setting.reminders_from is not None
    since = setting.reminders_from if same and setting.reminders_from else settings.today()
    due_now = unreachable = quiet = 0
    for one in days:
        silenced = Customer.no_reminders
        counted = _window(one, days, since, now, 0).with_only_columns(
            func.count().filter(~silenced, _reachable()),
            func.count().filter(~silenced, ~_reachable()),
            func.count().filter(silenced),
        )
        row = db.session.execute(counted).one()
        due_now, unreachable, quiet = due_now + row[0], unreachable + row[1], quiet + row[2]
    return Outlook(due_now, unreachable, quiet, _late(days, since))


def _late(days: Sequence[int], since: dt.date) -> int:
    """Overdue and not to be reminded of any more, whatever is waited for."""
    last = max(days, default=0)
    before = max(since, settings.today() - rules.LATEST * DAY) - last * DAY
    return (
        db.session.scalar(
            select(func.count()).where(_owed(), Invoice.due_date < min(before, settings.today()))
        )
        or 0
    )


def _owed() -> ColumnElement[bool]:
    return and_(Invoice.state == "issued", Invoice.balance > 0)


def _reachable() -> ColumnElement[bool]:
    return exists().where(
        Contact.customer_id == Customer.id, Contact.type == "billing", Contact.email.is_not(None)
    )


def _window(days: int, all_days: Sequence[int], since: dt.date, now: dt.datetime, hour: int) -> Any:
    """Open invoices whose newest reminder is this one, and that have not had it."""
    zone = func.coalesce(Customer.time_zone, select(Setting.time_zone).scalar_subquery())
    moment = literal(now - dt.timedelta(hours=hour), DateTime(timezone=True))
    today = cast(func.timezone(zone, moment), Date)
    # Bounds for the index; the customer's own day decides.
    utc = (now - dt.timedelta(hours=hour)).date()
    _, first, last = next(one for one in rules.windows(all_days, utc) if one[0] == days)
    falls = Invoice.due_date + days
    told = exists().where(Mail.once == func.concat("reminder:", cast(Invoice.id, String), f":{days}"))
    return (
        select(Invoice)
        .join(Customer, Customer.id == Invoice.customer_id)
        .where(
            _owed(),
            Invoice.due_date.between(first - DAY, last + DAY),
            Invoice.due_date <= today - days,
            Invoice.due_date >= today - (utc - first).days,
            falls >= since,
            # One that came into the books later, as from another program, is not reminded of its past.
            falls >= cast(func.timezone(zone, Invoice.issued_at), Date),
            ~told,
        )
    )


def sent(invoice_id: int, limit: int = 20) -> Sequence[Mail]:
    """The reminders of an invoice, the newest first."""
    return db.session.scalars(
        select(Mail)
        .where(Mail.invoice_id == invoice_id, Mail.kind == "reminder")
        .order_by(Mail.id.desc())
        .limit(limit)
    ).all()
