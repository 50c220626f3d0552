"""Packages assigned to customers: how many, from when, until when (inclusive)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import exists, select

from dashboard.models import Customer, CustomerPackage, Package, PackageCharge
from dashboard.operations import checks
from dashboard.operations.base import Actor, check_version, fetch, once, operation, require, session
from dashboard.operations.bulk import BulkResult, each
from dashboard.operations.errors import Invalid, Refused
from dashboard.operations.packages import MOST_MINUTES
from dashboard.queries import settings

CHECKS: dict[str, checks.Check] = {
    "customer_id": checks.key,
    "package_id": checks.key,
    "quantity": checks.number(places=6, minimum=Decimal(0), maximum=Decimal(10**9), required=True),
    "start_date": checks.day(required=True),
    "end_date": checks.day(),
    "auto_decrement_credit": checks.flag,
    "free_minutes": checks.whole(1, MOST_MINUTES),
}


@operation("customer.write")
def create(actor: Actor, values: Mapping[str, Any], *, form_key: str | None = None) -> CustomerPackage:
    """Give a customer a package. Free minutes left empty are the package's own."""
    file = once(actor, form_key)
    taken = checks.read(values, CHECKS, required=("customer_id", "package_id", "quantity", "start_date"))
    package = _check_pair(taken["customer_id"], taken["package_id"])
    assignment = CustomerPackage(**taken)
    if package.type == "free_minutes" and assignment.free_minutes is None:
        assignment.free_minutes = package.free_minutes
    _check_together(assignment, package, set(taken))
    session().add(assignment)
    session().flush()
    file(f"assignment:{assignment.id}")
    return assignment


@operation("customer.write")
def update(
    actor: Actor, key: int, values: Mapping[str, Any], *, version: int | None = None
) -> CustomerPackage:
    """Change the fields given. Customer and package stay: another package is another assignment."""
    taken = checks.read(values, CHECKS)
    assignment = fetch(CustomerPackage, key, "assigned package", lock=True)
    check_version(assignment, version)
    for name, said in (("customer_id", "customer"), ("package_id", "package")):
        if name in taken and taken[name] != getattr(assignment, name):
            raise Invalid({name: f"The {said} can't be changed. Assign a package anew instead."})
    package = fetch(Package, assignment.package_id)
    changed = {name for name, value in taken.items() if getattr(assignment, name) != value}
    if "start_date" in changed and was_charged(key):
        raise Invalid({"start_date": f"It was charged from {assignment.start_date} on, so that day stays."})
    for name in changed:
        setattr(assignment, name, taken[name])
    _check_together(assignment, package, changed)
    session().flush()
    return assignment


@operation("customer.write")
def delete(actor: Actor, key: int) -> None:
    """Remove a package from a customer; refused while its Minimum Days run."""
    assignment = fetch(CustomerPackage, key, "assigned package", lock=True)
    package = fetch(Package, assignment.package_id)
    today = settings.today()
    last = earliest_end(assignment.start_date, package)
    # What starts in the future has not been given yet, so taking it back breaks no minimum.
    if package.minimum_days and assignment.start_date <= today <= last:
        raise Refused(
            f"{package.name} has a minimum of {package.minimum_days} days: it can be removed from "
            f"{last + dt.timedelta(days=1)} on. Until then set its End Date to {last} or later."
        )
    if was_charged(key):
        raise Refused(
            f"{package.name} was charged to this customer, so it can't be removed. Set its End Date instead: "
            "nothing is charged after that day."
        )
    session().delete(assignment)


def delete_many(actor: Actor, ids: Iterable[int]) -> BulkResult:
    require(actor, "customer.write")
    return each(actor, ids, lambda key: delete(actor, key), label=label)


def label(key: int) -> str:
    found = session().get(CustomerPackage, key)
    return str(found) if found else f"Package {key}"


def was_charged(key: int) -> bool:
    """Whether it is on an invoice, or was charged to the account."""
    found = exists().where(PackageCharge.customer_package_id == key)
    return bool(session().scalar(select(found)))


def earliest_end(start: dt.date, package: Package) -> dt.date:
    """The first day that may be the last: with 30 minimum days from the 1st it is the 30th."""
    return start + dt.timedelta(days=max(0, package.minimum_days - 1))


def _check_pair(customer_id: int | None, package_id: int | None) -> Package:
    customer = session().get(Customer, customer_id, with_for_update={"read": True}) if customer_id else None
    # Locked for sharing, so that neither currency changes before this is committed.
    package = session().get(Package, package_id, with_for_update={"read": True}) if package_id else None
    if customer is None:
        raise Invalid({"customer_id": "Choose a customer."})
    if package is None:
        raise Invalid({"package_id": "Choose a package."})
    if package.currency != customer.currency:
        raise Invalid(
            {
                "package_id": f"{package.name} is in {package.currency}, and {customer.name} is billed in "
                f"{customer.currency}. Choose a package in {customer.currency}."
            }
        )
    if not package.active:
        raise Invalid({"package_id": f"{package.name} is no longer offered. Choose another package."})
    return package


def _check_together(assignment: CustomerPackage, package: Package, changed: set[str]) -> None:
    errors: dict[str, str] = {}
    if assignment.quantity <= 0:
        errors["quantity"] = "The quantity must be more than zero."
    end, first = assignment.end_date, earliest_end(assignment.start_date, package)
    if end is not None and end < assignment.start_date:
        errors["end_date"] = "The End Date can't be before the Start Date."
    elif end is not None and end < first and changed & {"start_date", "end_date"}:
        errors["end_date"] = (
            f"{package.name} has a minimum of {package.minimum_days} days. "
            f"The End Date can't be before {first}."
        )
    if package.type == "free_minutes" and assignment.free_minutes is None:
        errors["free_minutes"] = "Enter how many minutes are free."
    elif package.type != "free_minutes" and assignment.free_minutes and "free_minutes" in changed:
        errors["free_minutes"] = f"{package.name} is not a package of Free Minutes."
    if package.minimum_spend and assignment.auto_decrement_credit and "auto_decrement_credit" in changed:
        errors["auto_decrement_credit"] = (
            f"{package.name} is a Minimum Spend: what is charged follows from the calls of its period, "
            "so it is put on the invoice."
        )
    if errors:
        raise Invalid(errors)
