"""Invoices: drafts and their lines, and what may still change once they are issued.

States are in `invoice_states`; its operations can be called from here, as staff think of them as one thing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dashboard.models import Customer, Invoice
from dashboard.operations import checks, invoice_lines, invoice_states
from dashboard.operations.base import Actor, once, operation, require, session
from dashboard.operations.bulk import BulkResult, each
from dashboard.operations.errors import Invalid, Refused
from dashboard.operations.invoice_states import (
    issue,
    issue_many,
    label,
    locked,
    reopen,
    void,
    void_many,
)
from dashboard.queries import settings
from dashboard.queries.invoices import why_fixed
from dashboard.rules.periods import due_date

__all__ = [
    "create",
    "delete",
    "delete_many",
    "duplicate",
    "issue",
    "issue_many",
    "label",
    "reopen",
    "save",
    "update",
    "void",
    "void_many",
]

CHECKS: dict[str, checks.Check] = {
    "customer_id": checks.key,
    "issue_date": checks.day(required=True),
    "due_date": checks.day(),
    "reference": checks.text(80),
    "notes": checks.long_text(),
}
FREE_WHEN_ISSUED = ("due_date", "reference", "notes")


@operation("invoice.draft")
def create(actor: Actor, values: Mapping[str, Any], *, form_key: str | None = None) -> Invoice:
    """A draft. `items` are its lines in order; the issue date is today and the due date the customer's terms
    unless given. Tax is worked out the way the settings say now."""
    file = once(actor, form_key)
    invoice = new_draft(actor, values)
    file(f"invoice:{invoice.id}")
    return invoice


@operation("invoice.draft")
def update(actor: Actor, key: int, values: Mapping[str, Any], *, version: int | None = None) -> Invoice:
    """Change the fields given; without "items" the lines stay. Once issued, only the due date, the reference
    and the notes can change; saying the same again is no change."""
    header, rows = _parted(values)
    taken, errors = _read(header)
    # Customers are locked before invoices, here and wherever a customer changes.
    customer = _customer(taken, errors)
    invoice = locked(key, version)
    with session().no_autoflush:
        if invoice.state == "draft":
            _change_draft(invoice, customer, rows, errors)
        else:
            _raise(errors)
            _keep_fixed(invoice, taken, rows)
        _set_header(invoice, taken)
    session().flush()
    return invoice


@operation("invoice.draft")
def save(
    actor: Actor,
    key: int | None,
    values: Mapping[str, Any],
    *,
    issue: bool = False,
    version: int | None = None,
    form_key: str | None = None,
) -> Invoice:
    """Create (without a key) or update, and issue in the same transaction where asked: both or neither."""
    if key is None:
        invoice = create(actor, values, form_key=form_key)
    else:
        invoice = update(actor, key, values, version=version)
    if issue:
        invoice_states.issue(actor, invoice.id)
    return invoice


@operation("invoice.draft")
def delete(actor: Actor, key: int) -> None:
    """Remove a draft. One that had a number is voided instead, so that the series shows no gap."""
    invoice = locked(key, None)
    if invoice.number is not None:
        raise Refused(f"{invoice} has a number, so it can't be deleted. Void it instead.")
    session().delete(invoice)
    session().flush()


@operation("invoice.draft")
def duplicate(actor: Actor, key: int, *, form_key: str | None = None) -> Invoice:
    """A new draft of today with the same customer, lines and notes. The reference is the old one's own."""
    file = once(actor, form_key)
    source = locked(key, None)
    values = {
        "customer_id": source.customer_id,
        "notes": source.notes,
        "items": invoice_lines.copied(source.items),
    }
    invoice = new_draft(actor, values, tax_mode=source.tax_mode, tax_inclusive=source.tax_inclusive)
    file(f"invoice:{invoice.id}")
    return invoice


def delete_many(actor: Actor, ids: Iterable[int]) -> BulkResult:
    require(actor, "invoice.draft")
    return each(actor, ids, lambda key: delete(actor, key), label=label)


def new_draft(actor: Actor, values: Mapping[str, Any], **own: Any) -> Invoice:
    """A draft inside the transaction under way. `own` are columns that no form has, such as its origin."""
    setting = settings.current()
    header, rows = _parted(values)
    taken, errors = _read(header, required=("customer_id",))
    taken.setdefault("issue_date", settings.today())
    customer = _customer(taken, errors)
    invoice = Invoice(
        state="draft", created_by=actor.id, tax_mode=setting.tax_mode, tax_inclusive=setting.tax_inclusive
    )
    for name, value in own.items():
        setattr(invoice, name, value)
    with session().no_autoflush:
        _change_draft(invoice, customer, rows, errors)
        _set_header(invoice, taken)
    session().add(invoice)
    session().flush()
    return invoice


