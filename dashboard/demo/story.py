"""What happened in the demo's twelve months, as plain data: nothing here touches the database."""

from __future__ import annotations

import calendar
import datetime as dt
import random
from dataclasses import dataclass, field
from decimal import Decimal

from dashboard.demo.catalogue import BY_CODE, PRODUCTS, priced
from dashboard.demo.companies import (
    COMPANIES,
    HALVES,
    LATE,
    LUMPS,
    OVER,
    PROMPT,
    SILENT,
    Company,
)

SEED = 20261123
MONTHS = 12
# Companies with a schedule are invoiced by it in this month and so many before.
BY_SCHEDULE = 3
# A silent payer stopped this many invoices ago.
SILENT_SINCE = 4


@dataclass(frozen=True)
class Had:
    """A package that a company has."""

    code: str
    quantity: Decimal
    start: dt.date
    end: dt.date | None = None


@dataclass(frozen=True)
class Charge:
    """A line of an invoice; without a code it is a free one."""

    quantity: Decimal
    price: Decimal
    code: str | None = None
    text: str = ""
    start: dt.date | None = None
    end: dt.date | None = None
    untaxed: bool = False


@dataclass(frozen=True)
class Bill:
    day: dt.date
    company: Company
    charges: tuple[Charge, ...]
    state: str = "issued"
    reference: str | None = None


@dataclass(frozen=True)
class Pay:
    """A payment of `share` of what the bills come to; `use` it for each of them, the oldest, or none."""

    day: dt.date
    company: Company
    bills: tuple[Bill, ...]
    share: Decimal = Decimal(1)
    use: str = "each"
    status: str = "completed"
    method: str = "bank_transfer"
    note: str = ""


@dataclass
class Story:
    had: dict[Company, list[Had]] = field(default_factory=dict)
    events: list[Bill | Pay] = field(default_factory=list)


def tell(today: dt.date) -> Story:
    """The whole year up to `today`, in the order of the days."""
    story = Story()
    for company in COMPANIES:
        dice = random.Random(f"{SEED} {company.name}")  # noqa: S311 - invented books, not a secret
        had = _packages(company, dice, today)
        story.had[company] = had
        bills = _bills(company, dice, today, had)
        story.events += bills
        issued = [bill for bill in bills if bill.state == "issued"]
        story.events += [pay for pay in _payments(company, dice, issued, today) if pay.day <= today]
    # Bills before payments of the same day; the rest of the order is that of the companies.
    story.events.sort(key=lambda event: (event.day, isinstance(event, Pay)))
    return story


def _packages(company: Company, dice: random.Random, today: dt.date) -> list[Had]:
    start = month_before(today, MONTHS)
    had = [
        Had("trunk", Decimal(dice.choice((2, 5, 10, 30))), start),
        Had("number", Decimal(dice.randint(1, 40)), start),
    ]
    for code in dice.sample(["desk", "fibre", "support", "minutes", "watch", "report"], dice.randint(1, 3)):
        quantity = Decimal(dice.randint(3, 60)) if code == "desk" else Decimal(dice.randint(1, 2))
        had.append(Had(code, quantity, start + dt.timedelta(days=dice.randint(0, 20))))
    if dice.random() < 0.2:
        had.append(Had("watch", Decimal(3), start, start + dt.timedelta(days=100)))
    return had


def _bills(company: Company, dice: random.Random, today: dt.date, had: list[Had]) -> list[Bill]:
    day_of_month = dice.randint(1, 26)
    bills: list[Bill] = []
    for back in range(MONTHS - 1, -1, -company.every):
        month = month_before(today, back)
        day = month.replace(day=day_of_month)
        if day > today or (company.schedule != "none" and back <= BY_SCHEDULE):
            continue
        reference = f"PO-{dice.randint(1000, 9999)}" if dice.random() < 0.3 else None
        bills.append(Bill(day, company, _charges(company, dice, had, month), reference=reference))
    if company.status == "pending_approval":
        return [
            Bill(today, company, bills[-1].charges if bills else _charges(company, dice, had, today), "draft")
        ]
    if dice.random() < 0.25 and company.schedule == "none":
        bills.append(Bill(today, company, _charges(company, dice, had, today.replace(day=1)), "draft"))
    if dice.random() < 0.2 and len(bills) > 3:
        wrong = bills[dice.randrange(1, 3)]
        bills.insert(bills.index(wrong), Bill(wrong.day, company, wrong.charges[:1], "void", wrong.reference))
    return bills


