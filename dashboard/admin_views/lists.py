"""The list half of a view: the screen, its fragments, edits in place, bulk actions and the export."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, ClassVar

from flask import abort, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from werkzeug.datastructures import ImmutableMultiDict, MultiDict

from dashboard.admin_views import list_parts, list_state
from dashboard.admin_views.answers import download, wants_fragment
from dashboard.admin_views.bulk_actions import BulkActions
from dashboard.admin_views.forms import Form
from dashboard.admin_views.list_page import ListPage, RowAction, ShownRow
from dashboard.operations.errors import Invalid, Refused, Stale
from dashboard.queries import list_counts, list_export, listing, settings
from dashboard.queries.listing import COUNT_CAP, Column, Listing, State

# More than this in one go belongs to a background job.
MOST_AT_ONCE = 2_000
# The records whose names lead to their page from any list.
LINKED = ("customer", "package")


class ListScreen(BulkActions):
    """Mixed into AdminView, which brings rights, the actor and the form."""

    listing: ClassVar[Listing]
    list_template = "admin/list.html"
    create_label = ""
    # Extra buttons beside the create button: label, href, icon, right.
    toolbar: ClassVar[Sequence[tuple[str, str, str, str]]] = ()

    # For the view to fill -------------------------------------------------------------------------

    def base_state(self, state: State) -> State:
        """A place to pin a list to something, such as one customer."""
        return state

    def row_actions(self, row: Any) -> list[RowAction]:
        """The icons at the end of a row."""
        view: Any = self
        actions = []
        if view.can("edit"):
            href = url_for(f"{view.endpoint}.edit_view", id=row.id)
            actions.append(RowAction("Edit", "edit", href))
        return actions

    def row_editable(self, column: Column, row: Any) -> bool:
        """Whether this cell of this row may be edited in place; the right has been checked."""
        return True

    def row_label(self, row: Any) -> str:
        """How the row is called in check-box labels."""
        values = row._mapping
        return str(values.get("name") or values.get("number") or values["id"])

    # The screen -----------------------------------------------------------------------------------

    @expose("/")
    def index_view(self) -> ResponseReturnValue:
        view: Any = self
        page = self.build_page(self.read_state(request.args))
        template = "admin/_list.html" if wants_fragment() else self.list_template
        return view.render(template, page=page, crumbs=[{"label": view.title, "href": ""}])  # type: ignore[no-any-return]

    @expose("/summary/")
    def summary_view(self) -> ResponseReturnValue:
        """Counts and totals of a list too long to add up before its first rows are shown."""
        view: Any = self
        state = self.read_state(request.args)
        page = self.build_page(state, whole=True)
        return view.render("admin/_summary.html", page=page)  # type: ignore[no-any-return]

    def read_state(self, args: MultiDict[str, str] | ImmutableMultiDict[str, str]) -> State:
        return self.base_state(list_state.read(self.listing, args))  # type: ignore[arg-type]

    def build_page(self, state: State, *, whole: bool = False) -> ListPage:
        """Everything the template shows. Totals of more than COUNT_CAP rows wait for `summary_view`."""
        view: Any = self
        described = self.listing
        base = url_for(f"{view.endpoint}.index_view")
        state = listing.look_up(described, state)
        found = listing.page(described, state)
        count = list_counts.count(described, state)
        sums = list_counts.totals(described, state) if whole or count <= COUNT_CAP else None
        columns = self.columns_of(list_parts.shown_columns(described, state), found.rows)
        return ListPage(
            title=view.title,
            singular=view.singular,
            base=base,
            state=state,
            columns=list_parts.heads(described, state, base),
            rows=[self.build_row(row, columns) for row in found.rows],
            tabs=list_parts.tab_links(described, state, base, list_counts.tab_counts(described, state)),
            chips=list_parts.chips(described, state, base),
            filters=list_parts.filter_fields(described),
            totals=list_parts.total_rows(described, sums) if sums is not None else None,
            count=count,
            first=found.first,
            actions=self.actions_offered(),
            create_href=url_for(f"{view.endpoint}.create_view") if view.can("create") else "",
            create_label=self.create_label or f"Add {view.singular}",
            export_href=self.export_href(state) if view.may("export") else "",
            search_hint=described.search_hint if described.search else "",
            empty_text=view.empty_text,
            icon=view.icon,
            edit_href=url_for(f"{view.endpoint}.edit_view") if view.can("edit") else "",
            action_href=url_for(f"{view.endpoint}.action_view"),
            buttons=self.buttons(),
            cap=described.cap,
            **list_parts.pager(state, found, base),
        )

    def columns_of(self, columns: list[Column], rows: Sequence[Any]) -> list[Column]:
        """The columns as they show these rows."""
        return columns

    def buttons(self) -> list[dict[str, str]]:
        view: Any = self
        return [
            {"label": label, "href": url_for(endpoint), "icon": icon}
            for label, endpoint, icon, right in self.toolbar
            if view.may(right)
        ]

    def export_href(self, state: State) -> str:
        view: Any = self
        return url_for(f"{view.endpoint}.export", export_type="csv") + list_state.query(state)

    def build_row(self, row: Any, columns: Sequence[Column]) -> ShownRow:
        view: Any = self
        may_edit = view.can("edit") and not settings.current().audit_comment
        return list_parts.shown_row(
            row,
            columns,
            href=self.row_href(row),
            editable=lambda column, this: may_edit and self.row_editable(column, this),
            link=self.cell_href,
            actions=self.row_actions(row),
            label=self.row_label(row),
        )

    def cell_href(self, column: Column, row: Any) -> str:
        """Where a cell leads: a customer's name to the customer, a package's to the package."""
        name = column.name.removesuffix("_name")
        key = row._mapping.get(name) if name in LINKED and name != column.name else None
        return url_for(f"{name}.details_view", id=key) if key else ""

    def row_href(self, row: Any) -> str:
        view: Any = self
        return str(view.href(row.id))

    # Edit in place --------------------------------------------------------------------------------

    @expose("/ajax/update/", methods=("POST",))
    def ajax_update(self) -> ResponseReturnValue:
        """Save one cell: the refreshed row, or why not. `list_form_pk` is the row's key."""
        view: Any = self
        key = view.get_one(request.form.get("list_form_pk")).id
        column = next(
            (one for one in self.listing.columns if one.editable and one.editable in request.form), None
        )
        row = listing.row(self.listing, key, self.base_state(State()).pinned)
        if column is None or row is None:
            abort(400, description="This column can't be edited in the list.")
        if settings.current().audit_comment:
            return {"error": "Open the record to change it: this account asks for the reason."}, 422
        if not self.row_editable(column, row):
            return {"error": "This can't be changed any more. Open the record to see why."}, 422
        form: Form = view.form(request.form)
        try:
            values = form.check_row({column.editable})
            self.update_row(view.actor_of(form), key, values, form.read_version())
        except Invalid as error:
            return {"error": str(error)}, 422
        except Refused as error:
            return {"error": str(error)}, 422
        except Stale:
            return {"error": "Somebody else changed this row meanwhile. Refresh the list to see it."}, 409
        return self.show_row(key)

    def update_row(self, actor: Any, key: int, values: dict[str, Any], version: int | None) -> None:
        view: Any = self
        view.operations.update(actor, key, values, version=version)

    def show_row(self, key: int) -> ResponseReturnValue:
        """One row as it stands now, with the columns on screen."""
        view: Any = self
        row = listing.row(self.listing, key)
        columns = list_parts.shown_columns(self.listing, self.read_state(request.args))
        actions = [action for action in self.bulk_actions if view.may(action.right)]
        return view.render(  # type: ignore[no-any-return]
            "admin/_one_row.html", row=self.build_row(row, columns), page={"actions": actions}
        )

    # Export ---------------------------------------------------------------------------------------

    @expose("/export/<export_type>/")
    def export(self, export_type: str) -> ResponseReturnValue:
        view: Any = self
        # Whoever may not read the list is refused before this.
        if not view.may("export"):
            abort(403)
        if export_type != "csv":
            abort(404, description="Lists can be exported as CSV.")
        state = self.read_state(request.args)
        if state.errors:
            raise Refused(" ".join(state.errors))
        chunks = list_export.csv_chunks(self.listing, state)
        name = f"{view.title.lower().replace(' ', '-')}-{dt.datetime.now(dt.UTC):%Y-%m-%d}.csv"
        return download(chunks, name, "text/csv")
