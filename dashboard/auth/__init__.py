"""Signing in: Flask-Security with argon2, optional TOTP, the lock-out, the end of idle sessions.

`current_actor()` says who acts in this request. `public` marks the few views that nobody need sign in for;
every other one asks for a signed-in member of staff before it runs.
"""

from __future__ import annotations

from flask import Flask

from dashboard.auth import config, forms, guard, limits
from dashboard.auth.guard import ask_to_sign_in, public
from dashboard.auth.store import current_actor, datastore, security

__all__ = ["ask_to_sign_in", "current_actor", "datastore", "install", "public", "security"]


def install(app: Flask) -> None:
    app.config.update(config.of(app.config["SECRET_KEY"], app.config["SESSION_COOKIE_SECURE"]))
    security.init_app(app, register_blueprint=True, **forms.FORMS)
    # Nobody signs in by a token in the address or in a header.
    security.login_manager.request_loader(lambda request: None)
    guard.install(app)
    limits.install(app)
