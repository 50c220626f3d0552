"""Signing in: Flask-Security with argon2, optional TOTP, and who the actor of a request is."""

from __future__ import annotations

from flask import Flask
from flask_login import current_user
from flask_security import SQLAlchemyUserDatastore

from dashboard.extensions import db, security
from dashboard.models import Staff, StaffRole
from dashboard.operations.base import Actor

datastore = SQLAlchemyUserDatastore(db, Staff, StaffRole)  # type: ignore[arg-type]


def install(app: Flask) -> None:
    app.config.update(
        SECURITY_PASSWORD_HASH="argon2",
        SECURITY_PASSWORD_SCHEMES=["argon2"],
        SECURITY_PASSWORD_SINGLE_HASH={"argon2"},
        SECURITY_PASSWORD_SALT=None,
        SECURITY_PASSWORD_LENGTH_MIN=10,
        SECURITY_POST_LOGIN_VIEW="/admin/",
        SECURITY_POST_LOGOUT_VIEW="/login",
        SECURITY_LOGOUT_METHODS=["POST"],
        SECURITY_CSRF_IGNORE_UNAUTH_ENDPOINTS=False,
        SECURITY_CHANGEABLE=True,
        SECURITY_SEND_PASSWORD_CHANGE_EMAIL=False,
        SECURITY_EMAIL_VALIDATOR_ARGS={"check_deliverability": False},
        SECURITY_RETURN_GENERIC_RESPONSES=True,
    )
    security.init_app(app, datastore, register_blueprint=True)


def current_actor() -> Actor | None:
    """The staff member of this request, or None when nobody is signed in."""
    if not current_user.is_authenticated:
        return None
    return Actor(id=current_user.id, name=current_user.name, role=current_user.role)
