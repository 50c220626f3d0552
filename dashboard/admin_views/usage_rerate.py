"""Rate again: what the rates in force would change about calls that are in the books, and doing it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from dashboard.admin_views import fields
from dashboard.admin_views.forms import Form, new_form_key
from dashboard.admin_views.guard import needs
from dashboard.extensions import db
from dashboard.models import Customer, Invoice
from dashboard.operations import usage_again, usage_rerate
from dashboard.operations.errors import Duplicate, Refused
from dashboard.operations.usage_again import Done, Look
from dashboard.operations.usage_moves import Filters
from dashboard.operations.usage_rerate import Difference
from dashboard.queries import settings
from dashboard.rules.money import format_price

# So many rows of a table are shown; the sums are of all.
MOST_ROWS = 300


class RerateForm(Form):
    customer_id = fields.lookup("Customer", "customer", hint="All customers")
    destination = fields.text("Destination", max=120, placeholder="All destinations")
    first_day = fields.day("From")
    last_day = fields.day("To")
    unrated_only = fields.flag("Only calls without a rate")


@dataclass
class Sums:
    """Charges and costs in one currency, before and after."""

    currency: str
    before: Decimal | None = None
    after: Decimal | None = None
    cost_before: Decimal | None = None
    cost_after: Decimal | None = None

    def add(self, before: Decimal, after: Decimal) -> None:
        self.before, self.after = (self.before or Decimal(0)) + before, (self.after or Decimal(0)) + after

    def add_cost(self, before: Decimal, after: Decimal) -> None:
        self.cost_before = (self.cost_before or Decimal(0)) + before
        self.cost_after = (self.cost_after or Decimal(0)) + after


@dataclass(frozen=True)
class Billed:
    """What would change of a customer's invoiced calls, and what adjusts it already."""

    customer_id: int
    customer: str
    rows: list[Difference]
    sums: list[Sums]
    adjusted: Invoice | None

    @property
    def adjustable(self) -> bool:
        return self.adjusted is None and any(row.difference for row in self.rows)


class UsageRerate:
    """Mixed into UsageView."""

    @expose("/rerate", methods=("GET", "POST"))
    @needs("usage.rerate")
    def rerate_view(self) -> ResponseReturnValue:
        """GET shows what would change, POST does it. The choice stands in the address."""
        asked = "first_day" in request.args
        form = RerateForm(request.args) if asked else _blank()
        filters = _filters(form) if asked else None
        if request.method == "POST":
            return self._again(filters)
        found, problem = None, ""
        if filters is not None:
            try:
                found = usage_again.look(self._view.actor, filters)
            except Refused as error:
                problem = str(error)
        page = self._view.render(
            "admin/usage/rerate.html",
            form=form,
            found=found,
            problem=problem,
            sums=_sums(found.open) if found else [],
            billed=_billed(found.invoiced) if found else [],
            most=MOST_ROWS,
            may_draft=self._view.may("invoice.draft"),
            form_key=new_form_key(),
            here=request.full_path,
            crumbs=self._view.crumbs("Rate again"),
        )
        return page, 422 if asked and found is None else 200

    @expose("/rerate/adjust", methods=("POST",))
    @needs("usage.rerate")
    def adjust_view(self) -> ResponseReturnValue:
        """A draft of the difference for a customer whose calls are invoiced."""
        filters = _filters(RerateForm(request.args)) if "first_day" in request.args else None
        written = request.form.get("customer", "")
        key = int(written) if written.isascii() and written.isdigit() and len(written) < 19 else None
        if filters is None or key is None or (filters.customer_id or key) != key:
            raise Refused("Please look at what would change first.")
        draft = usage_rerate.adjustment_draft(self._view.actor, key, filters)
        flash(
            f"{draft} holds the difference, a line a destination. Look at it before you issue it.", "success"
        )
        return redirect(url_for("invoice.details_view", id=draft.id), 303)

    def _again(self, filters: Filters | None) -> ResponseReturnValue:
        if filters is None:
            raise Refused("Please look at what would change first.")
        try:
            done = usage_again.again(
                self._view.actor,
                filters,
                seen=request.form.get("seen", ""),
                form_key=request.form.get("form_key"),
            )
        except Duplicate as error:
            kind, _, key = (error.result or "").partition(":")
            flash("This was done already.", "info")
            if kind == "job" and key.isdigit():
                return redirect(url_for("job.details_view", id=key), 303)
            return redirect(request.full_path, 303)
        except Refused as error:
            flash(str(error), "error")
            return redirect(request.full_path, 303)
        if done.job_id is not None:
            return redirect(url_for("job.details_view", id=done.job_id), 303)
        flash(_told(done), "success")
        return redirect(request.full_path, 303)

    @property
    def _view(self) -> Any:
        return self


def _blank() -> RerateForm:
    """All of the month before and of this one, of the customer that the address names."""
    today = settings.today()
    before = today.replace(day=1) - dt.timedelta(days=1)
    written = request.args.get("customer_id", "")
    known = written.isascii() and written.isdigit() and len(written) < 19
    return RerateForm(
        data={
            "customer_id": int(written) if known else None,
            "first_day": before.replace(day=1),
            "last_day": today,
        }
    )


def _filters(form: Any) -> Filters | None:
    """What the form asks for; None where it says what is wrong."""
    if not form.validate():
        return None
    key, destination = form.customer_id.data, form.destination.data or ""
    first, last = form.first_day.data, form.last_day.data
    wrong: dict[str, list[str]] = {}
    if key is not None and db.session.get(Customer, key) is None:
        wrong["customer_id"] = ["This customer no longer exists. Choose another."]
    if first and last and last < first:
        wrong["last_day"] = ["This is before the first day."]
    known = usage_again.destination_called(destination) if destination else ""
    if known is None:
        wrong["destination"] = ["No call went to a destination of this name. Usage shows how it is written."]
    form.show(wrong)
    if wrong:
        return None
    return Filters(key, first, last, known or "", None, bool(form.unrated_only.data))


def _sums(rows: Iterable[Difference]) -> list[Sums]:
    """By currency; charges and costs in the same currency stand beside each other."""
    found: dict[str, Sums] = {}
    for row in rows:
        found.setdefault(row.currency, Sums(row.currency)).add(row.before, row.after)
        for cost in row.costs:
            found.setdefault(cost.currency, Sums(cost.currency)).add_cost(cost.before, cost.after)
    return [found[currency] for currency in sorted(found)]


def _billed(rows: list[Difference]) -> list[Billed]:
    return [
        Billed(key, name, mine, _sums(mine), usage_rerate.adjusted(key, mine))
        for (key, name), group in groupby(rows, lambda row: (row.customer_id, row.customer))
        for mine in [list(group)]
    ]


def _told(done: Done) -> str:
    """What was changed, in a sentence or three."""
    many = "1 call has" if done.calls == 1 else f"{done.calls:,} calls have"
    said = [f"{many} another rate, charge, cost or destination now."]
    look: Look = done.look
    if look.rated_then:
        got = "1 call without a rate got one" if look.rated_then == 1 else ""
        said.append(f"{got or f'{look.rated_then:,} calls without a rate got one'}.")
    for one in _sums(look.open):
        if one.before is not None and one.after is not None and one.before != one.after:
            before, after = (
                format_price(value, one.currency, code=True) for value in (one.before, one.after)
            )
            said.append(f"Their charges were {before} and are {after}.")
    return " ".join(said)
