"""`flask --app wsgi ...`: the commands of operators."""

from __future__ import annotations

from flask import Flask


def install(app: Flask) -> None:
    """Attach every command group."""
