"""The admin and its menu: which views there are and where they stand."""

from __future__ import annotations

from flask import Flask


def install(app: Flask) -> None:
    """Attach the admin to the app."""
