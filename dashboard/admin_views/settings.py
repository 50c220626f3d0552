"""Setup > Settings: one page for the whole account."""

from __future__ import annotations

from typing import Any

from flask import Response, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_login import current_user

from dashboard.admin_views.answers import wants_fragment
from dashboard.admin_views.conflict import conflict_rows
from dashboard.admin_views.guard import GuardedView, needs
from dashboard.admin_views.setting_form import MAIL, SettingForm
from dashboard.extensions import db
from dashboard.operations import settings
from dashboard.operations.errors import Invalid, Refused, Stale
from dashboard.queries import audit, reminders
from dashboard.queries import settings as queries
from dashboard.rules.reminders import read_days, say_days


class SettingView(GuardedView):
    icon = "settings"
    menu_right = "setting.write"

    def __init__(self) -> None:
        super().__init__(name="Settings", endpoint="setting")

    @expose("/", methods=("GET", "POST"))
    @needs("setting.write")
    def index_view(self) -> ResponseReturnValue:
        form = self.asked_form()
        if request.method == "GET":
            return self.page_of(form)
        if not self.comment_given(form) or not form.validate():
            return self.page_of(form), 422
        try:
            actor = self.actor.saying(form.comment.data or "")
            settings.update(actor, form.operation_values(), version=form.read_version())
        except Invalid as error:
            form.show(form.named(error.errors))
            return self.page_of(form), 422
        except Refused as error:
            form.show({"": [str(error)]})
            return self.page_of(form), 422
        except Stale:
            return self.conflict(form)
        flash("The settings were saved.", "success")
        return redirect(url_for(".index_view"), 303)

    @expose("/test-email/", methods=("POST",))
    @needs("setting.write")
    def test_email_view(self) -> ResponseReturnValue:
        """Try the mail server of the form, saved or not; the answer stands beside the button."""
        form = self.asked_form()
        tone, text = self.try_mail(form)
        if wants_fragment():
            return self.render("admin/settings_test.html", tone=tone, text=text)
        return self.page_of(form, test={"tone": tone, "text": text})

    @expose("/number/")
    @needs("setting.write")
    def number_view(self) -> ResponseReturnValue:
        """What the next invoice's number would be by a pattern, while it is typed."""
        pattern = request.args.get("invoice_number_pattern", "")[:60]
        try:
            text = f"The next invoice would be {settings.next_number(queries.current(), pattern or '-')}."
        except ValueError as fault:
            text = str(fault)
        return self.render("admin/settings_number.html", text=text)

    @expose("/reminders/")
    @needs("setting.write")
    def reminders_view(self) -> ResponseReturnValue:
        """What reminders on these days would do today, while they are typed."""
        typed = request.args.get("reminder_days", "")[:200]
        try:
            days = read_days(typed)
        except ValueError as fault:
            return self.render("admin/settings_number.html", text=str(fault))
        found = reminders.outlook(days) if days else None
        return self.render("admin/settings_reminders.html", days=days, said=say_days(days), found=found)

    @expose("/logo/")
    @needs("setting.write")
    def logo_view(self) -> ResponseReturnValue:
        setting = queries.current()
        if setting.logo is None:
            abort(404)
        answer = Response(setting.logo, mimetype=setting.logo_type)
        answer.headers["Cache-Control"] = "no-store"
        return answer

    # The parts of it ---------------------------------------------------------------------------

    def asked_form(self) -> SettingForm:
        if request.method == "POST":
            data = request.form.copy()
            for name, upload in request.files.items():
                data.setlist(name, [upload])
            return SettingForm(data)
        setting = queries.current()
        form = SettingForm(obj=setting)
        form.version.data = str(setting.version)
        return form

    def page_of(self, form: SettingForm, **more: Any) -> str:
        setting = queries.current()
        return self.render(
            "admin/settings.html",
            form=form,
            setting=setting,
            record_title="Settings",
            form_action=url_for(".index_view"),
            form_messages=form.loose_errors,
            return_url=url_for(".index_view"),
            has_file=True,
            ask_comment=setting.audit_comment,
            test_to=request.form.get("test_to", current_user.email),
            history=audit.timeline("setting", 1, limit=10),
            crumbs=[{"label": "Settings", "href": ""}],
            **more,
        )

    def comment_given(self, form: SettingForm) -> bool:
        if not queries.current().audit_comment or (form.comment.data or "").strip():
            return True
        form.validate()
        form.comment.errors = ["Please say why you change this; it goes to the audit log."]
        return False

    def try_mail(self, form: SettingForm) -> tuple[str, str]:
        values = form.smtp_values()
        faulty = [name for name in MAIL if not form[name].validate(form)]
        if faulty:
            return "bad", " ".join(f"{form[name].label.text}: {form[name].errors[0]}" for name in faulty)
        try:
            return "ok", settings.test_email(self.actor, request.form.get("test_to", ""), values)
        except Invalid as error:
            form.show({name: said for name, said in form.named(error.errors).items() if name in form._fields})
            return "bad", str(error)
        except Refused as error:
            return "bad", str(error)

    def conflict(self, form: SettingForm) -> ResponseReturnValue:
        """Both versions side by side. A picture and a password are given again: no page carries them."""
        db.session.rollback()
        setting = queries.current()
        carried = {
            name: request.form.getlist(name)
            for name in request.form
            if name not in ("csrf_token", "smtp_password_new", "test_to")
        }
        rows = conflict_rows(form, SettingForm(obj=setting))
        page = self.render(
            "admin/conflict.html",
            record_title="Settings",
            rows=[row for row in rows if row["name"] not in ("logo_file", "smtp_password_new")],
            hidden={**carried, "version": str(setting.version)},
            form_action=url_for(".index_view"),
            edit_href=url_for(".index_view"),
            crumbs=[{"label": "Settings", "href": ""}],
        )
        return page, 409
