"""Reports > Runs: what ran by itself, what is running, what failed and why; retried and cancelled here."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

from flask import current_app, flash, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from markupsafe import Markup, escape

from dashboard.admin_views import show
from dashboard.admin_views.answers import download, wants_fragment
from dashboard.admin_views.base import AdminView
from dashboard.admin_views.forms import Form
from dashboard.admin_views.guard import needs
from dashboard.admin_views.list_page import RowAction, ShownRow
from dashboard.documents.store import store
from dashboard.models import ScheduleRun
from dashboard.models.schedule import PRODUCES
from dashboard.operations import schedule_runs
from dashboard.operations.errors import Refused
from dashboard.queries import schedule_runs as run_queries
from dashboard.queries.jobs import LIVE
from dashboard.rules.periods import Period

RETRIED = ("failed", "cancelled")


class RunView(AdminView):
    model = ScheduleRun
    operations = schedule_runs
    form = Form
    listing = run_queries.LISTING
    rights: ClassVar[dict[str, str]] = {"read": "schedule.read"}
    ENDPOINT_ACTS: ClassVar[dict[str, str]] = {
        "index_view": "read",
        "summary_view": "read",
        "export": "read",
        "details_view": "read",
    }
    title = "Runs"
    singular = "run"
    icon = "clock"
    list_template = "admin/run/list.html"
    empty_text = (
        "Each time an Invoice Schedule or a Schedule Report comes due, its run is listed here, with what it"
        " made. Set an Invoice Schedule on a customer's page to have its invoices made by themselves."
    )

    # The list ----------------------------------------------------------------------------------

    @expose("/")
    def index_view(self) -> ResponseReturnValue:
        """While anything waits or runs, the list asks for itself again."""
        page = self.build_page(self.read_state(request.args))
        template = "admin/run/_list.html" if wants_fragment() else self.list_template
        live = run_queries.any_live()
        return self.render(template, page=page, live=live, crumbs=[{"label": self.title, "href": ""}])  # type: ignore[no-any-return]

    def row_actions(self, row: Any) -> list[RowAction]:
        actions: list[RowAction] = []
        if self.may("schedule.write"):
            if row.state in LIVE and not row.cancel_requested:
                actions.append(RowAction("Cancel", "stop", url_for(".cancel_view", id=row.id), "post"))
            if row.state in RETRIED and row.schedule_id is not None:
                actions.append(RowAction("Retry", "refresh", url_for(".retry_view", id=row.id), "post"))
        return actions

    def build_row(self, row: Any, columns: Any) -> ShownRow:
        """What it made in words, how long it took in minutes, and whether it is stopping."""
        built = super().build_row(row, columns)
        made = run_queries.words(row.produces, row.what, row.document_id is not None)
        shown = {
            "made": escape(made) if made else show.NOTHING,
            "took": escape(took(row.seconds)) if row.seconds is not None else show.NOTHING,
        }
        if row.error:
            shown["error"] = Markup('<span class="clip" title="{0}">{0}</span>').format(row.error)
        if row.state == "running" and row.cancel_requested:
            shown["state"] = show.badge("cancelling")
        cells = [
            replace(cell, html=shown[cell.column.name], kind="text") if cell.column.name in shown else cell
            for cell in built.cells
        ]
        return replace(built, cells=cells)

    # One run -----------------------------------------------------------------------------------

    @expose("/details/")
    def details_view(self) -> ResponseReturnValue:
        """The run; while it waits or runs the page asks for its inner part again."""
        run = self.asked()
        live = run.state in LIVE
        if wants_fragment() and not live and request.args.get("was_live"):
            # The head and its buttons change, too.
            response = make_response("")
            response.headers["HX-Refresh"] = "true"
            return response
        zone = run_queries.zone_of(run)
        template = "_state.html" if wants_fragment() else "details.html"
        return self.render(  # type: ignore[no-any-return]
            f"admin/run/{template}",
            run=run,
            live=live,
            zone=zone,
            slot=run_queries.local(run.slot, zone),
            period=Period(run.period_start, run.period_end) if run.period_end else None,
            what=PRODUCES[run.produces] if run.customer_id is None else "Invoices of the customer",
            made=run_queries.made(run),
            took=took(_seconds(run)),
            links=self._links(run),
            may_write=self.may("schedule.write"),
            may_retry=run.state in RETRIED and run.schedule_id is not None,
            crumbs=self.crumbs(str(run)),
        )

    def _links(self, run: ScheduleRun) -> dict[str, str]:
        """Where its schedule and its mails are; a page that the reader may not see is no link."""
        links: dict[str, str] = {}
        if run.customer_id is not None and self.may("customer.read"):
            links["schedule"] = url_for("customer.details_view", id=run.customer_id)
        elif run.schedule_id is not None and "schedule.details_view" in current_app.view_functions:
            links["schedule"] = url_for("schedule.details_view", id=run.schedule_id)
        if self.may("mail.read") and "mail.details_view" in current_app.view_functions:
            links["mail"] = "mail.details_view"
        if self.may("invoice.read"):
            links["invoice"] = "invoice.details_view"
        return links

    @expose("/<id>/cancel", methods=("POST",))
    @needs("schedule.write")
    def cancel_view(self, id: str) -> ResponseReturnValue:
        run = schedule_runs.cancel(self.actor_of(None), self.key_of(id))
        stopped = run.state == "cancelled"
        flash("The run was cancelled." if stopped else "The run stops at its next step.", "success")
        return redirect(self.way_back(self.href(run.id)), 303)

    @expose("/<id>/retry", methods=("POST",))
    @needs("schedule.write")
    def retry_view(self, id: str) -> ResponseReturnValue:
        run = schedule_runs.retry(self.actor_of(None), self.key_of(id))
        flash("The run is tried again. What was made already is not made twice.", "success")
        return redirect(self.href(run.id), 303)

    @expose("/<id>/file")
    @needs("schedule.read")
    def file_view(self, id: str) -> ResponseReturnValue:
        run = self.get_one(self.key_of(id))
        if run.document is None:
            raise Refused("This run has no file, or it is no longer kept. Retry it, or run its schedule now.")
        return download(store.open_stream(run.document), _file_name(run), run.document.media_type)


def _file_name(run: ScheduleRun) -> str:
    named = str(run.made.get("filename") or f"run-{run.id}")
    return "".join(sign if sign.isascii() and (sign.isalnum() or sign in "-_. ") else "-" for sign in named)


def _seconds(run: ScheduleRun) -> int | None:
    if run.started_at is None or run.finished_at is None:
        return None
    return max(0, round((run.finished_at - run.started_at).total_seconds()))


def took(seconds: int | None) -> str:
    """`3 s`, `2 min 5 s`, `1 h 2 min`."""
    if seconds is None:
        return ""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
