"""`flask --app wsgi demo load`: invented books to look around in."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from dashboard.demo.load import load

group = AppGroup("demo", help="Invented books to look around in.")


@group.command("load")
def load_command() -> None:
    """Fill empty books with invented customers, invoices and payments. Books in use stay as they are."""
    if load():
        click.echo("The demo is loaded.")
    else:
        click.echo("There are customers already, so no demo was loaded.")
