"""The lines that charge for packages: their words, their figures, and what minimum spend is held against."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select

from dashboard.extensions import db
from dashboard.models import Customer, CustomerPackage, Invoice, InvoiceItem, UsageDay
from dashboard.queries.packages import default_tax
from dashboard.rules.minimum_spend import shortfall
from dashboard.rules.money import EXACT, add, exponent, format_money, round_to
from dashboard.rules.periods import Period
from dashboard.rules.proration import priced, prorate
from dashboard.rules.recurrence import Span

ITEM_KINDS = {"setup": "setup", "recurring": "package", "minimum_spend": "minimum_spend"}
NEVER = dt.date(9999, 12, 31)
MOST_TEXT = 1000


@dataclass(frozen=True)
class ChargeLine:
    """One charge of an assigned package. `amount` is quantity x unit price, before tax is added.

    `late` is due before the period that was asked for. `minimum` and `spent` stand on minimum spend only.
    """

    customer_package: CustomerPackage
    kind: str
    due_on: dt.date
    span: Span
    quantity: Decimal
    unit_price: Decimal
    amount: Decimal
    currency: str
    description: str
    tax_name: str
    tax_percent: Decimal
    late: bool = False
    minimum: Decimal | None = None
    spent: Decimal | None = None
    # The charges, day by day, that one line of a daily package stands for.
    parts: tuple[ChargeLine, ...] = ()

    @property
    def charges(self) -> tuple[ChargeLine, ...]:
        """What is written down as charged: one for each due day."""
        return self.parts or (self,)

    @property
    def key(self) -> str:
        """Names the charge, whenever it is worked out."""
        return f"{self.customer_package.id}:{self.kind}:{self.due_on}"

    @property
    def item_kind(self) -> str:
        return ITEM_KINDS[self.kind]

    def item_values(self) -> dict[str, Any]:
        """The invoice line as `invoices.create` takes it."""
        return {
            "package_id": self.customer_package.package_id,
            "description": self.description,
            "date_from": None if self.kind == "setup" else self.span.start,
            "date_to": None if self.kind == "setup" else self.span.last,
            "quantity": self.quantity,
            "unit_price": self.unit_price,
            "tax_name": self.tax_name,
            "tax_percent": self.tax_percent,
        }


def joined(lines: Iterable[ChargeLine]) -> Iterator[ChargeLine]:
    """Days in a row of a daily package as one line: quantity times days, rounded once."""
    run: list[ChargeLine] = []
    for line in lines:
        if run and not _follows(run[-1], line):
            yield _as_one(run)
            run = []
        run.append(line)
    if run:
        yield _as_one(run)


def _follows(one: ChargeLine, other: ChargeLine) -> bool:
    alike = ("kind", "quantity", "unit_price", "description", "late")
    return (
        one.customer_package.package.frequency == "daily"
        and one.kind == "recurring"
        and one.span.end == other.span.start
        and all(getattr(one, name) == getattr(other, name) for name in alike)
    )


def _as_one(run: list[ChargeLine]) -> ChargeLine:
    first, days = run[0], len(run)
    if days == 1:
        return first
    places = exponent(first.currency)
    quantity = EXACT.multiply(first.quantity, Decimal(days))
    amount = round_to(EXACT.multiply(quantity, first.unit_price), places)
    each, over = divmod(int(EXACT.scaleb(amount, places)), days)
    cents = (each + 1 if at < over else each for at in range(days))
    parts = tuple(
        replace(line, amount=EXACT.scaleb(Decimal(part), -places))
        for line, part in zip(run, cents, strict=True)
    )
    span = Span(first.due_on, first.span.start, run[-1].span.end, days, days)
    told = f" ({days} days)"
    text = first.description[: MOST_TEXT - len(told)] + told
    return replace(first, span=span, quantity=quantity, amount=amount, description=text, parts=parts)


@dataclass(frozen=True)
class Writer:
    """Words and figures of one assigned package's lines."""

    customer: Customer
    assigned: CustomerPackage
    spend: Spend

    def setup(self, start: dt.date) -> Iterator[ChargeLine]:
        package = self.assigned.package
        span = Span(start, start, start + dt.timedelta(days=1))
        price = priced(self.assigned.quantity, package.setup_retail, 1, 1, package.currency)
        yield from self._line("setup", start, span, price, f"{package.name}: setup")

    def recurring(self, span: Span) -> Iterator[ChargeLine]:
        package = self.assigned.package
        price = priced(self.assigned.quantity, package.retail, span.days, span.of_days, package.currency)
        text = package.description or package.name
        if not span.whole:
            part = f" ({span.days} of {span.of_days} days"
            # The prorated price of very many is written as one sum.
            many = price[0] != self.assigned.quantity
            part += f", quantity {self.assigned.quantity.normalize():f})" if many else ")"
            text = text[: MOST_TEXT - len(part)] + part
        yield from self._line("recurring", span.due_on, span, price, text)

    def minimum(self, span: Span, due: dt.date) -> Iterator[ChargeLine]:
        package, currency = self.assigned.package, self.assigned.package.currency
        places = exponent(currency)
        whole = EXACT.multiply(self.assigned.quantity, package.retail)
        least = prorate(whole, span.days, span.of_days, places)
        spent = round_to(self.spend.of(span), places)
        short = shortfall(least, spent)
        part = "" if span.whole else f" ({span.days} of {span.of_days} days)"
        text = f"{package.name}: minimum spend {format_money(least, currency)}{part}"
        text += f", spent {format_money(spent, currency)}"
        yield from self._line(
            "minimum_spend", due, span, (Decimal(1), short, short), text, minimum=least, spent=spent
        )

    def _line(
        self,
        kind: str,
        due: dt.date,
        span: Span,
        price: tuple[Decimal, Decimal, Decimal],
        text: str,
        *,
        minimum: Decimal | None = None,
        spent: Decimal | None = None,
    ) -> Iterator[ChargeLine]:
        quantity, unit, amount = price
        if amount == 0:
            return
        tax_name, tax_percent = default_tax(self.customer, self.assigned.package)
        yield ChargeLine(
            customer_package=self.assigned,
            kind=kind,
            due_on=due,
            span=span,
            quantity=quantity,
            unit_price=unit,
            amount=amount,
            currency=self.assigned.package.currency,
            description=text[:MOST_TEXT],
            tax_name=tax_name,
            tax_percent=tax_percent,
            late=self.spend.period is not None and due < self.spend.period.start,
            minimum=minimum,
            spent=spent,
        )


