"""Customer > Main > Summary: usage by hour, day, week and month, and the invoices to be made of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from dashboard.admin_views.answers import download
from dashboard.admin_views.chart import chart
from dashboard.admin_views.guard import needs
from dashboard.models import Customer
from dashboard.operations import billing
from dashboard.operations.billing_outcome import Outcome
from dashboard.operations.errors import Invalid, Missing, Refused
from dashboard.queries import coverage, list_export, settings, summary, usage_list
from dashboard.queries.listing import State
from dashboard.rules.money import format_price, places_of
from dashboard.rules.periods import SCHEDULES, Period, period_of

HOURS = "hours"
TABS = {HOURS: "24 Hours", "daily": "Daily", "weekly": "Weekly", "monthly": "Monthly"}
# In one request; more belongs to a billing run.
MOST_AT_ONCE = 500


@dataclass(frozen=True)
class Money:
    """Writes amounts of one table with as many decimals as the longest of them, so that columns add up."""

    currency: str
    places: int

    @classmethod
    def of(cls, rows: Sequence[summary.Row | summary.Hour], currency: str) -> Money:
        figures = [row.figures for row in rows]
        amounts = [one.charge for one in figures] + [one.profit for one in figures if one.profit is not None]
        return cls(currency, places_of(amounts))

    def __call__(self, amount: Decimal) -> str:
        return format_price(amount, self.currency, places=self.places)


class CustomerSummary:
    """Mixed into CustomerView."""

    @expose("/summary")
    @needs("usage.read")
    def usage_view(self) -> ResponseReturnValue:
        view: Any = self
        customer = view.asked()
        tab = _tab(customer)
        return view.summary_page(customer, **self._usage(customer, tab))  # type: ignore[no-any-return]

    def _usage(self, customer: Customer, tab: str) -> dict[str, Any]:
        view: Any = self
        found: dict[str, Any] = {
            "currency": customer.currency,
            "zone": summary.zone_of(customer),
            "span": tab,
            "spans": [
                {
                    "label": label,
                    "href": url_for(".usage_view", id=customer.id, span=name),
                    "active": name == tab,
                }
                for name, label in TABS.items()
            ],
            "may_generate": view.may("invoice.draft"),
            "today": settings.today(),
            "may_download": view.may("export"),
        }
        if tab == HOURS:
            hours = summary.hours(customer)
            return {
                **found,
                "hours": hours,
                "foot": summary.foot(hours),
                "money": Money.of(hours, customer.currency),
                "chart": chart([(f"{h.start:%H:%M}", h.figures) for h in reversed(hours)], customer.currency),
            }
        page = summary.periods(customer, tab, before=_day(request.args.get("before", "")))
        return {
            **found,
            "page": page,
            "money": Money.of(page.rows, customer.currency),
            "chart": chart(
                [(str(row.period), row.figures) for row in reversed(page.rows)], customer.currency
            ),
        }

    @expose("/summary/calls")
    @needs("usage.read")
    def usage_calls_view(self) -> ResponseReturnValue:
        """The calls of a period, or of an hour, as CSV."""
        view: Any = self
        customer = view.asked()
        if not view.may("export"):
            abort(403)
        span, start = request.args.get("span", ""), request.args.get("start", "")
        if span == HOURS:
            hour = _hour(start)
            held, name = summary.calls_of_hour(customer, hour), f"{hour:%Y-%m-%d-%H%M}"
        else:
            period = _period(span, start)
            held, name = summary.calls_of(customer, period), f"{period.start}-to-{period.last}"
        state = State(pinned=tuple(held), sort="started_at")
        chunks = list_export.csv_chunks(usage_list.LISTING, state)
        return download(chunks, f"usage-{customer.id}-{name}.csv", "text/csv")

    @expose("/summary/generate", methods=("POST",))
    @needs("invoice.draft")
    def usage_generate_view(self) -> ResponseReturnValue:
        """Invoices for the checked rows."""
        view: Any = self
        customer = view.asked()
        span = request.form.get("span", "")
        chosen = list(dict.fromkeys(request.form.getlist("start")))
        if not chosen:
            flash("Check the periods that invoices are to be made for.", "warning")
            return redirect(url_for(".usage_view", id=customer.id, span=span or None), 303)
        if len(chosen) > MOST_AT_ONCE:
            raise Refused(f"At most {MOST_AT_ONCE} periods at once.")
        periods = [_period(span, start) for start in chosen]
        return self._generated(customer, span, periods, dated=_invoice_date())

    @expose("/summary/auto", methods=("POST",))
    @needs("invoice.draft")
    def usage_auto_view(self) -> ResponseReturnValue:
        """Every invoice that the customer's schedule says should exist and does not."""
        view: Any = self
        customer = view.asked()
        if customer.invoice_schedule not in SCHEDULES:
            raise Refused("This customer has no Invoice Schedule. Choose one first, by editing the customer.")
        missing = coverage.missing(customer)
        if not missing:
            flash(f"Nothing is missing: every {customer.invoice_schedule} period is invoiced.", "success")
            return redirect(url_for(".usage_view", id=customer.id, span=customer.invoice_schedule), 303)
        return self._generated(customer, customer.invoice_schedule, missing[:MOST_AT_ONCE], len(missing))

    def _generated(
        self,
        customer: Customer,
        span: str,
        periods: list[Period],
        wanted: int = 0,
        *,
        dated: dt.date | None = None,
    ) -> ResponseReturnValue:
        """Make them, and say of each period what became of it."""
        view: Any = self
        pairs = [(customer.id, period) for period in periods]
        try:
            outcomes = billing.generate_many(view.actor_of(None), pairs, dated=dated)
        except Invalid as error:
            raise Refused(str(error)) from error
        back = url_for(".usage_view", id=customer.id, span=span)
        made = [one for one in outcomes if one.state == "made"]
        if len(made) == len(outcomes) == 1:
            flash(f"The invoice of {made[0].period} was made.", "success")
            return redirect(url_for("invoice.details_view", id=made[0].invoice_id), 303)
        return view.render(  # type: ignore[no-any-return]
            "admin/customer/generated.html",
            customer=customer,
            outcomes=sorted(outcomes, key=_importance),
            made=len(made),
            left=max(0, wanted - len(periods)),
            back=back,
            crumbs=view.crumbs_of(customer, "Invoices made"),
        )


