"""The hardened Flask-Admin view that every record's view extends.

A view declares a model, a form, a listing, an operations module and rights. Reads go through `queries`,
writes through `operations`; what stock Flask-Admin does wrong is mended here once.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any, ClassVar

from flask import request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_admin.contrib.sqla import ModelView

from dashboard.admin_views import lookups
from dashboard.admin_views.forms import Form
from dashboard.admin_views.guard import GuardedView, needs
from dashboard.admin_views.lists import ListScreen
from dashboard.admin_views.record_pages import RecordPages
from dashboard.admin_views.saving import Saving
from dashboard.extensions import db
from dashboard.operations.errors import Missing

BIGGEST_KEY = 2**63 - 1


class AdminView(GuardedView, ListScreen, RecordPages, Saving, ModelView):
    """One kind of record: its list, its form, its page.

    `rights` maps read, create, edit and delete to rights; an act without one does not exist for this view.
    """

    model: type[Any]
    operations: ModuleType
    form: type[Form]
    rights: ClassVar[Mapping[str, str]] = {}
    singular = "record"
    title = ""
    # What the reader reads when there is nothing yet.
    empty_text = ""

    # Stock features that ours replace.
    column_list = ()
    can_view_details = True
    named_filter_urls = True

    ENDPOINT_ACTS: ClassVar[dict[str, str]] = {
        "index_view": "read",
        "summary_view": "read",
        "details_view": "read",
        "ajax_lookup": "read",
        "export": "read",
        "create_view": "create",
        "edit_view": "edit",
        "ajax_update": "edit",
        "delete_view": "delete",
        "action_view": "read",
        "action_form_view": "read",
    }

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("name", self.title)
        kwargs.setdefault("endpoint", self.model.__tablename__)
        super().__init__(self.model, db, **kwargs)

    # Rights ------------------------------------------------------------------------------------

    def right_of(self, name: str) -> str | None:
        own = super().right_of(name)
        return own or self.rights.get(self.ENDPOINT_ACTS.get(name, ""))

    @property
    def menu_right(self) -> str:  # type: ignore[override]
        return self.rights["read"]

    def can(self, act: str) -> bool:
        """Whether this view has the act, and the reader its right."""
        return act in self.rights and self.may(self.rights[act])

    # One record --------------------------------------------------------------------------------

    def get_one(self, id: Any) -> Any:
        """The record by the key in a URL, through `get_query()`. Raises Missing for anything else."""
        key = self.key_of(id)
        record = self.get_query().filter(self.model.id == key).one_or_none()
        if record is None:
            raise Missing(self.singular)
        return record

    def get_query(self) -> Any:
        return db.session.query(self.model)

    def key_of(self, text: Any) -> int:
        text = str(text or "")
        if not text.isascii() or not text.isdigit() or len(text) > 19 or int(text) > BIGGEST_KEY:
            raise Missing(self.singular)
        return int(text)

    def asked(self) -> Any:
        return self.get_one(request.values.get("id"))

    # Lookups -----------------------------------------------------------------------------------

    @expose("/ajax/lookup/")
    def ajax_lookup(self) -> ResponseReturnValue:
        found = lookups.get(self.endpoint)
        if found is None:
            return {"results": []}
        words = " ".join(request.args.get("q", "").replace("\x00", "").split())[:100]
        return {"results": found.find(words, dict(request.args))}


__all__ = ["AdminView", "GuardedView", "needs"]
