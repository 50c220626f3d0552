"""What a Schedule Report would send and when it would run, as its form stands: beside the form, live."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from flask import request
from flask.typing import ResponseReturnValue
from flask_admin import expose

from dashboard.admin_views.answers import download
from dashboard.admin_views.customer_schedule import Coming
from dashboard.admin_views.guard import needs
from dashboard.admin_views.schedule_form import ScheduleForm
from dashboard.models import Schedule
from dashboard.operations import schedules
from dashboard.operations.errors import Invalid, Refused
from dashboard.operations.report_made import BreakoutReport
from dashboard.rules.periods import Period
from dashboard.rules.schedules import Rule, how_far, in_words

NEXT = 5
# Rows beside the form; what is made while somebody waits for the file.
SHOWN = 25
MOST_WAITED = {"csv": 100_000, "xlsx": 20_000, "pdf": 500, "html": 100_000}
# Without these nothing can be sent, and yet there is something to see.
ADDRESSING: dict[str, Any] = {"name": "Schedule Report", "emails": ["nobody@invalid.example"]}


@dataclass(frozen=True)
class Drafted:
    """A schedule as the form stands, or what is wrong with it by field."""

    schedule: Schedule | None
    faults: dict[str, list[str]]

    @classmethod
    def of(cls, form: ScheduleForm) -> Drafted:
        """What is not filled in yet is no fault here; saving asks for it."""
        form.validate()
        faults = {name: [str(one) for one in said] for name, said in form.errors.items()}
        values = form.values()
        for name, stand_in in ADDRESSING.items():
            if name in faults or not values.get(name):
                values[name] = stand_in
                if not form[name].data:
                    faults.pop(name, None)
        if set(faults) <= set(ADDRESSING):
            try:
                return cls(schedules.drafted(values), faults)
            except Invalid as error:
                faults |= {name: list(said) for name, said in error.errors.items()}
        return cls(None, faults)


def coming(schedule: Schedule, stored: Schedule | None = None) -> list[Coming]:
    """The next five runs on the clocks of the schedule. A stored one keeps its next period when its hour is
    changed, as when it is saved."""
    rule, now = schedules.rule_of(schedule), schedules.database_now()
    if stored is None:
        slots = rule.next_slots(now, NEXT)
    else:
        schedule.next_slot = stored.next_slot
        before = schedules.rule_of(stored)
        first = stored.next_slot if rule == before else schedules.moved(schedule, before, now)
        slots = [first, *rule.next_slots(first, NEXT - 1)] if first else []
    return shown_slots(rule, slots)


def shown_slots(rule: Rule, slots: list[Any]) -> list[Coming]:
    zone, now = ZoneInfo(rule.zone), schedules.database_now()
    return [
        Coming(slot.astimezone(zone), how_far(slot, now, zone), rule.period_of_slot(slot)) for slot in slots
    ]


def ended(schedule: Schedule) -> Period:
    """The period just ended, which a run of this moment is about."""
    return schedules.rule_of(schedule).last_ended(schedules.database_now())


class SchedulePreview:
    """Mixed into ScheduleView."""

    @expose("/preview/", methods=("POST",))
    @needs("schedule.write")
    def preview_view(self) -> ResponseReturnValue:
        view: Any = self
        form = ScheduleForm(request.form)
        drafted = Drafted.of(form)
        found: dict[str, Any] = {
            "form": form,
            "faults": drafted.faults,
            "schedule": drafted.schedule,
            "report": None,
        }
        if drafted.schedule is not None:
            schedule = drafted.schedule
            key = request.args.get("id", "")
            stored = view.get_one(key) if key else None
            found |= {
                "words": in_words(schedules.rule_of(schedule)),
                "next": coming(schedule, stored),
                "period": ended(schedule),
                "to": [] if schedule.emails == ADDRESSING["emails"] else schedule.emails,
            }
            if schedule.produces == "report":
                report = BreakoutReport.of(schedule, found["period"])
                found |= {"report": report, "mail": report.mail_text(), "sheet": report.sheet(SHOWN)}
        return view.render("admin/schedule/_preview.html", **found)  # type: ignore[no-any-return]

    @expose("/preview/file", methods=("POST",))
    @needs("schedule.write")
    def preview_file_view(self) -> ResponseReturnValue:
        """The file as it would be sent for the period just ended."""
        drafted = Drafted.of(ScheduleForm(request.form))
        schedule = drafted.schedule
        if schedule is None or schedule.produces != "report":
            raise Refused("There is no file yet: look at what the preview says.")
        report = BreakoutReport.of(schedule, ended(schedule))
        most = MOST_WAITED[schedule.format]
        if report.count > most:
            raise Refused(
                f"This report has {report.count:,} rows, too many to wait for. Save the schedule and choose"
                " Run now: the file is then under Reports > Runs."
            )
        return download(report.chunks(), report.file_name, report.media_type)
