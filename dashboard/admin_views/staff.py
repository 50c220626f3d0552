"""Setup > Staff: who may sign in, and as what."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from wtforms import PasswordField
from wtforms.validators import InputRequired, Length

from dashboard.admin_views import fields
from dashboard.admin_views.base import AdminView
from dashboard.admin_views.conflict import facts
from dashboard.admin_views.forms import Form
from dashboard.admin_views.guard import needs
from dashboard.models import Staff
from dashboard.operations import staff
from dashboard.operations.errors import Invalid
from dashboard.queries import settings
from dashboard.queries import staff as queries
from dashboard.rules import passwords


def new_password() -> Any:
    return PasswordField(
        "Password",
        [
            InputRequired("Please fill this in."),
            Length(max=passwords.MAXIMUM, message=f"At most {passwords.MAXIMUM} characters, please."),
        ],
        description=f"At least {passwords.MINIMUM} characters. Tell it by telephone rather than by e-mail.",
        render_kw={"autocomplete": "new-password"},
    )


class StaffForm(Form):
    name = fields.text("Name", max=120, required=True)
    email = fields.email("E-mail", required=True, help="What the person signs in with.")
    role = fields.choice(
        "Role",
        queries.ROLES,
        default="clerk",
        help="Viewers read and export; clerks write drafts and payments; managers issue, void and delete; "
        "administrators change settings and staff.",
    )
    active = fields.flag("Active", default=True, help="Without it the person can't sign in.")


class NewStaffForm(StaffForm):
    password = new_password()


class PasswordForm(Form):
    password = new_password()


class StaffView(AdminView):
    model = Staff
    operations = staff
    form = StaffForm
    listing = queries.LISTING
    rights: ClassVar[dict[str, str]] = {
        "read": "staff.write",
        "create": "staff.write",
        "edit": "staff.write",
        "delete": "staff.write",
    }
    title = "Staff"
    singular = "staff account"
    icon = "staff"
    create_label = "Add Staff"
    empty_text = "Everybody who may sign in is listed here."

    def form_class(self, record: Any) -> type[Form]:
        return NewStaffForm if record is None else StaffForm

    def details_context(self, record: Staff) -> dict[str, Any]:
        locked = record.locked_until if record.locked_at(dt.datetime.now(dt.UTC)) else None
        more = [
            ("Two-step sign-in", "On" if record.has_second_factor else "Off"),
            (
                "Recovery codes left",
                str(len(record.mf_recovery_codes or [])) if record.has_second_factor else "",
            ),
            ("Last sign-in", self.moment(record.last_sign_in_at) or "Never"),
            ("Locked until", self.moment(locked)),
        ]
        extra = [{"label": label, "value": value} for label, value in more if value]
        return {"facts": [*facts(self.form(obj=record)), *extra]}

    def moment(self, at: dt.datetime | None) -> str:
        return settings.local(at).strftime("%Y-%m-%d %H:%M") if at is not None else ""

    def page_actions(self, record: Staff) -> list[dict[str, Any]]:
        actions = super().page_actions(record)
        href = url_for(".password_view", id=record.id)
        actions.insert(1, {"label": "New password", "href": href, "icon": "key", "modal": True})
        if record.has_second_factor:
            actions.append(
                {
                    "label": "Reset two-step sign-in",
                    "href": url_for(".reset_second_factor_view", id=record.id),
                    "icon": "shield",
                    "method": "post",
                    "confirm": f"Turn two-step sign-in off for {record}? Only the password protects the "
                    "account then, until it is set up again.",
                }
            )
        if record.locked_at(dt.datetime.now(dt.UTC)):
            href = url_for(".unlock_view", id=record.id)
            actions.insert(1, {"label": "Unlock", "href": href, "icon": "lock", "method": "post"})
        return actions

    @expose("/<id>/password", methods=("GET", "POST"))
    @needs("staff.write")
    def password_view(self, id: str) -> ResponseReturnValue:
        """Give somebody a new password; wherever they are signed in, they are no longer."""
        record = self.get_one(id)
        form = PasswordForm(request.form if request.method == "POST" else None)
        if request.method == "POST" and form.validate():
            try:
                staff.set_password(self.actor_of(form), record.id, form.password.data)
            except Invalid as error:
                form.show(error.errors)
            else:
                flash(f"{record} has a new password and is signed out everywhere.", "success")
                return redirect(self.href(record.id), 303)
        return self.ask(
            f"New password for {record}",
            form,
            text="The old password ends at once, and with it every session of this account.",
            submit_label="Set password",
            return_url=self.href(record.id),
        )

    @expose("/<id>/reset-second-factor", methods=("POST",))
    @needs("staff.write")
    def reset_second_factor_view(self, id: str) -> ResponseReturnValue:
        record = staff.reset_second_factor(self.actor_of(None), self.key_of(id))
        flash(f"Two-step sign-in of {record} is off.", "success")
        return redirect(self.href(record.id), 303)

    @expose("/<id>/unlock", methods=("POST",))
    @needs("staff.write")
    def unlock_view(self, id: str) -> ResponseReturnValue:
        record = staff.unlock(self.actor_of(None), self.key_of(id))
        flash(f"{record} can sign in again.", "success")
        return redirect(self.href(record.id), 303)
