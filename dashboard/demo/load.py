"""Writing the demo's story into empty books, through the same operations that staff use."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy import select, text

from dashboard.demo.catalogue import PRODUCTS, RATES
from dashboard.demo.companies import COMPANIES, PROMPT, TAXES, TIME_ZONES, Company
from dashboard.demo.story import Bill, Charge, Pay, Story, tell
from dashboard.demo.usage import Cycle, cycles, first_day, load_usage, make_cards
from dashboard.models import Customer, Invoice, Package, Payment, Setting, Staff
from dashboard.operations import (
    allocations,
    assignments,
    billing,
    contacts,
    customers,
    invoices,
    packages,
    payments,
    refunds,
)
from dashboard.operations import settings as account
from dashboard.operations.base import Actor, session, unit_of_work
from dashboard.queries import settings
from dashboard.rules.money import add, round_money

DEMO = Actor(id=None, name="Demo", role=None)
# Two programs may find the same empty books at once.
LOCK = 2_026_110_002

CARD_FEE = Decimal("0.014")

PROVIDER = {
    "company_name": "Example Connect Ltd",
    "registration_number": "00000000",
    "vat_number": "GB000000000",
    "address1": "1 Sample Street",
    "city": "London",
    "postcode": "N1 1AA",
    "country": "GB",
    "phone": "020 7946 0000",
    "email": "billing@example.com",
    "website": "https://www.example.com",
    "currency": "USD",
    "payment_details": (
        "Bank: Example Bank\n"
        "Account name: Example Connect Ltd\n"
        "IBAN: GB00 EXAM 0000 0000 0000 00\n"
        "BIC: EXAMGB00\n"
        "Please give the invoice number with your payment."
    ),
}


@dataclass
class _Books:
    """What has been made so far, by what the story calls it.

    A session holds its records weakly; keeping them here spares reading each of them again and again.
    """

    setting: Setting
    # From here on schedules bill, and there are calls.
    since: dt.date
    cards: dict[str, int] = field(default_factory=dict)
    customers: dict[Company, Customer] = field(default_factory=dict)
    packages: dict[tuple[str, str], Package] = field(default_factory=dict)
    invoices: dict[int, Invoice] = field(default_factory=dict)
    payments: list[Payment] = field(default_factory=list)


def load(today: dt.date | None = None) -> bool:
    """Fill the books and answer True; books that have a customer are left as they are."""
    with unit_of_work(DEMO):
        session().execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        if session().scalar(select(Customer.id).limit(1)) is not None:
            return False
        day = today or settings.today()
        _write(tell(day), day)
    return True


def _write(story: Story, today: dt.date) -> None:
    books = _Books(settings.current(), first_day(today))
    if not books.setting.company_name:
        account.update(DEMO, PROVIDER)
    for currency in RATES:
        for product in PRODUCTS:
            books.packages[product.code, currency] = packages.create(DEMO, product.values(currency))
    start = dt.datetime.combine(books.since, dt.time(), dt.UTC) - dt.timedelta(days=31)
    books.cards = make_cards(DEMO, start)
    managers = session().scalars(select(Staff.id).where(Staff.active).order_by(Staff.id)).all()
    for at, company in enumerate(COMPANIES):
        manager = managers[at % len(managers)] if managers and at % 2 else None
        _add_customer(books, company, story, at, manager)
    load_usage(DEMO, books.customers, today)
    events: list[Bill | Pay | Cycle] = [*story.events, *cycles(today)]
    for event in sorted(events, key=lambda event: (event.day, isinstance(event, Pay))):
        if isinstance(event, Bill):
            _bill(books, event)
        elif isinstance(event, Cycle):
            _bill_usage(books, event)
        else:
            _pay(books, event)
    _refund_one(books)
    for company in COMPANIES:
        if company.status == "inactive":
            customers.update(DEMO, books.customers[company].id, {"status": "inactive"})


def _add_customer(books: _Books, company: Company, story: Story, at: int, manager: int | None) -> None:
    tax = TAXES[company.country]
    customer = customers.create(
        DEMO,
        {
            "name": company.name,
            "currency": company.currency,
            "status": "active" if company.status == "inactive" else company.status,
            "website": f"https://{company.key}.example.com",
            "address1": f"{at + 1} Sample Street",
            "city": company.city,
            "postcode": company.postcode,
            "country": company.country,
            "tax_name": tax.name if tax else None,
            "tax_percent": tax.percent if tax else None,
            "invoice_due_days": (None, 14, 30, 45)[at % 4],
            "invoice_schedule": company.schedule,
            "invoice_from": books.since if company.schedule != "none" else None,
            "rate_card_id": books.cards[company.currency],
            "time_zone": TIME_ZONES[company.country] if at % 5 == 0 else None,
            "account_manager_id": manager,
            "tags": [
                ("wholesale", "retail", "enterprise")[at % 3],
                *(["key account"] if at % 7 == 0 else []),
            ],
            "external_accounting_id": f"EX-{1001 + at}",
            "debit_limit": Decimal(1000) if at % 6 == 0 else None,
        },
    )
    books.customers[company] = customer
    _add_contacts(customer.id, company, at)
    for had in story.had[company]:
        # What the schedule charges begins where the bills made by hand end.
        start = max(had.start, books.since) if company.schedule != "none" else had.start
        if had.end is not None and had.end < start:
            continue
        assignments.create(
            DEMO,
            {
                "customer_id": customer.id,
                "package_id": books.packages[had.code, company.currency].id,
                "quantity": had.quantity,
                "start_date": start,
                "end_date": had.end,
            },
        )


def _add_contacts(customer_id: int, company: Company, at: int) -> None:
    roles = [("Accounts Payable", "accounts", "billing"), ("Technical Desk", "noc", "technical")]
    for name, mailbox, kind in roles[: 1 + at % 2]:
        address = f"{mailbox}@{company.key}.example.com"
        contacts.create(DEMO, {"customer_id": customer_id, "name": name, "email": address, "type": kind})


def _bill(books: _Books, bill: Bill) -> None:
    values = {
        "customer_id": books.customers[bill.company].id,
        "issue_date": bill.day,
        "reference": bill.reference,
        "items": [_line(books, bill.company, charge) for charge in bill.charges],
    }
    invoice = invoices.save(DEMO, None, values, issue=bill.state != "draft")
    if bill.state == "void":
        invoices.void(DEMO, invoice.id, "Sent to the wrong department; replaced by the next one.")
    books.invoices[id(bill)] = invoice


def _bill_usage(books: _Books, cycle: Cycle) -> None:
    """As the schedule would have done on the day; paid a little later by those who pay promptly."""
    customer = books.customers[cycle.company]
    made = billing.generate(DEMO, customer.id, cycle.period, issue=False)
    if made.invoice_id is None:
        return
    dated = {"issue_date": cycle.day, "due_date": None}
    invoice = invoices.save(DEMO, made.invoice_id, dated, issue=True)
    paid_on = cycle.day + dt.timedelta(days=12)
    if cycle.company.pays == PROMPT and paid_on <= settings.today():
        note = f"Payment of {invoice}"
        values = {"amount": invoice.total, "paid_on": paid_on, "method": "bank_transfer", "description": note}
        allocations.record_and_allocate(DEMO, invoice.id, values)


def _line(books: _Books, company: Company, charge: Charge) -> dict[str, Any]:
    tax = TAXES[company.country]
    package = books.packages[charge.code, company.currency] if charge.code else None
    return {
        "package_id": package.id if package else None,
        "description": charge.text or (package.description if package else ""),
        "date_from": charge.start,
        "date_to": charge.end,
        "quantity": charge.quantity,
        "unit_price": charge.price,
        "tax_name": "Exempt" if charge.untaxed else tax.name if tax else books.setting.tax_name,
        "tax_percent": Decimal(0) if charge.untaxed else tax.percent if tax else books.setting.tax_percent,
    }


def _pay(books: _Books, pay: Pay) -> None:
    bills = [books.invoices[id(bill)] for bill in pay.bills]
    owed = add(invoice.total for invoice in bills)
    if pay.use != "no":
        owed = add([owed, *(-invoice.paid for invoice in bills)])
    amount = round_money(owed * pay.share, pay.company.currency)
    if not amount:
        return
    fee = round_money(amount * CARD_FEE, pay.company.currency) if pay.method == "card" else None
    payment = payments.create(
        DEMO,
        {
            "customer_id": books.customers[pay.company].id,
            "paid_on": pay.day,
            "amount": amount,
            "status": pay.status,
            "method": pay.method,
            "description": pay.note or f"Payment of {', '.join(str(invoice) for invoice in bills)}",
            "fee": fee,
        },
    )
    if pay.use == "oldest":
        allocations.allocate_automatically(DEMO, payment_id=payment.id)
    elif pay.use == "each":
        for invoice in bills:
            allocations.allocate(
                DEMO, payment.id, invoice.id, min(amount, add([invoice.total, -invoice.paid]))
            )
    books.payments.append(payment)


def _refund_one(books: _Books) -> None:
    """A part of one payment went back, so that its invoice is owed again in part."""
    used = next((payment for payment in books.payments if payment.allocated == payment.amount > 0), None)
    if used is not None:
        amount = round_money(used.amount / 4, used.currency)
        refunds.refund(DEMO, used.id, amount, "A quarter was charged by mistake", used.paid_on)
