"""What moves an invoice from draft to issued, back, and to void."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from sqlalchemy import select

from dashboard.documents.snapshot import build_snapshot
from dashboard.models import Invoice
from dashboard.operations import checks, numbering
from dashboard.operations.base import Actor, check_version, fetch, operation, require, session
from dashboard.operations.bulk import BulkResult, each
from dashboard.operations.errors import Invalid, Refused
from dashboard.operations.freeing import release
from dashboard.queries import settings
from dashboard.rules.money import format_money

_reason = checks.text(200, required=True)


@operation("invoice.issue")
def issue(actor: Actor, key: int, *, version: int | None = None) -> Invoice:
    """Number the draft and freeze buyer, seller and payment details. A reopened one keeps its number."""
    return issue_draft(locked(key, version))


@operation("invoice.reopen")
def reopen(actor: Actor, key: int, *, version: int | None = None) -> Invoice:
    """Make an issued invoice with nothing allocated a draft again, which keeps its number."""
    invoice = locked(key, version)
    if invoice.state != "issued":
        raise Refused(f"{invoice} is {said(invoice)}. Only an issued invoice can be reopened.")
    refuse_allocated(invoice, "reopen it")
    invoice.state = "draft"
    invoice.issued_at = None
    invoice.snapshot = None
    invoice.customer_name = invoice.customer.name
    session().flush()
    return invoice


@operation("invoice.void")
def void(actor: Actor, key: int, reason: str, *, version: int | None = None) -> Invoice:
    """Take an invoice out of the books for good. It keeps its number, so that the series shows no gap."""
    invoice = locked(key, version)
    why = read_reason(reason)
    if invoice.state == "void":
        raise Refused(f"{invoice} is void already.")
    if invoice.number is None:
        raise Refused(f"{invoice} was never issued. Delete it instead of voiding it.")
    refuse_allocated(invoice, "void it")
    if invoice.snapshot is None:
        invoice.snapshot = build_snapshot(invoice, settings.current())
    invoice.state = "void"
    invoice.voided_at = dt.datetime.now(dt.UTC)
    invoice.void_reason = why
    session().flush()
    release([invoice.id])
    return invoice


def issue_many(actor: Actor, ids: Iterable[int]) -> BulkResult:
    """Issue each of them, numbered in the order given."""
    require(actor, "invoice.issue")
    return each(actor, ids, lambda key: issue(actor, key), label=label)


def void_many(actor: Actor, ids: Iterable[int], reason: str) -> BulkResult:
    """Void each of them for the same reason. No reason raises Invalid before any row is touched."""
    require(actor, "invoice.void")
    why = read_reason(reason)
    return each(actor, ids, lambda key: void(actor, key, why), label=label)


def issue_draft(invoice: Invoice) -> Invoice:
    """Issue a locked draft, whoever acts. The number comes last: its counter stays locked from there on."""
    _check_ready(invoice)
    setting = settings.current()
    for item in invoice.items:
        # A line that shows its package's name keeps it, whatever the package is called later.
        if item.package is not None and not item.description:
            item.description = item.package.name
    snapshot = build_snapshot(invoice, setting)
    name = invoice.customer.name
    revision = invoice.revision + 1 if invoice.number else invoice.revision
    number = invoice.number or numbering.take(setting, invoice.issue_date)
    invoice.number, invoice.revision = number, revision
    invoice.customer_name, invoice.snapshot = name, snapshot
    invoice.issued_at = dt.datetime.now(dt.UTC)
    invoice.state = "issued"
    session().flush()
    return invoice


def locked(key: int, version: int | None) -> Invoice:
    """The invoice, locked for this transaction, at the version that the reader saw."""
    invoice = fetch(Invoice, key, "invoice", lock=True)
    check_version(invoice, version)
    return invoice


def label(key: int) -> str:
    number = session().scalar(select(Invoice.number).where(Invoice.id == key))
    return number or f"Draft {key}"


def said(invoice: Invoice) -> str:
    """Its state in a sentence."""
    return {"draft": "a draft", "issued": "issued", "void": "void"}[invoice.state]


def refuse_allocated(invoice: Invoice, wanted: str) -> None:
    if invoice.paid:
        paid = format_money(invoice.paid, invoice.currency, code=True)
        raise Refused(
            f"{invoice} has {paid} of payments allocated to it. "
            f"Remove the allocations under View Payments first, then {wanted}."
        )


def read_reason(reason: str) -> str:
    try:
        return str(_reason(reason))
    except ValueError as fault:
        raise Invalid({"reason": str(fault)}) from fault


def _check_ready(invoice: Invoice) -> None:
    if invoice.state != "draft":
        raise Refused(f"{invoice} is {said(invoice)}, so it can't be issued again.")
    if not invoice.items:
        raise Refused("The invoice has no lines. Add at least one, then issue it.")
    if invoice.total < 0:
        total = format_money(invoice.total, invoice.currency, code=True)
        raise Refused(
            f"The invoice comes to {total}, and it can't be below zero: what gives money back is a credit "
            "note. Change the lines, or give the money back as a refund of the payment."
        )
    if invoice.customer.status == "pending_approval":
        raise Refused(
            f"{invoice.customer.name} is waiting for approval. "
            "Set the customer's status to Active first, then issue the invoice."
        )
