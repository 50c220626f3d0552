"""A message to several customers, each written for its reader and sent to its billing contacts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import exists, func, select

from dashboard.models import Contact, Customer, Invoice
from dashboard.operations import mail_texts, mails
from dashboard.operations.base import Actor, fetch, require, session
from dashboard.operations.bulk import BulkResult, each
from dashboard.operations.errors import Invalid, Refused
from dashboard.queries import settings
from dashboard.queries.payments import balances
from dashboard.rules.money import format_money

# More than so many are filed by a job.
MOST_IN_REQUEST = 200
MOST_NAMED = 20
LONGEST = 20_000

# What a message may name, and what it stands for.
VARIABLES = {
    "customer": "The customer's name",
    "balance": "What the customer owes, such as $125.30; below zero: its credit",
    "overdue": "What of it is overdue",
    "company.account_id": "The customer's External Accounting ID",
    "account.name": "Your company's name",
}


@dataclass(frozen=True)
class Reach:
    """How many of the chosen customers can be written to; the first of the others by name."""

    count: int
    with_address: int
    without: Sequence[str]

    @property
    def unreachable(self) -> int:
        return self.count - self.with_address


def reach(ids: Sequence[int]) -> Reach:
    reachable = exists().where(
        Contact.customer_id == Customer.id, Contact.type == "billing", Contact.email.is_not(None)
    )
    chosen = Customer.id.in_(ids)
    count = session().scalar(select(func.count()).select_from(Customer).where(chosen, reachable)) or 0
    others = select(Customer.name).where(chosen, ~reachable).order_by(Customer.name).limit(MOST_NAMED)
    return Reach(len(ids), count, session().scalars(others).all())


def first_reader(ids: Sequence[int]) -> Customer | None:
    """Whose mail the preview shows: the first who can be written to, else the first."""
    with_address = select(Contact.customer_id).where(Contact.type == "billing", Contact.email.is_not(None))
    found = select(Customer).where(Customer.id.in_(ids)).order_by(Customer.id.in_(with_address).desc())
    return session().scalars(found.order_by(Customer.name, Customer.id).limit(1)).first()


def written(customer: Customer, subject: str, text: str) -> tuple[str, str]:
    """(subject, body) as this customer would read it. Invalid, by field, where a text can't be filled in."""
    company = mail_texts.company(customer)
    own = {
        "customer": customer.name,
        "balance": _balance(customer),
        "overdue": _overdue(customer),
        "company": company,
        "account": mail_texts.account(settings.current()),
    }
    try:
        line, said = mail_texts.fill(subject, text, own)
    except Invalid as fault:
        raise Invalid(
            {"text" if name == "body" else name: list(texts) for name, texts in fault.errors.items()}
        ) from fault
    if not line:
        raise Invalid({"subject": "The subject comes out empty."})
    message = {"subject": line, "text": said.rstrip("\n")}
    return mail_texts.render("message", {"message": message, "company": company})


def send_many(actor: Actor, ids: Iterable[int], subject: str, text: str, *, mark: str = "") -> BulkResult:
    """One mail a customer, each in a transaction of its own. Who can't be written to is named with the
    reason. `mark` names the whole, so that nobody gets it twice."""
    require(actor, "mail.send")
    return each(actor, ids, lambda key: _send(actor, key, subject, text, mark), label=label)


def _send(actor: Actor, customer_id: int, subject: str, text: str, mark: str) -> None:
    customer = fetch(Customer, customer_id, "customer")
    recipients = mails.billing_addresses(customer_id)
    if not recipients:
        raise Refused("It has no contact of the type billing with an e-mail address.")
    line, body = written(customer, subject, text)
    once = f"message:{mark[:120]}:{customer_id}" if mark else None
    mails.file(actor, mails.Draft("message", recipients, line, body, customer_id=customer_id, once=once))


def label(key: int) -> str:
    return session().scalar(select(Customer.name).where(Customer.id == key)) or f"Customer {key}"


def _balance(customer: Customer) -> str:
    owed = {one.currency: one.owed for one in balances(customer.id)}.get(customer.currency)
    return format_money(owed or Decimal(0), customer.currency)


def _overdue(customer: Customer) -> str:
    late = session().scalar(
        select(func.coalesce(func.sum(Invoice.balance), 0)).where(
            Invoice.customer_id == customer.id,
            Invoice.state == "issued",
            Invoice.balance > 0,
            Invoice.due_date < settings.today(),
        )
    )
    return format_money(late or Decimal(0), customer.currency)
