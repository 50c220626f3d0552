"""Error pages in our own words: a page for a person, JSON for a script."""

from __future__ import annotations

import logging
from typing import Any

from flask import Flask, current_app, render_template
from flask.typing import ResponseReturnValue
from jinja2 import TemplateNotFound
from sqlalchemy.exc import InterfaceError, OperationalError
from werkzeug.exceptions import HTTPException, default_exceptions

from dashboard.admin_views.answers import wants_fragment
from dashboard.extensions import db

log = logging.getLogger("web")

UNREACHABLE = "The database does not answer right now. Nothing was saved; try again in a moment."
TOO_LARGE = "This is too large to send: at most 64 MB at once. Nothing was saved."


def install(app: Flask) -> None:
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(413, lambda error: answer(413, TOO_LARGE))
    for unreachable in (OperationalError, InterfaceError):
        app.register_error_handler(unreachable, _no_database)


def answer(status: int, message: str = "") -> ResponseReturnValue:
    """The error as the reader can use it; without a message the page's own words."""
    if wants_fragment():
        return {"error": message or _words(status)}, status
    return _page(status, message), status


def _page(status: int, message: str) -> str:
    try:
        return render_template(f"errors/{status}.html", message=message)
    except TemplateNotFound:
        return render_template("errors/400.html" if status < 500 else "errors/500.html", message=message)


def _words(status: int) -> str:
    return {
        403: "Your role does not allow this.",
        404: "This does not exist, or no longer does.",
        429: "Too many tries. Wait a minute, then try again.",
    }.get(status, "That did not work. Nothing was saved.")


def _http(error: HTTPException) -> Any:
    if error.response is not None or error.code is None or error.code < 400:
        return error
    stock = default_exceptions.get(error.code)
    said = error.description or ""
    own = stock is None or said != stock.description
    body = answer(error.code, said if own and error.code < 500 and error.code != 429 else "")
    response = current_app.make_response(body)
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            response.headers.setdefault(name, value)
    return response


def _no_database(error: Exception) -> ResponseReturnValue:
    log.error("the database does not answer: %s", type(error).__name__)
    db.session.rollback()
    return answer(503, UNREACHABLE)
