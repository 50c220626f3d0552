"""The lines of an invoice: reading them, changing them by their ids, and the totals that follow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select

from dashboard.models import Invoice, InvoiceItem, Package
from dashboard.models.invoice import SUMMED_KINDS
from dashboard.operations import checks
from dashboard.operations.base import Actor, check_version, fetch, operation, session
from dashboard.operations.errors import Invalid, Refused, Stale
from dashboard.rules import tax

MOST_LINES = 1000
# One more than the largest amount that NUMERIC(20,4) holds.
TOO_LARGE = Decimal(10) ** 16

CHECKS: dict[str, checks.Check] = {
    "package_id": checks.key,
    "description": checks.long_text(1000),
    "date_from": checks.day(),
    "date_to": checks.day(),
    "quantity": checks.number(places=6, required=True),
    "unit_price": checks.number(places=6, required=True),
    "tax_name": checks.text(40),
    "tax_percent": checks.number(places=4, minimum=Decimal(0), maximum=Decimal(100), required=True),
}
REQUIRED = ("quantity", "unit_price", "tax_percent")
LARGEST_QUANTITY = Decimal(10) ** 12
NEVER_NULL = ("description", "tax_name")
# What a line that is a sum of calls keeps as it is.
SUMMED = {
    "quantity": "This line is a sum of calls, so its quantity stays. Add another line for the difference.",
    "unit_price": "This is the sum of the calls, so it stays. Add another line for the difference.",
    "package_id": "This line is a sum of calls, so its package stays.",
}


@operation("invoice.draft")
def update_item(
    actor: Actor, key: int, values: Mapping[str, Any], *, version: int | None = None
) -> InvoiceItem:
    """Change fields of one line of a draft; its invoice is added up again. `version` is the invoice's."""
    found = fetch(InvoiceItem, key, "invoice line")
    invoice = fetch(Invoice, found.invoice_id, "invoice", lock=True)
    check_version(invoice, version)
    if invoice.state != "draft":
        raise Refused(f"{invoice} is {invoice.state}, so its lines can't be changed. Reopen it first.")
    item = fetch(InvoiceItem, key, "invoice line", lock=True)
    with session().no_autoflush:
        try:
            _put(item, read_line(values, new=False))
            settle(invoice)
        except Invalid as fault:
            raise _of_one_line(fault, invoice.items.index(item)) from fault
    session().flush()
    return item


# The name by which the list of items changes a cell in place.
update = update_item


def read_line(values: Mapping[str, Any], *, new: bool) -> dict[str, Any]:
    """The values of one line, checked each by itself. A line that exists may leave fields out."""
    given = {name: value for name, value in values.items() if name != "id"}
    taken = checks.read(given, CHECKS, required=REQUIRED if new else ())
    for name in NEVER_NULL:
        if name in taken or new:
            taken[name] = taken.get(name) or ""
    if abs(taken.get("quantity", Decimal(0))) >= LARGEST_QUANTITY:
        raise Invalid({"quantity": "This number is too big: use at most 12 digits before the point."})
    return taken


def check_line(line: InvoiceItem) -> None:
    """What one value of a line alone does not show."""
    if line.date_from and line.date_to and line.date_to < line.date_from:
        raise Invalid({"date_to": "The date range can't end before it begins."})


def change_lines(invoice: Invoice, rows: Sequence[Mapping[str, Any]]) -> None:
    """Make the draft's lines those of `rows`, in that order: changed, added and removed by their ids.

    Raises Invalid with fields such as "items-0-quantity", every fault at once.
    """
    if len(rows) > MOST_LINES:
        raise Invalid(
            {"items": f"An invoice can have at most {MOST_LINES:,} lines; this has {len(rows):,}. Split it."}
        )
    known = {item.id: item for item in invoice.items}
    _check_known(invoice, rows, known)
    errors: dict[str, list[str]] = {}
    lines: list[InvoiceItem] = []
    for at, row in enumerate(rows):
        line = known[int(row["id"])] if row.get("id") else InvoiceItem()
        try:
            _put(line, read_line(row, new=line.id is None))
        except Invalid as fault:
            errors.update({f"items-{at}-{name}": said for name, said in fault.errors.items()})
        line.position = at + 1
        lines.append(line)
    if errors:
        raise Invalid(errors)
    if len(known) > sum(line.id is not None for line in lines):
        _check_removed(known.values(), lines)
        _touch(invoice)
    invoice.items = lines


