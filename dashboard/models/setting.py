"""The account's settings: one row."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from sqlalchemy import Boolean, CheckConstraint, Date, Integer, LargeBinary, String, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from dashboard.models.base import Base, Percent, Stamped, one_of
from dashboard.models.customer import LINE_GROUPINGS
from dashboard.models.invoice import TAX_MODES

NUMBER_RESETS = {"never": "Never", "yearly": "Each year"}
GENERATED_INVOICES = {"draft": "Drafts to look at first", "issued": "Issued at once"}
SMTP_SECURITY = {"none": "None", "starttls": "STARTTLS", "tls": "TLS"}


class Setting(Base, Stamped):
    __tablename__ = "setting"
    __table_args__ = (
        CheckConstraint("id = 1", name="single_row"),
        CheckConstraint(one_of("tax_mode", tuple(TAX_MODES)), name="tax_mode"),
        CheckConstraint(one_of("invoice_line_grouping", tuple(LINE_GROUPINGS)), name="invoice_line_grouping"),
        CheckConstraint(one_of("number_reset", tuple(NUMBER_RESETS)), name="number_reset"),
        CheckConstraint(one_of("generated_invoices", tuple(GENERATED_INVOICES)), name="generated_invoices"),
        CheckConstraint("billing_delay_hours BETWEEN 0 AND 240", name="billing_delay_hours"),
        CheckConstraint("schedule_hour BETWEEN 0 AND 23", name="schedule_hour"),
        CheckConstraint(one_of("smtp_security", tuple(SMTP_SECURITY)), name="smtp_security"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True, default=1, autoincrement=False)

    company_name: Mapped[str] = mapped_column(String(200), default="", server_default="")
    registration_number: Mapped[str | None] = mapped_column(String(40))
    vat_number: Mapped[str | None] = mapped_column(String(40))
    address1: Mapped[str | None] = mapped_column(String(120))
    address2: Mapped[str | None] = mapped_column(String(120))
    city: Mapped[str | None] = mapped_column(String(80))
    county: Mapped[str | None] = mapped_column(String(80))
    postcode: Mapped[str | None] = mapped_column(String(20))
    country: Mapped[str | None] = mapped_column(String(2))
    phone: Mapped[str | None] = mapped_column(String(40))
    email: Mapped[str | None] = mapped_column(String(254))
    website: Mapped[str | None] = mapped_column(String(200))
    logo: Mapped[bytes | None] = mapped_column(LargeBinary)
    logo_type: Mapped[str | None] = mapped_column(String(40))

    currency: Mapped[str] = mapped_column(String(3), default="USD", server_default="USD")
    time_zone: Mapped[str] = mapped_column(String(64), default="UTC", server_default="UTC")
    invoice_number_pattern: Mapped[str] = mapped_column(
        String(60), default="INV-{year}-{seq:06}", server_default="INV-{year}-{seq:06}"
    )
    number_reset: Mapped[str] = mapped_column(String(10), default="never", server_default="never")
    invoice_due_days: Mapped[int] = mapped_column(Integer, default=30, server_default="30")
    tax_name: Mapped[str] = mapped_column(String(40), default="VAT", server_default="VAT")
    tax_percent: Mapped[Percent] = mapped_column(default=Decimal(20), server_default="20")
    tax_mode: Mapped[str] = mapped_column(String(10), default="per_rate", server_default="per_rate")
    tax_inclusive: Mapped[bool] = mapped_column(Boolean, default=False, server_default="false")
    invoice_line_grouping: Mapped[str] = mapped_column(
        String(20), default="destination", server_default="destination"
    )
    generated_invoices: Mapped[str] = mapped_column(String(10), default="draft", server_default="draft")
    # A period can be billed this long after its end, when its usage is complete.
    billing_delay_hours: Mapped[int] = mapped_column(Integer, default=24, server_default="24")
    # The local hour at which schedules run where they name none.
    schedule_hour: Mapped[int] = mapped_column(Integer, default=6, server_default="6")
    # Invoices issued by schedule go out by mail.
    send_invoices: Mapped[bool] = mapped_column(Boolean, default=False, server_default="false")
    # Days before (below 0) and after an invoice's due date at which its customer is reminded. Empty: never.
    reminder_days: Mapped[list[int]] = mapped_column(ARRAY(Integer), default=list, server_default="{}")
    # Reminders that fell due before this day are not sent: it is when the days were last changed.
    reminders_from: Mapped[dt.date | None] = mapped_column(Date)
    invoice_template: Mapped[str] = mapped_column(String(40), default="standard", server_default="standard")
    payment_details: Mapped[str | None] = mapped_column(Text)
    package_notification_days: Mapped[int] = mapped_column(Integer, default=3, server_default="3")
    auto_logout_minutes: Mapped[int] = mapped_column(Integer, default=60, server_default="60")
    audit_comment: Mapped[bool] = mapped_column(Boolean, default=False, server_default="false")

    smtp_host: Mapped[str | None] = mapped_column(String(200))
    smtp_port: Mapped[int | None] = mapped_column(Integer)
    smtp_security: Mapped[str] = mapped_column(String(10), default="starttls", server_default="starttls")
    smtp_user: Mapped[str | None] = mapped_column(String(200))
    # Encrypted with a key derived from SECRET_KEY; never shown again, never in the audit log.
    smtp_password: Mapped[str | None] = mapped_column(Text)
    smtp_from: Mapped[str | None] = mapped_column(String(254))
    version: Mapped[int] = mapped_column(Integer, default=1, server_default="1")

    __mapper_args__ = {"version_id_col": version}

    def address_lines(self) -> list[str]:
        """The sender's address without empty lines; country as its ISO code."""
        town = " ".join(part for part in (self.postcode, self.city) if part)
        lines = (self.address1, self.address2, town, self.county, self.country)
        return [line for line in lines if line]

    def __str__(self) -> str:
        return "Settings"
