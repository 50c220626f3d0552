"""The door: who is let in to which view, and when an idle session ends.

It stands before everything else, the check of the form's token included: a form that was open while its
session ended must be told to sign in, not that its token is wrong.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

from flask import (
    Flask,
    Response,
    abort,
    current_app,
    jsonify,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_login import current_user, user_logged_out
from flask_security import logout_user, user_authenticated
from flask_wtf.csrf import generate_csrf

from dashboard.operations import sign_in
from dashboard.queries import settings

F = TypeVar("F", bound=Callable[..., Any])

# Views that ask nobody to sign in. Those of others are marked by `public`.
OPEN = {
    "static",
    "root",
    "healthz",
    "readyz",
    "metrics",
    "security.login",
    "security.logout",
    "security.two_factor_token_validation",
    "security.mf_recovery",
}
# Ways in that Flask-Security brings along and that are not used here: mail with a code, a choice of methods.
CLOSED = {"security.two_factor_rescue", "security.tf_select"}
# Views that need no staff account even to be looked up.
UNTOUCHED = {"static", "healthz", "readyz", "metrics"}
ENDED = "Your session has ended. Please sign in again; nothing was changed."


def public(view: F) -> F:
    """Mark a view that answers without anybody being signed in."""
    view.is_public = True  # type: ignore[attr-defined]
    return view


def install(app: Flask) -> None:
    app.before_request_funcs.setdefault(None, []).insert(0, _guard)
    app.after_request(_never_kept)
    user_authenticated.connect(_signed_in, app)
    user_logged_out.connect(_signed_out, app)
    app.add_url_rule("/session", "session_state", public(session_state), methods=["GET"])


def _guard() -> ResponseReturnValue | None:
    endpoint = request.endpoint
    if endpoint is None or endpoint in UNTOUCHED:
        return None
    if endpoint in CLOSED:
        abort(404)
    if current_user.is_authenticated and _idle_too_long():
        logout_user()
    if endpoint in OPEN or getattr(current_app.view_functions[endpoint], "is_public", False):
        return None
    if not current_user.is_authenticated:
        return ask_to_sign_in()
    _seen()
    return None


def _never_kept(response: Response) -> Response:
    """What sign-in answers holds tokens and codes, as a page or as data."""
    if request.blueprint == "security" or request.endpoint == "session_state":
        response.headers["Cache-Control"] = "no-store"
    return response


def session_state() -> ResponseReturnValue:
    """Whether somebody is signed in, and the token of this session's forms. Asking keeps nobody signed in."""
    signed_in = bool(current_user.is_authenticated)
    return jsonify(
        signed_in=signed_in, name=current_user.name if signed_in else None, csrf_token=generate_csrf()
    )


def wants_page() -> bool:
    """A person's browser asks for a whole page, rather than a script for a part or for data."""
    by_script = request.headers.get("X-Requested-With") or (
        request.headers.get("Sec-Fetch-Mode", "navigate") != "navigate"
    )
    return not by_script and wants_html()


def wants_html() -> bool:
    """A page or a piece of one may be answered; otherwise JSON."""
    if request.headers.get("HX-Request") or request.is_json:
        return False
    kinds = ("text/html", "application/json")
    return request.accept_mimetypes.best_match(kinds, "text/html") == "text/html"


def ask_to_sign_in() -> ResponseReturnValue:
    """The answer to a request that needs somebody signed in: a page goes by way of the sign-in form; a form
    that was sent or a script's question gets 401, and the page that sent it keeps what was typed."""
    if wants_page() and request.method in ("GET", "HEAD"):
        here = request.full_path.rstrip("?")
        return redirect(url_for("security.login", next=here))
    if wants_html():
        return render_template("errors/401.html", message=ENDED), 401
    return jsonify(error=ENDED, sign_in=url_for("security.login")), 401


def _idle_too_long() -> bool:
    minutes = settings.auto_logout_minutes()
    seen = session.get("seen")
    return bool(minutes) and seen is not None and time.time() - seen > minutes * 60


def _seen() -> None:
    """Note that somebody is there. A page that asks by itself, such as for a job's progress, says
    X-Background and keeps nobody signed in. Noted every twenty seconds at most."""
    now = int(time.time())
    if "seen" not in session or (now - session["seen"] >= 20 and not request.headers.get("X-Background")):
        session["seen"] = now


def _signed_in(sender: Flask, user: Any, authn_via: list[str] | None = None, **extra: Any) -> None:
    session["seen"] = int(time.time())
    session.pop("password_at", None)
    if authn_via != ["change"]:
        sign_in.succeeded(user.id)


def _signed_out(sender: Flask, **extra: Any) -> None:
    for name in ("seen", "password_at"):
        session.pop(name, None)
