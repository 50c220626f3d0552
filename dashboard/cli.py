"""`flask --app wsgi ...`: the commands of operators."""

from __future__ import annotations

from flask import Flask

from dashboard.commands import check, demo, invoices, staff, usage


def install(app: Flask) -> None:
    """Attach every command group."""
    app.cli.add_command(staff.group)
    app.cli.add_command(invoices.group)
    app.cli.add_command(check.command)
    app.cli.add_command(demo.group)
    app.cli.add_command(usage.group)
