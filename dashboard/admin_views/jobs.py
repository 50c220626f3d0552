"""Setup > Jobs, the page of one job, and the drawer that follows the reader about."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from dashboard.admin_views import job_show
from dashboard.admin_views.answers import download, wants_fragment
from dashboard.admin_views.base import AdminView
from dashboard.admin_views.forms import Form
from dashboard.admin_views.guard import needs
from dashboard.admin_views.job_machines import machines
from dashboard.admin_views.list_page import RowAction
from dashboard.documents.store import store
from dashboard.models import Job
from dashboard.operations import jobs
from dashboard.queries import jobs as job_queries
from dashboard.queries import pulse, settings
from dashboard.queries.listing import State


class JobView(AdminView):
    """Everybody sees their own jobs; who may see all of them, all."""

    model = Job
    operations = jobs
    form = Form
    listing = job_queries.LISTING
    list_template = "admin/job/list.html"
    rights: ClassVar[dict[str, str]] = {"read": "job.own"}
    ENDPOINT_ACTS: ClassVar[dict[str, str]] = {
        "index_view": "read",
        "summary_view": "read",
        "export": "read",
        "details_view": "read",
    }
    title = "Jobs"
    singular = "job"
    icon = "job"
    empty_text = "Work in the background, such as the PDFs of many invoices, is listed here."

    def get_query(self) -> Any:
        return super().get_query().filter(*self.held_to())

    def base_state(self, state: State) -> State:
        return replace(state, pinned=self.held_to())

    def held_to(self) -> tuple[Any, ...]:
        condition = job_queries.visible_to(self.actor.id, self.may("job.read"))
        return () if condition is None else (condition,)

    def row_actions(self, row: Any) -> list[RowAction]:
        actions = []
        if row.state == "done" and row.result_id is not None:
            href = url_for(".download_view", id=row.id)
            actions.append(RowAction("Download", "download", href, download=True))
        if row.state in job_queries.LIVE:
            actions.append(RowAction("Cancel", "stop", url_for(".cancel_view", id=row.id), "post"))
        if row.state in ("failed", "cancelled"):
            actions.append(RowAction("Retry", "refresh", url_for(".retry_view", id=row.id), "post"))
        return actions

    def row_label(self, row: Any) -> str:
        return str(row.title)

    @expose("/details/")
    def details_view(self) -> ResponseReturnValue:
        """Progress, then the result. A script asks for the inner part again until the job has ended."""
        job = self.asked()
        template = "admin/job/_progress.html" if wants_fragment() else "admin/job/details.html"
        return self.render(
            template,
            one=job_show.shown(job),
            attempts=job_show.attempts(job),
            started=settings.local(job.started_at) if job.started_at else None,
            crumbs=self.crumbs(job.title),
        )

    # The drawer ------------------------------------------------------------------------------------

    @expose("/drawer/")
    @needs("job.own")
    def drawer_view(self) -> ResponseReturnValue:
        """What the reader has waiting, running or lately ended, for the drawer of every page."""
        found = [job_show.shown(job) for job in job_queries.drawer_of(self.actor.id or 0)]
        waits = any(one.job.state == "queued" for one in found)
        return self.render(
            "admin/job/_drawer.html",
            jobs=found,
            open=bool(request.values.get("open")),
            live=sum(one.live for one in found),
            unmanned=waits and any(told.kind == "worker" for told in pulse.warnings()),
        )

    @expose("/told", methods=("POST",))
    @needs("job.own")
    def told_view(self) -> ResponseReturnValue:
        """Which of the jobs that the page saw ended nobody was told of yet: it tells of those."""
        found = jobs.tell_endings(self.actor_of(None), self.keys_asked())
        return {"jobs": [job_show.telling(job) for job in sorted(found, key=lambda job: job.id)]}

    @expose("/dismiss", methods=("POST",))
    @needs("job.own")
    def dismiss_view(self) -> ResponseReturnValue:
        """Put ended jobs out of the drawer: those named, or all."""
        jobs.dismiss(self.actor_of(None), self.keys_asked() or None)
        return self.drawer_view()

    def keys_asked(self) -> list[int]:
        given = request.form.getlist("id")[: job_queries.MOST_IN_DRAWER]
        return [self.key_of(key) for key in given]

    @expose("/<id>/cancel", methods=("POST",))
    @needs("job.own")
    def cancel_view(self, id: str) -> ResponseReturnValue:
        job = jobs.request_cancel(self.actor_of(None), self.key_of(id))
        if request.form.get("drawer"):
            return self.drawer_view()
        flash("The job was cancelled." if job.state == "cancelled" else "The job is stopping.", "success")
        # A page that shows its own job has its own Cancel.
        return redirect(self.way_back(self.href(job.id)), 303)

    @expose("/<id>/retry", methods=("POST",))
    @needs("job.own")
    def retry_view(self, id: str) -> ResponseReturnValue:
        job = jobs.retry(self.actor_of(None), self.key_of(id))
        if request.form.get("drawer"):
            return self.drawer_view()
        return redirect(self.way_back(self.href(job.id)), 303)

    @expose("/<id>/download")
    @needs("job.own")
    def download_view(self, id: str) -> ResponseReturnValue:
        document, name = jobs.result_of(self.actor, self.key_of(id))
        return download(store.open_stream(document), name, document.media_type)

    # The machines ----------------------------------------------------------------------------------

    @expose("/machines/")
    @needs("job.read")
    def machines_view(self) -> ResponseReturnValue:
        """Queue, workers and ticks; a script asks for it again every few seconds."""
        return self.render("admin/job/_machines.html", **machines())
