"""The names behind the keys in the audit log, read with one query a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlalchemy import SQLColumnExpression, func, select
from sqlalchemy import cast as sql_cast
from sqlalchemy.types import Text

from dashboard.extensions import db
from dashboard.models import (
    Contact,
    Customer,
    CustomerPackage,
    Invoice,
    InvoiceItem,
    InvoiceTemplate,
    Package,
    Payment,
    Provider,
    RateCard,
    RateRevision,
    Staff,
)
from dashboard.queries import audit_words

if TYPE_CHECKING:
    from dashboard.queries.audit import Row

# Columns that hold the key of another record, and its table.
REFERENCES = {
    "customer_id": "customer",
    "package_id": "package",
    "provider_id": "provider",
    "rate_card_id": "rate_card",
    "account_manager_id": "staff",
    "payment_id": "payment",
    "invoice_id": "invoice",
    "created_invoice_id": "invoice",
}


@dataclass(frozen=True)
class _Source:
    """How a table's records are called, and the column that tells their currency."""

    model: Any
    name: SQLColumnExpression[Any]
    currency: SQLColumnExpression[Any] | None = None


def _sources() -> dict[str, _Source]:
    package_name = (
        select(Package.name).where(Package.id == CustomerPackage.package_id).correlate(CustomerPackage)
    )
    line = func.coalesce(
        func.nullif(InvoiceItem.description, ""), func.concat("Line ", sql_cast(InvoiceItem.position, Text))
    )
    return {
        "customer": _Source(Customer, Customer.name, Customer.currency),
        "contact": _Source(Contact, Contact.name),
        "customer_package": _Source(CustomerPackage, package_name.scalar_subquery()),
        "package": _Source(Package, Package.name, Package.currency),
        "invoice": _Source(
            Invoice,
            func.coalesce(Invoice.number, func.concat("Draft ", sql_cast(Invoice.id, Text))),
            Invoice.currency,
        ),
        "invoice_item": _Source(InvoiceItem, line),
        "payment": _Source(Payment, func.concat("Payment ", sql_cast(Payment.id, Text)), Payment.currency),
        "invoice_template": _Source(InvoiceTemplate, InvoiceTemplate.name),
        "provider": _Source(Provider, Provider.name, Provider.currency),
        "rate_card": _Source(RateCard, RateCard.name, RateCard.currency),
        "rate_revision": _Source(RateRevision, RateRevision.source),
        "staff": _Source(Staff, Staff.name),
    }


# For records that are gone: the column of their last entry that named them.
_NAMED_BY: dict[str, Callable[[dict[str, Any]], Any]] = {
    "customer": lambda kept: kept.get("name"),
    "contact": lambda kept: kept.get("name"),
    "package": lambda kept: kept.get("name"),
    "invoice_template": lambda kept: kept.get("name"),
    "provider": lambda kept: kept.get("name"),
    "rate_card": lambda kept: kept.get("name"),
    "staff": lambda kept: kept.get("name"),
    "invoice": lambda kept: kept.get("number"),
    "invoice_item": lambda kept: kept.get("description"),
}


@dataclass
class Names:
    """What the rows of a page mention, and how its values are written."""

    zone: ZoneInfo
    names: dict[tuple[str, str], str] = field(default_factory=dict)
    currencies: dict[tuple[str, str], str] = field(default_factory=dict)

    def subject(self, table: str, key: str) -> str:
        """ "Customer Example Telecom Ltd", "Payment 12", "Settings"."""
        if table == "setting":
            return "Settings"
        kind = audit_words.noun(table).capitalize()
        name = self.names.get((table, key))
        if name is None:
            return f"{kind} {key}"
        return name if name.startswith(kind) else f"{kind} {name}"

    def part(self, table: str, key: str) -> str:
        """ "contact “Ann”", "line 2", "allocation": what belongs to a record, inside a sentence."""
        noun = audit_words.noun(table)
        name = self.names.get((table, key), "")
        if name.lower().startswith(noun):
            return name[0].lower() + name[1:60]
        return f"{noun} “{name[:60]}”" if name else noun

    def reference(self, column: str, stored: Any) -> str | None:
        """The name behind a key; None where the column holds no key."""
        table = REFERENCES.get(column)
        if table is None or stored is None:
            return None
        return self.names.get((table, str(stored)), f"{audit_words.noun(table).capitalize()} {stored}")

    def value(self, row: Row, column: str, stored: Any) -> str:
        """A value of the row in words."""
        named = self.reference(column, stored)
        if named is not None:
            return named
        return audit_words.value(row.table, column, stored, currency=self.currency(row), zone=self.zone)

    def currency(self, row: Row) -> str | None:
        """The currency of the row's amounts: its own, or that of the record it belongs to."""
        for one in reversed(row.changes.get("currency") or []):
            if one:
                return str(one)
        return self.currencies.get((row.table, row.row_id)) or self.currencies.get(
            (row.subject_table, row.subject_id)
        )


def load(rows: Iterable[Row], zone: ZoneInfo) -> Names:
    """Every name that the rows mention. The rows come latest first."""
    found = Names(zone)
    wanted: dict[str, set[str]] = {}
    for row in rows:
        _remember(found, row)
        wanted.setdefault(row.table, set()).add(row.row_id)
        wanted.setdefault(row.subject_table, set()).add(row.subject_id)
        for column, pair in row.changes.items():
            if column in REFERENCES:
                wanted.setdefault(REFERENCES[column], set()).update(str(one) for one in pair if one)
    for table, source in _sources().items():
        _read(found, table, source, wanted.get(table, set()))
    return found


def _remember(found: Names, row: Row) -> None:
    """What a record was called when this happened; its name of today, where it has one, goes before."""
    named_by = _NAMED_BY.get(row.table)
    kept = {column: pair[1] if pair[1] is not None else pair[0] for column, pair in row.changes.items()}
    name = named_by(kept) if named_by is not None else None
    if name:
        found.names.setdefault((row.table, row.row_id), str(name))
    if kept.get("currency"):
        found.currencies.setdefault((row.table, row.row_id), str(kept["currency"]))


def _read(found: Names, table: str, source: _Source, keys: set[str]) -> None:
    numbers = [int(key) for key in keys if key.isascii() and key.isdigit()]
    if not numbers:
        return
    currency = source.currency if source.currency is not None else sql_cast(None, Text)
    statement = select(source.model.id, source.name, currency).where(source.model.id.in_(numbers))
    for key, name, code in db.session.execute(statement):
        found.names[table, str(key)] = str(name)
        if code:
            found.currencies[table, str(key)] = str(code)
