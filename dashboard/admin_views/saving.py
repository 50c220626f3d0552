"""Saving a record's form through its operation; every refusal comes back at its field or on its own page."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from dashboard.admin_views.conflict import conflict_rows
from dashboard.admin_views.forms import WHY, Form
from dashboard.extensions import db
from dashboard.operations.base import Actor
from dashboard.operations.errors import Duplicate, Invalid, Refused, Stale
from dashboard.queries import settings


class Saving:
    """Mixed into AdminView."""

    def save(self, form: Form, record: Any) -> ResponseReturnValue | None:
        """Save the form; the redirect that follows, or None where the page must show what is wrong."""
        if not self.comment_given(form, record) or not form.validate():
            return None
        try:
            saved = self.store(form, record)
        except (Invalid, Refused) as error:
            form.show_refusal(error)
            return None
        except Stale:
            return self.conflict(form, record)
        except Duplicate as error:
            flash("This form was already saved; here is what it made.", "info")
            return redirect(self.result_href(error.result), 303)
        flash(self.saved_message(saved), "success")
        return redirect(self.after_save(saved, created=record is None), 303)

    def saved_message(self, saved: Any) -> str:
        name, kind = str(saved), self.singular.capitalize()
        return f"{name} was saved." if name.startswith(kind) else f"{kind} “{name}” was saved."

    def store(self, form: Form, record: Any) -> Any:
        """Hand the values to the operation."""
        actor = self.actor_of(form)
        if record is None:
            return self.operations.create(actor, form.values(), form_key=form.form_key.data)
        return self.operations.update(actor, record.id, form.values(), version=form.read_version())

    def comment_given(self, form: Form, record: Any) -> bool:
        if record is None or not settings.current().audit_comment:
            return True
        if (form.comment.data or "").strip():
            return True
        form.validate()
        form.comment.errors = [WHY]
        return False

    def actor_of(self, form: Form | None) -> Actor:
        said = form.comment.data if form is not None else request.form.get("comment")
        return self.actor.saying(said or "")

    def conflict(self, form: Form, record: Any) -> ResponseReturnValue:
        """Both versions side by side; saving again from here takes the reader's."""
        db.session.rollback()
        current = self.get_one(record.id)
        again = {name: request.form.getlist(name) for name in request.form if name != "csrf_token"}
        page = self.render(
            "admin/conflict.html",
            record_title=str(current),
            rows=conflict_rows(form, self.form_for(current)),
            warning=self.conflict_warning(form, current),
            hidden={**again, "version": str(current.version)},
            form_action=request.full_path.rstrip("?"),
            edit_href=url_for(f"{self.endpoint}.edit_view", id=current.id),
            crumbs=self.crumbs(str(current)),
        )
        return page, 409

    def conflict_warning(self, form: Form, current: Any) -> str:
        """What of the reader's version can't be saved any more, whatever they choose."""
        return ""

    def after_save(self, record: Any, *, created: bool) -> str:
        wanted = self.way_back()
        if "next" in request.values and wanted:
            return wanted
        return self.href(record.id)

    def href(self, key: int) -> str:
        view = "details_view" if self.has_details else "index_view"
        return url_for(f"{self.endpoint}.{view}", **({"id": key} if self.has_details else {}))

    def result_href(self, result: str | None) -> str:
        kind, _, key = (result or "").partition(":")
        if kind == self.model.__tablename__ and key.isdigit():
            return self.href(int(key))
        return url_for(f"{self.endpoint}.index_view")