def _put(line: InvoiceItem, taken: Mapping[str, Any]) -> None:
    """Change a line, whose values were read. One that is a sum of calls keeps what it comes to."""
    if line.kind in SUMMED_KINDS:
        faults = {
            name: said
            for name, said in SUMMED.items()
            if name in taken and taken[name] != getattr(line, name)
        }
        if faults:
            raise Invalid(faults)
    for name, value in taken.items():
        setattr(line, name, value)
    check_line(line)


def _check_removed(known: Iterable[InvoiceItem], lines: Sequence[InvoiceItem]) -> None:
    """Calls may be taken off a draft; they are billed later. What made them free goes with them."""
    calls_gone = any(line.kind in ("usage", "late_usage") and line not in lines for line in known)
    if calls_gone and any(line.kind == "free_minutes" for line in lines):
        raise Invalid(
            {
                "items": "Free minutes of this invoice are those of its calls. "
                "Remove the line of free minutes too, or keep the calls."
            }
        )


def same_lines(invoice: Invoice, rows: Sequence[Mapping[str, Any]]) -> bool:
    """Whether `rows` say what the invoice's lines say already."""
    if [str(row.get("id")) for row in rows] != [str(item.id) for item in invoice.items]:
        return False
    return all(
        getattr(item, name) == value
        for item, row in zip(invoice.items, rows, strict=True)
        for name, value in read_line(row, new=False).items()
    )


def settle(invoice: Invoice) -> None:
    """Check the lines against their packages, then add them up: every line's amounts and the invoice's."""
    _check_packages(invoice)
    totals = tax.compute(
        [tax.Line(row.quantity, row.unit_price, row.tax_percent, row.tax_name) for row in invoice.items],
        invoice.currency,
        "per_line" if invoice.tax_mode == "per_line" else "per_rate",
        invoice.tax_inclusive,
    )
    errors: dict[str, str] = {}
    for at, (item, found) in enumerate(zip(invoice.items, totals.lines, strict=True)):
        if max(abs(found.net), abs(found.gross)) >= TOO_LARGE:
            errors[f"items-{at}-unit_price"] = "Quantity times unit price is larger than the books can hold."
        item.net, item.tax, item.gross = found.net, found.tax, found.gross
    if not errors and max(abs(totals.subtotal), abs(totals.tax), abs(totals.total)) >= TOO_LARGE:
        errors["items"] = "The lines add up to more than the books can hold. Split the invoice."
    if errors:
        raise Invalid(errors)
    if any(session().is_modified(item) for item in invoice.items):
        _touch(invoice)
    invoice.subtotal, invoice.tax, invoice.total = totals.subtotal, totals.tax, totals.total


def copied(items: Iterable[InvoiceItem]) -> list[dict[str, Any]]:
    """The lines as values for a new invoice."""
    return [{name: getattr(item, name) for name in CHECKS} for item in items]


def _touch(invoice: Invoice) -> None:
    """Lines alone do not change the invoice's row, so its version is moved by hand."""
    invoice.updated_at = func.now()


def _check_known(
    invoice: Invoice, rows: Sequence[Mapping[str, Any]], known: Mapping[int, InvoiceItem]
) -> None:
    """Refuse ids that are not lines of this invoice: somebody removed them since the form was opened."""
    seen: set[int] = set()
    for at, row in enumerate(rows):
        if not row.get("id"):
            continue
        try:
            key = checks.key(row["id"])
        except ValueError as fault:
            raise Invalid({f"items-{at}": str(fault)}) from fault
        if key is None or key not in known:
            raise Stale(invoice)
        if key in seen:
            raise Invalid({f"items-{at}": "The same line comes twice."})
        seen.add(key)


def _check_packages(invoice: Invoice) -> None:
    """A package is priced in one currency, so its lines can stand on invoices of that currency only."""
    wanted = {item.package_id for item in invoice.items if item.package_id is not None}
    if not wanted:
        return
    found = {row.id: row for row in session().scalars(select(Package).where(Package.id.in_(wanted)))}
    errors: dict[str, str] = {}
    for at, item in enumerate(invoice.items):
        if item.package_id is None:
            continue
        package = found.get(item.package_id)
        if package is None:
            errors[f"items-{at}-package_id"] = "This package no longer exists. Choose another."
        elif package.currency != invoice.currency:
            errors[f"items-{at}-package_id"] = (
                f"{package.name} is priced in {package.currency}, and this invoice is in {invoice.currency}. "
                f"Choose a package in {invoice.currency}, or clear the package and keep the line."
            )
    if errors:
        raise Invalid(errors)


def _of_one_line(fault: Invalid, at: int) -> Invalid:
    """The same faults with the names that a form of this one line has."""
    names = {name: name.removeprefix(f"items-{at}-").replace("items", "unit_price") for name in fault.errors}
    return Invalid({names[name]: said for name, said in fault.errors.items()})
