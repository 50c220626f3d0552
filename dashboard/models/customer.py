"""A customer, its contacts and the packages it has."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from dashboard.models.base import Amount, Base, Key, Percent, Quantity, Stamped, one_of
from dashboard.models.package import Package
from dashboard.models.staff import Staff

CUSTOMER_STATUSES = {
    "active": "Active",
    "inactive": "Inactive",
    "penalty": "Penalty",
    "pending_approval": "Pending Approval",
}
# What becomes of an invoice made by schedule: issued, or not.
ISSUES = ("Issued at once", "Drafts to look at first")
INVOICE_SCHEDULES = {"none": "None", "daily": "Daily", "weekly": "Weekly", "monthly": "Monthly"}
LINE_GROUPINGS = {"destination": "One line per destination", "day": "One line per day"}
INVOICE_TEMPLATES = {"standard": "Standard", "compact": "Compact"}
CONTACT_TYPES = {
    "billing": "Billing",
    "technical": "Technical",
    "sales": "Sales",
    "management": "Management",
    "other": "Other",
}


class Customer(Base, Stamped):
    __tablename__ = "customer"
    __table_args__ = (
        CheckConstraint(one_of("status", tuple(CUSTOMER_STATUSES)), name="status"),
        CheckConstraint(one_of("invoice_schedule", tuple(INVOICE_SCHEDULES)), name="invoice_schedule"),
        CheckConstraint("tax_percent BETWEEN 0 AND 100", name="tax_percent"),
        CheckConstraint("invoice_due_days BETWEEN 0 AND 365", name="invoice_due_days"),
        CheckConstraint("invoice_hour BETWEEN 0 AND 23", name="invoice_hour"),
        CheckConstraint("invoice_delay_hours BETWEEN 0 AND 240", name="invoice_delay_hours"),
        Index("ix_customer_name_lower", text("lower(name)"), "id"),
        Index("ix_customer_name_id", "name", "id"),
        Index("ix_customer_status_id", "status", "id"),
    )

    id: Mapped[Key]
    name: Mapped[str] = mapped_column(String(200))
    status: Mapped[str] = mapped_column(String(20), default="active", server_default="active")
    currency: Mapped[str] = mapped_column(String(3))
    debit_limit: Mapped[Amount | None]
    tax_percent: Mapped[Percent | None]
    tax_name: Mapped[str | None] = mapped_column(String(40))

    website: Mapped[str | None] = mapped_column(String(200))
    tags: Mapped[list[str]] = mapped_column(ARRAY(String(40)), default=list, server_default="{}")
    account_manager_id: Mapped[int | None] = mapped_column(
        ForeignKey("staff.id", ondelete="SET NULL"), index=True
    )
    invoice_schedule: Mapped[str] = mapped_column(String(10), default="none", server_default="none")
    # The schedule begins here; days before were invoiced otherwise. Empty: with the first usage or package.
    invoice_from: Mapped[dt.date | None] = mapped_column(Date)
    # At what hour it runs, how long after the period's end, and what becomes of the invoices. Empty: as the
    # account says.
    invoice_hour: Mapped[int | None] = mapped_column(Integer)
    invoice_delay_hours: Mapped[int | None] = mapped_column(Integer)
    invoice_issue: Mapped[bool | None] = mapped_column(Boolean)
    invoice_send: Mapped[bool | None] = mapped_column(Boolean)
    # No mail reminds this customer of what is due or overdue.
    no_reminders: Mapped[bool] = mapped_column(Boolean, default=False, server_default="false")
    invoice_due_days: Mapped[int | None] = mapped_column(Integer)
    invoice_template: Mapped[str | None] = mapped_column(String(40))
    invoice_line_grouping: Mapped[str | None] = mapped_column(String(20))
    time_zone: Mapped[str | None] = mapped_column(String(64))
    external_accounting_id: Mapped[str | None] = mapped_column(String(80), index=True)
    create_invoice_on_payment: Mapped[bool] = mapped_column(Boolean, default=False, server_default="false")
    # What its calls cost; its own rates, where it has a card of its own, go before these.
    rate_card_id: Mapped[int | None] = mapped_column(
        ForeignKey("rate_card.id", ondelete="RESTRICT", use_alter=True), index=True
    )
    # An invoice is made for a period without anything to bill, too.
    empty_invoices: Mapped[bool] = mapped_column(Boolean, default=False, server_default="false")
    registration_number: Mapped[str | None] = mapped_column(String(40))
    vat_number: Mapped[str | None] = mapped_column(String(40))

    address1: Mapped[str | None] = mapped_column(String(120))
    address2: Mapped[str | None] = mapped_column(String(120))
    city: Mapped[str | None] = mapped_column(String(80))
    county: Mapped[str | None] = mapped_column(String(80))
    postcode: Mapped[str | None] = mapped_column(String(20))
    country: Mapped[str | None] = mapped_column(String(2))
    phone: Mapped[str | None] = mapped_column(String(40))
    notes: Mapped[str | None] = mapped_column(Text)
    version: Mapped[int] = mapped_column(Integer, default=1, server_default="1")

    account_manager: Mapped[Staff | None] = relationship()
    contacts: Mapped[list[Contact]] = relationship(
        back_populates="customer", order_by="Contact.id", passive_deletes=True
    )
    packages: Mapped[list[CustomerPackage]] = relationship(
        back_populates="customer", order_by="CustomerPackage.start_date", passive_deletes=True
    )

    __mapper_args__ = {"version_id_col": version}

    def address_lines(self) -> list[str]:
        """The address as it is written on an envelope, without empty lines; country as its ISO code."""
        town = " ".join(part for part in (self.postcode, self.city) if part)
        lines = (self.address1, self.address2, town, self.county, self.country)
        return [line for line in lines if line]

    def __str__(self) -> str:
        return self.name


class Contact(Base, Stamped):
    __tablename__ = "contact"
    __table_args__ = (CheckConstraint(one_of("type", tuple(CONTACT_TYPES)), name="type"),)

    id: Mapped[Key]
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(120), index=True)
    email: Mapped[str | None] = mapped_column(String(254), index=True)
    phone: Mapped[str | None] = mapped_column(String(40))
    mobile: Mapped[str | None] = mapped_column(String(40))
    type: Mapped[str] = mapped_column(String(20), default="billing", server_default="billing")
    public_notes: Mapped[str | None] = mapped_column(Text)
    private_notes: Mapped[str | None] = mapped_column(Text)
    version: Mapped[int] = mapped_column(Integer, default=1, server_default="1")

    customer: Mapped[Customer] = relationship(back_populates="contacts")

    __mapper_args__ = {"version_id_col": version}

    def __str__(self) -> str:
        return self.name


class CustomerPackage(Base, Stamped):
    """A package that a customer has: how many, from when, until when (inclusive days)."""

    __tablename__ = "customer_package"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint("end_date IS NULL OR end_date >= start_date", name="dates"),
    )

    id: Mapped[Key]
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id", ondelete="CASCADE"), index=True)
    package_id: Mapped[int] = mapped_column(ForeignKey("package.id", ondelete="RESTRICT"), index=True)
    quantity: Mapped[Quantity]
    start_date: Mapped[dt.date] = mapped_column(Date)
    end_date: Mapped[dt.date | None] = mapped_column(Date)
    auto_decrement_credit: Mapped[bool] = mapped_column(Boolean, default=False, server_default="false")
    free_minutes: Mapped[int | None] = mapped_column(BigInteger)
    version: Mapped[int] = mapped_column(Integer, default=1, server_default="1")

    customer: Mapped[Customer] = relationship(back_populates="packages")
    package: Mapped[Package] = relationship()

    __mapper_args__ = {"version_id_col": version}

    def __str__(self) -> str:
        return f"{self.package.name} × {self.quantity.normalize():f}"