def _invoice_date() -> dt.date | None:
    """The date that the invoices are to have; None for today."""
    given = request.form.get("invoice_date", "").strip()
    try:
        return dt.date.fromisoformat(given) if given else None
    except ValueError:
        raise Refused("Give the Invoice Date as in 2026-11-23, or leave it empty.") from None


def _importance(outcome: Outcome) -> tuple[int, Period]:
    order = ("failed", "refused", "waiting", "made", "exists", "nothing")
    return order.index(outcome.state) if outcome.state in order else 0, outcome.period


def _tab(customer: Customer) -> str:
    """The tab that is asked for; at first the one that the customer is billed by."""
    asked = request.args.get("span", "")
    usual = customer.invoice_schedule if customer.invoice_schedule in SCHEDULES else "daily"
    return asked if asked in TABS else usual


def _day(text: str) -> dt.date | None:
    try:
        found = dt.date.fromisoformat(text)
    except ValueError:
        return None
    return found if 1900 <= found.year <= 2999 else None


def _period(span: str, start: str) -> Period:
    day = _day(start)
    if span not in SCHEDULES or day is None:
        raise Missing("period")
    return period_of(span, day)


def _hour(text: str) -> dt.datetime:
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        raise Missing("hour") from None
    if found.tzinfo is None or not 1900 <= found.year <= 2999:
        raise Missing("hour")
    return found.astimezone(dt.UTC)
