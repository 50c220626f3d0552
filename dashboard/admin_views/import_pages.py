"""The pages of an upload as CSV: the file, its columns, a preview with every error, then all or nothing.

Everything that was chosen stands in the URL; only the file itself is kept between the pages.
"""

from __future__ import annotations

from typing import Any, ClassVar

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from dashboard.admin_views.answers import download
from dashboard.operations.csv_file import Table
from dashboard.operations.errors import Duplicate, Invalid, Refused
from dashboard.operations.upload import Upload, faults_csv

SAMPLES = 3
PAGES = frozenset(
    {
        "import_view",
        "import_template_view",
        "import_columns_view",
        "import_preview_view",
        "import_faults_view",
    }
)


class ImportPages:
    """Mixed into the view of what is imported, or of what it belongs to.

    A kind of import says the methods that begin with `import_` under "Its own". What it calls a reading is
    all that the URL says of how to read the file; it has at least the `mapping` of the columns.
    """

    upload: ClassVar[Upload]
    # The folder of its templates, and what the files are called that it hands out.
    import_templates = ""
    import_name = ""
    import_faults_shown = 500

    # Its own -----------------------------------------------------------------------------------

    def import_about(self) -> dict[str, Any]:
        """What every page shows, raising Missing where it belongs to nothing: `crumbs`, `home` (the page
        that it leads back to), and `of`, the query that says what the import belongs to."""
        raise NotImplementedError

    def import_sent(self, name: str) -> dict[str, str]:
        """What else of the file sent is kept in the URL."""
        return {}

    def import_options(self, table: Table, mapping: dict[int, str]) -> dict[str, Any]:
        """What else the page of the columns asks."""
        return {}

    def import_reading(self) -> Any:
        """The reading that the URL says. Raises Invalid or ValueError in words."""
        raise NotImplementedError

    def import_plan(self, about: dict[str, Any], table: Table, reading: Any) -> Any:
        """What would be done, with its `faults`."""
        raise NotImplementedError

    def import_preview(self, table: Table, reading: Any, found: Any) -> dict[str, Any]:
        """What the preview shows beside the errors."""
        return {}

    def import_run(self, about: dict[str, Any], token: str, reading: Any) -> str:
        """Do it; answers what was done in words."""
        raise NotImplementedError

    # The pages ---------------------------------------------------------------------------------

    def right_of(self, name: str) -> str | None:
        if name in PAGES:
            return self.upload.right
        return super().right_of(name)  # type: ignore[misc,no-any-return]

    @expose("/import/", methods=("GET", "POST"))
    def import_view(self) -> ResponseReturnValue:
        """Take the file. What can't be read is said at once, and nothing is kept of it."""
        about = self.import_about()
        problem = ""
        if request.method == "POST":
            sent = request.files.get("file")
            if sent is None or not sent.filename:
                problem = "Choose a file first."
            else:
                content = sent.stream.read(self.upload.most_bytes + 1)
                try:
                    token = self.upload.keep(self._view.actor, content)
                    kept = about["of"] | self.import_sent(sent.filename)
                    return redirect(url_for(".import_columns_view", token=token, **kept), 303)
                except Refused as error:
                    problem = str(error)
        page = self._page("upload", about, problem=problem, most_rows=self.upload.most_rows)
        return page, 422 if problem else 200

    @expose("/import/template.csv")
    def import_template_view(self) -> ResponseReturnValue:
        return download(self.upload.columns.template(), f"{self.import_name}-template.csv", "text/csv")

    @expose("/import/<token>/")
    def import_columns_view(self, token: str) -> ResponseReturnValue:
        """What each column is: as chosen before, or guessed by its heading."""
        about = self.import_about()
        table = self.upload.kept(self._view.actor, token)
        chosen = mapping_asked()
        mapping = chosen if chosen is not None else self.upload.columns.guess(table.header)
        return self._page(
            "columns",
            about,
            token=token,
            columns=_columns(table, mapping),
            targets=self.upload.columns.targets,
            total=len(table.rows),
            **self.import_options(table, mapping),
        )

    @expose("/import/<token>/preview", methods=("GET", "POST"))
    def import_preview_view(self, token: str) -> ResponseReturnValue:
        """GET shows what would happen, POST does it."""
        about = self.import_about()
        try:
            reading = self.import_reading()
        except (Invalid, ValueError) as error:
            return _again(token, str(error))
        if request.method == "POST":
            return self._run(about, token, reading)
        table = self.upload.kept(self._view.actor, token)
        faults = self.upload.columns.faults(reading.mapping, len(table.header))
        if faults:
            return _again(token, *faults)
        found = self.import_plan(about, table, reading)
        return self._page(
            "preview",
            about,
            token=token,
            plan=found,
            faults=found.faults[: self.import_faults_shown],
            query=_kept_query(),
            **self.import_preview(table, reading, found),
        )

    @expose("/import/<token>/errors.csv")
    def import_faults_view(self, token: str) -> ResponseReturnValue:
        about = self.import_about()
        table = self.upload.kept(self._view.actor, token)
        try:
            found = self.import_plan(about, table, self.import_reading())
        except (Invalid, ValueError) as error:
            raise Refused(str(error)) from None
        return download(faults_csv(found.faults), f"{self.import_name}-errors.csv", "text/csv")

    def _run(self, about: dict[str, Any], token: str, reading: Any) -> ResponseReturnValue:
        try:
            said = self.import_run(about, token, reading)
        except Duplicate:
            flash("This file was imported already; nothing was added twice.", "info")
        except Refused as error:
            flash(str(error), "error")
            return redirect(request.full_path, 303)
        else:
            flash(said, "success")
        return redirect(about["home"], 303)

    @property
    def _view(self) -> Any:
        return self

    def _page(self, step: str, about: dict[str, Any], **context: Any) -> str:
        template = f"admin/{self.import_templates}/{step}.html"
        return self._view.render(template, **about, **context)  # type: ignore[no-any-return]


def mapping_asked() -> dict[int, str] | None:
    """The columns chosen in the URL, as `c0=name&c1=currency`; None where none was chosen yet."""
    chosen = {
        int(name[1:]): value
        for name, value in request.args.items()
        if name[:1] == "c" and name[1:].isdigit() and len(name) < 6 and name.isascii()
    }
    return {column: value for column, value in chosen.items() if value} if chosen else None


def _again(token: str, *faults: str) -> ResponseReturnValue:
    """Back to the columns, with what is wrong with them."""
    for fault in faults:
        flash(fault, "error")
    return redirect(url_for(".import_columns_view", token=token, **_kept_query()), 303)


def _kept_query() -> dict[str, str]:
    """What was chosen, for the next link; names that begin with _ are `url_for`'s own."""
    return {
        name: value for name, value in request.args.items() if name != "token" and not name.startswith("_")
    }


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
