"""Import of invoices from a file of their lines, each its own transaction; a second run changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import select

from dashboard.models import Customer, Invoice
from dashboard.operations import checks, customers, invoice_states
from dashboard.operations.base import Actor, operation, require, session, unit_of_work
from dashboard.operations.errors import Invalid, OperationError, Refused
from dashboard.operations.invoice_file import (
    ISO_DATE,
    Line,
    Source,
    Unreadable,
    check_date_format,
    open_source,
    parse_columns,
    read_lines,
)
from dashboard.operations.invoices import new_draft
from dashboard.queries import settings
from dashboard.rules.money import add
from dashboard.rules.places import country_code


@dataclass(frozen=True)
class Options:
    """How to read the file. `namespace` names where its numbers come from: together they are an invoice's
    identity. Without a currency it is the account's; lines without a tax of their own get `tax_percent`."""

    columns: str
    date_format: str = ISO_DATE
    currency: str | None = None
    tax_percent: Decimal = Decimal(0)
    customer_name: str = "Customer {id}"
    namespace: str = "file"
    issue: bool = False
    dry_run: bool = False


@dataclass(frozen=True)
class LeftOut:
    """A line of the file that was not imported: its number in the file, its invoice, and why."""

    line: int
    number: str
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.number}{': ' if self.number else ''}{self.reason}"


@dataclass
class Report:
    """What an import did, or with `dry_run` would do. `totals` are of the new invoices, by currency."""

    lines: int = 0
    invoices: int = 0
    invoice_lines: int = 0
    unchanged: int = 0
    new_customers: set[str] = field(default_factory=set)
    totals: dict[str, Decimal] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)


@dataclass
class _Seen:
    """What the first reading learns of an invoice."""

    first: Line
    lines: int = 0
    faults: int = 0


@dataclass(frozen=True)
class _Made:
    currency: str
    total: Decimal
    new_customer: bool


class _Undo(Exception):
    """Ends the transaction of a dry run."""


def import_invoices(
    actor: Actor, path: Path, options: Options, *, progress: Callable[[Report], None] = lambda report: None
) -> Report:
    """Read the file twice: first for faults, which leave out the whole invoice, then to import the rest.

    Customers are found by their External Accounting ID and made where missing. Raises Refused where the file
    as a whole can't be read.
    """
    require(actor, "import")
    check_date_format(options.date_format)
    if options.currency is not None:
        _check_currency(options.currency)
    source = open_source(path, parse_columns(options.columns))
    report = Report()
    seen = _survey(source, options, report)
    for lines in _whole_invoices(source, options, seen):
        _import_one(actor, lines, options, report)
        progress(report)
    report.left_out.sort(key=lambda row: row.line)
    return report


def _survey(source: Source, options: Options, report: Report) -> dict[str, _Seen]:
    """The first reading: every fault by line, and how many lines each sound invoice has."""
    seen: dict[str, _Seen] = {}
    faulty: dict[str, int] = {}
    dates = 0
    for row in read_lines(source, options.date_format):
        report.lines += 1
        if isinstance(row, Unreadable):
            report.left_out.append(LeftOut(row.line, row.number, row.reason))
            faulty[row.number] = row.line
            dates += row.by_date
            continue
        known = seen.setdefault(row.number, _Seen(row))
        known.lines += 1
        differs = _difference(known.first, row)
        if differs:
            known.faults += 1
            report.left_out.append(LeftOut(row.line, row.number, differs))
            faulty[row.number] = row.line
    if dates and not seen:
        raise Refused(
            f"No date of {source.path.name} is written like {options.date_format}. "
            "Say how they are written with --date-format, such as %m/%d/%y %H:%M."
        )
    for number, line in faulty.items():
        if number and number in seen:
            known = seen.pop(number)
            rest = known.lines - known.faults
            said = "its other line is" if rest == 1 else f"its other {rest:,} lines are"
            report.left_out.append(LeftOut(line, number, f"{said} left out too, so that no half is imported"))
    return seen


def _difference(first: Line, row: Line) -> str:
    for name, said in (
        ("customer", "customer"),
        ("date", "date"),
        ("due_date", "due date"),
        ("currency", "currency"),
    ):
        if getattr(first, name) != getattr(row, name):
            return f"its {said} is not that of line {first.line} of the same invoice"
    return ""


