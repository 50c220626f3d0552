"""Small helpers of responses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from flask import Response, current_app, request


def wants_fragment() -> bool:
    """Whether htmx or a script asks, rather than a person's address bar."""
    boosted = request.headers.get("HX-Boosted") == "true"
    asked = request.headers.get("HX-Request") == "true" or "X-Requested-With" in request.headers
    return (asked and not boosted) or request.accept_mimetypes.best == "application/json"


def wants_modal() -> bool:
    """Whether the answer is shown in a dialog over the page."""
    return request.headers.get("X-Modal") == "1"


def safe_path(wanted: str) -> str:
    """A path of this site to go to, or "" where the text names anything else."""
    if not wanted.startswith("/") or wanted.startswith(("//", "/\\")) or len(wanted) > 2_000:
        return ""
    return wanted if all(" " <= character < "\x7f" and character != "\\" for character in wanted) else ""


def download(chunks: Iterator[bytes], name: str, media_type: str) -> Response:
    """A streamed attachment. The name is ASCII already; the chunks need no context of the request."""
    response = Response(chunks, mimetype=media_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"
    return response


def macro(name: str) -> Callable[..., Any]:
    """A macro of macros.html, for HTML that is put together in Python."""
    return getattr(current_app.jinja_env.get_template("macros.html").module, name)  # type: ignore[no-any-return]
