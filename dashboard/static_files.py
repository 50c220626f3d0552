"""Scripts, styles and pictures under an address that names their content.

Modules import one another by relative paths, so the version stands in front of the path: a page takes all its
files from one release, and a browser asks for each of them once.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from flask import Flask, Response, send_from_directory

FOLDER = Path(__file__).resolve().parent / "static"
ONE_YEAR = 365 * 24 * 3600
# What the first script of every page imports; fetched at once instead of one after the other.
FIRST_MODULES = tuple(
    f"js/{name}.js"
    for name in (
        "page",
        "bulk",
        "cells",
        "dialogs",
        "drawer",
        "form",
        "inline",
        "jobs",
        "keys",
        "list",
        "select",
        "sign-in",
        "toasts",
    )
)


def version_of(folder: Path) -> str:
    """A short hash of every file's path and content: the same on every machine with the same files."""
    seen = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        seen.update(str(path.relative_to(folder)).encode())
        seen.update(hashlib.sha256(path.read_bytes()).digest())
    return seen.hexdigest()[:12]


def install(app: Flask) -> None:
    """Serve the folder as the endpoint `static`; `url_for("static", filename=...)` adds the version."""
    current = version_of(FOLDER)

    def static(version: str, filename: str) -> Response:
        response = send_from_directory(FOLDER, filename, max_age=ONE_YEAR if version == current else 0)
        if version == current:
            response.cache_control.immutable = True
        return response

    def add_version(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "static":
            values.setdefault("version", current)

    app.add_url_rule("/static/<version>/<path:filename>", "static", static)
    app.url_default_functions.setdefault(None, []).append(add_version)
    app.jinja_env.globals["first_modules"] = FIRST_MODULES