def _whole_invoices(source: Source, options: Options, seen: dict[str, _Seen]) -> Iterator[list[Line]]:
    """The second reading: each sound invoice once all its lines are there, wherever they stand."""
    waiting: dict[str, list[Line]] = {}
    for row in read_lines(source, options.date_format):
        if isinstance(row, Unreadable) or row.number not in seen:
            continue
        lines = waiting.setdefault(row.number, [])
        lines.append(row)
        if len(lines) == seen[row.number].lines:
            yield waiting.pop(row.number)


def _import_one(actor: Actor, lines: list[Line], options: Options, report: Report) -> None:
    first = lines[0]
    try:
        made = _write_or_try(actor, lines, options)
    except Invalid as fault:
        report.left_out += _by_line(fault, lines)
        return
    except OperationError as fault:
        report.left_out.append(LeftOut(first.line, first.number, str(fault)))
        return
    if made is None:
        report.unchanged += 1
        return
    report.invoices += 1
    report.invoice_lines += len(lines)
    report.totals[made.currency] = add([report.totals.get(made.currency, Decimal(0)), made.total])
    if made.new_customer:
        report.new_customers.add(first.customer)


def _write_or_try(actor: Actor, lines: list[Line], options: Options) -> _Made | None:
    """Import one invoice; a dry run does all of it and takes it back. None where it is there already."""
    made: _Made | None = None
    with suppress(_Undo), unit_of_work(actor):
        made = _write(actor, lines, options)
        if options.dry_run:
            raise _Undo
    return made


@operation("import")
def _write(actor: Actor, lines: list[Line], options: Options) -> _Made | None:
    first = lines[0]
    origin_key = f"{options.namespace}:{first.number}"
    there = select(Invoice.id).where(
        Invoice.origin == "import", Invoice.origin_key == origin_key, Invoice.state != "void"
    )
    if session().scalar(there) is not None:
        return None
    currency = first.currency or options.currency or settings.current().currency
    customer, new_customer = _customer(actor, first, currency, options)
    values: dict[str, Any] = {
        "customer_id": customer.id,
        "issue_date": first.date,
        "reference": first.number,
        "items": [_item(row, options) for row in lines],
    }
    if first.due_date is not None:
        values["due_date"] = first.due_date
    invoice = new_draft(actor, values, origin="import", origin_key=origin_key)
    if options.issue:
        invoice_states.issue(actor, invoice.id)
    return _Made(invoice.currency, invoice.total, new_customer)


def _item(row: Line, options: Options) -> dict[str, Any]:
    percent = options.tax_percent if row.tax_percent is None else row.tax_percent
    return {
        "description": row.description,
        "quantity": row.quantity,
        "unit_price": row.unit_price,
        "tax_percent": percent,
        "tax_name": settings.current().tax_name if percent else "",
    }


def _customer(actor: Actor, row: Line, currency: str, options: Options) -> tuple[Customer, bool]:
    """The customer with that External Accounting ID, and whether it had to be made."""
    found = session().scalars(select(Customer).where(Customer.external_accounting_id == row.customer)).all()
    if len(found) > 1:
        raise Refused(f"{len(found)} customers have the External Accounting ID {row.customer}.")
    if found:
        if found[0].currency != currency:
            raise Refused(
                f"{found[0].name} is billed in {found[0].currency}, and this invoice is in {currency}."
            )
        return found[0], False
    values = {
        "name": row.customer_name or options.customer_name.replace("{id}", row.customer),
        "currency": currency,
        "external_accounting_id": row.customer,
        "country": _country(row.country),
    }
    return customers.create(actor, values), True


def _country(written: str) -> str | None:
    """The code of a country; nothing where nobody knows it, since an address can be mended later."""
    try:
        return country_code(written) if written else None
    except ValueError:
        return None


def _by_line(fault: Invalid, lines: list[Line]) -> list[LeftOut]:
    """The faults of an invoice at the lines of the file that they stand on."""
    rows: list[LeftOut] = []
    for name, said in fault.errors.items():
        kind, _, rest = name.partition("-")
        at, _, column = rest.partition("-")
        known = kind == "items" and at.isdigit()
        line = lines[int(at)] if known else lines[0]
        label = (column if known else name).replace("_", " ")
        rows.append(
            LeftOut(line.line, line.number, f"{label}: {' '.join(said)}" if label else " ".join(said))
        )
    return rows


def _check_currency(code: str) -> None:
    try:
        checks.currency(code)
    except ValueError as fault:
        raise Refused(str(fault)) from fault
