"""What a run of packages would charge a customer up to a day, with the reason and the tax of each charge."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from dashboard.models import Customer
from dashboard.queries import settings
from dashboard.queries.package_lines import ChargeLine
from dashboard.queries.package_notices import Place, charged, next_charge
from dashboard.queries.package_plan import charges_account, due_until, held, recurrence_of, today_of
from dashboard.rules import tax
from dashboard.rules.money import add, format_money, plain
from dashboard.rules.recurrence import said


@dataclass(frozen=True)
class Row:
    """One charge that is due; `account` charges go to the account, the others onto a draft invoice."""

    line: ChargeLine
    account: bool
    net: Decimal
    tax: Decimal
    gross: Decimal
    why: str


@dataclass(frozen=True)
class Next:
    """The next charge of a package, when nothing is due."""

    package_name: str
    due_on: dt.date
    amount: Decimal | None


@dataclass(frozen=True)
class Simulation:
    customer: Customer
    day: dt.date
    today: dt.date
    rows: list[Row] = field(default_factory=list)
    # Due before the first day asked for, and not charged either.
    earlier: int = 0
    done: Sequence[Place] = ()
    coming: list[Next] = field(default_factory=list)

    @property
    def may_charge(self) -> bool:
        return bool(self.rows) and self.day <= self.today

    @property
    def invoice_total(self) -> Decimal:
        return add(row.gross for row in self.rows if not row.account)

    @property
    def account_total(self) -> Decimal:
        return add(row.gross for row in self.rows if row.account)

    @property
    def net(self) -> Decimal:
        return add(row.net for row in self.rows)

    @property
    def tax(self) -> Decimal:
        return add(row.tax for row in self.rows)


def simulate(
    customer: Customer, day: dt.date, *, since: dt.date | None = None, package_id: int | None = None
) -> Simulation:
    """What charging everything due from `since` up to the day would do. Reads only."""
    lines = due_until(customer, day, since=since, package_id=package_id)
    before = since and due_until(customer, since - dt.timedelta(days=1), package_id=package_id)
    return Simulation(
        customer,
        day,
        today_of(customer),
        _rows(lines, customer.currency),
        sum(len(line.charges) for line in before or ()),
        charged(customer.id, package_id=package_id),
        _coming(customer, day, package_id),
    )


def line_totals(lines: Sequence[ChargeLine], currency: str, *, one_by_one: bool) -> list[tax.LineTotals]:
    """Net, tax and gross of lines on one invoice, or each by itself."""
    setting = settings.current()
    mode: tax.TaxMode = "per_line" if one_by_one or setting.tax_mode == "per_line" else "per_rate"
    rows = [tax.Line(line.quantity, line.unit_price, line.tax_percent, line.tax_name) for line in lines]
    return tax.compute(rows, currency, mode, setting.tax_inclusive).lines


def why(line: ChargeLine) -> str:
    """The reason in a clerk's words."""
    assigned, span = line.customer_package, line.span
    if line.kind == "setup":
        return "Setup, once, on the Start Date"
    if line.minimum is not None and line.spent is not None:
        least, spent = format_money(line.minimum, line.currency), format_money(line.spent, line.currency)
        held_against = f"Minimum {least}, spent {spent}"
        return held_against if span.whole else f"{held_against}; {span.days} of {span.of_days} days"
    rhythm = said(recurrence_of(assigned))
    if line.parts:
        return f"{rhythm}; {plain(line.parts[0].quantity)} for {len(line.parts)} days"
    if span.whole:
        return rhythm
    if span.start == assigned.start_date:
        cause = "it starts then"
    elif span.last == assigned.end_date:
        cause = "it ends then"
    else:
        cause = "the others are charged already"
    return f"{rhythm}; {span.days} of {span.of_days} days: {cause}"


def _rows(lines: Sequence[ChargeLine], currency: str) -> list[Row]:
    billed = [line for line in lines if not charges_account(line)]
    account = [line for line in lines if charges_account(line)]
    totals = {
        line.key: found
        for part, alone in ((billed, False), (account, True))
        for line, found in zip(part, line_totals(part, currency, one_by_one=alone), strict=True)
    }
    return [
        Row(
            line,
            charges_account(line),
            totals[line.key].net,
            totals[line.key].tax,
            totals[line.key].gross,
            why(line),
        )
        for line in lines
    ]


def _coming(customer: Customer, day: dt.date, package_id: int | None) -> list[Next]:
    one = held([customer], package_id=package_id).get(customer.id)
    found = []
    for assigned in one.assigned if one else []:
        due, amount = next_charge(assigned, day)
        if due is not None:
            found.append(Next(assigned.package.name, due, amount))
    return sorted(found, key=lambda each: (each.due_on, each.package_name))
