"""Global > Usage > Import: upload a file, say what its columns are, preview, load, see what came of it."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from dashboard.admin_views import usage_columns
from dashboard.admin_views.answers import download, wants_fragment
from dashboard.admin_views.base import AdminView
from dashboard.admin_views.forms import Form
from dashboard.admin_views.guard import needs
from dashboard.admin_views.list_page import RowAction
from dashboard.models import UsageImport
from dashboard.operations import usage_imports
from dashboard.operations.errors import Invalid, Refused
from dashboard.operations.usage_files import FORMATS, Guess
from dashboard.operations.usage_formats import saved
from dashboard.operations.usage_sample import sample
from dashboard.queries import usage_imports as import_queries
from dashboard.queries.jobs import LIVE
from dashboard.queries.usage_rules import count_unmatched
from dashboard.rules.places import time_zones


class UsageImportView(AdminView):
    model = UsageImport
    operations = usage_imports
    form = Form
    listing = import_queries.LISTING
    rights: ClassVar[dict[str, str]] = {
        "read": "usage.read",
        "create": "usage.import",
        "delete": "usage.import",
    }
    ENDPOINT_ACTS: ClassVar[dict[str, str]] = {
        "index_view": "read",
        "summary_view": "read",
        "export": "read",
        "details_view": "read",
        "create_view": "create",
        "delete_view": "delete",
    }
    title = "Usage imports"
    singular = "import"
    icon = "upload"
    create_label = "Import usage"
    empty_text = "Upload the call records of a switch; each file and what came of it is listed here."
    toolbar = (
        ("Unmatched", "usage_unmatched.index_view", "help", "usage.read"),
        ("Rules", "usage_rule.index_view", "customer", "usage.read"),
    )

    def row_actions(self, row: Any) -> list[RowAction]:
        actions = [RowAction("Open", "eye", self.row_href(row))]
        if row.bad:
            actions.append(
                RowAction("Bad rows as CSV", "download", url_for(".faults_view", id=row.id), download=True)
            )
        return actions

    def row_label(self, row: Any) -> str:
        return str(row.filename)

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> ResponseReturnValue:
        """Take the file. What can't be usage is said at once, and nothing is kept of it."""
        problem = ""
        if request.method == "POST":
            upload = request.files.get("file")
            if upload is None or not upload.filename:
                problem = "Choose a file first."
            else:
                try:
                    made = usage_imports.keep(self.actor, upload.filename, upload.stream)  # type: ignore[arg-type]
                    return redirect(url_for(".columns_view", id=made.id), 303)
                except Refused as error:
                    problem = str(error)
        page = self._page(
            "upload",
            "Import usage",
            problem=problem,
            most=usage_imports.MOST_BYTES >> 20,
            formats=len(saved()),
        )
        return page, 422 if problem else 200

    @expose("/sample.csv")
    @needs("usage.read")
    def sample_view(self) -> ResponseReturnValue:
        return download(iter([sample().encode()]), "usage-sample.csv", "text/csv")

    @expose("/columns/", methods=("GET", "POST"))
    @needs("usage.import")
    def columns_view(self) -> ResponseReturnValue:
        """What each column is, the order of dates, the time zone; as recognised, or as chosen before."""
        made = self.asked()
        errors: dict[str, list[str]] = {}
        if request.method == "GET":
            first = usage_imports.guess_of(made)
            chosen = made.options.get("chosen") or request.args.get("again")
            guess = usage_imports.guess_of(made, usage_imports.reading_of(made)) if chosen else first
            return self._columns(made, guess, first, errors)
        first = usage_imports.guess_of(made)
        guess = usage_imports.guess_of(made, usage_columns.posted(request.form, first.reading))
        twice = usage_columns.chosen_twice(request.form)
        if twice:
            errors = {"": twice}
        elif "again" not in request.form:
            try:
                usage_imports.choose(
                    self.actor,
                    made.id,
                    guess.reading,
                    customer_by=request.form.get("customer_by", ""),
                    save_as=request.form.get("save_as", ""),
                )
                return redirect(url_for(".preview_view", id=made.id), 303)
            except Invalid as error:
                errors = error.errors
        return self._columns(made, guess, first, errors)

    def _columns(
        self, made: UsageImport, guess: Guess, first: Guess, errors: dict[str, list[str]]
    ) -> ResponseReturnValue:
        page = self._page(
            "columns",
            made.filename,
            made=made,
            guess=guess,
            why=first.why,
            twin=usage_imports.twin_of(made),
            columns=usage_columns.columns(guess),
            kinds=FORMATS,
            choices=usage_columns.CHOICES,
            zones=time_zones(),
            customer_by=request.form.get("customer_by", made.options.get("customer_by", "")),
            customer_choices=usage_imports.CUSTOMER_BY,
            save_as=request.form.get("save_as", ""),
            first_time=request.method == "GET" and not made.options.get("chosen"),
            errors=errors,
        )
        return page, 422 if errors else 200

    @expose("/preview/")
    @needs("usage.import")
    def preview_view(self) -> ResponseReturnValue:
        """The first rows as they would be loaded, with what is wrong with them. Nothing is written."""
        made = self.asked()
        if not made.options.get("chosen"):
            return redirect(url_for(".columns_view", id=made.id), 303)
        reading = usage_imports.reading_of(made)
        return self._page(
            "preview",
            made.filename,
            made=made,
            reading=reading,
            told=usage_columns.told(reading),
            facts_=made.options.get("facts", {}),
            tried=usage_imports.preview(self.actor, made),
        )

    @expose("/run/", methods=("POST",))
    @needs("usage.import")
    def run_view(self) -> ResponseReturnValue:
        made = self.asked()
        usage_imports.start(self.actor_of(None), made.id)
        return redirect(self.href(made.id), 303)

    @expose("/details/")
    def details_view(self) -> ResponseReturnValue:
        """What came of the import. A script asks for the inner part again until the job has ended."""
        made = self.asked()
        live = made.job is not None and made.job.state in LIVE
        after = request.args.get("after", "")
        context = {
            "made": made,
            "live": live,
            "pace": import_queries.pace(made, dt.datetime.now(dt.UTC)),
            "may_import": self.may("usage.import"),
            "ready": bool(made.options.get("chosen")),
            "has_file": usage_imports.has_file(made),
        }
        if wants_fragment():
            part = self.render("admin/usage_import/_progress.html", **context)
            # Once it has ended the whole page is new: bad rows, what waits, the buttons.
            return part, 200, {} if live else {"HX-Refresh": "true"}
        return self._page(
            "details",
            made.filename,
            **context,
            faults=import_queries.faults(
                made.id, after=int(after) if after.isascii() and after.isdigit() and len(after) < 16 else 0
            ),
            after=after,
            told=usage_columns.told(usage_imports.reading_of(made)) if made.options.get("chosen") else [],
            waiting=count_unmatched(),
        )

    @expose("/faults.csv")
    @needs("usage.read")
    def faults_view(self) -> ResponseReturnValue:
        made = self.asked()
        return download(import_queries.faults_csv(made.id), f"bad-rows-{made.id}.csv", "text/csv")

    def _page(self, step: str, *names: str, **context: Any) -> str:
        return self.render(  # type: ignore[no-any-return]
            f"admin/usage_import/{step}.html", crumbs=self.crumbs(*names), **context
        )
