"""Customers: who is billed, in which currency, by which terms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import delete as delete_rows
from sqlalchemy import func, select
from sqlalchemy import update as update_rows

from dashboard.models import (
    Customer,
    CustomerPackage,
    Invoice,
    Package,
    Payment,
    RateCard,
    Staff,
    UsageDay,
)
from dashboard.models.customer import (
    CUSTOMER_STATUSES,
    INVOICE_SCHEDULES,
    ISSUES,
    LINE_GROUPINGS,
)
from dashboard.operations import address, checks, contacts, invoice_templates, schedule_align
from dashboard.operations.base import Actor, check_version, once, operation, require, session
from dashboard.operations.bulk import BulkResult, each
from dashboard.operations.errors import Invalid, Missing, Refused
from dashboard.queries import settings
from dashboard.rules import money
from dashboard.rules.periods import period_of

CHECKS: dict[str, checks.Check] = {
    "name": checks.text(200, required=True),
    "status": checks.choice(CUSTOMER_STATUSES),
    "currency": checks.currency,
    "debit_limit": checks.number(places=4, minimum=Decimal(0)),
    "tax_percent": checks.percent,
    "tax_name": checks.text(40),
    "website": checks.website,
    "tags": checks.tags,
    "account_manager_id": checks.key,
    "invoice_schedule": checks.choice(INVOICE_SCHEDULES),
    "invoice_from": checks.day(),
    "invoice_hour": checks.hour,
    "invoice_delay_hours": checks.whole(0, 240),
    "invoice_issue": checks.perhaps(*ISSUES),
    "invoice_send": checks.perhaps(),
    "invoice_due_days": checks.whole(0, 365),
    "invoice_template": invoice_templates.chosen(required=False),
    "invoice_line_grouping": checks.choice(LINE_GROUPINGS, required=False),
    "time_zone": checks.time_zone,
    "external_accounting_id": checks.text(80),
    "create_invoice_on_payment": checks.flag,
    "rate_card_id": checks.key,
    "empty_invoices": checks.flag,
    "no_reminders": checks.flag,
    **address.CHECKS,
    "notes": checks.long_text(),
}


# What the customer's schedule follows.
SCHEDULE = {"name", "invoice_schedule", "invoice_hour", "invoice_delay_hours", "time_zone"}


@operation("customer.write")
def create(actor: Actor, values: Mapping[str, Any], *, form_key: str | None = None) -> Customer:
    """A customer and, under "contacts", the first of its contacts: all of them or nothing."""
    file = once(actor, form_key)
    own = {name: value for name, value in values.items() if name != "contacts"}
    customer = Customer(**checks.read(own, CHECKS, required=("name", "currency")))
    _check_together(customer, set(own))
    session().add(customer)
    session().flush()
    schedule_align.align([customer.id])
    _add_contacts(actor, customer, values.get("contacts") or ())
    file(f"customer:{customer.id}")
    return customer


@operation("customer.write")
def update(actor: Actor, key: int, values: Mapping[str, Any], *, version: int | None = None) -> Customer:
    """Change the fields given. A new name also goes on the customer's drafts."""
    present = session().scalar(select(Customer.currency).where(Customer.id == key))
    customer = _locked(key, whole=values.get("currency", present) != present)
    check_version(customer, version)
    taken = checks.read(values, CHECKS)
    changed = {name for name, value in taken.items() if getattr(customer, name) != value}
    if "currency" in changed:
        _check_currency_free(customer, taken["currency"])
    had_none = customer.invoice_schedule == "none"
    for name in changed:
        setattr(customer, name, taken[name])
    if had_none and "invoice_schedule" in changed:
        _begin_schedule(customer)
    _check_together(customer, changed)
    session().flush()
    if "name" in changed:
        session().execute(
            update_rows(Invoice)
            .where(Invoice.customer_id == key, Invoice.state == "draft")
            .values(customer_name=customer.name)
        )
    if changed & SCHEDULE:
        schedule_align.align([key])
    if "time_zone" in changed:
        from dashboard.operations.usage_rerate import rebuild_open

        rebuild_open(actor, [key])
    return customer


def _begin_schedule(customer: Customer) -> None:
    """A schedule that is set later begins with the present period where there are invoices already: what
    they billed must not be billed again. Staff may set another day."""
    billed = select(Invoice.id).where(Invoice.customer_id == customer.id, Invoice.state != "void").limit(1)
    if customer.invoice_from is None and session().scalar(billed) is not None:
        customer.invoice_from = period_of(customer.invoice_schedule, settings.today()).start


@operation("customer.delete")
def delete(actor: Actor, key: int) -> None:
    """Remove a customer with its contacts and packages; refused where the books mention it."""
    customer = _locked(key, whole=True)
    held = _in_the_books(key)
    if held:
        raise Refused(
            f"{customer.name} has {held}, so it can't be deleted. Set its status to Inactive instead."
        )
    session().execute(delete_rows(Customer).where(Customer.id == key))


