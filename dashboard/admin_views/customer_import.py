"""Upload of customers: the file, its columns, a preview with every error, then all of it or nothing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from dashboard.admin_views.answers import download
from dashboard.admin_views.guard import needs
from dashboard.operations import customer_import
from dashboard.operations.csv_file import Table
from dashboard.operations.customer_columns import BY_NAME, TARGETS, Read, guess, mapping_faults
from dashboard.operations.customer_import import DUPLICATES
from dashboard.operations.errors import Duplicate, Refused
from dashboard.rules.money import plain

SAMPLES = 3
PREVIEWED = 20
FAULTS_SHOWN = 500


class CustomerImport:
    """Mixed into CustomerView."""

    @expose("/import/", methods=("GET", "POST"))
    @needs("import")
    def import_view(self) -> ResponseReturnValue:
        """Take the file. What can't be read is said at once, and nothing is kept of it."""
        problem = ""
        if request.method == "POST":
            upload = request.files.get("file")
            if upload is None or not upload.filename:
                problem = "Choose a file first."
            else:
                content = upload.stream.read(customer_import.MOST_BYTES + 1)
                try:
                    token = customer_import.keep(self._view.actor, content)
                    return redirect(url_for(".import_columns_view", token=token), 303)
                except Refused as error:
                    problem = str(error)
        page = self._page("upload", problem=problem, most_rows=customer_import.MOST_ROWS)
        return page, 422 if problem else 200

    @expose("/import/template.csv")
    @needs("import")
    def import_template_view(self) -> ResponseReturnValue:
        return download(iter([customer_import.template().encode()]), "customers-template.csv", "text/csv")

    @expose("/import/<token>/")
    @needs("import")
    def import_columns_view(self, token: str) -> ResponseReturnValue:
        """What each column is: as chosen before, or guessed by its heading."""
        table = customer_import.kept(self._view.actor, token)
        chosen = self._mapping()
        return self._page(
            "columns",
            token=token,
            columns=_columns(table, chosen if chosen is not None else guess(table.header)),
            targets=TARGETS,
            duplicates=DUPLICATES,
            duplicate_choice=self._duplicates(),
            total=len(table.rows),
        )

    @expose("/import/<token>/preview", methods=("GET", "POST"))
    @needs("import")
    def import_preview_view(self, token: str) -> ResponseReturnValue:
        """GET shows what would happen, POST does it. The choice of columns stands in the URL."""
        table = customer_import.kept(self._view.actor, token) if request.method == "GET" else None
        mapping = self._mapping() or {}
        if table is None:
            return self._run(token, mapping)
        faults = mapping_faults(mapping, len(table.header))
        if faults:
            for fault in faults:
                flash(fault, "error")
            return redirect(url_for(".import_columns_view", token=token, **request.args.to_dict()), 303)
        found = customer_import.plan(table, mapping, self._duplicates())
        return self._page(
            "preview",
            token=token,
            plan=found,
            shown=found.ready[:PREVIEWED],
            names=[BY_NAME[name] for name in mapping.values()],
            cells=_cells(table, mapping, found.ready[:PREVIEWED]),
            faults=found.faults[:FAULTS_SHOWN],
            query=request.args.to_dict(),
        )

    @expose("/import/<token>/errors.csv")
    @needs("import")
    def import_faults_view(self, token: str) -> ResponseReturnValue:
        table = customer_import.kept(self._view.actor, token)
        found = customer_import.plan(table, self._mapping() or {}, self._duplicates())
        chunks = (chunk.encode() for chunk in customer_import.faults_csv(found))
        return download(chunks, "customers-errors.csv", "text/csv")

    def _run(self, token: str, mapping: dict[int, str]) -> ResponseReturnValue:
        view = self._view
        customers = url_for(".index_view")
        try:
            done = customer_import.run(view.actor_of(None), token, mapping, duplicates=self._duplicates())
        except Duplicate:
            flash("This file was imported already; nothing was added twice.", "info")
            return redirect(customers, 303)
        except Refused as error:
            flash(str(error), "error")
            return redirect(request.full_path, 303)
        left_out = f" {done.left_out:,} were there already and left out." if done.left_out else ""
        flash(f"{done.created:,} customers were imported.{left_out}", "success")
        return redirect(customers, 303)

    @property
    def _view(self) -> Any:
        return self

    def _page(self, step: str, **context: Any) -> str:
        crumbs = self._view.crumbs("Upload")
        return self._view.render(f"admin/customer_import/{step}.html", crumbs=crumbs, **context)  # type: ignore[no-any-return]

    def _mapping(self) -> dict[int, str] | None:
        """The columns chosen in the URL, as `c0=name&c1=currency`; None where none was chosen yet."""
        chosen = {
            int(name[1:]): value
            for name, value in request.args.items()
            if name[:1] == "c" and name[1:].isdigit() and len(name) < 6 and name.isascii()
        }
        return {column: value for column, value in chosen.items() if value} if chosen else None

    def _duplicates(self) -> str:
        wanted = request.args.get("duplicates", "error")
        return wanted if wanted in DUPLICATES else "error"


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


def _cells(table: Table, mapping: dict[int, str], shown: list[Read]) -> dict[int, list[str]]:
    """The rows shown as they would be stored, by row number, in the order of the mapping."""
    by_number = {read.row: read for read in shown}
    return {
        row.number: [_as_read(by_number[row.number], name, row.cell(at)) for at, name in mapping.items()]
        for row in table.rows
        if row.number in by_number
    }


def _as_read(read: Read, name: str, cell: str) -> str:
    if name.startswith("contact_"):
        value: Any = (read.contact or {}).get(name.removeprefix("contact_"))
    elif name == "account_manager":
        value = cell
    else:
        value = read.customer.get(name)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, list):
        return ", ".join(value)
    return str(value)[:80] if value is not None else ""
