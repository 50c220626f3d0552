"""Setup > Templates: the account's own invoice templates beside the stock ones."""

from __future__ import annotations

import difflib
from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from wtforms import TextAreaField

from dashboard.admin_views import fields
from dashboard.admin_views.base import BIGGEST_KEY
from dashboard.admin_views.forms import Form
from dashboard.admin_views.guard import GuardedView, needs
from dashboard.admin_views.invoice_template_preview import TemplatePreview
from dashboard.documents.template_data import VARIABLES
from dashboard.documents.template_helpers import EXPLAINED, PAGES
from dashboard.extensions import db
from dashboard.models import InvoiceTemplate
from dashboard.models.customer import INVOICE_TEMPLATES
from dashboard.operations import invoice_templates
from dashboard.operations.errors import Duplicate, Invalid, Missing, Refused, Stale
from dashboard.queries import invoice_templates as queries
from dashboard.queries import settings

MOST_DIFF = 400


class NewTemplateForm(Form):
    name = fields.text("Name", max=80, required=True)
    based_on = fields.choice("Copy of", INVOICE_TEMPLATES, default="standard")


class TemplateForm(Form):
    name = fields.text("Name", max=80, required=True)
    html = TextAreaField(
        "HTML",
        description="Tab indents; press Esc first to leave the editor by Tab. Ctrl+S saves.",
        render_kw={"rows": 30, "wrap": "off", "spellcheck": "false", "autocomplete": "off", "class": "code"},
    )
    note = fields.text("What has changed", max=200, help="Stands beside the version.")
    # What the preview shows; not stored.
    invoice_id = fields.lookup("Invoice", "invoice", hint="A sample")

    def template_values(self) -> dict[str, Any]:
        return {name: self[name].data for name in ("name", "html", "note")}


