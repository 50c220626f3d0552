"""`flask --app wsgi check`: do the books add up?"""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from dashboard.queries.checks import discrepancies


@click.command("check")
@with_appcontext
def command() -> None:
    """Prove that every stored figure follows from its parts. Ends with status 1 where one does not."""
    found = discrepancies()
    for row in found:
        click.echo(str(row))
    if not found:
        click.echo("The books add up.")
        return
    said = "figure is not what it" if len(found) == 1 else "figures are not what they"
    click.echo(f"{len(found):,} {said} should be.")
    raise click.exceptions.Exit(1)
