"""Packages: what is sold, for how much, and how often it is charged."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select

from dashboard.models import CustomerPackage, InvoiceItem, Package
from dashboard.models.package import FREQUENCIES, PACKAGE_TYPES
from dashboard.operations import checks
from dashboard.operations.base import Actor, check_version, fetch, once, operation, require, session
from dashboard.operations.bulk import BulkResult, each
from dashboard.operations.customers import counted
from dashboard.operations.errors import Invalid, Refused

LAST_MATCH = {"weekly": 7, "monthly": 31}
MOST_MINUTES = 1_000_000_000

_price = checks.number(places=6, minimum=Decimal(0))


def _amount(value: Any) -> Decimal:
    return _price(value) or Decimal(0)


def frequency_match(value: Any) -> list[int]:
    """Distinct whole numbers in order, given as a list or as "15, 31"."""
    parts = re.split(r"[,;\s]+", value.strip()) if isinstance(value, str) else list(value or ())
    found = set()
    for part in parts:
        if part == "":
            continue
        if isinstance(part, bool) or not re.fullmatch(r"\d{1,4}", str(part), re.ASCII):
            raise ValueError("Choose days from the list.")
        found.add(int(part))
    return sorted(found)


def destination_prefixes(value: Any) -> str | None:
    """Prefixes of dialled numbers, such as ^44|^91|^1: each once, in the order given."""
    written = re.sub(r"\s", "", str(value or ""))
    if not written:
        return None
    if not re.fullmatch(r"\^[0-9]{1,15}(\|\^[0-9]{1,15})*", written, re.ASCII):
        raise ValueError("Write the prefixes like ^44|^91|^1: each begins with ^, a | between two.")
    written = "|".join(dict.fromkeys(written.split("|")))
    if len(written) > 2000:
        raise ValueError("Use at most 2,000 characters.")
    return written


CHECKS: dict[str, checks.Check] = {
    "name": checks.text(120, required=True),
    "description": checks.long_text(1000),
    "currency": checks.currency,
    "cost": _amount,
    "retail": _amount,
    "setup_cost": _amount,
    "setup_retail": _amount,
    "tax_percent": checks.percent,
    "tax_name": checks.text(40),
    "frequency": checks.choice(FREQUENCIES),
    "frequency_match": frequency_match,
    "minimum_days": lambda value: checks.whole(0, 3650)(value) or 0,
    "minimum_spend": checks.flag,
    "type": checks.choice(PACKAGE_TYPES),
    "free_minutes": checks.whole(1, MOST_MINUTES),
    "destination_prefixes": destination_prefixes,
    "active": checks.flag,
}


@operation("package.write")
def create(actor: Actor, values: Mapping[str, Any], *, form_key: str | None = None) -> Package:
    file = once(actor, form_key)
    taken = checks.read(values, CHECKS, required=("name", "currency"))
    package = Package(**{"frequency": "monthly", "type": "standard", "frequency_match": [], **taken})
    _settle_type(package, taken)
    _check_together(package)
    session().add(package)
    session().flush()
    file(f"package:{package.id}")
    return package


@operation("package.write")
def update(actor: Actor, key: int, values: Mapping[str, Any], *, version: int | None = None) -> Package:
    """Change the fields given. A new frequency drops the days of the old one unless days come with it."""
    taken = checks.read(values, CHECKS)
    package = fetch(Package, key, lock=True)
    check_version(package, version)
    if taken.get("currency", package.currency) != package.currency:
        _check_currency_free(package)
    if taken.get("frequency", package.frequency) != package.frequency:
        taken.setdefault("frequency_match", [])
    for name, value in taken.items():
        setattr(package, name, value)
    _settle_type(package, taken)
    _check_together(package)
    session().flush()
    return package


@operation("package.delete")
def delete(actor: Actor, key: int) -> None:
    package = fetch(Package, key, lock=True)
    used = _use(key)
    if used:
        raise Refused(
            f"{package.name} is on {used}, so it can't be deleted. "
            "Untick Active instead: it is then no longer offered."
        )
    session().delete(package)


def update_many(actor: Actor, ids: Iterable[int], values: Mapping[str, Any]) -> BulkResult:
    """The same values for several packages. Wrong values raise Invalid before any row is touched."""
    require(actor, "package.write")
    checks.read(values, CHECKS)
    return each(actor, ids, lambda key: update(actor, key, values), label=label)


def delete_many(actor: Actor, ids: Iterable[int]) -> BulkResult:
    require(actor, "package.delete")
    return each(actor, ids, lambda key: delete(actor, key), label=label)


def label(key: int) -> str:
    return session().scalar(select(Package.name).where(Package.id == key)) or f"Package {key}"


def _use(key: int) -> str:
    lines = session().scalar(select(func.count()).where(InvoiceItem.package_id == key)) or 0
    held = session().scalar(select(func.count()).where(CustomerPackage.package_id == key)) or 0
    return counted(
        (lines, "invoice line", "invoice lines"),
        (held, "customer's list of packages", "customers' lists of packages"),
    )


def _check_currency_free(package: Package) -> None:
    used = _use(package.id)
    if used:
        raise Invalid(
            {"currency": f"{package.name} is on {used} in {package.currency}, so its currency is fixed."}
        )


def _settle_type(package: Package, taken: Mapping[str, Any]) -> None:
    """Choosing the type Standard empties what only Free Minutes have."""
    if package.type != "free_minutes" and "type" in taken:
        package.free_minutes = package.destination_prefixes = None


def _check_together(package: Package) -> None:
    """What one value alone does not show."""
    errors: dict[str, str] = {}
    last = LAST_MATCH.get(package.frequency)
    if package.frequency_match and last is None:
        errors["frequency_match"] = f"Days can't be chosen for {FREQUENCIES[package.frequency].lower()}."
    elif last is not None and any(not 1 <= day <= last for day in package.frequency_match):
        days = "week days, 1 (Monday) to 7" if last == 7 else "days of the month, 1 to 31"
        errors["frequency_match"] = f"Choose {days}."
    if package.type == "free_minutes" and not package.destination_prefixes:
        errors["destination_prefixes"] = "Free minutes need the prefixes they are for, such as ^44|^91|^1."
    if package.type == "standard":
        for name in ("free_minutes", "destination_prefixes"):
            if getattr(package, name):
                errors[name] = "Only a package of the type Free Minutes has this."
    if errors:
        raise Invalid(errors)