@dataclass(frozen=True)
class Spend:
    """What a customer's calls came to in a span: given for the period asked, else from the ledger.

    `free` is what the invoice that is being planned makes free, by first day; no line of it is written yet.
    `to_be_free` tells what open calls of a span will have free, where no invoice is being planned.
    """

    customer: Customer
    period: Period | None
    usage_net: Decimal
    free: Sequence[tuple[dt.date, Decimal]] = ()
    to_be_free: Callable[[Span], Decimal] | None = None

    def of(self, span: Span) -> Decimal:
        if self.period is not None and (span.start, span.end) == (self.period.start, self.period.end):
            return self.usage_net
        days = (UsageDay.customer_id == self.customer.id, UsageDay.day >= span.start, UsageDay.rated)
        spent = db.session.scalar(
            select(func.sum(UsageDay.charge)).where(*days, UsageDay.day < (span.end or NEVER))
        )
        # Free minutes that invoices took off the calls of these days were not spent.
        free = db.session.scalar(
            select(func.sum(InvoiceItem.quantity * InvoiceItem.unit_price))
            .join(Invoice, Invoice.id == InvoiceItem.invoice_id)
            .where(
                Invoice.customer_id == self.customer.id,
                Invoice.state != "void",
                InvoiceItem.kind == "free_minutes",
                InvoiceItem.date_from >= span.start,
                InvoiceItem.date_from < (span.end or NEVER),
            )
        )
        planned = [amount for day, amount in self.free if span.start <= day < (span.end or NEVER)]
        if self.to_be_free is not None:
            planned.append(self.to_be_free(span))
        return add([spent or Decimal(0), free or Decimal(0), *planned])
