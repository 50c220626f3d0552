"""The ledger of e-mail as a list, what of it waits to be seen, and what was sent of an invoice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import joinedload, selectinload

from dashboard.extensions import db
from dashboard.models import Customer, Invoice, Mail, MailTemplate
from dashboard.models.mail import MAIL_KINDS, MAIL_STATES
from dashboard.queries.listing import Column, Listing, Tab, key_filter

WAITING = ("queued", "sending")
# What staff are told of until they have seen it.
TROUBLE = ("parked", "unsure")


def search(words: str) -> Sequence[Select[Any]]:
    """By subject, by an address, by the customer's or the invoice's name."""
    customers = select(Customer.id).where(Customer.name.icontains(words, autoescape=True))
    numbers = select(Invoice.id).where(Invoice.number.startswith(words.upper(), autoescape=True))
    to = func.array_to_string(Mail.recipients, " ")
    return [
        select(Mail.id).where(Mail.subject.icontains(words, autoescape=True)),
        select(Mail.id).where(to.icontains(words, autoescape=True)),
        select(Mail.id).where(Mail.customer_id.in_(customers)),
        select(Mail.id).where(Mail.invoice_id.in_(numbers)),
    ]


def _joined(statement: Select[Any]) -> Select[Any]:
    return statement.outerjoin(Customer, Customer.id == Mail.customer_id)


def _in(*states: str) -> Any:
    return lambda: Mail.state.in_(states)


def _invoice_number() -> ColumnElement[str | None]:
    return select(Invoice.number).where(Invoice.id == Mail.invoice_id).correlate(Mail).scalar_subquery()


LISTING = Listing(
    model=Mail,
    columns=(
        Column("subject", "Subject", Mail.subject),
        Column("recipients", "To", func.array_to_string(Mail.recipients, ", "), filterable=True),
        Column("kind", "Kind", Mail.kind, kind="choice", choices=MAIL_KINDS, filterable=True),
        Column("customer_name", "Customer", Customer.name, nullable=True),
        key_filter("customer", "Customer", Mail.customer_id),
        key_filter("invoice", "Invoice", Mail.invoice_id),
        Column("state", "State", Mail.state, kind="choice", choices=MAIL_STATES, filterable=True, badge=True),
        Column("created_at", "Filed", Mail.created_at, kind="moment", filterable=True, sortable=True),
        Column("sent_at", "Sent", Mail.sent_at, kind="moment", nullable=True, filterable=True, hidden=True),
        Column("next_try_at", "Next try", Mail.next_try_at, kind="moment", nullable=True, hidden=True),
        Column("error", "What was said", Mail.error, nullable=True, filterable=True),
        Column("seen", "Seen", Mail.seen, kind="flag", filterable=True, hidden=True),
        Column("created_by_name", "By", Mail.created_by_name, filterable=True, hidden=True),
        Column("message_id", "Message-ID", Mail.message_id, filterable=True, hidden=True),
        Column("id", "Record", Mail.id, kind="number", sortable=True, hidden=True, exported=False),
        Column("invoice_name", "Invoice", _invoice_number(), nullable=True, hidden=True),
    ),
    default_sort="-id",
    joined=_joined,
    search=search,
    search_hint="Subject, address, customer or invoice",
    tabs=(
        Tab("waiting", "Queued", _in(*WAITING)),
        Tab("sent", "Sent", _in("sent")),
        Tab("failed", "Failed", _in("parked")),
        Tab("unsure", "Unsure", _in("unsure")),
        Tab("kept", "Kept", _in("kept")),
        Tab("cancelled", "Cancelled", _in("cancelled")),
        Tab("all", "All", lambda: None),
    ),
)


class Notices(NamedTuple):
    """What waits for somebody: mails given up, mails whose fate is unknown, texts that fail."""

    parked: int
    unsure: int
    texts: int


def notices() -> Notices:
    """For the dashboard: until somebody says that it was seen, or mends it."""
    unseen = select(Mail.state, func.count().label("count")).where(
        Mail.state.in_(TROUBLE), Mail.seen.is_(False)
    )
    counted = {
        row["state"]: row["count"] for row in db.session.execute(unseen.group_by(Mail.state)).mappings()
    }
    texts = db.session.scalar(select(func.count(MailTemplate.id)).where(MailTemplate.fault.is_not(None)))
    return Notices(counted.get("parked", 0), counted.get("unsure", 0), texts or 0)


def one(mail_id: int) -> Mail | None:
    """A mail with all that its page shows."""
    return db.session.scalar(
        select(Mail)
        .where(Mail.id == mail_id)
        .options(
            joinedload(Mail.customer),
            joinedload(Mail.invoice),
            selectinload(Mail.attachments),
            selectinload(Mail.tries),
        )
    )


def of_invoice(invoice_id: int, limit: int = 10) -> Sequence[Mail]:
    """What was mailed of an invoice, the newest first."""
    return db.session.scalars(
        select(Mail).where(Mail.invoice_id == invoice_id).order_by(Mail.id.desc()).limit(limit)
    ).all()


def texts() -> dict[str, MailTemplate]:
    """The texts that staff wrote, by kind."""
    return {one.kind: one for one in db.session.scalars(select(MailTemplate))}