def shared_customer(key: int | None) -> Customer:
    """The customer of a new document, locked for sharing: its currency and name stand until the commit."""
    if key is None:
        raise Invalid({"customer_id": "Choose a customer."})
    found = session().get(Customer, key, with_for_update={"read": True}, populate_existing=True)
    if found is None:
        raise Invalid({"customer_id": "This customer no longer exists. Choose another."})
    return found


def _parted(values: Mapping[str, Any]) -> tuple[dict[str, Any], Sequence[Mapping[str, Any]] | None]:
    header = {name: value for name, value in values.items() if name != "items"}
    return header, values.get("items")


def _read(
    header: Mapping[str, Any], required: Sequence[str] = ()
) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """What could be read, and the faults of the rest; they are raised with those of the lines."""
    taken: dict[str, Any] = {}
    errors: dict[str, list[str]] = {}
    for name in [*header, *(name for name in required if name not in header)]:
        try:
            taken.update(checks.read({name: header.get(name)}, CHECKS))
        except Invalid as fault:
            errors.update(fault.errors)
    return taken, errors


def _customer(taken: Mapping[str, Any], errors: dict[str, list[str]]) -> Customer | None:
    if "customer_id" not in taken:
        return None
    try:
        return shared_customer(taken["customer_id"])
    except Invalid as fault:
        errors.update(fault.errors)
        return None


def _raise(errors: Mapping[str, list[str]]) -> None:
    if errors:
        raise Invalid(errors)


def _change_draft(
    invoice: Invoice,
    customer: Customer | None,
    rows: Sequence[Mapping[str, Any]] | None,
    errors: dict[str, list[str]],
) -> None:
    """Customer and lines of a draft, then its totals; header and line faults are raised together."""
    if customer is not None:
        _take_customer(invoice, customer)
    if rows is not None:
        try:
            invoice_lines.change_lines(invoice, rows)
        except Invalid as fault:
            errors.update(fault.errors)
    _raise(errors)
    invoice_lines.settle(invoice)


def _take_customer(invoice: Invoice, customer: Customer) -> None:
    if invoice.number is not None and customer.id != invoice.customer_id:
        raise Invalid(
            {
                "customer_id": f"{invoice} was issued to {invoice.customer_name}, so its customer stays. "
                "Void it, and make a new invoice."
            }
        )
    if invoice.customer_id not in (None, customer.id) and invoice.origin in ("generated", "package"):
        raise Invalid(
            {
                "customer_id": f"This invoice was made of what {invoice.customer_name} used and has, so its "
                "customer stays. Delete the draft, and make one for the other customer."
            }
        )
    invoice.customer = customer
    invoice.customer_name = customer.name
    invoice.currency = customer.currency


def _keep_fixed(invoice: Invoice, taken: Mapping[str, Any], rows: Sequence[Mapping[str, Any]] | None) -> None:
    """Refuse what would change on an invoice that is no longer a draft, saying why and what to do."""
    changed = [
        name for name in taken if name not in FREE_WHEN_ISSUED and taken[name] != getattr(invoice, name)
    ]
    if invoice.state == "void":
        changed = [name for name in taken if taken[name] != getattr(invoice, name)]
    if changed or (rows is not None and not invoice_lines.same_lines(invoice, rows)):
        raise Refused(why_fixed(invoice))


def _set_header(invoice: Invoice, taken: Mapping[str, Any]) -> None:
    for name in ("issue_date", "reference", "notes"):
        if name in taken:
            setattr(invoice, name, taken[name])
    if taken.get("due_date") is not None:
        invoice.due_date = taken["due_date"]
    elif "due_date" in taken or invoice.due_date is None:
        invoice.due_date = terms(invoice.customer, invoice.issue_date)
    if invoice.due_date < invoice.issue_date:
        field = "due_date" if "due_date" in taken else "issue_date"
        raise Invalid({field: f"The due date can't be before the invoice date, {invoice.issue_date}."})


def terms(customer: Customer, issued: dt.date) -> dt.date:
    """When an invoice of that day is due: the customer's due days, else the account's."""
    days = customer.invoice_due_days
    return due_date(issued, settings.current().invoice_due_days if days is None else days)
