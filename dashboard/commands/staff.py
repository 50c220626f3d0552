"""`flask --app wsgi staff ...`: accounts, for the first one and for when nobody gets in."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
from flask import current_app
from flask.cli import AppGroup
from sqlalchemy import select

from dashboard.config import Settings
from dashboard.extensions import db
from dashboard.models import Staff
from dashboard.operations import staff
from dashboard.operations.base import SYSTEM
from dashboard.operations.errors import Invalid, Missing, OperationError

ACTOR = SYSTEM.saying("From the command line")
group = AppGroup("staff", help="Accounts of staff.")


@contextmanager
def refusals_in_words(names: dict[str, str] | None = None) -> Iterator[None]:
    """An operation's refusal ends the command with its text; `names` says what a field is called here."""
    try:
        yield
    except Invalid as invalid:
        said = [
            f"{(names or {}).get(field, field)}: {message}"
            for field, messages in invalid.errors.items()
            for message in messages
        ]
        raise click.ClickException("\n".join(said)) from invalid
    except OperationError as refusal:
        raise click.ClickException(str(refusal)) from refusal


def _password(from_stdin: bool) -> tuple[str, bool]:
    """The password and whether it was made up here."""
    if not from_stdin:
        return staff.new_password(), True
    return sys.stdin.readline().rstrip("\r\n"), False


def _found(email: str) -> Staff:
    found = db.session.scalar(select(Staff).where(Staff.email == email.strip().lower()))
    if found is None:
        raise Missing("staff account")
    return found


@group.command("add")
@click.argument("email")
@click.option("--name", required=True, help="The person's name, as others see it.")
@click.option("--role", required=True, type=click.Choice(list(staff.ROLES)))
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def add(email: str, name: str, role: str, password_stdin: bool) -> None:
    """Make an account; without --password-stdin a password is made up and shown once."""
    password, made_up = _password(password_stdin)
    with refusals_in_words():
        made = staff.create(ACTOR, {"email": email, "name": name, "role": role, "password": password})
    shown = f" with password {password}" if made_up else ""
    click.echo(f"{made.name} can sign in as {made.email}{shown}")


@group.command("list")
def list_() -> None:
    """Every account."""
    for one in db.session.scalars(select(Staff).order_by(Staff.email)):
        second = "two-step" if one.has_second_factor else ""
        state = "active" if one.active else "inactive"
        click.echo("\t".join([one.email, one.role, state, second, one.name]).rstrip())


@group.command("password")
@click.argument("email")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--reset-second-factor", is_flag=True, help="Turn two-step sign-in off as well.")
def password(email: str, password_stdin: bool, reset_second_factor: bool) -> None:
    """Give an account a new password, and lift a lock."""
    chosen, made_up = _password(password_stdin)
    with refusals_in_words():
        found = _found(email)
        staff.set_password(ACTOR, found.id, chosen)
        if reset_second_factor and found.has_second_factor:
            staff.reset_second_factor(ACTOR, found.id)
    shown = f" with password {chosen}" if made_up else ""
    click.echo(f"{found.name} can sign in as {found.email}{shown}")


@group.command("bootstrap")
def bootstrap() -> None:
    """The first administrator, where there is no account yet: ADMIN_EMAIL and ADMIN_PASSWORD, or made up."""
    settings: Settings = current_app.extensions["settings"]
    with refusals_in_words({"email": "ADMIN_EMAIL", "password": "ADMIN_PASSWORD"}):
        made = staff.bootstrap(settings.admin_email, settings.admin_password)
    if made is None:
        return
    shown = "the password in ADMIN_PASSWORD" if settings.admin_password else f"password {made.password}"
    click.echo(f"Sign in as {made.email} with {shown}")
