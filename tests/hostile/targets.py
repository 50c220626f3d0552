"""Every form of the application: where it is sent, what a right one holds. Its fields come from its class."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from flask_admin.form import BaseForm
from wtforms import DateField, Field, Form, FormField, HiddenField, IntegerField, PasswordField, StringField
from wtforms.validators import Length

from dashboard.admin_views import (
    assignments,
    billing_run_form,
    contacts,
    customer_forms,
    customer_messages,
    forms,
    invoice_form,
    invoice_mails,
    invoice_payments,
    invoice_templates,
    invoices,
    items,
    mail_templates,
    packages,
    payments,
    providers,
    rate_cards,
    rate_changes,
    rate_test,
    schedule_form,
    setting_form,
    staff,
    statements,
    usage_rerate,
    usage_rules,
)
from dashboard.admin_views.fields import NumberField, TagsField
from dashboard.extensions import db
from dashboard.models import (
    Contact,
    Customer,
    CustomerPackage,
    Invoice,
    InvoiceTemplate,
    Mail,
    Package,
    Payment,
    Provider,
    Rate,
    RateCard,
    Schedule,
    Setting,
    Staff,
    UsageRule,
)
from tests.support.books import make_customer, make_draft, make_issued, make_package, make_payment
from tests.support.calls import make_card

Values = dict[str, str]
KEPT = "Kept as typed"


@dataclass
class Books:
    """What the forms refer to."""

    customer: Customer
    package: Package
    draft: Invoice
    issued: Invoice
    payment: Payment

    @classmethod
    def made(cls) -> Books:
        customer = make_customer("Sound Example Ltd")
        return cls(
            customer,
            make_package("Sound Example Line"),
            make_draft(customer),
            make_issued(customer, "900"),
            make_payment(customer, "900"),
        )


@dataclass(frozen=True)
class Target:
    """`sent` is a form that is right; `stored` reads back what it made; `pages` are where that is shown."""

    name: str
    form: type[Form]
    path: Callable[[Books], str]
    sent: Callable[[Books], Values]
    stored: Callable[[Books], Any]
    role: str = "admin"
    # Before the names of the fields, such as `items-0-`.
    prefix: str = ""
    pages: tuple[str, ...] = ()
    # Fields whose form and whose record name the value differently, or that no record keeps.
    elsewhere: dict[str, str] = field(default_factory=dict)
    # What a field's error stands under where it is not `<name>-error`.
    error_id: str = "{}-error"
    # Whether the audit log tells of it; e-mail has a log of its own.
    audited: bool = True

    @property
    def fields(self) -> dict[str, Field]:
        given = self.form()
        return {
            name: one
            for name, one in given._fields.items()
            if name not in forms.HOUSEKEEPING and not isinstance(one, FormField)
        }

    @property
    def texts(self) -> dict[str, Field]:
        return {name: one for name, one in self.fields.items() if is_text(one)}

    @property
    def numbers(self) -> dict[str, Field]:
        return {n: one for n, one in self.fields.items() if isinstance(one, (NumberField, IntegerField))}

    @property
    def days(self) -> dict[str, Field]:
        return {name: one for name, one in self.fields.items() if isinstance(one, DateField)}

    def post(self, client: Any, books: Books, **changes: str) -> Any:
        values = {**self.sent(books), **{self.prefix + name: text for name, text in changes.items()}}
        return client.post(self.path(books), data=values)

    def error(self, name: str) -> str:
        return self.error_id.format(name)

    def value(self, books: Books, name: str) -> Any:
        db.session.expire_all()
        return getattr(self.stored(books), self.elsewhere.get(name, name))


def is_text(one: Field) -> bool:
    """Whether a person types free text there. A password is a secret: it is neither shown nor read back."""
    return isinstance(one, StringField) and not isinstance(one, (NumberField, PasswordField, HiddenField))


def longest(one: Field) -> int | None:
    """How many characters the field takes by its own declaration."""
    return next((check.max for check in one.validators if isinstance(check, Length)), None)


def free(target: Target) -> list[str]:
    """The fields that take any text, as against an address, a pattern or a list of prefixes."""
    return [name for name in target.texts if name not in SPELLED and not is_tags(target, name)]


def is_tags(target: Target, name: str) -> bool:
    return isinstance(target.texts[name], TagsField)


# Fields with a spelling of their own, which markup is not: they refuse it in words.
SPELLED = {
    "email",
    "website",
    "invoice_number_pattern",
    "smtp_host",
    "smtp_from",
    "destination_prefixes",
    "prefix",
    "from_time",
    "reminder_days",
    "emails",
    "recipients",
}


def last(model: type[Any]) -> Any:
    return db.session.query(model).order_by(model.id.desc()).first()


def _line(books: Books) -> Values:
    return {"items-0-quantity": "2", "items-0-unit_price": "10", "items-0-tax_percent": "20"}


def _invoice(books: Books) -> Values:
    return {"customer_id": str(books.customer.id), "issue_date": "2026-11-02", **_line(books)}


def _setting(books: Books) -> Values:
    """The settings as their own page would send them back."""
    form = setting_form.SettingForm(obj=db.session.get(Setting, 1))
    given = {name: one._value() for name, one in form._fields.items() if hasattr(one, "_value")}
    chosen = (
        "number_reset",
        "schedule_hour",
        "generated_invoices",
        "invoice_line_grouping",
        "invoice_template",
        "tax_mode",
        "currency",
        "time_zone",
    )
    given |= {name: form[name].data for name in (*chosen, "smtp_security")}
    unsent = ("version", "form_key", "comment", "logo_file", "smtp_password_new", "remove_logo")
    kept = {name: str(value) for name, value in given.items() if name not in unsent and value is not None}
    return {
        name: value
        for name, value in kept.items()
        if name not in ("tax_inclusive", "audit_comment", "send_invoices")
    }


# For names and prefixes of which there is one each.
_NUMBERS = itertools.count()


def _rate_card(books: Books) -> Values:
    rounding = {"duration_rounding": "up", "cost_rounding": "half_up", "cost_places": "4"}
    increments = {"minimum_seconds": "60", "pulse_seconds": "6"}
    name = f"{KEPT} {next(_NUMBERS)}"
    return {"name": name, "kind": "sell", "currency": "USD", **rounding, **increments}


def _card() -> int:
    """A rate card to add rates to."""
    found = db.session.query(RateCard).filter_by(name="Sound Example Rates").first()
    return int((found or make_card("Sound Example Rates")).id)


TARGETS = (
    Target(
        "customer",
        customer_forms.NewCustomerForm,
        lambda books: "/admin/customer/new/",
        lambda books: {"name": KEPT, "status": "active", "currency": "USD", "invoice_schedule": "none"},
        lambda books: last(Customer),
        pages=("/admin/customer/", "/admin/customer/details/?id={id}", "/admin/customer/edit/?id={id}"),
    ),
    Target(
        "contact",
        contacts.ContactForm,
        lambda books: "/admin/contact/new/",
        lambda books: {"customer_id": str(books.customer.id), "name": KEPT, "type": "billing"},
        lambda books: last(Contact),
        pages=("/admin/contact/", "/admin/contact/details/?id={id}", "/admin/contact/edit/?id={id}"),
    ),
    Target(
        "package",
        packages.PackageForm,
        lambda books: "/admin/package/new/",
        lambda books: {
            "name": KEPT,
            "currency": "USD",
            "frequency": "monthly",
            "type": "free_minutes",
            "free_minutes": "10",
            "destination_prefixes": "^44",
        },
        lambda books: last(Package),
        pages=("/admin/package/", "/admin/package/details/?id={id}", "/admin/package/edit/?id={id}"),
    ),
    Target(
        "assignment",
        assignments.AssignmentForm,
        lambda books: "/admin/assignment/new/",
        lambda books: {
            "customer_id": str(books.customer.id),
            "package_id": str(books.package.id),
            "quantity": "1",
            "start_date": "2026-11-02",
        },
        lambda books: last(CustomerPackage),
    ),
    Target(
        "invoice",
        invoice_form.InvoiceForm,
        lambda books: "/admin/invoice/new/",
        _invoice,
        lambda books: last(Invoice),
        pages=("/admin/invoice/", "/admin/invoice/details/?id={id}", "/admin/invoice/edit/?id={id}"),
    ),
    Target(
        "invoice line",
        invoice_form.ItemForm,
        lambda books: "/admin/invoice/new/",
        lambda books: {**_invoice(books), "reference": KEPT},
        lambda books: last(Invoice).items[0],
        prefix="items-0-",
        pages=("/admin/item/", "/admin/invoice/details/?id={id}", "/admin/invoice/edit/?id={id}"),
        error_id="line-0-{}-error",
    ),
    Target(
        "issued invoice",
        invoice_form.IssuedForm,
        lambda books: f"/admin/invoice/edit/?id={books.issued.id}",
        lambda books: {"due_date": "2026-12-02", "reference": KEPT},
        lambda books: db.session.get(Invoice, books.issued.id),
        pages=("/admin/invoice/", "/admin/invoice/details/?id={id}", "/admin/invoice/edit/?id={id}"),
    ),
    Target(
        "payment",
        payments.PaymentForm,
        lambda books: "/admin/payment/new/",
        lambda books: {
            "customer_id": str(books.customer.id),
            "amount": "10",
            "paid_on": "2026-11-02",
            "status": "completed",
            "description": KEPT,
        },
        lambda books: last(Payment),
        pages=("/admin/payment/", "/admin/payment/details/?id={id}", "/admin/payment/edit/?id={id}"),
    ),
    Target(
        "refund",
        payments.RefundForm,
        lambda books: f"/admin/payment/{books.payment.id}/refund",
        lambda books: {"amount": "10", "refunded_on": "2026-11-03", "reason": KEPT},
        lambda books: db.session.get(Payment, books.payment.id).refunds[0],
        pages=("/admin/payment/details/?id={payment}",),
    ),
    Target(
        "recorded payment",
        invoice_payments.RecordForm,
        lambda books: f"/admin/invoice/{books.issued.id}/record-payment",
        lambda books: {"amount": "10", "paid_on": "2026-11-03", "description": KEPT},
        lambda books: last(Payment),
        pages=("/admin/payment/", "/admin/payment/details/?id={id}"),
    ),
    Target(
        "settings",
        setting_form.SettingForm,
        lambda books: "/admin/setting/",
        _setting,
        lambda books: db.session.get(Setting, 1),
        pages=("/admin/setting/",),
    ),
    Target(
        "staff",
        staff.NewStaffForm,
        lambda books: "/admin/staff/new/",
        lambda books: {
            "name": KEPT,
            "email": "new@example.com",
            "role": "clerk",
            "active": "y",
            "password": "a long enough one of words",
        },
        lambda books: last(Staff),
        pages=("/admin/staff/", "/admin/staff/details/?id={id}", "/admin/staff/edit/?id={id}"),
    ),
    Target(
        "provider",
        providers.ProviderForm,
        lambda books: "/admin/provider/new/",
        lambda books: {"name": f"{KEPT} {next(_NUMBERS)}", "status": "active", "currency": "USD"},
        lambda books: last(Provider),
        role="manager",
        pages=("/admin/provider/", "/admin/provider/details/?id={id}", "/admin/provider/edit/?id={id}"),
    ),
    Target(
        "rate card",
        rate_cards.RateCardForm,
        lambda books: "/admin/rate_card/new/",
        _rate_card,
        lambda books: last(RateCard),
        role="manager",
        pages=("/admin/rate_card/", "/admin/rate_card/details/?id={id}", "/admin/rate_card/edit/?id={id}"),
    ),
    Target(
        "rate",
        rate_changes.RateForm,
        lambda books: f"/admin/rate_card/rate/?id={_card()}",
        lambda books: {
            "prefix": f"44{next(_NUMBERS)}",
            "destination": KEPT,
            "rate_per_minute": "0.01",
            "from_day": "2026-11-02",
        },
        lambda books: last(Rate),
        role="manager",
    ),
    Target(
        "usage rule",
        usage_rules.RuleForm,
        lambda books: "/admin/usage_rule/new/",
        lambda books: {
            "customer_id": str(books.customer.id),
            "kind": "account_code",
            "value": f"{KEPT} {next(_NUMBERS)}",
        },
        lambda books: last(UsageRule),
        pages=("/admin/usage_rule/", "/admin/usage_rule/edit/?id={id}"),
    ),
    Target(
        "sent invoice",
        invoice_mails.SendForm,
        lambda books: f"/admin/invoice/{books.issued.id}/send",
        lambda books: {"recipients": "ada@retail.example", "subject": KEPT, "body": KEPT},
        lambda books: last(Mail),
        pages=("/admin/mail/", "/admin/mail/details/?id={id}"),
        audited=False,
    ),
    Target(
        "sent statement",
        statements.StatementForm,
        lambda books: f"/admin/customer/{books.customer.id}/statement/send",
        lambda books: {"recipients": "ada@retail.example", "subject": KEPT, "body": KEPT},
        lambda books: last(Mail),
        pages=("/admin/mail/", "/admin/mail/details/?id={id}"),
        audited=False,
    ),
    Target(
        "schedule",
        schedule_form.ScheduleForm,
        lambda books: "/admin/schedule/new/",
        lambda books: {
            "name": KEPT,
            "produces": "report",
            "emails": "reports@retail.example",
            "groups": "customer",
            "format": "csv",
            "frequency": "monthly",
            "hour": "6",
        },
        lambda books: last(Schedule),
        pages=("/admin/schedule/", "/admin/schedule/details/?id={id}", "/admin/schedule/edit/?id={id}"),
    ),
    Target(
        "invoice template",
        invoice_templates.NewTemplateForm,
        lambda books: "/admin/invoice_template/new/",
        lambda books: {"name": f"{KEPT} {next(_NUMBERS)}", "based_on": "standard"},
        lambda books: last(InvoiceTemplate),
        role="admin",
        pages=("/admin/invoice_template/edit/?id={id}",),
    ),
    # Last: what is void takes nothing more.
    Target(
        "void",
        invoices.VoidForm,
        lambda books: f"/admin/invoice/{books.issued.id}/void",
        lambda books: {"reason": KEPT},
        lambda books: db.session.get(Invoice, books.issued.id),
        pages=("/admin/invoice/details/?id={id}",),
        elsewhere={"reason": "void_reason"},
    ),
)

# Forms that make nothing of their own: what they hold is covered by the form named, or has no text or number.
COVERED_BY: dict[type[Form], str] = {
    staff.StaffForm: "staff",
    staff.PasswordForm: "staff",
    items.CellForm: "invoice line",
    customer_forms.CustomerForm: "customer",
    customer_forms.BulkEditForm: "customer",
    payments.StatusForm: "payment",
    invoice_payments.AllocateForm: "recorded payment",
    rate_changes.WithdrawForm: "rate",
    rate_test.TestForm: "rate",
    # Its name is a field as that of a rule; its tags are only looked for.
    usage_rules.FormatForm: "usage rule",
    billing_run_form.RunForm: "customer",
    # Its HTML is a program of its own kind, which has its own tests.
    invoice_templates.TemplateForm: "invoice template",
    # A template: tests/reminders/test_messages.py tries what it refuses.
    customer_messages.MessageForm: "sent statement",
    # Only asks whether to send again.
    invoice_mails.SendManyForm: "sent invoice",
    # A template: tests/admin_views/test_mails.py tries what it refuses.
    mail_templates.MailTextForm: "sent invoice",
    # A choice of calls, of which nothing is kept.
    usage_rerate.RerateForm: "usage rule",
}


def forms_of_the_application(above: type[Form] = forms.Form) -> Iterator[type[Form]]:
    for one in above.__subclasses__():
        if one.__module__.startswith("dashboard."):
            yield one
        yield from forms_of_the_application(one)


assert issubclass(forms.Form, BaseForm)