def _charges(company: Company, dice: random.Random, had: list[Had], month: dt.date) -> tuple[Charge, ...]:
    first = month.replace(day=1)
    last = first.replace(day=calendar.monthrange(first.year, first.month)[1])
    found = [
        Charge(one.quantity, BY_CODE[one.code].price(company.currency), one.code, start=first, end=last)
        for one in had
        if one.start <= last and (one.end is None or one.end >= first)
    ]
    minutes = Decimal(dice.randint(20_000, 900_000)) / 100
    rate = priced(Decimal(dice.choice(("0.0125", "0.0090", "0.0210"))), company.currency)
    found.append(Charge(minutes, rate, text="Calls, minutes by the price list", start=first, end=last))
    if dice.random() < 0.15:
        found.append(Charge(Decimal(1), BY_CODE["visit"].price(company.currency), "visit"))
    if dice.random() < 0.15:
        found.append(
            Charge(Decimal(-1), priced(Decimal(15), company.currency), text="Goodwill for the outage")
        )
    if dice.random() < 0.1:
        found.append(
            Charge(Decimal(1), priced(Decimal(40), company.currency), text="Number porting fee", untaxed=True)
        )
    if dice.random() < 0.04:
        found += [
            Charge(Decimal(dice.randint(1, 9)), product.price(company.currency), product.code)
            for product in PRODUCTS * 4
        ]
    return tuple(found)


def _payments(company: Company, dice: random.Random, bills: list[Bill], today: dt.date) -> list[Pay]:
    pays: list[Pay] = []
    if company.pays == SILENT:
        bills = bills[: max(1, len(bills) - SILENT_SINCE)]
    for at, bill in enumerate(bills):
        prompt = bill.day + dt.timedelta(days=dice.randint(4, 28))
        late = bill.day + dt.timedelta(days=dice.randint(45, 75))
        method = dice.choice(("bank_transfer", "bank_transfer", "card", "direct_debit"))
        if company.pays in (PROMPT, SILENT):
            pays.append(Pay(prompt, company, (bill,), method=method))
        elif company.pays == LATE:
            pays.append(Pay(late, company, (bill,), method=method))
        elif company.pays == HALVES:
            half = Decimal("0.5")
            pays.append(Pay(prompt, company, (bill,), half, note="First half"))
            rest = late + dt.timedelta(days=30)
            pays.append(Pay(rest, company, (bill,), note="The rest # promised by phone"))
        elif company.pays == OVER:
            pays.append(Pay(prompt, company, (bill,), Decimal("1.05"), use="oldest", method=method))
        elif company.pays == LUMPS and at % 3 == 2:
            pays.append(
                Pay(prompt, company, tuple(bills[at - 2 : at + 1]), use="oldest", note="Three invoices")
            )
    return pays + _odd_ones(company, dice, bills, today)


def _odd_ones(company: Company, dice: random.Random, bills: list[Bill], today: dt.date) -> list[Pay]:
    """Payments that settle nothing: on their way, cancelled, on account."""
    if not bills:
        return []
    recent = today - dt.timedelta(days=dice.randint(0, 4))
    early = bills[0].day + dt.timedelta(days=9)
    odd = []
    if company.pays == LATE:
        odd.append(Pay(recent, company, bills[-1:], use="no", status="pending", note="Announced by e-mail"))
    if dice.random() < 0.15:
        odd.append(
            Pay(early, company, bills[:1], use="no", status="cancelled", method="card", note="Card refused")
        )
    if dice.random() < 0.15:
        odd.append(
            Pay(recent, company, bills[:1], Decimal("0.4"), use="no", note="On account # no reference given")
        )
    if dice.random() < 0.08:
        odd.append(
            Pay(
                early,
                company,
                bills[:1],
                Decimal("-0.05"),
                use="no",
                method="other",
                note="Returned debit fee",
            )
        )
    return odd


def month_before(day: dt.date, back: int) -> dt.date:
    """The first of the month so many months before that of `day`."""
    count = day.year * 12 + day.month - 1 - back
    return dt.date(count // 12, count % 12 + 1, 1)
