"""An invoice, its lines, and the counters that number it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Computed,
    Date,
    ForeignKey,
    Index,
    Integer,
    Numeric,
    String,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from dashboard.models.base import (
    Amount,
    Base,
    Key,
    Moment,
    Percent,
    Price,
    Quantity,
    Stamped,
    one_of,
    prefix_index,
)
from dashboard.models.customer import Customer
from dashboard.models.package import Package

INVOICE_STATES = ("draft", "issued", "void")
TAX_MODES = {"per_rate": "Once per tax rate", "per_line": "Line by line"}
INVOICE_ORIGINS = ("manual", "import", "payment", "generated", "package", "adjustment")
LINE_KINDS = {
    "line": "Line",
    "usage": "Usage",
    "late_usage": "Late usage",
    "package": "Package",
    "setup": "Setup",
    "minimum_spend": "Minimum spend",
    "free_minutes": "Free minutes",
    "adjustment": "Adjustment",
}
# Lines that are sums of calls: what they come to is changed only by another line beside them.
SUMMED_KINDS = ("usage", "late_usage", "free_minutes")


class Invoice(Base, Stamped):
    """Amounts are in `currency`, rounded to its places. Paid, part-paid and overdue are derived."""

    __tablename__ = "invoice"
    __table_args__ = (
        CheckConstraint(one_of("state", INVOICE_STATES), name="state"),
        CheckConstraint(one_of("tax_mode", tuple(TAX_MODES)), name="tax_mode"),
        CheckConstraint(one_of("origin", INVOICE_ORIGINS), name="origin"),
        CheckConstraint("total = subtotal + tax", name="total"),
        CheckConstraint("paid >= 0 AND paid <= greatest(total, 0)", name="paid"),
        CheckConstraint("state <> 'issued' OR number IS NOT NULL", name="number"),
        CheckConstraint("state <> 'void' OR paid = 0", name="void_unpaid"),
        Index("ix_invoice_issue_date_id", "issue_date", "id"),
        Index("ix_invoice_due_date_id", "due_date", "id"),
        Index("ix_invoice_total_id", "total", "id"),
        Index("ix_invoice_paid_id", "paid", "id"),
        Index("ix_invoice_balance_id", "balance", "id"),
        Index("ix_invoice_customer_name_id", "customer_name", "id"),
        Index("ix_invoice_customer_id_issue_date_id", "customer_id", "issue_date", "id"),
        Index("ix_invoice_state_issue_date_id", "state", "issue_date", "id"),
        Index(
            "ix_invoice_owed",
            "customer_id",
            "due_date",
            "issue_date",
            "id",
            postgresql_where=text("state = 'issued' AND balance > 0"),
        ),
        Index(
            "ix_invoice_owed_due_date",
            "due_date",
            "id",
            postgresql_where=text("state = 'issued' AND balance > 0"),
        ),
        Index("ix_invoice_number_pattern", "number", postgresql_ops={"number": "text_pattern_ops"}),
        prefix_index("ix_invoice_number_reversed", "reverse(number)"),
        prefix_index("ix_invoice_reference_lower", "lower(reference)"),
        # What made it: an import's own identity, or a generated period; unique over live invoices.
        Index(
            "uq_invoice_origin_key",
            "origin",
            "origin_key",
            unique=True,
            postgresql_where=text("origin_key IS NOT NULL AND state <> 'void'"),
        ),
        Index(
            "uq_invoice_generated_period",
            "customer_id",
            "origin",
            "period_start",
            "period_end",
            unique=True,
            postgresql_where=text("origin = 'generated' AND state <> 'void'"),
        ),
    )

    id: Mapped[Key]
    number: Mapped[str | None] = mapped_column(String(40), unique=True)
    state: Mapped[str] = mapped_column(String(10), default="draft", server_default="draft")
    revision: Mapped[int] = mapped_column(Integer, default=1, server_default="1")
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id", ondelete="RESTRICT"))
    # The name as it stood at issue; drafts follow the customer. Here, so that one index sorts the list.
    customer_name: Mapped[str] = mapped_column(String(200))
    currency: Mapped[str] = mapped_column(String(3))
    issue_date: Mapped[dt.date] = mapped_column(Date)
    due_date: Mapped[dt.date] = mapped_column(Date)
    reference: Mapped[str | None] = mapped_column(String(80))
    notes: Mapped[str | None] = mapped_column(Text)
    tax_mode: Mapped[str] = mapped_column(String(10), default="per_rate", server_default="per_rate")
    tax_inclusive: Mapped[bool] = mapped_column(Boolean, default=False, server_default="false")

    subtotal: Mapped[Amount] = mapped_column(default=Decimal(0), server_default="0")
    tax: Mapped[Amount] = mapped_column(default=Decimal(0), server_default="0")
    total: Mapped[Amount] = mapped_column(default=Decimal(0), server_default="0")
    paid: Mapped[Amount] = mapped_column(default=Decimal(0), server_default="0")
    balance: Mapped[Decimal] = mapped_column(
        Numeric(20, 4), Computed("CASE WHEN state = 'issued' THEN total - paid ELSE 0 END", persisted=True)
    )

    issued_at: Mapped[Moment | None]
    voided_at: Mapped[Moment | None]
    void_reason: Mapped[str | None] = mapped_column(String(200))
    # Buyer, seller and payment details as they stood at issue.
    snapshot: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    origin: Mapped[str] = mapped_column(String(10), default="manual", server_default="manual")
    origin_key: Mapped[str | None] = mapped_column(String(200))
    period_start: Mapped[Moment | None]
    period_end: Mapped[Moment | None]
    created_by: Mapped[int | None] = mapped_column(BigInteger)
    version: Mapped[int] = mapped_column(Integer, default=1, server_default="1")

    customer: Mapped[Customer] = relationship()
    items: Mapped[list[InvoiceItem]] = relationship(
        back_populates="invoice",
        order_by="InvoiceItem.position",
        cascade="all, delete-orphan",
        passive_deletes=True,
    )

    __mapper_args__ = {"version_id_col": version}

    def __str__(self) -> str:
        return self.number or f"Draft {self.id}"


class InvoiceItem(Base):
    """One line. `net`, `tax` and `gross` are this line's printed amounts; they add up to the invoice's."""

    __tablename__ = "invoice_item"
    __table_args__ = (
        CheckConstraint("gross = net + tax", name="gross"),
        CheckConstraint(one_of("kind", tuple(LINE_KINDS)), name="kind"),
        CheckConstraint("date_to IS NULL OR date_from IS NULL OR date_to >= date_from", name="dates"),
        Index("ix_invoice_item_invoice_id_position", "invoice_id", "position"),
    )

    id: Mapped[Key]
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id", ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(Integer)
    package_id: Mapped[int | None] = mapped_column(ForeignKey("package.id", ondelete="RESTRICT"), index=True)
    description: Mapped[str] = mapped_column(String(1000), default="", server_default="")
    date_from: Mapped[dt.date | None] = mapped_column(Date)
    date_to: Mapped[dt.date | None] = mapped_column(Date)
    quantity: Mapped[Quantity]
    unit_price: Mapped[Price]
    tax_name: Mapped[str] = mapped_column(String(40), default="", server_default="")
    tax_percent: Mapped[Percent]
    net: Mapped[Amount]
    tax: Mapped[Amount]
    gross: Mapped[Amount]
    # Usage lines are sums of the ledger: quantity 1, the price is the sum of the calls.
    kind: Mapped[str] = mapped_column(String(20), default="line", server_default="line")
    destination: Mapped[str | None] = mapped_column(String(120))
    connected: Mapped[int | None] = mapped_column(BigInteger)
    billed_duration: Mapped[int | None] = mapped_column(BigInteger)

    invoice: Mapped[Invoice] = relationship(back_populates="items")
    package: Mapped[Package | None] = relationship()

    def __str__(self) -> str:
        return self.description or f"Line {self.position}"


class NumberSeries(Base):
    """The next number of a series; locked last in the transaction that issues."""

    __tablename__ = "number_series"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    next_value: Mapped[int] = mapped_column(BigInteger, default=1, server_default="1")
