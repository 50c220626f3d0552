"""What makes invoices by itself: package charges, free minutes used, and billing runs."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Date,
    ForeignKey,
    Integer,
    String,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from dashboard.models.base import Amount, Base, Key, Moment, Price, Quantity, Stamped, one_of
from dashboard.models.customer import Customer, CustomerPackage
from dashboard.models.invoice import Invoice
from dashboard.models.job import Job

CHARGE_KINDS = {"setup": "Setup", "recurring": "Recurring", "minimum_spend": "Minimum spend"}
RUN_STATES = {
    "previewing": "Working out",
    "previewed": "Preview",
    "running": "Running",
    "done": "Done",
    "cancelled": "Cancelled",
    "failed": "Failed",
}
ROW_STATES = {
    "ready": "Ready",
    "nothing": "Nothing to bill",
    "blocked": "Blocked",
    "done": "Invoiced",
    "refused": "Refused",
    "failed": "Failed",
}


class PackageCharge(Base, Stamped):
    """A package that was charged for one due day: on an invoice line, or as a negative payment.

    The unique key makes charging twice impossible. Deleting the line or voiding its invoice removes the row.
    The span charged is half-open.
    """

    __tablename__ = "package_charge"
    __table_args__ = (
        CheckConstraint(one_of("kind", tuple(CHARGE_KINDS)), name="kind"),
        CheckConstraint("num_nonnulls(invoice_item_id, payment_id) = 1", name="where"),
        UniqueConstraint("customer_package_id", "kind", "due_on"),
    )

    id: Mapped[Key]
    customer_package_id: Mapped[int] = mapped_column(ForeignKey("customer_package.id", ondelete="RESTRICT"))
    kind: Mapped[str] = mapped_column(String(20))
    due_on: Mapped[dt.date] = mapped_column(Date)
    span_start: Mapped[dt.date | None] = mapped_column(Date)
    span_end: Mapped[dt.date | None] = mapped_column(Date)
    quantity: Mapped[Quantity]
    unit_price: Mapped[Price]
    amount: Mapped[Amount]
    currency: Mapped[str] = mapped_column(String(3))
    invoice_item_id: Mapped[int | None] = mapped_column(
        ForeignKey("invoice_item.id", ondelete="CASCADE"), index=True
    )
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payment.id", ondelete="CASCADE"), index=True)

    customer_package: Mapped[CustomerPackage] = relationship()


class PackageNotice(Base):
    """The customer was told that this package will be charged on that day."""

    __tablename__ = "package_notice"

    customer_package_id: Mapped[int] = mapped_column(
        ForeignKey("customer_package.id", ondelete="CASCADE"), primary_key=True
    )
    due_on: Mapped[dt.date] = mapped_column(Date, primary_key=True)
    mail_id: Mapped[int | None] = mapped_column(ForeignKey("mail.id", ondelete="SET NULL"), index=True)


class FreeMinuteUse(Base, Stamped):
    """Free seconds of an assigned package that an invoice line used up in one span of the package."""

    __tablename__ = "free_minute_use"

    id: Mapped[Key]
    customer_package_id: Mapped[int] = mapped_column(
        ForeignKey("customer_package.id", ondelete="RESTRICT"), index=True
    )
    span_start: Mapped[dt.date] = mapped_column(Date)
    span_end: Mapped[dt.date] = mapped_column(Date)
    seconds: Mapped[int] = mapped_column(BigInteger)
    invoice_item_id: Mapped[int] = mapped_column(
        ForeignKey("invoice_item.id", ondelete="CASCADE"), index=True
    )


class BillingRun(Base, Stamped):
    """Invoices for many customers: worked out, looked at, then made exactly so. Days are local, half-open."""

    __tablename__ = "billing_run"
    __table_args__ = (CheckConstraint(one_of("state", tuple(RUN_STATES)), name="state"),)

    id: Mapped[Key]
    title: Mapped[str] = mapped_column(String(200))
    period_start: Mapped[dt.date] = mapped_column(Date)
    period_end: Mapped[dt.date] = mapped_column(Date)
    # Which customers, which grouping, whether to issue: as chosen in the form.
    options: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default="{}")
    state: Mapped[str] = mapped_column(String(12), default="previewing", server_default="previewing")
    job_id: Mapped[int | None] = mapped_column(ForeignKey("job.id", ondelete="SET NULL"))
    previewed_at: Mapped[Moment | None]
    finished_at: Mapped[Moment | None]
    created_by: Mapped[int | None] = mapped_column(BigInteger)
    created_by_name: Mapped[str] = mapped_column(String(120), default="", server_default="")
    version: Mapped[int] = mapped_column(Integer, default=1, server_default="1")

    job: Mapped[Job | None] = relationship()

    __mapper_args__ = {"version_id_col": version}

    def __str__(self) -> str:
        return self.title


class BillingRunRow(Base):
    """One customer and period of a run: what the preview said, and what became of it.

    `fingerprint` is a hash of everything the invoice follows from; `preview` holds its lines as previewed.
    """

    __tablename__ = "billing_run_row"
    __table_args__ = (
        CheckConstraint(one_of("state", tuple(ROW_STATES)), name="state"),
        UniqueConstraint(
            "billing_run_id", "customer_id", "period_start", "period_end", name="uq_billing_run_row"
        ),
    )

    id: Mapped[Key]
    billing_run_id: Mapped[int] = mapped_column(ForeignKey("billing_run.id", ondelete="CASCADE"))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id", ondelete="CASCADE"), index=True)
    period_start: Mapped[dt.date] = mapped_column(Date)
    period_end: Mapped[dt.date] = mapped_column(Date)
    currency: Mapped[str] = mapped_column(String(3))
    lines: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    total: Mapped[Amount]
    last_total: Mapped[Amount | None]
    warnings: Mapped[list[str]] = mapped_column(JSONB, default=list, server_default="[]")
    preview: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default="{}")
    fingerprint: Mapped[str] = mapped_column(String(64), default="", server_default="")
    chosen: Mapped[bool] = mapped_column(Boolean, default=True, server_default="true")
    state: Mapped[str] = mapped_column(String(10), default="ready", server_default="ready")
    reason: Mapped[str | None] = mapped_column(String(500))
    invoice_id: Mapped[int | None] = mapped_column(ForeignKey("invoice.id", ondelete="SET NULL"), index=True)

    customer: Mapped[Customer] = relationship()
    invoice: Mapped[Invoice | None] = relationship()
