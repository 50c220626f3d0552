"""Upload of a card's rates: the file, its columns and date, a preview of the changes, then all or nothing."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from dashboard.admin_views.answers import download
from dashboard.admin_views.guard import needs
from dashboard.operations import checks, rate_import
from dashboard.operations.csv_file import Table
from dashboard.operations.errors import Duplicate, Invalid, Refused
from dashboard.operations.rate_columns import DECIMALS, TARGETS, guess, guess_decimal, mapping_faults
from dashboard.operations.rate_import import Choice
from dashboard.operations.rates import start_of
from dashboard.queries import settings

SAMPLES = 3
FAULTS_SHOWN = 200
WHOLE = {
    "no": "Only changes: what the file does not name stays",
    "yes": "The whole card: what the file does not name is withdrawn",
}


class RateImport:
    """Mixed into RateCardView. The steps stand in the URL: the card's key, the upload's token, the choice."""

    @expose("/import/", methods=("GET", "POST"))
    @needs("rate.write")
    def import_view(self) -> ResponseReturnValue:
        """Take the file. What can't be read is said at once, and nothing is kept of it."""
        card = self._view.asked()
        problem = ""
        if request.method == "POST":
            upload = request.files.get("file")
            if upload is None or not upload.filename:
                problem = "Choose a file first."
            else:
                content = upload.stream.read(rate_import.MOST_BYTES + 1)
                try:
                    token = rate_import.keep(self._view.actor, content)
                    name = _file_name(upload.filename)
                    return redirect(url_for(".import_columns_view", token=token, id=card.id, file=name), 303)
                except Refused as error:
                    problem = str(error)
        page = self._page("upload", card, problem=problem, most_rows=rate_import.MOST_ROWS)
        return page, 422 if problem else 200

    @expose("/import/template.csv")
    @needs("rate.write")
    def import_template_view(self) -> ResponseReturnValue:
        return download(rate_import.template(), "rates-template.csv", "text/csv")

    @expose("/import/<token>/")
    @needs("rate.write")
    def import_columns_view(self, token: str) -> ResponseReturnValue:
        """What each column is, from when the rates hold, whether the file is the whole card."""
        card = self._view.asked()
        table = rate_import.kept(self._view.actor, token)
        chosen = _mapping()
        mapping = chosen if chosen is not None else guess(table.header)
        return self._page(
            "columns",
            card,
            token=token,
            columns=_columns(table, mapping),
            targets=TARGETS,
            decimals=DECIMALS,
            decimal=request.args.get("decimal") or guess_decimal(table.rows, mapping),
            whole_choices=WHOLE,
            whole=request.args.get("whole", "no"),
            from_day=request.args.get("from_day") or settings.today().isoformat(),
            from_time=request.args.get("from_time", ""),
            total=len(table.rows),
            file=request.args.get("file", ""),
        )

    @expose("/import/<token>/preview", methods=("GET", "POST"))
    @needs("rate.write")
    def import_preview_view(self, token: str) -> ResponseReturnValue:
        """GET shows what would change, POST does it."""
        card = self._view.asked()
        try:
            choice = _choice()
        except (Invalid, ValueError) as error:
            return self._again(token, str(error))
        if request.method == "POST":
            return self._run(card, token, choice)
        table = rate_import.kept(self._view.actor, token)
        faults = mapping_faults(choice.mapping, len(table.header))
        if faults:
            return self._again(token, *faults)
        found = rate_import.plan(self._view.actor, card.id, table, choice)
        return self._page(
            "preview",
            card,
            token=token,
            plan=found,
            kinds=rate_import.KINDS,
            change_of=rate_import.change_of,
            clash=rate_import.clash_words(found.clashes) if found.clashes else "",
            start=settings.local(choice.start),
            choice=choice,
            faults=found.faults[:FAULTS_SHOWN],
            query=_kept_query(),
        )

    @expose("/import/<token>/errors.csv")
    @needs("rate.write")
    def import_faults_view(self, token: str) -> ResponseReturnValue:
        card = self._view.asked()
        table = rate_import.kept(self._view.actor, token)
        try:
            found = rate_import.plan(self._view.actor, card.id, table, _choice())
        except (Invalid, ValueError) as error:
            raise Refused(str(error)) from None
        return download(rate_import.faults_csv(found), "rates-errors.csv", "text/csv")

    def _run(self, card: Any, token: str, choice: Choice) -> ResponseReturnValue:
        view = self._view
        page = view.href(card.id)
        seen = request.form.get("seen", "")
        try:
            done = rate_import.run(
                view.actor_of(None),
                card.id,
                token,
                choice,
                source=_file_name(request.args.get("file", "")),
                seen=int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 19 else None,
            )
        except Duplicate:
            flash("This file was imported already; nothing was added twice.", "info")
            return redirect(page, 303)
        except Refused as error:
            flash(str(error), "error")
            return redirect(request.full_path, 303)
        start = settings.local(done.valid_from)
        said = (
            "1 rate was imported and holds"
            if done.rates == 1
            else f"{done.rates:,} rates were imported and hold"
        )
        flash(f"{said} from {start:%Y-%m-%d %H:%M}.", "success")
        return redirect(page, 303)

    def _again(self, token: str, *faults: str) -> ResponseReturnValue:
        """Back to the columns, with what is wrong with them."""
        for fault in faults:
            flash(fault, "error")
        return redirect(url_for(".import_columns_view", token=token, **_kept_query()), 303)

    @property
    def _view(self) -> Any:
        return self

    def _page(self, step: str, card: Any, **context: Any) -> str:
        crumbs = self._view.crumbs_of(card, "Import")
        return self._view.render(f"admin/rate_card/import_{step}.html", card=card, crumbs=crumbs, **context)  # type: ignore[no-any-return]


def _file_name(name: str) -> str:
    """What the revision is called by: the file's own name, readable."""
    own = name.replace("\\", "/").rpartition("/")[2]
    return " ".join("".join(sign if sign.isprintable() else " " for sign in own).split())[:100]


def _kept_query() -> dict[str, str]:
    return {name: value for name, value in request.args.items() if name != "token"}


def _mapping() -> dict[int, str] | None:
    """The columns chosen in the URL, as `c0=prefix&c1=rate_per_minute`; None where none was chosen yet."""
    chosen = {
        int(name[1:]): value
        for name, value in request.args.items()
        if name[:1] == "c" and name[1:].isdigit() and len(name) < 6 and name.isascii()
    }
    return {column: value for column, value in chosen.items() if value} if chosen else None


def _choice() -> Choice:
    """What the URL says of the reading. ValueError and Invalid in words."""
    day: dt.date = checks.day(required=True)(request.args.get("from_day", ""))
    return Choice(
        mapping=_mapping() or {},
        start=start_of(day, request.args.get("from_time", "")),
        whole=request.args.get("whole") == "yes",
        comma=request.args.get("decimal") == "comma",
    )


def _columns(table: Table, chosen: dict[int, str]) -> list[dict[str, Any]]:
    """Each column of the file: its heading, its first values, what it is read as."""
    return [
        {
            "name": f"c{at}",
            "heading": heading,
            "samples": [row.cell(at)[:60] for row in table.rows[:SAMPLES]],
            "chosen": chosen.get(at, ""),
        }
        for at, heading in enumerate(table.header)
    ]
