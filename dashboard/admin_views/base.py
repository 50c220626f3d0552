"""The hardened Flask-Admin view that every record's view extends.

A view declares a model, a form, a listing, an operations module and rights. Reads go through `queries`,
writes through `operations`; what stock Flask-Admin does wrong is mended here once.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from types import ModuleType
from typing import Any, ClassVar

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_admin.contrib.sqla import ModelView

from dashboard.admin_views import lookups
from dashboard.admin_views.answers import wants_modal
from dashboard.admin_views.conflict import conflict_rows, facts
from dashboard.admin_views.forms import Form
from dashboard.admin_views.guard import GuardedView, needs
from dashboard.admin_views.lists import ListScreen
from dashboard.extensions import db
from dashboard.operations.base import Actor
from dashboard.operations.errors import Duplicate, Invalid, Missing, Refused, Stale
from dashboard.queries import settings

BIGGEST_KEY = 2**63 - 1


class AdminView(GuardedView, ListScreen, ModelView):
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
    details_template = "admin/details.html"
    create_template = "admin/create.html"
    edit_template = "admin/edit.html"
    has_details = True

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

    # Pages -------------------------------------------------------------------------------------

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> ResponseReturnValue:
        form = self.form_for(None, request.form) if request.method == "POST" else self.blank_form()
        if request.method == "POST":
            done = self.save(form, None)
            if done is not None:
                return done
        page = self.page_of(self.create_template, form, None)
        return page, 422 if request.method == "POST" else 200

    @expose("/edit/", methods=("GET", "POST"))
    def edit_view(self) -> ResponseReturnValue:
        record = self.asked()
        if request.method == "GET":
            form = self.form_for(record)
            form.version.data = str(getattr(record, "version", ""))
            return self.page_of(self.edit_template, form, record)
        form = self.form_for(record, request.form)
        done = self.save(form, record)
        return done if done is not None else (self.page_of(self.edit_template, form, record), 422)

    @expose("/details/")
    def details_view(self) -> ResponseReturnValue:
        from dashboard.queries.audit import timeline

        record = self.asked()
        context = {
            "record": record,
            "record_title": str(record),
            "facts": self.facts(record),
            "timeline": timeline(self.model.__tablename__, record.id),
            "crumbs": self.crumbs(str(record)),
            "actions": self.page_actions(record),
            **self.details_context(record),
        }
        return self.render(self.details_template, **context)

    def facts(self, record: Any) -> list[dict[str, str]]:
        """What the details page says of the record: the fields of its form that are filled."""
        return facts(self.form(obj=record))

    def page_actions(self, record: Any) -> list[dict[str, Any]]:
        """The buttons at the head of a record's page."""
        actions: list[dict[str, Any]] = []
        if self.can("edit"):
            href = url_for(f"{self.endpoint}.edit_view", id=record.id)
            actions.append({"label": "Edit", "href": href, "icon": "edit", "primary": True})
        if self.can("delete"):
            actions.append(
                {
                    "label": "Delete",
                    "href": url_for(f"{self.endpoint}.delete_view", id=record.id),
                    "icon": "trash",
                    "method": "post",
                    "danger": True,
                    "confirm": f"Delete {self.singular} “{record}”? This can't be undone.",
                }
            )
        return actions

    @expose("/delete/", methods=("POST",))
    def delete_view(self) -> ResponseReturnValue:
        record = self.asked()
        label = str(record)
        self.operations.delete(self.actor_of(None), record.id)
        flash(f"{self.singular.capitalize()} “{label}” was deleted.", "success")
        return redirect(self.way_back(url_for(f"{self.endpoint}.index_view")), 303)

    def form_for(self, record: Any, formdata: Any = None) -> Form:
        """The form of a record (None: a new one), from the record itself or from what was posted."""
        return self.form(formdata) if formdata is not None else self.form(obj=record)

    def ask(
        self,
        title: str,
        form: Form,
        *,
        text: str = "",
        submit_label: str = "Save",
        danger: bool = False,
        return_url: str = "",
        template: str = "",
    ) -> ResponseReturnValue:
        """A small form in a dialog over the page, or as a page of its own without scripts."""
        page = self.render(
            template or ("admin/modal.html" if wants_modal() else "admin/ask.html"),
            title=title,
            text=text,
            form=form,
            problems=form.loose_errors,
            form_action=request.full_path.rstrip("?"),
            submit_label=submit_label,
            danger=danger,
            return_url=return_url or self.way_back(),
            crumbs=self.crumbs(title),
        )
        return page, 422 if request.method == "POST" else 200

    def posted_version(self) -> int | None:
        """The version that a button on the page carried."""
        text = request.form.get("version", "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None

    def details_context(self, record: Any) -> dict[str, Any]:
        """What the details page needs beyond the record."""
        return {}

    def form_context(self, form: Form, record: Any) -> dict[str, Any]:
        """What the create and edit pages need beyond the form."""
        return {}

    def blank_form(self) -> Form:
        """The form of a new record, filled from the query string where a link named values."""
        given = {name: value for name, value in request.args.items() if hasattr(self.form, name)}
        form = self.form(data=self.defaults())
        for name, value in given.items():
            if name in form._fields:
                # A link may name what no field takes; then the field stays empty.
                with suppress(ValueError):
                    form[name].process_formdata([value])
        return form

    def defaults(self) -> dict[str, Any]:
        return {}

    def page_of(self, template: str, form: Form, record: Any) -> str:
        name = f"Add {self.singular}" if record is None else str(record)
        context = {
            "form": form,
            "record": record,
            "record_title": name if record is None else f"Edit {name}",
            "singular": self.singular,
            "ask_comment": record is not None and settings.current().audit_comment,
            "form_messages": form.loose_errors,
            "form_action": request.full_path.rstrip("?"),
            "return_url": self.way_back(self.href(record.id) if record is not None else ""),
            "crumbs": self.crumbs(name),
            **self.form_context(form, record),
        }
        return self.render(template, **context)

    def crumbs(self, *names: str) -> list[dict[str, str]]:
        first = {"label": self.title, "href": url_for(f"{self.endpoint}.index_view")}
        return [first, *({"label": name, "href": ""} for name in names)]

    def crumbs_of(self, record: Any, *names: str) -> list[dict[str, str]]:
        """The way to a page under a record's own."""
        own = {"label": str(record), "href": self.href(record.id)}
        return [*self.crumbs(), own, *({"label": name, "href": ""} for name in names)]

    # Saving ------------------------------------------------------------------------------------

    def save(self, form: Form, record: Any) -> ResponseReturnValue | None:
        """Save the form; the redirect that follows, or None where the page must show what is wrong."""
        if not self.comment_given(form, record) or not form.validate():
            return None
        try:
            saved = self.store(form, record)
        except Invalid as error:
            form.show(error.errors)
            return None
        except Refused as error:
            form.show({"": [str(error)]})
            return None
        except Stale:
            return self.conflict(form, record)
        except Duplicate as error:
            flash("This form was already saved; here is what it made.", "info")
            return redirect(self.result_href(error.result), 303)
        flash(f"{self.singular.capitalize()} “{saved}” was saved.", "success")
        return redirect(self.after_save(saved, created=record is None), 303)

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
        form.comment.errors = ["Please say why you change this; it goes to the audit log."]
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
            hidden={**again, "version": str(current.version)},
            form_action=request.full_path.rstrip("?"),
            edit_href=url_for(f"{self.endpoint}.edit_view", id=current.id),
            crumbs=self.crumbs(str(current)),
        )
        return page, 409

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

    # Lookups -----------------------------------------------------------------------------------

    @expose("/ajax/lookup/")
    def ajax_lookup(self) -> ResponseReturnValue:
        found = lookups.get(self.endpoint)
        if found is None:
            return {"results": []}
        words = " ".join(request.args.get("q", "").replace("\x00", "").split())[:100]
        return {"results": found.find(words, dict(request.args))}


__all__ = ["AdminView", "GuardedView", "needs"]
