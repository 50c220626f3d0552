"""Setup > Audit log: who changed what, when and why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from flask import current_app, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from dashboard.admin_views.guard import GuardedView, needs
from dashboard.queries import audit, staff
from dashboard.queries.audit import Filter
from dashboard.queries.audit_words import NOUNS

SIZE = 50
SYSTEM = "system"
KINDS = {table: many.capitalize() for table, (_, many) in NOUNS.items()}


class AuditView(GuardedView):
    icon = "audit"
    menu_right = "audit.read"

    def __init__(self) -> None:
        super().__init__(name="Audit log", endpoint="audit")

    @expose("/")
    @needs("audit.read")
    def index_view(self) -> ResponseReturnValue:
        asked = {name: value.strip() for name, value in request.args.items() if value.strip()}
        wanted, problems = read(asked)
        page = audit.log(wanted, limit=SIZE, before=_key(asked.get("before"))) if not problems else None
        kept = {name: asked[name] for name in FIELDS if name in asked}
        return self.render(
            "admin/audit.html",
            page=page,
            problems=problems,
            asked=asked,
            kinds=KINDS,
            people=staff.names(),
            record=_record_name(wanted, page),
            without_record=_address({name: kept[name] for name in kept if name not in ("record", "id")}),
            newest=_address(kept) if "before" in asked else "",
            older=_address({**kept, "before": page.older}) if page and page.older else "",
            href_of=href_of,
            crumbs=[{"label": "Audit log", "href": ""}],
        )


FIELDS = ("who", "kind", "record", "id", "since", "until")


def read(asked: Mapping[str, str]) -> tuple[Filter, dict[str, str]]:
    """The filter that the address asks for, and by field what in it can't be understood."""
    problems: dict[str, str] = {}
    days: dict[str, dt.date | None] = {}
    for name in ("since", "until"):
        try:
            days[name] = _day(asked[name]) if name in asked else None
        except ValueError:
            problems[name] = "Please give a date such as 2026-01-31."
    since, until = days.get("since"), days.get("until")
    if since and until and since > until:
        problems["until"] = "This is before the first day."
    who = asked.get("who", "")
    if who not in ("", SYSTEM) and _key(who) is None:
        problems["who"] = "Choose one from the list."
    if asked.get("kind", "") not in ("", *NOUNS):
        problems["kind"] = "Choose one from the list."
    if asked.get("record", "") not in ("", *NOUNS) or ("id" in asked and _key(asked["id"]) is None):
        problems["record"] = "There is no such record."
    wanted = Filter(
        actor_id=_key(who),
        system=who == SYSTEM,
        table=asked.get("kind", ""),
        subject_table=asked.get("record", ""),
        subject_id=asked.get("id", ""),
        since=since,
        until=until,
    )
    return wanted, problems


def _day(text: str) -> dt.date:
    found = dt.date.fromisoformat(text)
    if not 1900 <= found.year <= 2999:
        raise ValueError(text)
    return found


def _address(asked: Mapping[str, Any]) -> str:
    return f"{url_for('.index_view')}?{urlencode(asked)}"


def _key(text: str | None) -> int | None:
    if text is None or not text.isascii() or not text.isdigit() or len(text) > 18:
        return None
    return int(text)


def _record_name(wanted: Filter, page: audit.Page | None) -> str:
    """How the record is called that the log is narrowed to."""
    if not wanted.subject_id:
        return ""
    entries = page.deeds[0].entries if page and page.deeds else ()
    return entries[0].subject if entries else f"{wanted.subject_table.capitalize()} {wanted.subject_id}"


def href_of(table: str, key: str) -> str:
    """The page of a record; "" where its kind has none."""
    if table == "setting":
        return url_for("setting.index_view")
    endpoint = f"{table}.details_view"
    return url_for(endpoint, id=key) if endpoint in current_app.view_functions else ""