def update_many(actor: Actor, ids: Iterable[int], values: Mapping[str, Any]) -> BulkResult:
    """The same values for several customers. Wrong values raise Invalid before any row is touched."""
    require(actor, "customer.write")
    checks.read(values, CHECKS)
    return each(actor, ids, lambda key: update(actor, key, values), label=label)


def delete_many(actor: Actor, ids: Iterable[int]) -> BulkResult:
    require(actor, "customer.delete")
    return each(actor, ids, lambda key: delete(actor, key), label=label)


def label(key: int) -> str:
    return session().scalar(select(Customer.name).where(Customer.id == key)) or f"Customer {key}"


def _add_contacts(actor: Actor, customer: Customer, rows: Iterable[Mapping[str, Any]]) -> None:
    """Faults are named by their row, `contacts-0-email`, and raised together."""
    faults: dict[str, list[str]] = {}
    for at, row in enumerate(rows):
        try:
            contacts.create(actor, {**row, "customer_id": customer.id})
        except Invalid as fault:
            faults.update({f"contacts-{at}-{name}": said for name, said in fault.errors.items()})
    if faults:
        raise Invalid(faults)


def _locked(key: int, *, whole: bool) -> Customer:
    """The customer, locked; `whole` also holds back a new invoice or payment of it until this is done."""
    found = session().get(Customer, key, with_for_update={"key_share": not whole}, populate_existing=True)
    if found is None:
        raise Missing("customer")
    return found


def _in_the_books(key: int) -> str:
    """ "3 invoices and 1 payment", or nothing. Days of usage are told only where there is neither."""
    books = counted(
        (_count(Invoice.customer_id == key), "invoice", "invoices"),
        (_count(Payment.customer_id == key), "payment", "payments"),
    )
    return books or counted((_count(UsageDay.customer_id == key), "day of usage", "days of usage"))


def _count(condition: Any) -> int:
    return session().scalar(select(func.count()).where(condition)) or 0


def counted(*counts: tuple[int, str, str]) -> str:
    """(3, "invoice", "invoices"), (1, "payment", "payments") in words; zeros are left out."""
    return " and ".join(
        f"{number:,} {one if number == 1 else many}" for number, one, many in counts if number
    )


def _check_currency_free(customer: Customer, wanted: str) -> None:
    held = _in_the_books(customer.id)
    if held:
        raise Invalid(
            {
                "currency": f"{customer.name} has {held} in {customer.currency}, so its currency is fixed. "
                f"Add another customer for {wanted}."
            }
        )
    packages = session().scalar(
        select(func.count())
        .select_from(CustomerPackage)
        .join(Package)
        .where(CustomerPackage.customer_id == customer.id, Package.currency != wanted)
    )
    if packages:
        held = counted((packages, "package", "packages"))
        raise Invalid({"currency": f"{customer.name} has {held} in {customer.currency}. Remove them first."})
    own = session().scalar(select(RateCard.name).where(RateCard.customer_id == customer.id))
    if own:
        raise Invalid(
            {
                "currency": f"{customer.name} has rates of its own, {own}, in {customer.currency}. "
                "Delete them first."
            }
        )


def limit_fault(limit: Decimal | None, currency: str) -> str | None:
    """Why this can't be the debit limit in this currency, in words."""
    if not limit or not currency or money.round_money(limit, currency) == limit:
        return None
    return f"{money.plain(limit)} has more decimals than {currency} has."


def card_fault(key: int | None, currency: str) -> str | None:
    """Why a customer of this currency can't be charged by this rate card, in words."""
    with session().no_autoflush:
        card = session().get(RateCard, key or 0)
    if card is None or card.kind != "sell":
        return "Choose a rate card that is for customers."
    if card.currency != currency:
        return f"{card.name} is in {card.currency}, and the customer is billed in {currency}."
    return None


def _check_together(customer: Customer, changed: set[str]) -> None:
    """What one value alone does not show."""
    errors: dict[str, str] = {}
    if limit := limit_fault(customer.debit_limit, customer.currency):
        errors["debit_limit"] = limit
    card_changed = customer.rate_card_id is not None and {"rate_card_id", "currency"} & changed
    if card_changed and (fault := card_fault(customer.rate_card_id, customer.currency)):
        errors["rate_card_id"] = fault
    if "account_manager_id" in changed and customer.account_manager_id is not None:
        manager = session().get(Staff, customer.account_manager_id)
        if manager is None or not manager.active:
            errors["account_manager_id"] = "Choose somebody who still works here."
    external = customer.external_accounting_id
    if "external_accounting_id" in changed and external:
        holder = session().scalar(
            select(Customer.name)
            .where(Customer.external_accounting_id == external, Customer.id.is_distinct_from(customer.id))
            .limit(1)
        )
        if holder is not None:
            errors["external_accounting_id"] = f"{holder} already has this ID."
    if errors:
        raise Invalid(errors)
