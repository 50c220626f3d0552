"""A customer's Invoice Schedule on its page: in words, its next and last runs, and Run now."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from flask.typing import ResponseReturnValue
from flask_admin import expose

from dashboard.admin_views import schedule_running
from dashboard.admin_views.forms import new_form_key
from dashboard.admin_views.guard import needs
from dashboard.models import Customer, Schedule
from dashboard.operations import mails, schedules
from dashboard.operations.errors import Refused
from dashboard.queries import schedule_runs, settings
from dashboard.rules.periods import SCHEDULES, Period
from dashboard.rules.schedules import how_far, in_words

NEXT, LAST = 3, 3


@dataclass(frozen=True)
class Coming:
    """A run to come, on the clocks of the schedule."""

    at: dt.datetime
    words: str
    period: Period


def card(customer: Customer) -> dict[str, Any]:
    """What the card of the schedule says."""
    schedule = schedule_runs.of_customer(customer.id)
    if customer.invoice_schedule not in SCHEDULES or schedule is None:
        last = schedule_runs.of_schedule(schedule.id, LAST) if schedule is not None else ()
        return {"schedule": None, "last": last}
    setting = settings.current()
    issues = customer.invoice_issue
    if issues is None:
        issues = setting.generated_invoices == "issued"
    sends = setting.send_invoices if customer.invoice_send is None else customer.invoice_send
    return {
        "schedule": schedule,
        "words": in_words(schedules.rule_of(schedule)),
        "issues": issues,
        "sends": issues and sends,
        "unreachable": issues and sends and not mails.billing_addresses(customer.id),
        "next": _next(schedule),
        "last": schedule_runs.of_schedule(schedule.id, LAST),
        "form_key": new_form_key(),
    }


def _next(schedule: Schedule) -> list[Coming]:
    rule = schedules.rule_of(schedule)
    zone, now = ZoneInfo(rule.zone), schedules.database_now()
    return [
        Coming(slot.astimezone(zone), how_far(slot, now, zone), rule.period_of_slot(slot))
        for slot in schedules.next_slots(schedule, NEXT)
    ]


class CustomerSchedule:
    """Mixed into CustomerView."""

    @expose("/<id>/run_schedule", methods=("POST",))
    @needs("schedule.write")
    def run_schedule_view(self, id: str) -> ResponseReturnValue:
        """Run the Invoice Schedule now: everything that is due up to the last period that has ended."""
        view: Any = self
        customer = view.get_one(view.key_of(id))
        schedule = schedule_runs.of_customer(customer.id)
        if schedule is None:
            raise Refused("This customer has no Invoice Schedule.")
        return schedule_running.run_now(view.actor_of(None), schedule.id)
