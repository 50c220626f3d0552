"""What a column of an uploaded customer file can be read as, and how a row becomes a customer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from dashboard.models import Staff
from dashboard.operations import checks
from dashboard.operations.base import session
from dashboard.operations.contacts import CHECKS as CONTACT_CHECKS
from dashboard.operations.csv_file import Row
from dashboard.operations.customers import CHECKS, limit_fault
from dashboard.operations.errors import Invalid
from dashboard.operations.upload import Columns, Mapped, Target, too_wide

TARGETS: tuple[Target, ...] = (
    Target(
        "name",
        "Name",
        ("customer", "customer name", "company", "company name", "client", "account name"),
        "Example Telecom Ltd",
        required=True,
    ),
    Target("currency", "Currency", ("currency code", "ccy", "cur"), "USD", required=True),
    Target("status", "Status", ("state", "customer status"), "Active"),
    Target("debit_limit", "Debit Limit", ("credit limit", "limit"), "500.00"),
    Target("tax_percent", "Tax %", ("tax", "tax rate", "vat %", "vat rate", "tax percent"), "20"),
    Target("tax_name", "Tax Name", ("tax description", "tax type"), "VAT"),
    Target("website", "Website", ("web", "url", "homepage", "web site"), "https://www.example.com"),
    Target("tags", "Tags", ("tag", "labels", "groups"), "wholesale, europe"),
    Target("account_manager", "Account Manager", ("manager", "owner", "sales rep", "salesperson")),
    Target(
        "invoice_schedule", "Invoice Schedule", ("schedule", "billing cycle", "billing frequency"), "Monthly"
    ),
    Target("invoice_from", "Invoice From", ("billed from", "schedule from"), "2026-01-01"),
    Target("invoice_hour", "Invoice Hour", ("schedule hour", "run at"), "06:00"),
    Target("invoice_delay_hours", "Invoice Delay Hours", ("delay hours", "wait hours"), "24"),
    Target("invoice_issue", "Issue Invoices", ("issue", "issued"), "yes"),
    Target("invoice_send", "Send Invoices", ("send", "email invoices", "send by email"), "yes"),
    Target("no_reminders", "No reminders", ("without reminders", "silence reminders"), "no"),
    Target("invoice_due_days", "Invoice Due Days", ("due days", "payment terms", "terms", "net days"), "30"),
    Target("invoice_template", "Invoice Template", ("template",)),
    Target("invoice_line_grouping", "Invoice Line Grouping", ("line grouping",)),
    Target("time_zone", "Time Zone", ("timezone", "tz"), "Europe/London"),
    Target(
        "external_accounting_id",
        "External Accounting ID",
        (
            "external id",
            "accounting id",
            "accounting code",
            "account code",
            "customer id",
            "customer number",
            "account number",
        ),
        "EX-1001",
    ),
    Target("create_invoice_on_payment", "Create Invoice on Payment", (), "no"),
    Target(
        "registration_number",
        "Registration Number",
        ("company number", "registration no", "reg no"),
        "1234567",
    ),
    Target("vat_number", "VAT Number", ("vat", "vat no", "vat id", "tax id", "tax number"), "GB123456789"),
    Target(
        "address1",
        "Address 1",
        ("address", "street", "address line 1", "street address", "addr1"),
        "1 Sample Street",
    ),
    Target("address2", "Address 2", ("address line 2", "addr2"), "Floor 2"),
    Target("city", "City", ("town", "locality"), "London"),
    Target("county", "County", ("state province", "province", "region", "state county"), "Greater London"),
    Target(
        "postcode", "Postcode", ("zip", "zip code", "postal code", "post code", "zip postal code"), "N1 1AA"
    ),
    Target("country", "Country", ("country code",), "GB"),
    Target("phone", "Phone", ("telephone", "phone number", "tel"), "020 7946 0000"),
    Target("notes", "Notes", ("note", "comment", "comments", "remarks")),
    Target("contact_name", "Contact Name", ("contact", "contact person", "attention"), "Accounts Payable"),
    Target(
        "contact_email",
        "Contact Email",
        ("email", "e mail", "email address", "billing email", "invoice email"),
        "accounts@example.com",
    ),
    Target("contact_phone", "Contact Phone", ("contact telephone", "contact mobile")),
)
COLUMNS = Columns(TARGETS, sign="%")
REQUIRED = {target.name for target in TARGETS if target.required}


@dataclass
class Read:
    """A row as it would be stored: the customer's fields, the contact's where it has one, and its faults."""

    row: int
    customer: dict[str, Any] = field(default_factory=dict)
    contact: dict[str, Any] | None = None
    errors: dict[str, str] = field(default_factory=dict)

    def value(self, name: str, cell: str) -> Any:
        """What the target would hold; a manager is shown by the name in the file."""
        if name.startswith("contact_"):
            return (self.contact or {}).get(name.removeprefix("contact_"))
        return cell if name == "account_manager" else self.customer.get(name)


class Reader:
    """Turns rows into values under one mapping. Staff are looked up once."""

    def __init__(self, mapping: Mapped, width: int) -> None:
        self.mapping = mapping
        self.width = width
        self.managers: dict[str, int] = {}
        for staff in session().scalars(select(Staff).where(Staff.active).order_by(Staff.id.desc())):
            self.managers[staff.name.casefold()] = staff.id
            self.managers[staff.email.casefold()] = staff.id

    def read(self, row: Row) -> Read:
        cells = {name: row.cell(column) for column, name in self.mapping.items()}
        cells = {name: cell for name, cell in cells.items() if cell or name in REQUIRED}
        found = Read(row.number)
        wide = too_wide(row, self.width)
        if wide:
            found.errors[""] = wide
        contact = {
            name.removeprefix("contact_"): cells.pop(name)
            for name in list(cells)
            if name.startswith("contact_")
        }
        manager = cells.pop("account_manager", None)
        found.customer = self._taken(cells, CHECKS, found, "")
        if manager:
            self._set_manager(found, manager)
        fault = limit_fault(found.customer.get("debit_limit"), found.customer.get("currency", ""))
        if fault:
            found.errors["debit_limit"] = fault
        if contact:
            contact.setdefault("name", contact.get("email", "") or "Billing")
            found.contact = self._taken(contact, CONTACT_CHECKS, found, "contact_")
        return found

    def _taken(
        self, cells: dict[str, str], using: Mapping[str, checks.Check], found: Read, prefix: str
    ) -> dict[str, Any]:
        if cells.get("tax_percent", "").endswith("%"):
            cells["tax_percent"] = cells["tax_percent"][:-1].strip()
        try:
            return checks.read(cells, using)
        except Invalid as fault:
            found.errors.update({prefix + name: " ".join(said) for name, said in fault.errors.items()})
            return {}

    def _set_manager(self, found: Read, written: str) -> None:
        staff_id = self.managers.get(written.casefold())
        if staff_id is None:
            found.errors["account_manager"] = f'Nobody on the staff is called "{written[:60]}".'
        else:
            found.customer["account_manager_id"] = staff_id
