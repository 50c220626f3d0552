"""The form of Setup > Settings."""

from __future__ import annotations

from typing import Any

from wtforms import FileField, PasswordField, StringField
from wtforms.validators import Length

from dashboard.admin_views import fields
from dashboard.admin_views.forms import Form
from dashboard.models.customer import LINE_GROUPINGS
from dashboard.models.invoice import TAX_MODES
from dashboard.models.setting import GENERATED_INVOICES, NUMBER_RESETS, SMTP_SECURITY
from dashboard.operations.settings import SMTP
from dashboard.queries.invoice_templates import TEMPLATE_NAMES
from dashboard.rules import money, places
from dashboard.rules.reminders import say_days


def _zones() -> list[tuple[str, str]]:
    return [(zone, zone.replace("_", " ")) for zone in places.time_zones()]


def _pattern() -> Any:
    return fields.text(
        "Invoice Number",
        max=40,
        required=True,
        help="Use {year}, {year2}, {month:02} and {seq:06}.",
        **{
            "hx-get": "/admin/setting/number/",
            "hx-trigger": "input changed delay:400ms, load",
            "hx-target": "#next-number",
            "hx-push-url": "false",
        },
    )


class DaysField(StringField):
    """Days before and after a due date, in words; the operation reads what was typed."""

    def process_data(self, value: Any) -> None:
        self.data = say_days(value or ())


def _reminders() -> Any:
    return DaysField(
        "Reminders",
        [Length(max=200, message="At most 200 characters, please."), fields.printable],
        description="Days before and after the due date, such as: 3 before, 1, 7 and 14 after. Empty: none.",
        render_kw={
            "maxlength": 200,
            "autocomplete": "off",
            "hx-get": "/admin/setting/reminders/",
            "hx-trigger": "input changed delay:400ms, load",
            "hx-target": "#reminders-today",
            "hx-push-url": "false",
        },
    )


MAIL = ("smtp_host", "smtp_port", "smtp_security", "smtp_user", "smtp_password_new", "smtp_from")


class SettingForm(Form):
    company_name = fields.text("Company Name", max=200)
    registration_number = fields.text("Registration Number", max=40)
    vat_number = fields.text("VAT Number", max=40)
    address1 = fields.text("Address", max=120)
    address2 = fields.text("Address, second line", max=120)
    city = fields.text("City", max=80)
    county = fields.text("County", max=80)
    postcode = fields.text("Postcode", max=20)
    country = fields.choice("Country", places.countries, blank="–", search=True)
    phone = fields.text("Phone", max=40)
    email = fields.email("E-mail")
    website = fields.text("Website", max=200)
    logo_file = FileField(
        "Logo",
        description="PNG, JPEG, GIF or WebP, at most 512 KB. It stands at the head of every invoice.",
        render_kw={"accept": "image/png,image/jpeg,image/gif,image/webp"},
    )
    remove_logo = fields.flag("Take the logo away")

    invoice_number_pattern = _pattern()
    number_reset = fields.choice("Count begins anew", NUMBER_RESETS)
    invoice_due_days = fields.whole("Invoice Due Days", max=365, required=True)
    invoice_line_grouping = fields.choice(
        "Invoice Line Grouping", LINE_GROUPINGS, help="For invoices made from usage."
    )
    generated_invoices = fields.choice(
        "Generated invoices", GENERATED_INVOICES, help="What is made from usage and packages."
    )
    send_invoices = fields.flag(
        "Send invoices", help="Invoices issued by schedule go to their customers by e-mail."
    )
    schedule_hour = fields.choice(
        "Schedule hour",
        {str(hour): f"{hour:02}:00" for hour in range(24)},
        help="When invoice schedules and new reports run, on the clocks of the time zone.",
    )
    billing_delay_hours = fields.whole(
        "Billing delay hours",
        max=240,
        required=True,
        help="So long after its end a period can be billed, when its usage is complete.",
    )
    invoice_template = fields.choice("Invoice Template", TEMPLATE_NAMES)
    package_notification_days = fields.whole(
        "Package Charge Notification Days",
        max=90,
        required=True,
        help="So many days before a charge the customer is told.",
    )

    reminder_days = _reminders()

    tax_name = fields.text("Tax Description", max=40)
    tax_percent = fields.decimal("Tax %", places=4, min=0, max=100, required=True)
    tax_mode = fields.choice("Tax is rounded", TAX_MODES)
    tax_inclusive = fields.flag("Prices include the tax")

    payment_details = fields.long_text(
        "Payment Details", max=2_000, rows=5, help="The bank account and terms, printed on every invoice."
    )

    currency = fields.choice(
        "Currency", money.currencies, search=True, help="For new customers; those there are keep theirs."
    )
    time_zone = fields.choice("Time Zone", _zones, search=True)

    auto_logout_minutes = fields.whole(
        "Auto Logout", max=1_440, required=True, help="Minutes without a click; 0 for never."
    )
    audit_comment = fields.flag("Audit Comment", help="Ask for a reason whenever a record is changed.")

    smtp_host = fields.text("Mail Server", max=200)
    smtp_port = fields.whole("Port", min=1, max=65_535, help="Empty: the usual one, 587 or 465.")
    smtp_security = fields.choice("Security", SMTP_SECURITY)
    smtp_user = fields.text("User", max=200)
    smtp_password_new = PasswordField(
        "Password", description="Leave it empty to keep the one there is.", render_kw={"autocomplete": "off"}
    )
    smtp_from = fields.email("Sent From", help="The address that customers see and answer to.")

    sections = (
        (
            "Company",
            (
                "company_name",
                "registration_number",
                "vat_number",
                "address1",
                "address2",
                "city",
                "county",
                "postcode",
                "country",
                "phone",
                "email",
                "website",
                "logo_file",
                "remove_logo",
            ),
        ),
        (
            "Invoicing",
            (
                "invoice_number_pattern",
                "number_reset",
                "invoice_due_days",
                "invoice_template",
                "invoice_line_grouping",
                "generated_invoices",
                "send_invoices",
                "schedule_hour",
                "billing_delay_hours",
                "reminder_days",
                "package_notification_days",
            ),
        ),
        ("Tax", ("tax_name", "tax_percent", "tax_mode", "tax_inclusive")),
        ("Payment details", ("payment_details",)),
        ("Regional", ("currency", "time_zone")),
        ("Security and audit", ("auto_logout_minutes", "audit_comment")),
        ("E-mail", MAIL),
    )

    def operation_values(self) -> dict[str, Any]:
        """The values under the names that the operation takes."""
        found = self.values()
        picture, password = found.pop("logo_file"), found.pop("smtp_password_new")
        # One byte more than it may have says that it is too large; the rest is not read.
        data = picture.stream.read(512 * 1024 + 1) if picture else None
        return {**found, "logo": data or None, "smtp_password": password}

    def smtp_values(self) -> dict[str, Any]:
        """What the test e-mail goes by: the values of the form, saved or not."""
        names = {name: name for name in SMTP} | {"smtp_password": "smtp_password_new"}
        return {name: self._fields[field].data for name, field in names.items()}

    def named(self, errors: dict[str, list[str]]) -> dict[str, list[str]]:
        """An operation's errors under the names of this form's fields."""
        names = {"logo": "logo_file", "smtp_password": "smtp_password_new"}
        return {names.get(field, field): said for field, said in errors.items()}