class InvoiceTemplateView(TemplatePreview, GuardedView):
    icon = "invoice"
    menu_right = "template.write"
    title = "Templates"

    def __init__(self) -> None:
        super().__init__(name=self.title, endpoint="invoice_template")

    @expose("/")
    @needs("template.write")
    def index_view(self) -> ResponseReturnValue:
        crumbs = [{"label": self.title, "href": ""}]
        return self.render("admin/invoice_template/index.html", templates=queries.listed(), crumbs=crumbs)  # type: ignore[no-any-return]

    @expose("/new/", methods=("GET", "POST"))
    @needs("template.write")
    def create_view(self) -> ResponseReturnValue:
        if request.method == "GET":
            wanted = request.args.get("based_on", "standard")
            return self._new_page(
                NewTemplateForm(based_on=wanted if wanted in INVOICE_TEMPLATES else "standard")
            )
        form = NewTemplateForm(request.form)
        if not form.validate():
            return self._new_page(form), 422
        try:
            made = invoice_templates.create(self._actor_of(form), form.values(), form_key=form.form_key.data)
        except (Invalid, Refused) as error:
            form.show_refusal(error)
            return self._new_page(form), 422
        except Duplicate as error:
            return redirect(url_for(".edit_view", id=str(error.result or "").rpartition(":")[2]), 303)
        flash(
            f"{made.name} was added. Customers use it once it is chosen for them or in Settings.", "success"
        )
        return redirect(url_for(".edit_view", id=made.id), 303)

    @expose("/edit/", methods=("GET", "POST"))
    @needs("template.write")
    def edit_view(self) -> ResponseReturnValue:
        template = self._asked()
        if request.method == "GET":
            form = TemplateForm(obj=template)
            form.version.data = str(template.version)
            return self._editor(form, template)
        form = TemplateForm(request.form)
        if not form.validate():
            return self._editor(form, template), 422
        try:
            saved = invoice_templates.update(
                self._actor_of(form), template.id, form.template_values(), version=form.read_version()
            )
        except (Invalid, Refused) as error:
            form.show_refusal(error)
            return self._editor(form, template), 422
        except Stale:
            return self._stale(form, template.id)
        flash(f"{saved.name} was saved.", "success")
        return redirect(url_for(".edit_view", id=saved.id, invoice_id=form.invoice_id.data or None), 303)

    @expose("/version/")
    @needs("template.write")
    def version_view(self) -> ResponseReturnValue:
        """What a version said, and what has changed since."""
        template = self._asked()
        found = queries.version(template.id, self._number())
        if found is None:
            raise Missing("version")
        lines = list(
            difflib.unified_diff(found.html.splitlines(), template.html.splitlines(), lineterm="", n=2)
        )
        return self.render(  # type: ignore[no-any-return]
            "admin/invoice_template/version.html",
            record=template,
            version=found,
            diff=lines[2 : MOST_DIFF + 2],
            more=max(0, len(lines) - 2 - MOST_DIFF),
            crumbs=self._crumbs(template, f"Version {found.number}"),
        )

    @expose("/restore/", methods=("POST",))
    @needs("template.write")
    def restore_view(self) -> ResponseReturnValue:
        template, number = self._asked(), self._number()
        return self._done(
            template,
            lambda actor: invoice_templates.restore(actor, template.id, number),
            f"Version {number} of {template.name} is in use again.",
        )

    @expose("/reset/", methods=("POST",))
    @needs("template.write")
    def reset_view(self) -> ResponseReturnValue:
        template = self._asked()
        return self._done(
            template,
            lambda actor: invoice_templates.reset(actor, template.id),
            f"{template.name} is as its stock template again.",
        )

    @expose("/delete/", methods=("POST",))
    @needs("template.write")
    def delete_view(self) -> ResponseReturnValue:
        template = self._asked()
        name = template.name
        try:
            invoice_templates.delete(self.actor, template.id)
        except Refused as error:
            flash(str(error), "error")
            return redirect(self.way_back(url_for(".index_view")), 303)
        flash(f"{name} was deleted.", "success")
        return redirect(url_for(".index_view"), 303)

    # The parts of it ---------------------------------------------------------------------------

    def _asked(self) -> InvoiceTemplate:
        text = request.values.get("id", "")
        key = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else -1
        found = db.session.get(InvoiceTemplate, key) if 0 < key <= BIGGEST_KEY else None
        if found is None:
            raise Missing("template")
        return found

    def _number(self) -> int:
        text = request.values.get("number", "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0

    def _actor_of(self, form: Form) -> Any:
        return self.actor.saying(form.comment.data or "")

    def _done(self, template: InvoiceTemplate, act: Any, said: str) -> ResponseReturnValue:
        try:
            act(self.actor)
        except Refused as error:
            flash(str(error), "error")
        else:
            flash(said, "success")
        return redirect(url_for(".edit_view", id=template.id), 303)

    def _crumbs(self, template: InvoiceTemplate | None, last: str = "") -> list[dict[str, str]]:
        crumbs = [{"label": self.title, "href": url_for(".index_view")}]
        if template is not None:
            crumbs.append(
                {"label": template.name, "href": url_for(".edit_view", id=template.id) if last else ""}
            )
        return [*crumbs, {"label": last, "href": ""}] if last else crumbs

    def _new_page(self, form: Form) -> str:
        return self.render(  # type: ignore[no-any-return]
            "admin/invoice_template/new.html",
            form=form,
            record=None,
            record_title="Add template",
            form_action=url_for(".create_view"),
            form_messages=form.loose_errors,
            return_url=url_for(".index_view"),
            ask_comment=settings.current().audit_comment,
            crumbs=self._crumbs(None, "Add template"),
        )

    def _editor(self, form: TemplateForm, template: InvoiceTemplate) -> str:
        if request.method == "GET":
            form.invoice_id.data = self._invoice_to_show()
        names, count, is_default = queries.users(template.key)
        return self.render(  # type: ignore[no-any-return]
            "admin/invoice_template/edit.html",
            form=form,
            record=template,
            record_title=template.name,
            form_action=url_for(".edit_view", id=template.id),
            form_messages=form.loose_errors,
            return_url=url_for(".index_view"),
            ask_comment=settings.current().audit_comment,
            versions=queries.versions(template.id),
            stock_name=INVOICE_TEMPLATES.get(template.based_on, "Standard"),
            users={"names": names, "more": count - len(names), "default": is_default},
            variables=VARIABLES,
            helpers=EXPLAINED,
            pages=PAGES,
            crumbs=self._crumbs(template),
        )

    def _invoice_to_show(self) -> int | None:
        text = request.args.get("invoice_id", "")
        if text.isascii() and text.isdigit() and len(text) < 19:
            return int(text)
        return queries.sample_id()

    def _stale(self, form: TemplateForm, key: int) -> ResponseReturnValue:
        """Somebody else saved meanwhile: theirs is a version, and saving again puts this one after it."""
        db.session.rollback()
        template = db.session.get(InvoiceTemplate, key)
        if template is None:
            raise Missing("template")
        newest = queries.versions(key, limit=1)[0]
        form.version.data = str(template.version)
        form.show(
            {
                "": [
                    f"{newest.created_by_name or 'Somebody'} has saved this template meanwhile (version "
                    f"{newest.number}). What you wrote is still here: save again to put it after theirs."
                ]
            }
        )
        return self._editor(form, template), 409
