"""The choice of a period: the usual ones with their dates, or days of one's own."""

from __future__ import annotations

import datetime as dt
from typing import Any

from dashboard.admin_views import fields
from dashboard.admin_views.forms import Form
from dashboard.operations.errors import Invalid
from dashboard.queries import settings
from dashboard.rules.periods import Period, period_of, previous

PRESETS = {"last_month": ("Last month", "monthly"), "last_week": ("Last week", "weekly")}
YESTERDAY = "yesterday"
CUSTOM = "custom"
LONGEST_DAYS = 366


def preset(name: str, today: dt.date) -> Period:
    schedule = PRESETS[name][1] if name in PRESETS else "daily"
    return previous(schedule, period_of(schedule, today))


def presets() -> list[tuple[str, str]]:
    """What is offered, each with the dates that it means today."""
    today = settings.today()
    named = [(name, label) for name, (label, _) in PRESETS.items()] + [(YESTERDAY, "Yesterday")]
    offered = [(name, f"{label} ({preset(name, today)})") for name, label in named]
    return [*offered, (CUSTOM, "Days of your own choice")]


class PeriodForm(Form):
    """`read_period()` gives the period chosen. The dates are used for the last choice alone."""

    period = fields.choice("Period", presets, default="last_month")
    first_day = fields.day("First Day")
    last_day = fields.day("Last Day", help="That day included.")

    def read_period(self) -> Period:
        if self.period.data != CUSTOM:
            return preset(self.period.data, settings.today())
        first, last = self.first_day.data, self.last_day.data
        wrong: dict[str, Any] = {}
        if first is None:
            wrong["first_day"] = ["Please give the first day."]
        if last is None:
            wrong["last_day"] = ["Please give the last day."]
        elif first is not None and last < first:
            wrong["last_day"] = ["This is before the first day."]
        elif first is not None and (last - first).days >= LONGEST_DAYS:
            wrong["last_day"] = ["A period is a year at most."]
        if wrong:
            raise Invalid(wrong)
        assert first is not None and last is not None
        return Period(first, last + dt.timedelta(days=1))
