"""The form of a Schedule Report: what it makes, for whom, when, and where it goes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wtforms import ValidationError
from wtforms.validators import Length

from dashboard.admin_views import fields
from dashboard.admin_views.customer_forms import HOURS, ISSUING, OWN, SENDING
from dashboard.admin_views.forms import Form
from dashboard.admin_views.many_fields import LinesField, LookupsField, OrderedField
from dashboard.models.schedule import FREQUENCIES, PRODUCES, REPORT_FORMATS
from dashboard.operations import schedules
from dashboard.queries.breakout import DIMENSIONS
from dashboard.rules.places import time_zones
from dashboard.rules.report_columns import COLUMNS

GROUPS: Mapping[str, str] = {name: one.label for name, one in DIMENSIONS.items()}
LONGEST = 6_000
AS_CUSTOMER = "As the customer is set"
# By what is produced: the fields that mean nothing then. They are out of sight and not stored.
UNUSED: Mapping[str, Mapping[str, Any]] = {
    "report": {"issue": None, "send": None},
    "invoices": {"groups": [], "columns": [], "provider_ids": [], "format": "csv"},
    "statements": {
        "emails": "",
        "groups": [],
        "columns": [],
        "provider_ids": [],
        "format": "csv",
        "issue": None,
        "send": None,
    },
}


def _zones() -> list[tuple[str, str]]:
    return [(zone, zone.replace("_", " ")) for zone in time_zones()]


def _addresses(form: Any, field: Any) -> None:
    try:
        schedules.emails(field.data)
    except ValueError as fault:
        raise ValidationError(str(fault)) from None


class ScheduleForm(Form):
    name = fields.text("Name", max=120, required=True)
    produces = fields.choice("Produces", PRODUCES, default="report")
    emails = LinesField(
        "Email",
        validators=[Length(max=LONGEST, message=f"At most {LONGEST:,} characters, please."), _addresses],
        description=f"One a line, at most {schedules.MOST_EMAILS}.",
        render_kw={"rows": 3, "maxlength": LONGEST, "spellcheck": "false", "autocomplete": "off"},
    )
    groups = OrderedField(
        "Group", GROUPS, hint="Choose one or more", description="In this order, as in Breakout."
    )
    customer_ids = LookupsField("Customers", endpoint="customer", hint="All customers")
    provider_ids = LookupsField("Providers", endpoint="provider", hint="All providers")
    columns = OrderedField(
        "Columns",
        COLUMNS,
        hint="All columns",
        description="In this order. An amount always has its currency beside it.",
    )
    format = fields.choice("Format", REPORT_FORMATS, default="csv")
    frequency = fields.choice("Frequency", FREQUENCIES, default="monthly")
    hour = fields.choice("Hour", HOURS, default="6")
    time_zone = fields.choice("Time Zone", _zones, blank=OWN, search=True)
    delay_hours = fields.whole(
        "Delay Hours",
        min=0,
        max=240,
        help="Wait so long after the period's end for usage that comes late. Empty: not for a report, else as"
        " in Settings.",
    )
    issue = fields.choice("Invoices", ISSUING, blank=AS_CUSTOMER)
    send = fields.choice("Issued invoices", SENDING, blank=AS_CUSTOMER)

    sections = (
        ("Schedule", ("name", "produces", "emails")),
        ("What is in it", ("groups", "columns", "customer_ids", "provider_ids", "format", "issue", "send")),
        ("When", ("frequency", "hour", "time_zone", "delay_hours")),
    )

    def values(self) -> dict[str, Any]:
        values = super().values()
        produces = str(values["produces"])
        values |= UNUSED.get(produces, {})
        if produces == "report" and values["delay_hours"] is None:
            values["delay_hours"] = 0
        return values
