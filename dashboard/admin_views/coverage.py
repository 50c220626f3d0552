"""Reports > Coverage: customers by periods, as a calendar of what is invoiced and what is not."""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import urlencode

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from dashboard.admin_views.answers import wants_modal
from dashboard.admin_views.guard import GuardedView, needs
from dashboard.admin_views.outcomes import outcomes_page
from dashboard.extensions import db
from dashboard.models import Customer
from dashboard.operations import billing
from dashboard.operations.errors import Missing, Refused
from dashboard.queries import coverage, settings
from dashboard.queries.coverage import STATES
from dashboard.queries.list_keyset import Cursor, read_token
from dashboard.rules.periods import Period

SCHEDULES = {"monthly": "Monthly", "weekly": "Weekly", "daily": "Daily"}
ICONS = {
    "invoiced": "ok",
    "late": "clock",
    "missing": "warning",
    "blocked": "lock",
    "waiting": "part",
    "empty": "minus",
}
MEANINGS = {
    "invoiced": "The period has its invoice.",
    "late": "Invoiced, but calls came in afterwards. The next invoice of the customer bills them.",
    "missing": "There is something to bill, and no invoice.",
    "blocked": "Something must be put right first.",
    "waiting": "Usage may still be coming in.",
    "empty": "There was nothing to bill.",
}
# What the button in the dialog makes.
GENERATED = ("missing", "blocked")
SIZE = 50


