"""Books in which anything may have happened, the same for the same seed."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from decimal import Decimal

from dashboard.extensions import db
from dashboard.operations import allocations, book_sums, invoice_states, invoices, payments, refunds
from dashboard.operations.base import SYSTEM
from dashboard.operations.errors import OperationError
from tests.support.books import line, make_customer, make_draft, make_payment

CURRENCIES = ("USD", "EUR", "JPY")


class BusyBooks:
    """Drafts, issues, voids, reopenings, payments, charges, refunds and allocations in any order."""

    def __init__(self, seed: int, today: dt.date) -> None:
        self.chance = random.Random(seed)
        self.today = today
        self.people = [make_customer(f"Example {n} Ltd", code) for n, code in enumerate((*CURRENCIES, "USD"))]
        self.drafts: list[int] = []
        self.issued: list[int] = []
        self.paid: list[int] = []

    def happen(self, steps: int = 120) -> None:
        for _ in range(4):
            self.draft()
        ways: list[Callable[[], object]] = [
            self.draft,
            self.issue,
            self.issue,
            self.pay,
            self.pay,
            self.allocate,
            self.allocate,
            self.allocate,
            self.refund,
            self.void,
            self.reopen,
            self.change,
            self.delete,
            book_sums.fold,
        ]
        for _ in range(steps):
            try:
                self.chance.choice(ways)()
            except (OperationError, IndexError):
                db.session.rollback()

    def _ago(self, most: int) -> dt.date:
        return self.today - dt.timedelta(days=self.chance.randrange(0, most))

    def draft(self) -> None:
        day = self._ago(150)
        price, tax = str(self.chance.randrange(-60, 400)), self.chance.choice(["0", "20"])
        lines = [line(str(self.chance.randrange(1, 5)), price, tax)]
        due = day + dt.timedelta(days=self.chance.randrange(0, 40))
        customer = self.chance.choice(self.people)
        self.drafts.append(make_draft(customer, *lines, issue_date=day, due_date=due).id)

    def issue(self) -> None:
        key = self.chance.choice(self.drafts)
        self.issued.append(invoice_states.issue(SYSTEM, key).id)
        self.drafts.remove(key)

    def pay(self) -> None:
        amount = str(self.chance.choice([-1, 1, 1, 1]) * self.chance.randrange(1, 900))
        status = self.chance.choice(["pending", "completed", "completed", "cancelled"])
        customer = self.chance.choice(self.people)
        self.paid.append(make_payment(customer, amount, status, paid_on=self._ago(90)).id)

    def allocate(self) -> None:
        allocations.allocate_automatically(SYSTEM, self.chance.choice(self.paid))

    def refund(self) -> None:
        amount = Decimal(self.chance.randrange(1, 50))
        refunds.refund(SYSTEM, self.chance.choice(self.paid), amount, "Paid twice", self.today)

    def void(self) -> None:
        invoice_states.void(SYSTEM, self.chance.choice(self.issued), "Wrong customer")

    def reopen(self) -> None:
        key = self.chance.choice(self.issued)
        invoice_states.reopen(SYSTEM, key)
        self.issued.remove(key)
        self.drafts.append(key)

    def change(self) -> None:
        if self.chance.random() < 0.5:
            payments.update(SYSTEM, self.chance.choice(self.paid), {"status": "completed"})
        else:
            key = self.chance.choice([*self.drafts, *self.issued])
            invoices.update(SYSTEM, key, {"due_date": self._ago(120)})

    def delete(self) -> None:
        if self.chance.random() < 0.5:
            payments.delete(SYSTEM, self.chance.choice(self.paid))
        else:
            key = self.chance.choice(self.drafts)
            invoices.delete(SYSTEM, key)
            self.drafts.remove(key)
