"""How often one address may try, and what it reads when it tried too often or with an outdated form."""

from __future__ import annotations

from typing import Any

from flask import Flask, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import TooManyRequests

from dashboard.auth.guard import wants_html
from dashboard.extensions import limiter

TRIES = "20 per minute"
LIMITED = (
    "security.login",
    "security.two_factor_token_validation",
    "security.mf_recovery",
    "security.verify",
    "security.change_password",
)
TOO_MANY = "Too many tries from this address. Please wait a minute, then try again."
OUTDATED = "This page had been open for too long. Please try again."


def install(app: Flask) -> None:
    together: Any = limiter.shared_limit(TRIES, scope="sign-in", methods=["POST"])
    for endpoint in LIMITED:
        app.view_functions[endpoint] = together(app.view_functions[endpoint])
    app.register_error_handler(TooManyRequests, _too_many)
    app.register_error_handler(CSRFError, _outdated)


def _too_many(error: TooManyRequests) -> ResponseReturnValue:
    if wants_html():
        return render_template("errors/429.html", message=TOO_MANY), 429, {"Retry-After": "60"}
    return jsonify(error=TOO_MANY), 429, {"Retry-After": "60"}


def _outdated(error: CSRFError) -> ResponseReturnValue:
    """The form's token is of an earlier session."""
    if request.endpoint == "security.login" and wants_html():
        flash(OUTDATED, "error")
        return redirect(url_for("security.login", next=request.args.get("next") or None))
    if request.endpoint == "security.logout":
        return redirect("/admin/")
    if wants_html():
        return render_template("errors/400.html", message=OUTDATED), 400
    return jsonify(error=OUTDATED, code="csrf"), 400
