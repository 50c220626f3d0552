"""Global > Billing run: choose a period and customers, look at every invoice first, then make them so."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from typing import Any, ClassVar

from flask import flash, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from dashboard.admin_views.answers import download, wants_fragment
from dashboard.admin_views.base import AdminView
from dashboard.admin_views.billing_run_form import RunForm
from dashboard.admin_views.billing_run_show import (
    CSV_HEADS,
    csv_row,
    line_of,
    period_of,
    will_issue,
    written_totals,
)
from dashboard.admin_views.forms import new_form_key
from dashboard.admin_views.guard import needs
from dashboard.admin_views.list_page import RowAction, ShownRow
from dashboard.documents.csv import lines
from dashboard.extensions import db
from dashboard.models import BillingRun
from dashboard.operations import billing_runs
from dashboard.operations.errors import Duplicate, Missing, Refused
from dashboard.queries import billing_runs as run_queries
from dashboard.queries.billing_runs import Asked
from dashboard.rules.money import format_money

LIVE = ("previewing", "running")
MOST_PAGES = 1_000


class BillingRunView(AdminView):
    model = BillingRun
    operations = billing_runs
    form = RunForm
    listing = run_queries.LISTING
    rights: ClassVar[dict[str, str]] = {"read": "billing.read", "create": "billing.run"}
    ENDPOINT_ACTS: ClassVar[dict[str, str]] = {
        "index_view": "read",
        "summary_view": "read",
        "export": "read",
        "details_view": "read",
        "create_view": "create",
    }
    title = "Billing run"
    singular = "billing run"
    icon = "play"
    create_label = "New Billing Run"
    list_template = "admin/billing_run/list.html"
    create_template = "admin/billing_run/new.html"
    empty_text = "Choose a period and customers, look at all of the invoices, then make them in one go."

    # The list ----------------------------------------------------------------------------------

    def row_label(self, row: Any) -> str:
        return str(row.title)

    def row_actions(self, row: Any) -> list[RowAction]:
        if row.state not in run_queries.ENDED:
            return []
        return [RowAction("Results as CSV", "download", url_for(".results_view", id=row.id), download=True)]

    def build_row(self, row: Any, columns: Any) -> ShownRow:
        built = super().build_row(row, columns)
        cells = [
            replace(cell, html=written_totals(row.totals)) if cell.column.name == "totals" else cell
            for cell in built.cells
        ]
        return replace(built, cells=cells)

    # A new one ---------------------------------------------------------------------------------

    def store(self, form: Any, record: Any) -> Any:
        assert isinstance(form, RunForm)
        period = form.read_period()
        given = (period.start, period.end, form.options())
        return billing_runs.start(self.actor_of(form), *given, form_key=form.form_key.data)

    def saved_message(self, saved: Any) -> str:
        return "The invoices are being worked out. Nothing is written yet."

    @expose("/<id>/again", methods=("POST",))
    @needs("billing.run")
    def again_view(self, id: str) -> ResponseReturnValue:
        """The same choice, worked out anew: a run of its own."""
        run = self.get_one(self.key_of(id))
        given = (run.period_start, run.period_end, run.options)
        try:
            made = billing_runs.start(self.actor_of(None), *given, form_key=request.form.get("form_key"))
        except Duplicate as error:
            return redirect(self.result_href(error.result), 303)
        flash("The invoices are being worked out anew. Nothing is written yet.", "success")
        return redirect(self.href(made.id), 303)

    # The page of one ---------------------------------------------------------------------------

    @expose("/details/")
    def details_view(self) -> ResponseReturnValue:
        """Working out and running show progress, which asks for itself again; then the rows."""
        run = self.asked()
        if run.state in LIVE:
            return self._progress(run)
        if wants_fragment() and request.headers.get("HX-Target") == "progress":
            return _reload()
        page = self._rows(run)
        template = "admin/billing_run/_rows.html" if wants_fragment() else "admin/billing_run/details.html"
        return self.render(template, **page, crumbs=self.crumbs(run.title))  # type: ignore[no-any-return]

    def _progress(self, run: BillingRun) -> ResponseReturnValue:
        template = "_progress" if wants_fragment() else "progress"
        found = run_queries.counts(run.id) if run.state == "running" else {}
        return self.render(  # type: ignore[no-any-return]
            f"admin/billing_run/{template}.html",
            run=run,
            job=run.job,
            period=period_of(run),
            counts=found,
            crumbs=self.crumbs(run.title),
        )

    def _rows(self, run: BillingRun) -> dict[str, Any]:
        """Everything that the preview and the result show of a run."""
        asked = self._asked(run)
        rows, count = run_queries.page(run.id, asked)
        counts = run_queries.counts(run.id)
        return {
            "run": run,
            "job": run.job,
            "period": period_of(run),
            "is_preview": run.state == "previewed",
            "asked": asked,
            "rows": rows,
            "count": count,
            "pages": self._pages(run, asked, count),
            "tabs": self._tabs(run, asked, counts),
            "counts": counts,
            "sorts": run_queries.SORTS,
            "base": self.href(run.id),
            "form_key": new_form_key(),
            **self._sums(run),
        }

    def _sums(self, run: BillingRun) -> dict[str, Any]:
        is_preview = run.state == "previewed"
        sums = run_queries.sums(run.id, "left" if is_preview else "done")
        written = ", ".join(format_money(one.total, one.currency, code=True) for one in sums)
        return {
            "run": run,
            "sums": sums,
            "ticked": sum(one.count for one in sums),
            "written": written,
            "is_preview": is_preview,
            "will_issue": will_issue(run),
        }

    def _asked(self, run: BillingRun) -> Asked:
        args = request.values
        tabs = run_queries.TABS["previewed" if run.state == "previewed" else "ended"]
        only = args.get("only", "")
        if only not in (*tabs, "all"):
            counts = run_queries.counts(run.id)
            only = next((name for name in tabs if counts[name]), tabs[0])
        sort = args.get("sort", "")
        words = " ".join(args.get("search", "").replace("\x00", "").split())[:200]
        return Asked(
            only=only,
            search=words,
            sort=sort if sort in run_queries.SORTS else "name",
            page=_number(args.get("page", "")),
        )

    def _href(self, run: BillingRun, asked: Asked, **changes: Any) -> str:
        wanted = replace(asked, **{"page": 1, **changes})
        return url_for(
            ".details_view",
            id=run.id,
            only=wanted.only,
            search=wanted.search or None,
            sort=wanted.sort if wanted.sort != "name" else None,
            page=wanted.page if wanted.page > 1 else None,
        )

    def _tabs(self, run: BillingRun, asked: Asked, counts: dict[str, int]) -> list[dict[str, Any]]:
        names = run_queries.TABS["previewed" if run.state == "previewed" else "ended"]
        return [
            {
                "label": run_queries.ONLY[name][0],
                "count": f"{counts[name]:,}",
                "href": self._href(run, asked, only=name, search=""),
                "active": name == asked.only,
            }
            for name in names
            if counts[name] or name == names[0]
        ]

    def _pages(self, run: BillingRun, asked: Asked, count: int) -> dict[str, Any]:
        last = max(1, -(-count // run_queries.SIZE))
        here = min(asked.page, last)

        def link(page: int) -> str:
            return self._href(run, asked, page=page) if 1 <= page <= last and page != here else ""

        first = (here - 1) * run_queries.SIZE + 1
        until = min(count, first + run_queries.SIZE - 1)
        return {
            "first_href": link(1),
            "prev_href": link(here - 1),
            "next_href": link(here + 1),
            "last_href": link(last),
            "text": f"{first:,}–{until:,} of {count:,}" if count else "No rows",
        }

    @expose("/<id>/rows/<row>/")
    @needs("billing.read")
    def lines_view(self, id: str, row: str) -> ResponseReturnValue:
        """The lines of one invoice as they were worked out; asked for when a row is opened."""
        found = run_queries.row_of(self.key_of(id), self.key_of(row))
        if found is None:
            raise Missing("row")
        said = found.preview
        return self.render(  # type: ignore[no-any-return]
            "admin/billing_run/_lines.html",
            row=found,
            lines=[line_of(line) for line in said.get("lines", [])],
            sub_total=Decimal(said.get("subtotal", 0)),
            tax=Decimal(said.get("tax", 0)),
        )

    # Deciding ----------------------------------------------------------------------------------

    @expose("/<id>/choose", methods=("POST",))
    @needs("billing.run")
    def choose_view(self, id: str) -> ResponseReturnValue:
        """Tick or untick: one row, or all that are shown. The sums come back."""
        run = self.get_one(self.key_of(id))
        chosen = request.form.get("chosen") == "1"
        rows = [self.key_of(text) for text in request.form.getlist("row")]
        every = request.form.get("every") == "1"
        if every:
            rows = run_queries.keys(run.id, self._asked(run))
        try:
            billing_runs.choose(self.actor_of(None), run.id, rows, chosen)
        except Refused as error:
            if not wants_fragment():
                raise
            return self._refused(str(error))
        db.session.expire_all()
        run = self.get_one(run.id)
        if not wants_fragment():
            return redirect(self.way_back(self.href(run.id)), 303)
        if every:
            return self.render("admin/billing_run/_rows.html", **self._rows(run), wants_sums=True)  # type: ignore[no-any-return]
        return self.render("admin/billing_run/_sums.html", **self._sums(run))  # type: ignore[no-any-return]

    def _refused(self, text: str) -> ResponseReturnValue:
        """Somebody else has decided meanwhile: the page is shown anew, with the reason."""
        flash(text, "error")
        return _reload()

    @expose("/<id>/commit", methods=("POST",))
    @needs("billing.run")
    def commit_view(self, id: str) -> ResponseReturnValue:
        run = self.get_one(self.key_of(id))
        billing_runs.commit(self.actor_of(None), run.id, version=self.posted_version())
        return redirect(self.href(run.id), 303)

    @expose("/<id>/cancel", methods=("POST",))
    @needs("billing.run")
    def cancel_view(self, id: str) -> ResponseReturnValue:
        run = billing_runs.cancel(self.actor_of(None), self.key_of(id))
        flash("The run is stopping. What is done stays.", "success")
        return redirect(self.href(run.id), 303)

    @expose("/<id>/results.csv")
    @needs("billing.read")
    def results_view(self, id: str) -> ResponseReturnValue:
        run = self.get_one(self.key_of(id))
        rows = [csv_row(row) for row in run_queries.everything(run.id)]
        name = f"billing-run-{run.id}-{run.period_start}.csv"
        return download(lines([CSV_HEADS, *rows]), name, "text/csv")


def _number(text: str) -> int:
    return min(max(int(text), 1), MOST_PAGES) if re.fullmatch(r"[0-9]{1,6}", text) else 1


def _reload() -> ResponseReturnValue:
    """The whole page again: the run has gone on to another state."""
    response = make_response("")
    response.headers["HX-Refresh"] = "true"
    return response
