"""What Flask-Security reads and writes of a staff account, in our transactions, audit and words."""

from __future__ import annotations

from typing import Any

from flask import has_request_context
from flask_login import current_user
from flask_security import MailUtil as FlaskSecurityMail
from flask_security import PasswordUtil as FlaskSecurityPassword
from flask_security import Security, SQLAlchemyUserDatastore
from flask_security.totp import Totp as FlaskSecurityTotp
from passlib.exc import UsedTokenError

from dashboard.extensions import db
from dashboard.models import Staff, StaffRole
from dashboard.operations import sign_in
from dashboard.operations.base import Actor, unit_of_work
from dashboard.rules import passwords


def actor_of(staff: Staff) -> Actor:
    return Actor(id=staff.id, name=staff.name, role=staff.role)


def current_actor() -> Actor | None:
    """The staff member of this request, or None when nobody is signed in."""
    if not current_user.is_authenticated:
        return None
    return actor_of(current_user)


class Datastore(SQLAlchemyUserDatastore):
    """Every write is a unit of work of its own, told to the audit log under the name of whoever acts.

    While somebody signs in there is no current user yet: it is then the account itself.
    """

    def put(self, model: Staff) -> Staff:
        with unit_of_work(_acting(model)):
            db.session.add(model)
        return model

    def commit(self) -> None:
        """Nothing is left to commit: `put` did it."""


def _acting(model: Staff) -> Actor:
    return (current_actor() if has_request_context() else None) or actor_of(model)


datastore = Datastore(db, Staff, StaffRole)


class Totp(FlaskSecurityTotp):
    """Codes that work once."""

    def get_last_counter(self, user: Any) -> int | None:
        return sign_in.last_code(user.id)

    def set_last_counter(self, user: Any, tmatch: Any) -> None:
        if not sign_in.use_code(user.id, tmatch.counter):
            raise UsedTokenError(expire_time=tmatch.expire_time)


class MailUtil(FlaskSecurityMail):
    """At sign-in an address is only looked up, so any text will do; nobody learns what is wrong with it."""

    def normalize(self, email: str) -> str:
        return email.replace("\0", "").strip().lower()


class PasswordUtil(FlaskSecurityPassword):
    def normalize(self, password: str) -> str:
        return passwords.normalise(password)

    def validate(self, password: str, is_register: bool, **kwargs: Any) -> tuple[list[str] | None, str]:
        user = kwargs.get("user")
        try:
            return None, passwords.check(password, email=user.email if user is not None else "")
        except ValueError as fault:
            return [str(fault)], self.normalize(password)


security = Security(
    datastore=datastore, totp_cls=Totp, mail_util_cls=MailUtil, password_util_cls=PasswordUtil
)
