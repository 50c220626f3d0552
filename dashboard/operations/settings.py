"""The account's settings. A new currency, tax or due days count for what is made from now on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from dashboard.documents import logo, mail
from dashboard.models import Customer, Invoice, NumberSeries, Setting
from dashboard.models.customer import LINE_GROUPINGS
from dashboard.models.invoice import TAX_MODES
from dashboard.models.setting import GENERATED_INVOICES, NUMBER_RESETS, SMTP_SECURITY
from dashboard.operations import address, checks, invoice_templates, schedule_align
from dashboard.operations.base import Actor, check_version, fetch, operation, require, session
from dashboard.operations.errors import Invalid, Refused
from dashboard.operations.numbering import series_name
from dashboard.operations.secrets import seal, unseal
from dashboard.queries import settings as queries
from dashboard.rules.numbering import check_pattern, format_number
from dashboard.rules.reminders import read_days, say_days

PURPOSE = "smtp password"
TEST_SUBJECT = "Test e-mail from Billing Dashboard"
TEST_BODY = "This is a test. If you can read it, the e-mail settings of Billing Dashboard work.\n"


def _or_empty(check: checks.Check) -> checks.Check:
    return lambda value: check(value) or ""


def _pattern(value: Any) -> str:
    written = checks.text(60, required=True)(value)
    check_pattern(written)
    return str(written)


def _zone(value: Any) -> str:
    found = checks.time_zone(value)
    if found is None:
        raise ValueError("Choose a time zone.")
    return str(found)


_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.:-]{0,198}[A-Za-z0-9])?")


def _host(value: Any) -> str | None:
    written = checks.text(200)(value)
    if written is not None and not _HOST.fullmatch(written):
        raise ValueError("This is not the name of a server. Write it like mail.example.com.")
    return written  # type: ignore[no-any-return]


def _password(value: Any) -> str | None:
    if value is not None and (len(str(value)) > 500 or not str(value).isprintable()):
        raise ValueError("This password can't be used. Type it again.")
    return str(value) if value else None


def _hour(value: Any) -> int:
    found = checks.hour(value)
    if found is None:
        raise ValueError("Choose the hour.")
    return found


def _reminder_days(value: Any) -> list[int]:
    """As staff write them, or as they are stored."""
    return read_days(say_days(value) if isinstance(value, (list, tuple)) else str(value or ""))


CHECKS: dict[str, checks.Check] = {
    "company_name": _or_empty(checks.text(200)),
    **address.CHECKS,
    "email": checks.email,
    "website": checks.website,
    "currency": checks.currency,
    "time_zone": _zone,
    "invoice_number_pattern": _pattern,
    "number_reset": checks.choice(NUMBER_RESETS),
    "invoice_due_days": checks.whole(0, 365, required=True),
    "tax_name": _or_empty(checks.text(40)),
    "tax_percent": checks.number(places=4, minimum=Decimal(0), maximum=Decimal(100), required=True),
    "tax_mode": checks.choice(TAX_MODES),
    "tax_inclusive": checks.flag,
    "invoice_line_grouping": checks.choice(LINE_GROUPINGS),
    "invoice_template": invoice_templates.chosen(required=True),
    "payment_details": checks.long_text(2_000),
    "generated_invoices": checks.choice(GENERATED_INVOICES),
    "send_invoices": checks.flag,
    "schedule_hour": _hour,
    "billing_delay_hours": checks.whole(0, 240, required=True),
    "package_notification_days": checks.whole(0, 90, required=True),
    "reminder_days": _reminder_days,
    "auto_logout_minutes": checks.whole(0, 1_440, required=True),
    "audit_comment": checks.flag,
    "smtp_host": _host,
    "smtp_port": checks.whole(1, 65_535),
    "smtp_security": checks.choice(SMTP_SECURITY),
    "smtp_user": checks.text(200),
    "smtp_from": checks.email,
}
SMTP = ("smtp_host", "smtp_port", "smtp_security", "smtp_user", "smtp_from", "smtp_password")


@operation("setting.write")
def update(actor: Actor, values: Mapping[str, Any], *, version: int | None = None) -> Setting:
    """Change the fields given. An empty `smtp_password` keeps the one there is; `logo` is the file's bytes,
    and `remove_logo` takes the picture away."""
    found = fetch(Setting, 1, "settings", lock=True)
    check_version(found, version)
    given = dict(values)
    picture, without = given.pop("logo", None), checks.flag(given.pop("remove_logo", None))
    typed = given.pop("smtp_password", None)
    errors, taken = _read(given)
    try:
        password = _password(typed)
    except ValueError as fault:
        errors["smtp_password"] = [str(fault)]
    if picture:
        try:
            taken["logo"], taken["logo_type"] = logo.prepare(picture)
        except ValueError as fault:
            errors["logo"] = [str(fault)]
    elif without:
        taken["logo"] = taken["logo_type"] = None
    if errors:
        raise Invalid(errors)
    taken.update(_sealed(found, taken, password))
    taken.update(_reminders_begin(found, taken))
    zone = found.time_zone
    moved = taken.get("time_zone", zone) != zone
    for name, value in taken.items():
        if getattr(found, name) != value:
            setattr(found, name, value)
    _check_together(found, set(taken))
    session().flush()
    if {"schedule_hour", "billing_delay_hours", "time_zone"} & set(taken):
        schedule_align.align()
    if moved:
        schedule_align.follow_zone(zone)
        from dashboard.operations.usage_rerate import rebuild_open

        rebuild_open(actor, session().scalars(select(Customer.id).where(Customer.time_zone.is_(None))).all())
    return found


def _read(given: Mapping[str, Any]) -> tuple[dict[str, list[str]], dict[str, Any]]:
    errors: dict[str, list[str]] = {}
    taken: dict[str, Any] = {}
    for name, value in given.items():
        try:
            taken.update(checks.read({name: value}, CHECKS))
        except Invalid as invalid:
            errors.update(invalid.errors)
    return errors, taken


def _reminders_begin(found: Setting, taken: Mapping[str, Any]) -> dict[str, Any]:
    """Where the days are others now, they count from today. What fell due before is not made up for: nobody
    wants years of it in one morning."""
    days = taken.get("reminder_days", found.reminder_days)
    if days == found.reminder_days:
        return {}
    return {"reminders_from": queries.today() if days else None}


def _sealed(found: Setting, taken: Mapping[str, Any], password: str | None) -> dict[str, str | None]:
    """What becomes of the stored password. It belongs to one server and one user: whoever changes either
    types it again, so that nobody has it sent to a server of their own."""
    user = taken.get("smtp_user", found.smtp_user)
    if not user:
        return {"smtp_password": None}
    if password:
        return {"smtp_password": seal(password, PURPOSE)}
    if found.smtp_password and _is_elsewhere(found, taken):
        raise Invalid(
            {"smtp_password": "Type the password again, because the server or the user is another."}
        )
    return {}


def _is_elsewhere(found: Setting, taken: Mapping[str, Any]) -> bool:
    return any(
        taken.get(name, getattr(found, name)) != getattr(found, name)
        for name in ("smtp_host", "smtp_port", "smtp_security", "smtp_user")
    )


def _check_together(found: Setting, changed: set[str]) -> None:
    """What one value alone does not show."""
    if {"invoice_number_pattern", "number_reset"} & changed:
        if found.number_reset == "yearly" and "{year" not in found.invoice_number_pattern:
            raise Invalid(
                {
                    "invoice_number_pattern": "Numbers that begin anew each year need {year} in the pattern, "
                    "or they would repeat."
                }
            )
        number = next_number(found)
        if session().scalar(select(Invoice.id).where(Invoice.number == number)) is not None:
            raise Invalid(
                {
                    "invoice_number_pattern": f"The next invoice would be {number}, which there is already. "
                    "Choose another pattern."
                }
            )
    if found.smtp_host and not found.smtp_from:
        raise Invalid({"smtp_from": "Fill in the address that mail is sent from."})


def next_number(setting: Setting, pattern: str | None = None) -> str:
    """The number that the next invoice would get today. ValueError where the pattern will not do."""
    today = queries.today()
    count = session().scalar(
        select(NumberSeries.next_value).where(NumberSeries.name == series_name(setting, today))
    )
    return format_number(pattern or setting.invoice_number_pattern, count or 1, today)


def mail_server(setting: Setting) -> mail.MailServer:
    """The server to send by, password included. Raises Refused where there is none."""
    if not setting.smtp_host or not setting.smtp_from:
        raise Refused("There is no mail server yet. Fill in the server and the address mail is sent from.")
    password = None
    if setting.smtp_user and setting.smtp_password:
        password = unseal(setting.smtp_password, PURPOSE)
        if password is None:
            raise Refused(
                "The stored password of the mail server can't be read any more, because the secret key "
                "of this installation has changed. Type it again and save."
            )
    return mail.MailServer(
        host=setting.smtp_host,
        sender=setting.smtp_from,
        port=setting.smtp_port,
        security=setting.smtp_security,
        user=setting.smtp_user,
        password=password,
    )


def test_email(actor: Actor, to: str, values: Mapping[str, Any] | None = None) -> str:
    """Send a test to `to`; the answer says what happened. `values` are those of the form, saved or not.

    Invalid and Refused say what is missing, and Refused what the server answered.
    """
    require(actor, "setting.write")
    try:
        recipient = checks.email(to)
        if recipient is None:
            raise ValueError("Fill in the address to send the test to.")
    except ValueError as fault:
        raise Invalid({"to": str(fault)}) from fault
    setting = queries.current()
    server = mail_server(setting) if values is None else _typed_server(setting, values)
    message = mail.compose(
        server.sender, recipient, TEST_SUBJECT, TEST_BODY, sender_name=setting.company_name
    )
    # Nothing is held in the database while a distant server takes its time.
    session().rollback()
    try:
        mail.send(server, message)
    except mail.NotSent as fault:
        raise Refused(str(fault)) from fault
    return f"The mail server took the test for {recipient}. Look whether it arrives."


def _typed_server(setting: Setting, values: Mapping[str, Any]) -> mail.MailServer:
    """The server of the form, with the stored password where none was typed and it is the same server."""
    given = {name: value for name, value in values.items() if name in SMTP and name != "smtp_password"}
    errors, taken = _read(given)
    if errors:
        raise Invalid(errors)
    password = _password(values.get("smtp_password"))
    user = taken.get("smtp_user", setting.smtp_user)
    if user and not password and setting.smtp_password and _is_elsewhere(setting, taken):
        raise Invalid(
            {"smtp_password": "Type the password again, because the server or the user is another."}
        )
    stored = setting.smtp_password if user and not password else None
    drafted = Setting(
        **{name: taken.get(name, getattr(setting, name)) for name in SMTP if name != "smtp_password"},
        smtp_password=stored or (seal(password, PURPOSE) if password else None),
    )
    return mail_server(drafted)
