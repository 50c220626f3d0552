"""Reports > Schedule Report: what is made and mailed by itself each day, week or month."""

from __future__ import annotations

from typing import Any, ClassVar

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from werkzeug.datastructures import MultiDict

from dashboard.admin_views import schedule_running
from dashboard.admin_views.base import AdminView
from dashboard.admin_views.conflict import facts
from dashboard.admin_views.forms import Form, new_form_key
from dashboard.admin_views.guard import needs
from dashboard.admin_views.list_page import Action, RowAction, delete_action
from dashboard.admin_views.schedule_form import ScheduleForm
from dashboard.admin_views.schedule_preview import SchedulePreview, shown_slots
from dashboard.models import Schedule
from dashboard.operations import bulk, schedules
from dashboard.queries import schedule_list, schedule_runs, settings
from dashboard.rules.schedules import in_words

NEXT, LAST = 5, 10
# How often a report comes whose days on screen move with the calendar.
FREQUENCY_OF = {
    "today": "daily",
    "yesterday": "daily",
    "last_7_days": "weekly",
    "last_week": "weekly",
}
# What the address of Breakout names, and the field that takes it.
FROM_BREAKOUT = {"group": "groups", "customer": "customer_ids", "provider": "provider_ids"}


class ScheduleView(SchedulePreview, AdminView):
    model = Schedule
    operations = schedules
    form = ScheduleForm
    listing = schedule_list.LISTING
    rights: ClassVar[dict[str, str]] = {
        "read": "schedule.read",
        "create": "schedule.write",
        "edit": "schedule.write",
        "delete": "schedule.write",
    }
    title = "Schedule Report"
    singular = "schedule"
    icon = "calendar"
    create_label = "Add Schedule"
    create_template = "admin/schedule/form.html"
    edit_template = "admin/schedule/form.html"
    details_template = "admin/schedule/details.html"
    empty_text = (
        "A schedule mails the Breakout report of each day, week or month by itself, or makes invoices or"
        " statements for the customers you choose."
    )
    bulk_actions = (
        Action("pause", "Pause", "schedule.write", "Pause {n} schedules?", icon="stop", done="paused"),
        Action("resume", "Resume", "schedule.write", "Resume {n} schedules?", icon="play", done="resumed"),
        delete_action("schedule.write", "Delete {n} schedules? Their runs and files stay."),
    )

    def get_query(self) -> Any:
        """Those of customers are set on the customers' own pages."""
        return super().get_query().filter(Schedule.customer_id.is_(None))

    def row_actions(self, row: Any) -> list[RowAction]:
        if not self.may("schedule.write"):
            return []
        turn = ("Resume", "play", ".resume_view") if row.paused else ("Pause", "stop", ".pause_view")
        return [
            RowAction("Run now", "send", url_for(".run_view", id=row.id), "post"),
            RowAction(turn[0], turn[1], url_for(turn[2], id=row.id), "post"),
            *super().row_actions(row),
        ]

    # The form ----------------------------------------------------------------------------------

    def defaults(self) -> dict[str, Any]:
        return {
            "produces": "report",
            "frequency": "monthly",
            "format": "csv",
            "hour": settings.current().schedule_hour,
            "groups": ["customer"],
        }

    def blank_form(self) -> Form:
        """Filled as a copy of another schedule, or as Breakout was on screen."""
        args = request.args
        if args.get("copy"):
            form = ScheduleForm(obj=self.get_one(args["copy"]))
            form.name.data = f"Copy of {form.name.data}"[:120]
            return form
        values = self.defaults()
        values["frequency"] = FREQUENCY_OF.get(args.get("dates", ""), "monthly")
        form = ScheduleForm(data=values)
        for name, field in FROM_BREAKOUT.items():
            _fill(form, field, args, name)
        return form

    def form_for(self, record: Any, formdata: Any = None) -> Form:
        return ScheduleForm(formdata) if formdata is not None else ScheduleForm(obj=record)

    def form_context(self, form: Form, record: Any) -> dict[str, Any]:
        return {"preview_href": url_for(".preview_view", **({"id": record.id} if record else {}))}

    # One schedule ------------------------------------------------------------------------------

    def facts(self, record: Any) -> list[dict[str, str]]:
        form = self.form_for(record)
        found = facts(form)
        for name, words in (("customer_ids", "All customers"), ("provider_ids", "All providers")):
            if not form[name].data and (name == "customer_ids" or record.produces == "report"):
                found.append({"label": form[name].label.text, "value": words})
        if record.produces == "report":
            return found
        return [fact for fact in found if fact["label"] != form["format"].label.text]

    def details_context(self, record: Any) -> dict[str, Any]:
        rule = schedules.rule_of(record)
        return {
            "words": in_words(rule),
            "next": shown_slots(rule, schedules.next_slots(record, NEXT)),
            "last": schedule_runs.of_schedule(record.id, LAST),
            "zone": rule.zone,
            "local": lambda moment: schedule_runs.local(moment, rule.zone),
        }

    def page_actions(self, record: Any) -> list[dict[str, Any]]:
        if not self.may("schedule.write"):
            return []
        edit, delete = super().page_actions(record)
        delete["confirm"] = f"Delete “{record}”? Its runs and their files stay. This can't be undone."
        turn = ("Resume", ".resume_view", "play") if record.paused else ("Pause", ".pause_view", "stop")
        run = {"form_key": new_form_key()}
        return [
            _button("Run now", ".run_view", "send", record, fields=run),
            _button(turn[0], turn[1], turn[2], record),
            {"label": "Copy", "href": url_for(".create_view", copy=record.id), "icon": "copy"},
            edit,
            delete,
        ]

    @expose("/<id>/run", methods=("POST",))
    @needs("schedule.write")
    def run_view(self, id: str) -> ResponseReturnValue:
        """A run of this moment, about the period just ended."""
        record = self.get_one(id)
        return schedule_running.run_now(self.actor_of(None), record.id)

    @expose("/<id>/pause", methods=("POST",))
    @needs("schedule.write")
    def pause_view(self, id: str) -> ResponseReturnValue:
        record = schedules.pause(self.actor_of(None), self.get_one(id).id)
        flash(f"“{record}” is paused: nothing of it comes due until it is resumed.", "success")
        return redirect(self.way_back(self.href(record.id)), 303)

    @expose("/<id>/resume", methods=("POST",))
    @needs("schedule.write")
    def resume_view(self, id: str) -> ResponseReturnValue:
        record = schedules.resume(self.actor_of(None), self.get_one(id).id)
        flash(f"“{record}” goes on with its next run.", "success")
        return redirect(self.way_back(self.href(record.id)), 303)

    # Many --------------------------------------------------------------------------------------

    def do_pause(self, actor: Any, keys: list[int]) -> Any:
        return bulk.each(actor, keys, lambda key: schedules.pause(actor, key), label=self._name)

    def do_resume(self, actor: Any, keys: list[int]) -> Any:
        return bulk.each(actor, keys, lambda key: schedules.resume(actor, key), label=self._name)

    def do_delete(self, actor: Any, keys: list[int]) -> Any:
        return bulk.each(actor, keys, lambda key: schedules.delete(actor, key), label=self._name)

    def _name(self, key: int) -> str:
        return str(self.get_one(key))


def _button(label: str, view: str, icon: str, record: Any, **more: Any) -> dict[str, Any]:
    return {"label": label, "href": url_for(view, id=record.id), "icon": icon, "method": "post", **more}


def _fill(form: Form, field: str, args: MultiDict[str, str], name: str) -> None:
    """What a link names, as far as the field takes it."""
    found = args.getlist(name)
    if not found:
        return
    try:
        form[field].process_formdata(found)
        form[field].pre_validate(form)
    except ValueError:
        form[field].data = []
