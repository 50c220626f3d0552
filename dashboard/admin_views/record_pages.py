"""The record half of a view: the pages where one is made, changed, looked at and deleted."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from dashboard.admin_views.answers import wants_modal
from dashboard.admin_views.conflict import facts
from dashboard.admin_views.forms import Form
from dashboard.queries import settings
from dashboard.queries.audit import timeline


class RecordPages:
    """Mixed into AdminView, which brings rights, the actor and the saving."""

    details_template = "admin/details.html"
    create_template = "admin/create.html"
    edit_template = "admin/edit.html"
    has_details = True

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
        form = self.form_class(record)
        return form(formdata) if formdata is not None else form(obj=record)

    def form_class(self, record: Any) -> type[Form]:
        """Which form a record (None: a new one) is written in."""
        return self.form

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
        form = self.form_class(None)(data=self.defaults())
        for name, value in request.args.items():
            if name in form._fields:
                # A link may name what no field takes; then the field stays empty.
                with suppress(ValueError):
                    form[name].process_formdata([value])
        return form

    def defaults(self) -> dict[str, Any]:
        return {}

    def page_of(self, template: str, form: Form, record: Any) -> str:
        name = f"Add {self.singular}" if record is None else str(record)
        ask_comment = record is not None and settings.current().audit_comment
        form.comment.flags.required = ask_comment
        context = {
            "form": form,
            "record": record,
            "record_title": name if record is None else f"Edit {name}",
            "singular": self.singular,
            "ask_comment": ask_comment,
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
