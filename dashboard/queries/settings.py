"""The account's settings."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from sqlalchemy import select

from dashboard.extensions import db
from dashboard.models import Setting


def current() -> Setting:
    """The one row of settings; the first migration makes it."""
    held = db.session.info
    # The session forgets rows that nobody holds; this one is asked for many times a page.
    if "setting" not in held:
        held["setting"] = db.session.get_one(Setting, 1)
    setting: Setting = held["setting"]
    return setting


def today() -> dt.date:
    """Today in the account's time zone."""
    return dt.datetime.now(ZoneInfo(current().time_zone)).date()


def auto_logout_minutes() -> int:
    """Minutes without a click after which somebody is signed out; 0 for never. Asked on every request."""
    return db.session.scalar(select(Setting.auto_logout_minutes)) or 0


def local(moment: dt.datetime) -> dt.datetime:
    """The moment on the clocks of the account's time zone."""
    return moment.astimezone(ZoneInfo(db.session.scalar(select(Setting.time_zone)) or "UTC"))
