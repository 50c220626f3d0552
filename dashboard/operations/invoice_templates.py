"""The account's own invoice templates: added as copies of stock ones, edited in versions, brought back."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select

from dashboard.documents import template_samples
from dashboard.documents.invoice_template import LIMITS, stock_source
from dashboard.documents.own_invoice import checked_pdf
from dashboard.documents.pdf_renderer import PdfFailed, PdfUnavailable
from dashboard.documents.sandbox import TemplateFault
from dashboard.documents.snapshot import OWN_TEMPLATE
from dashboard.models import InvoiceTemplate, InvoiceTemplateVersion
from dashboard.models.customer import INVOICE_TEMPLATES
from dashboard.operations import checks
from dashboard.operations.base import Actor, check_version, fetch, once, operation, require, session
from dashboard.operations.errors import Invalid, Missing, Refused
from dashboard.queries import invoice_templates as queries
from dashboard.queries import settings

RIGHT = "template.write"
_name = checks.text(80, required=True)
_note = checks.text(200)


def chosen(*, required: bool) -> checks.Check:
    """The check of an Invoice Template as customers and the account choose it: a key or a name."""
    stock = checks.choice(INVOICE_TEMPLATES, required=required)

    def check(value: Any) -> Any:
        try:
            return stock(value)
        except ValueError:
            if str(value or "").strip() == "":
                raise
        return checks.choice(queries.TEMPLATE_NAMES, required=required)(value)

    return check


@operation(RIGHT)
def create(actor: Actor, values: Mapping[str, Any], *, form_key: str | None = None) -> InvoiceTemplate:
    """A copy of the stock template `based_on`."""
    file = once(actor, form_key)
    taken = checks.read(
        values, {"name": _name, "based_on": checks.choice(INVOICE_TEMPLATES)}, required=("name", "based_on")
    )
    _check_name(taken["name"], None)
    key = OWN_TEMPLATE + secrets.token_hex(6)
    template = InvoiceTemplate(key=key, html=stock_source(taken["based_on"]), **taken)
    session().add(template)
    session().flush()
    _file_version(actor, template, f"Copy of {INVOICE_TEMPLATES[template.based_on]}")
    queries.TEMPLATE_NAMES.forget()
    file(f"invoice_template:{template.id}")
    return template


def update(
    actor: Actor, key: int, values: Mapping[str, Any], *, version: int | None = None
) -> InvoiceTemplate:
    """Change its name or its HTML, which is tried on sample invoices first, before anything is locked. Other
    HTML is a new version, under the `note` given."""
    require(actor, RIGHT)
    taken = checks.read(values, {"name": _name, "html": _html, "note": _note})
    if "html" in taken:
        _try(taken["html"])
    return _write(actor, key, taken, version)


@operation(RIGHT)
def _write(actor: Actor, key: int, taken: Mapping[str, Any], version: int | None) -> InvoiceTemplate:
    template = fetch(InvoiceTemplate, key, "template", lock=True)
    check_version(template, version)
    if "name" in taken and taken["name"] != template.name:
        _check_name(taken["name"], template.id)
        template.name = taken["name"]
    html = taken.get("html", template.html)
    if html != template.html:
        template.html = html
        # Mended, for all that is known now; the next invoice that fails says so.
        template.fault = None
        _file_version(actor, template, taken.get("note") or "")
    session().flush()
    queries.TEMPLATE_NAMES.forget()
    return template


def restore(actor: Actor, key: int, number: int, *, version: int | None = None) -> InvoiceTemplate:
    """Bring back what a version said, as a new version."""
    require(actor, RIGHT)
    old = queries.version(key, number)
    if old is None:
        raise Missing("version")
    try:
        _try(old.html)
    except Invalid as fault:
        raise Refused(f"Version {number} can't be restored. {' '.join(fault.errors['html'])}") from fault
    return _write(actor, key, {"html": old.html, "note": f"Version {number} restored"}, version)


def reset(actor: Actor, key: int, *, version: int | None = None) -> InvoiceTemplate:
    """Back to the stock template that it began with."""
    require(actor, RIGHT)
    based_on = fetch(InvoiceTemplate, key, "template").based_on
    name = INVOICE_TEMPLATES.get(based_on, "Standard")
    return _write(actor, key, {"html": stock_source(based_on), "note": f"Reset to {name}"}, version)


@operation(RIGHT)
def delete(actor: Actor, key: int) -> None:
    """Invoices issued by it are printed by the stock template from then on."""
    template = fetch(InvoiceTemplate, key, "template", lock=True)
    names, count, is_default = queries.users(template.key)
    if count or is_default:
        who = ["the account (Setup > Settings)"] if is_default else []
        who += names
        if count > len(names):
            who.append(f"{count - len(names):,} more")
        raise Refused(
            f"{template.name} can't be deleted, because it is used by {', '.join(who)}."
            " Choose another template there first."
        )
    session().delete(template)
    queries.TEMPLATE_NAMES.forget()


def _html(value: Any) -> str:
    written = str(value or "").replace("\r\n", "\n").replace("\r", "\n")
    if not written.strip():
        raise ValueError("Write the template, or use Reset to bring back the stock one.")
    if len(written) > LIMITS.source:
        raise ValueError(f"Use at most {LIMITS.source:,} characters; this has {len(written):,}.")
    if "\x00" in written:
        raise ValueError("This has an invisible control character in it.")
    return written


def _try(html: str) -> None:
    """Raises Invalid with line and reason."""
    try:
        page = template_samples.check(html, settings.current())
        checked_pdf(page)
    except TemplateFault as fault:
        raise Invalid({"html": str(fault)}) from fault
    except PdfUnavailable:
        # Not the template's fault; it can be written on a machine that prints nothing.
        return
    except PdfFailed as fault:
        raise Invalid({"html": "The page could not be made into a PDF within its time."}) from fault


def _check_name(name: str, own: int | None) -> None:
    taken = {label.casefold() for label in INVOICE_TEMPLATES.values()} | set(INVOICE_TEMPLATES)
    same = select(InvoiceTemplate.id).where(func.lower(InvoiceTemplate.name) == func.lower(name))
    if name.casefold() in taken or session().scalar(same.where(InvoiceTemplate.id != (own or 0))) is not None:
        raise Invalid({"name": f"There is a template named {name} already."})


def _file_version(actor: Actor, template: InvoiceTemplate, note: str) -> None:
    kind = InvoiceTemplateVersion
    last = session().scalar(select(func.max(kind.number)).where(kind.template_id == template.id)) or 0
    session().add(
        kind(
            template_id=template.id,
            number=last + 1,
            html=template.html,
            note=note,
            created_by=actor.id,
            created_by_name=actor.name,
        )
    )
