"""The invoice templates there are: stock ones and the account's own; their versions and who uses them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from dashboard.extensions import db
from dashboard.models import Customer, Invoice, InvoiceTemplate, InvoiceTemplateVersion, Setting
from dashboard.models.customer import INVOICE_TEMPLATES
from dashboard.queries import settings

_NAMES = "invoice_template_names"


class TemplateNames(Mapping[str, str]):
    """Name by key, stock ones first: the choices of forms, lists and the audit log. Read once a session."""

    def _all(self) -> dict[str, str]:
        known: dict[str, str] | None = db.session().info.get(_NAMES)
        if known is None:
            query = select(InvoiceTemplate.key, InvoiceTemplate.name).order_by(InvoiceTemplate.name)
            with db.session.no_autoflush:
                known = INVOICE_TEMPLATES | {row.key: row.name for row in db.session.execute(query)}
            db.session().info[_NAMES] = known
        return known

    def __getitem__(self, key: str) -> str:
        return INVOICE_TEMPLATES[key] if key in INVOICE_TEMPLATES else self._all()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def forget(self) -> None:
        """After one was added, renamed or deleted."""
        db.session().info.pop(_NAMES, None)


TEMPLATE_NAMES = TemplateNames()


@dataclass(frozen=True)
class Listed:
    """A row of Setup > Templates; a stock one has no record."""

    key: str
    name: str
    based_on: str
    customers: int
    is_default: bool
    record: InvoiceTemplate | None = None
    versions: int = 0
    changed_by: str = ""

    @property
    def fault(self) -> str | None:
        return self.record.fault if self.record is not None else None


def listed() -> list[Listed]:
    default = settings.current().invoice_template
    used = _used()
    newest = _newest()
    found = [
        Listed(key, name, "", used.get(key, 0), key == default) for key, name in INVOICE_TEMPLATES.items()
    ]
    for record in db.session.scalars(select(InvoiceTemplate).order_by(func.lower(InvoiceTemplate.name))):
        number, who = newest.get(record.id, (0, ""))
        stock = INVOICE_TEMPLATES.get(record.based_on, record.based_on)
        chosen = used.get(record.key, 0)
        found.append(
            Listed(record.key, record.name, stock, chosen, record.key == default, record, number, who)
        )
    return found


def _used() -> dict[str, int]:
    query = select(Customer.invoice_template, func.count()).group_by(Customer.invoice_template)
    return {key: count for key, count in db.session.execute(query) if key}


def _newest() -> dict[int, tuple[int, str]]:
    kind = InvoiceTemplateVersion
    last = (
        select(kind.template_id, func.max(kind.number).label("number")).group_by(kind.template_id).subquery()
    )
    query = select(kind.template_id, kind.number, kind.created_by_name).join(
        last, (last.c.template_id == kind.template_id) & (last.c.number == kind.number)
    )
    return {template: (number, who) for template, number, who in db.session.execute(query)}


def versions(template_id: int, limit: int = 100) -> list[InvoiceTemplateVersion]:
    """Newest first."""
    kind = InvoiceTemplateVersion
    query = select(kind).where(kind.template_id == template_id).order_by(kind.number.desc()).limit(limit)
    return list(db.session.scalars(query))


def version(template_id: int, number: int) -> InvoiceTemplateVersion | None:
    kind = InvoiceTemplateVersion
    return db.session.scalar(select(kind).where(kind.template_id == template_id, kind.number == number))


def users(key: str, most: int = 3) -> tuple[list[str], int, bool]:
    """The first customers that use a template, how many do, and whether the account does."""
    chosen = Customer.invoice_template == key
    count = db.session.scalar(select(func.count()).select_from(Customer).where(chosen)) or 0
    names = db.session.scalars(select(Customer.name).where(chosen).order_by(Customer.name).limit(most)).all()
    default = db.session.scalar(select(Setting.invoice_template))
    return list(names), count, default == key


def faulty_for(invoice: Invoice) -> InvoiceTemplate | None:
    """The template that should print this invoice, where it could not print one lately."""
    said: dict[str, Any] = invoice.snapshot or {}
    frozen = invoice.state != "draft" and said.get("template")
    key = frozen or invoice.customer.invoice_template or settings.current().invoice_template
    if key in INVOICE_TEMPLATES:
        return None
    query = select(InvoiceTemplate).where(InvoiceTemplate.key == key, InvoiceTemplate.fault.is_not(None))
    return db.session.scalar(query)


def sample_id() -> int | None:
    """An invoice to look at: the newest."""
    return db.session.scalar(select(Invoice.id).order_by(Invoice.id.desc()).limit(1))
