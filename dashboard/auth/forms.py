"""Flask-Security's forms with the lock-out: a try is taken before anything secret is compared."""

from __future__ import annotations

import time
from typing import Any

from flask import session
from flask_login import current_user
from flask_security import forms as basic
from flask_security.recovery_codes import MfRecoveryForm as BasicRecoveryForm
from flask_security.utils import get_message, validate_redirect_url
from wtforms import PasswordField, RadioField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length

from dashboard.auth.config import WRONG_CODE
from dashboard.operations import sign_in
from dashboard.rules import passwords

# Seconds between the password and the code.
CODE_WITHIN = 600


def _password(label: str, *, autocomplete: str = "current-password") -> PasswordField:
    return PasswordField(
        label,
        [
            basic.IsString(),
            basic.password_required,
            Length(max=passwords.MAXIMUM, message="INVALID_PASSWORD"),
        ],
        render_kw={"autocomplete": autocomplete},
    )


class _OwnWay:
    """A way to go on to that is not ours is left out in silence; nobody types one."""

    def validate_next(self, field: Any) -> None:
        if field.data and not validate_redirect_url(field.data):
            field.data = ""


class LoginForm(_OwnWay, basic.LoginForm):
    # An address is looked up, never judged: the answer is the same for every wrong one.
    email = StringField("E-mail", [basic.IsString(), basic.email_required, basic.EmailValidation()])
    password = _password("Password")
    # A remembered browser would undo the automatic sign-out.
    remember = None

    def validate(self, **kwargs: Any) -> bool:
        self.ifield = self.email
        email, password = self.email.data, self.password.data
        if isinstance(email, str) and isinstance(password, str) and 0 < len(password) <= passwords.MAXIMUM:
            self.user = sign_in.admit(email.replace("\0", ""))
        if not super().validate(**kwargs):
            return False
        assert self.user is not None
        sign_in.give_back(self.user.id)
        session["password_at"] = int(time.time())
        return True


class VerifyForm(_OwnWay, basic.VerifyForm):
    def validate(self, **kwargs: Any) -> bool:
        return _guarded(self, self.password, lambda: super(VerifyForm, self).validate(**kwargs))


class ChangePasswordForm(basic.ChangePasswordForm):
    password = _password("Current password")

    def validate(self, **kwargs: Any) -> bool:
        return _guarded(self, self.password, lambda: super(ChangePasswordForm, self).validate(**kwargs))


def _guarded(form: Any, field: Any, check: Any) -> bool:
    """The check of somebody who is signed in: only a wrong password costs a try."""
    if not sign_in.take_try(current_user.id):
        field.errors = [get_message("INVALID_PASSWORD")[0]]
        return False
    right = bool(check())
    if right or not field.errors:
        sign_in.give_back(current_user.id)
    return right


class TwoFactorSetupForm(basic.TwoFactorSetupForm):
    setup = RadioField(
        "What to do",
        choices=[
            SelectChoice("authenticator", "Use an authenticator app"),
            SelectChoice("disable", "Turn two-step sign-in off"),
        ],
        validate_choice=False,
    )
    # A telephone number is for codes by SMS, which are not sent.
    phone = StringField()


class TwoFactorRescueForm(basic.TwoFactorRescueForm):
    """Built beside the code's form; its own page is closed."""

    help_setup = RadioField(choices=[SelectChoice("help", "Ask an administrator")])


class _Code:
    """A code typed at sign-in counts as a try and comes soon after the password."""

    def validate(self, **kwargs: Any) -> bool:
        if getattr(self, "is_setup", False):
            return bool(super().validate(**kwargs))  # type: ignore[misc]
        if time.time() - session.get("password_at", 0) > CODE_WITHIN:
            return self._refuse("That took too long. Please sign in again.")
        if not isinstance(self.code.data, str) or not sign_in.take_try(self.user.id):  # type: ignore[attr-defined]
            return self._refuse(WRONG_CODE)
        self.code.data = self.code.data.strip()  # type: ignore[attr-defined]
        return bool(super().validate(**kwargs))  # type: ignore[misc]

    def _refuse(self, said: str) -> bool:
        self.code.errors = [said]  # type: ignore[attr-defined]
        return False


class TwoFactorVerifyCodeForm(_Code, basic.TwoFactorVerifyCodeForm):
    pass


class MfRecoveryForm(_Code, BasicRecoveryForm):
    pass


FORMS: dict[str, Any] = {
    "login_form": LoginForm,
    "verify_form": VerifyForm,
    "change_password_form": ChangePasswordForm,
    "two_factor_setup_form": TwoFactorSetupForm,
    "two_factor_rescue_form": TwoFactorRescueForm,
    "two_factor_verify_code_form": TwoFactorVerifyCodeForm,
    "mf_recovery_form": MfRecoveryForm,
}