class CoverageView(GuardedView):
    icon = "calendar"
    menu_right = "report.read"

    def __init__(self) -> None:
        super().__init__(name="Coverage", endpoint="coverage")

    @expose("/")
    @needs("report.read")
    def index_view(self) -> ResponseReturnValue:
        asked = _asked()
        columns = coverage.shown_periods(asked["schedule"], settings.today())
        page = self._page(asked, columns)
        counts = None if coverage.is_long(asked["schedule"]) else self._counts(asked)
        return self.render(  # type: ignore[no-any-return]
            "admin/coverage/index.html",
            columns=[(period, *headings(asked["schedule"], period)) for period in columns],
            page=page,
            missing_here=sum(cell.state == "missing" for row in page.rows for cell in row.cells),
            **self._sums(asked, counts),
            tabs=[
                {
                    "label": label,
                    "href": _href({**asked, "schedule": name, "state": ""}),
                    "active": name == asked["schedule"],
                }
                for name, label in SCHEDULES.items()
            ],
            clear_href=_href({"schedule": asked["schedule"]}),
            first_href=_href(asked) if asked["after"] else "",
            next_href=_href(asked, Cursor(*page.after, 0).token()) if page.after else "",
            here=_href(asked, request.args.get("after", "")),
            may_generate=self.may("invoice.draft"),
            crumbs=[{"label": "Coverage", "href": ""}],
        )

    @expose("/sums")
    @needs("report.read")
    def sums_view(self) -> ResponseReturnValue:
        """The sums of a calendar too long to add up before its first rows are shown."""
        asked = _asked()
        return self.render("admin/coverage/_sums.html", **self._sums(asked, self._counts(asked)))  # type: ignore[no-any-return]

    def _counts(self, asked: dict[str, Any]) -> dict[str, int]:
        columns = coverage.shown_periods(asked["schedule"], settings.today())
        return coverage.counts(asked["schedule"], columns, asked["search"])

    def _sums(self, asked: dict[str, Any], counts: dict[str, int] | None) -> dict[str, Any]:
        return {
            "asked": asked,
            "counts": counts,
            "states": STATES,
            "icons": ICONS,
            "meanings": MEANINGS,
            "state_href": lambda state: _href({**asked, "state": "" if state == asked["state"] else state}),
            "sums_href": _href(asked).replace("/coverage/?", "/coverage/sums?"),
        }

    def _page(self, asked: dict[str, Any], columns: list[Period]) -> coverage.Page:
        return coverage.page(
            asked["schedule"],
            columns,
            state=asked["state"],
            search=asked["search"],
            after=asked["after"],
            size=SIZE,
        )

    @expose("/period/")
    @needs("report.read")
    def period_view(self) -> ResponseReturnValue:
        """What one cell stands for, and the button that makes its invoice."""
        customer, period = self._cell()
        cells = coverage.of_customers([customer.id], _schedule_of(period), [period])[customer.id]
        cell = cells[0]
        can_generate = cell.state in GENERATED and customer.status != "pending_approval"
        return self.render(  # type: ignore[no-any-return]
            "admin/coverage/_period.html" if wants_modal() else "admin/coverage/period.html",
            customer=customer,
            period=period,
            cell=cell,
            state=STATES.get(cell.state, "Nothing yet"),
            icon=ICONS.get(cell.state, "minus"),
            meaning=MEANINGS.get(cell.state, "The customer had neither calls nor packages yet."),
            waits=settings.current().billing_delay_hours,
            zone=coverage.zone_of(customer),
            can_generate=can_generate and self.may("invoice.draft"),
            return_url=self.way_back(),
            crumbs=self._crumbs(str(period)),
        )

    @expose("/generate", methods=("POST",))
    @needs("invoice.draft")
    def generate_view(self) -> ResponseReturnValue:
        """Make the invoice of one cell."""
        customer, period = self._cell()
        outcome = billing.generate(self.actor, customer.id, period)
        if outcome.state != "made":
            raise Refused(outcome.reason or "No invoice was made.")
        flash(f"The invoice of {customer.name} for {period} was made.", "success")
        return redirect(self.way_back(), 303)

    @expose("/generate-shown", methods=("POST",))
    @needs("invoice.draft")
    def generate_shown_view(self) -> ResponseReturnValue:
        """Make every missing invoice of the page on screen."""
        asked = _asked()
        columns = coverage.shown_periods(asked["schedule"], settings.today())
        rows = self._page(asked, columns).rows
        pairs = [(row.id, cell.period) for row in rows for cell in row.cells if cell.state == "missing"]
        if not pairs:
            raise Refused("Nothing on this page is missing any more.")
        outcomes = billing.generate_many(self.actor, pairs)
        return outcomes_page(self, "Missing invoices", outcomes, self._crumbs("Missing invoices"))

    def _cell(self) -> tuple[Customer, Period]:
        """The customer and period that the address names. Raises Missing for anything else."""
        key = request.values.get("customer", "")
        customer = (
            db.session.get(Customer, int(key)) if key.isdigit() and len(key) < 19 and key.isascii() else None
        )
        if customer is None:
            raise Missing("customer")
        try:
            start, end = (dt.date.fromisoformat(request.values.get(name, "")) for name in ("start", "end"))
            period = Period(start, end)
        except ValueError:
            raise Missing("period") from None
        if not (start.year >= 1990 and end.year <= 2999 and (end - start).days <= 31):
            raise Missing("period")
        return customer, period

    def _crumbs(self, name: str) -> list[dict[str, str]]:
        return [{"label": "Coverage", "href": url_for(".index_view")}, {"label": name, "href": ""}]


def _asked() -> dict[str, Any]:
    """The state of the page, all of which stands in its address."""
    args = request.values
    schedule, state = args.get("schedule", ""), args.get("state", "")
    cursor = read_token(args["after"]) if args.get("after") else None
    place = (cursor.value, cursor.key) if cursor is not None and isinstance(cursor.value, str) else None
    return {
        "schedule": schedule if schedule in SCHEDULES else "monthly",
        "state": state if state in STATES else "",
        "search": " ".join(args.get("search", "").replace("\x00", "").split())[:200],
        "after": place,
    }


def _href(asked: dict[str, Any], after: str = "") -> str:
    wanted = {name: value for name, value in asked.items() if name != "after" and value}
    if after:
        wanted["after"] = after
    return f"{url_for('coverage.index_view')}?{urlencode(wanted)}"


def _schedule_of(period: Period) -> str:
    days = (period.end - period.start).days
    return "daily" if days == 1 else "weekly" if days == 7 else "monthly"


def headings(schedule: str, period: Period) -> tuple[str, str]:
    """The two lines at the head of a column."""
    if schedule == "monthly":
        return f"{period.start:%b}", f"{period.start:%Y}"
    if schedule == "weekly":
        return f"{period.start:%d %b}", f"– {period.last:%d %b}"
    return f"{period.start:%d %b}", f"{period.start:%a}"
