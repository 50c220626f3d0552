"""The list of staff: `Setup > Staff`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, select

from dashboard.extensions import db
from dashboard.models import Staff
from dashboard.models.staff import ROLE_NAMES
from dashboard.queries.listing import Column, Listing, Tab

ROLES = {name: name.capitalize() for name in ROLE_NAMES}
SECOND_FACTOR = {"on": "On", "off": "Off"}


def _locked() -> ColumnElement[bool]:
    return and_(Staff.active, Staff.locked_until > dt.datetime.now(dt.UTC))


def search(words: str) -> Sequence[Select[Any]]:
    """By name or by address."""
    return [
        select(Staff.id).where(Staff.name.icontains(words, autoescape=True)),
        select(Staff.id).where(Staff.email.icontains(words.lower(), autoescape=True)),
    ]


LISTING = Listing(
    model=Staff,
    columns=(
        Column("name", "Name", Staff.name, sortable=True, filterable=True),
        Column("email", "E-mail", Staff.email, sortable=True, filterable=True),
        Column("role", "Role", Staff.role, kind="choice", choices=ROLES, filterable=True, editable="role"),
        Column("active", "Active", Staff.active, kind="flag", filterable=True),
        Column(
            "second_factor",
            "Two-step sign-in",
            case(
                (and_(Staff.tf_primary_method.is_not(None), Staff.tf_totp_secret.is_not(None)), "on"),
                else_="off",
            ),
            kind="choice",
            choices=SECOND_FACTOR,
            filterable=True,
        ),
        Column(
            "last_sign_in_at",
            "Last sign-in",
            Staff.last_sign_in_at,
            kind="moment",
            nullable=True,
            filterable=True,
        ),
        Column("created_at", "Added", Staff.created_at, kind="moment", filterable=True, hidden=True),
    ),
    default_sort="name",
    search=search,
    search_hint="Name or e-mail",
    tabs=(
        Tab("locked", "Locked", _locked),
        Tab("inactive", "Inactive", lambda: Staff.active.is_(False)),
        Tab("active", "Active", lambda: Staff.active.is_(True)),
        Tab("all", "All", lambda: None),
    ),
)


def names() -> list[tuple[int, str]]:
    """Everybody who has an account, active or not, by name."""
    found = db.session.execute(select(Staff.id, Staff.name).order_by(func.lower(Staff.name), Staff.id))
    return [(key, name) for key, name in found]
