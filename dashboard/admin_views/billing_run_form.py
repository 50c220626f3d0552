"""What a billing run is asked for: the period, whose invoices, how they are made."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from wtforms import widgets
from wtforms.fields.choices import Choice

from dashboard.admin_views import fields
from dashboard.admin_views.field_types import LookupField
from dashboard.admin_views.lookups import label_of
from dashboard.admin_views.period_form import CUSTOM, PRESETS, PeriodForm
from dashboard.models.customer import LINE_GROUPINGS
from dashboard.models.setting import GENERATED_INVOICES
from dashboard.operations.errors import Invalid
from dashboard.queries import settings
from dashboard.rules import periods
from dashboard.rules.periods import Period

MOST_CHOSEN = 500
WHOSE = {
    "schedule": "All with an invoice schedule",
    "chosen": "Customers of your choice",
    "tags": "Customers with a tag",
}
SCHEDULES = {
    "fits": "The one that fits the period",
    "monthly": "Monthly",
    "weekly": "Weekly",
    "daily": "Daily",
    "any": "Any schedule",
}
RESULTS = {"draft": GENERATED_INVOICES["draft"], "issued": GENERATED_INVOICES["issued"]}


class LookupsField(LookupField):
    """The keys of several records, searched for on the server; `data` is a list."""

    widget = widgets.Select(multiple=True)

    def process_data(self, value: Any) -> None:
        self.data = list(value or [])

    def process_formdata(self, valuelist: list[Any]) -> None:
        typed = [text.strip() for text in valuelist if text.strip()]
        self.data = []
        if len(typed) > MOST_CHOSEN:
            raise ValueError(f"At most {MOST_CHOSEN} customers, please. For more, give them a tag.")
        if not all(re.fullmatch(r"[0-9]{1,18}", text) for text in typed):
            raise ValueError("Please choose from the list.")
        self.data = list(dict.fromkeys(int(text) for text in typed))

    def iter_choices(self) -> Iterable[Choice]:
        for key in self.data or []:
            yield Choice(str(key), label_of(self.endpoint, key), True, {})


def _usual_result() -> list[tuple[str, str]]:
    usual = GENERATED_INVOICES[settings.current().generated_invoices]
    return [("", f"As in Settings ({usual.lower()})"), *RESULTS.items()]


class RunForm(PeriodForm):
    customers = fields.choice("Customers", WHOSE, default="schedule")
    schedule = fields.choice(
        "Invoice Schedule",
        SCHEDULES,
        default="fits",
        help="Monthly for a month, weekly for a week, daily for a day.",
    )
    customer_ids = LookupsField("Chosen Customers", endpoint="customer", hint="Search for names")
    tags = fields.tags("Tags")
    grouping = fields.choice("Invoice Lines", LINE_GROUPINGS, blank="As on the customer and in Settings")
    result = fields.choice("Invoices Become", _usual_result, blank=None)
    invoice_date = fields.day("Invoice Date", help="Empty: the day on which they are made.")

    sections = (
        ("Period", ("period", "first_day", "last_day")),
        ("Customers", ("customers", "schedule", "customer_ids", "tags")),
        ("Invoices", ("grouping", "result", "invoice_date")),
    )

    def options(self) -> dict[str, Any]:
        """The choice as the run keeps it. Raises Invalid where it names nobody."""
        whose = self.customers.data
        if whose == "chosen" and not self.customer_ids.data:
            raise Invalid({"customer_ids": "Choose at least one customer."})
        if whose == "tags" and not self.tags.data:
            raise Invalid({"tags": "Give at least one tag."})
        return {
            "customers": whose,
            "schedule": self._schedule() if whose == "schedule" else None,
            "customer_ids": self.customer_ids.data if whose == "chosen" else [],
            "tags": self.tags.data if whose == "tags" else [],
            "grouping": self.grouping.data or None,
            "issue": {"draft": False, "issued": True}.get(self.result.data or ""),
            "dated": self.invoice_date.data,
        }

    def _schedule(self) -> str | None:
        """The schedule meant; None for any."""
        if self.schedule.data != "fits":
            return None if self.schedule.data == "any" else str(self.schedule.data)
        if self.period.data == CUSTOM:
            return _schedule_of(self.read_period())
        return PRESETS[self.period.data][1] if self.period.data in PRESETS else "daily"


def _schedule_of(period: Period) -> str | None:
    """The schedule that has such a period; None where none has."""
    return next((name for name in periods.SCHEDULES if periods.period_of(name, period.start) == period), None)
