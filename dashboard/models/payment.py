"""Payments, what of them is allocated to which invoice, and what was given back."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Computed,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Numeric,
    String,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from dashboard.models.base import Amount, Base, Key, Stamped, one_of, prefix_index
from dashboard.models.customer import Customer
from dashboard.models.invoice import Invoice

PAYMENT_STATUSES = {"pending": "Pending", "completed": "Completed", "cancelled": "Cancelled"}
PAYMENT_METHODS = {
    "bank_transfer": "Bank transfer",
    "card": "Card",
    "direct_debit": "Direct debit",
    "cash": "Cash",
    "cheque": "Cheque",
    "other": "Other",
}


class Payment(Base, Stamped):
    """Amounts are in `currency`, the customer's. A charge against the account is a negative amount."""

    __tablename__ = "payment"
    __table_args__ = (
        CheckConstraint(one_of("status", tuple(PAYMENT_STATUSES)), name="status"),
        CheckConstraint("amount <> 0", name="amount"),
        CheckConstraint("refunded >= 0 AND allocated >= 0", name="not_negative"),
        CheckConstraint("allocated + refunded <= greatest(amount, 0)", name="not_over"),
        CheckConstraint("status = 'completed' OR allocated = 0", name="allocated_completed"),
        Index("ix_payment_paid_on_id", "paid_on", "id"),
        Index("ix_payment_amount_id", "amount", "id"),
        Index("ix_payment_customer_id_paid_on_id", "customer_id", "paid_on", "id"),
        Index("ix_payment_status_id", "status", "id"),
        prefix_index("ix_payment_reference_lower", "lower(reference)"),
        Index(
            "ix_payment_unallocated", "customer_id", "paid_on", "id", postgresql_where=text("unallocated > 0")
        ),
    )

    id: Mapped[Key]
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id", ondelete="RESTRICT"))
    currency: Mapped[str] = mapped_column(String(3))
    paid_on: Mapped[dt.date] = mapped_column(Date)
    # Text after '#' is private and never shown to the customer.
    description: Mapped[str] = mapped_column(String(500), default="", server_default="")
    amount: Mapped[Amount]
    fee: Mapped[Amount | None]
    status: Mapped[str] = mapped_column(String(10), default="pending", server_default="pending")
    method: Mapped[str | None] = mapped_column(String(20))
    reference: Mapped[str | None] = mapped_column(String(80))
    email_confirmation: Mapped[bool] = mapped_column(Boolean, default=False, server_default="false")
    allocated: Mapped[Amount] = mapped_column(default=Decimal(0), server_default="0")
    refunded: Mapped[Amount] = mapped_column(default=Decimal(0), server_default="0")
    unallocated: Mapped[Decimal] = mapped_column(
        Numeric(20, 4),
        Computed(
            "CASE WHEN status = 'completed' AND amount > 0 THEN amount - refunded - allocated ELSE 0 END",
            persisted=True,
        ),
    )
    # The invoice that "Create Invoice on Payment" made of it.
    created_invoice_id: Mapped[int | None] = mapped_column(ForeignKey("invoice.id", ondelete="SET NULL"))
    created_by: Mapped[int | None] = mapped_column(BigInteger)
    version: Mapped[int] = mapped_column(Integer, default=1, server_default="1")

    customer: Mapped[Customer] = relationship()
    allocations: Mapped[list[Allocation]] = relationship(back_populates="payment", order_by="Allocation.id")
    refunds: Mapped[list[Refund]] = relationship(back_populates="payment", order_by="Refund.id")

    __mapper_args__ = {"version_id_col": version}

    @property
    def public_description(self) -> str:
        """What the customer may read: the text before the first '#'."""
        return self.description.split("#", 1)[0].strip()

    def __str__(self) -> str:
        return f"Payment {self.id}"


class Allocation(Base):
    __tablename__ = "allocation"
    __table_args__ = (CheckConstraint("amount > 0", name="amount"),)

    id: Mapped[Key]
    payment_id: Mapped[int] = mapped_column(ForeignKey("payment.id", ondelete="RESTRICT"), index=True)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id", ondelete="RESTRICT"), index=True)
    amount: Mapped[Amount]
    created_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    created_by: Mapped[int | None] = mapped_column(BigInteger)
    created_by_name: Mapped[str] = mapped_column(String(120), default="", server_default="")

    payment: Mapped[Payment] = relationship(back_populates="allocations")
    invoice: Mapped[Invoice] = relationship()


class Refund(Base):
    """Money of a payment that was given back; it shrinks what the payment can cover."""

    __tablename__ = "refund"
    __table_args__ = (CheckConstraint("amount > 0", name="amount"),)

    id: Mapped[Key]
    payment_id: Mapped[int] = mapped_column(ForeignKey("payment.id", ondelete="RESTRICT"), index=True)
    amount: Mapped[Amount]
    refunded_on: Mapped[dt.date] = mapped_column(Date)
    reason: Mapped[str] = mapped_column(String(200), default="", server_default="")
    created_by: Mapped[int | None] = mapped_column(BigInteger)
    created_by_name: Mapped[str] = mapped_column(String(120), default="", server_default="")

    payment: Mapped[Payment] = relationship(back_populates="refunds")
