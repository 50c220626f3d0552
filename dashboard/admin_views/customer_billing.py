"""Invoices for the customers that are ticked in the list, or for one from its page."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import select

from dashboard.admin_views import fields
from dashboard.admin_views.forms import Form, new_form_key
from dashboard.admin_views.guard import needs
from dashboard.admin_views.outcomes import outcomes_page
from dashboard.admin_views.period_form import PeriodForm, presets
from dashboard.extensions import db
from dashboard.models import Customer
from dashboard.operations import billing
from dashboard.operations.billing_outcome import Pair
from dashboard.operations.errors import Duplicate, Invalid
from dashboard.queries import settings
from dashboard.rules.periods import SCHEDULES, Period, period_of, previous

OWN = "own"
TITLE = "Generate invoices"


def _periods() -> list[tuple[str, str]]:
    return [(OWN, "The last period of each customer's Invoice Schedule"), *presets()]


class GenerateForm(PeriodForm):
    """`pairs()` says which periods of the customers are meant."""

    period = fields.choice("Period", _periods, default=OWN)
    invoice_date = fields.day("Invoice Date", help="Empty: today.")

    def pairs(self, ids: list[int]) -> tuple[list[Pair], list[int]]:
        """The customers' periods, and those who have no schedule to follow."""
        if self.period.data != OWN:
            period = self.read_period()
            return [(key, period) for key in ids], []
        found: dict[int, Period | None] = {}
        columns = (Customer.id, Customer.invoice_schedule, Customer.time_zone)
        for key, schedule, zone in db.session.execute(select(*columns).where(Customer.id.in_(ids))):
            found[key] = last_period(schedule, zone)
        pairs = [(key, period) for key in ids if (period := found.get(key)) is not None]
        return pairs, [key for key in ids if found.get(key) is None]


def last_period(schedule: str, zone: str | None) -> Period | None:
    """The last period of the schedule that is over on the clocks of the zone."""
    if schedule not in SCHEDULES:
        return None
    today = dt.datetime.now(ZoneInfo(zone or settings.current().time_zone)).date()
    return previous(schedule, period_of(schedule, today))


def _offer(form: GenerateForm, customer: Customer) -> None:
    """The periods of one customer: that of its schedule with its dates, where it has one."""
    own = last_period(customer.invoice_schedule, customer.time_zone)
    label = f"The last of its Invoice Schedule ({own})" if own else "The last of its Invoice Schedule"
    form.period.source = lambda: [(OWN, label), *presets()]
    form.period.choices = form.period._offered()


class CustomerBilling:
    """Mixed into CustomerView."""

    def generate_form(self, formdata: Any = None) -> Form:
        return GenerateForm(formdata)

    def do_generate(self, actor: Any, keys: list[int], form: Form) -> ResponseReturnValue:
        """Each customer's invoice, and what became of each."""
        view: Any = self
        assert isinstance(form, GenerateForm)
        pairs, without = form.pairs(keys)
        if not pairs:
            raise Invalid({"period": "None of these customers has an Invoice Schedule. Choose a period."})
        outcomes = billing.generate_many(actor, pairs, dated=form.invoice_date.data)
        if without:
            number = f"{len(without):,} customer{'' if len(without) == 1 else 's'}"
            flash(f"{number} without an Invoice Schedule left out.", "warning")
        return outcomes_page(view, TITLE, outcomes, view.crumbs(TITLE))

    @expose("/<id>/generate", methods=("GET", "POST"))
    @needs("invoice.draft")
    def generate_view(self, id: str) -> ResponseReturnValue:
        """The invoice of one customer and period: the dialog of its page."""
        view: Any = self
        customer = view.get_one(view.key_of(id))
        form = GenerateForm(request.form if request.method == "POST" else None)
        _offer(form, customer)
        if request.method == "GET":
            form.period.data = OWN if customer.invoice_schedule in SCHEDULES else "last_month"
        elif form.validate():
            try:
                return self._generate_one(customer, form)
            except Invalid as error:
                # The next press asks anew: this one made nothing.
                form.form_key.data = new_form_key()
                form.show(error.errors)
        return view.ask(  # type: ignore[no-any-return]
            f"Generate invoice of {customer.name}",
            form,
            text="From its calls that are not billed yet, and the packages that fall due.",
            submit_label="Generate",
            return_url=view.href(customer.id),
        )

    def _generate_one(self, customer: Customer, form: GenerateForm) -> ResponseReturnValue:
        view: Any = self
        pairs, _ = form.pairs([customer.id])
        if not pairs:
            raise Invalid({"period": "This customer has no Invoice Schedule. Choose another period."})
        period = pairs[0][1]
        try:
            outcome = billing.generate(
                view.actor_of(form),
                customer.id,
                period,
                dated=form.invoice_date.data,
                form_key=form.form_key.data,
            )
        except Duplicate as error:
            flash("This was asked for already; here is what came of it.", "info")
            made = (error.result or "").removeprefix("invoice:")
            there = url_for("invoice.details_view", id=made) if made.isdigit() else view.href(customer.id)
            return redirect(there, 303)
        if outcome.state != "made" or outcome.invoice_id is None:
            raise Invalid({"period": outcome.reason or "No invoice was made."})
        flash(f"The invoice for {period} was made.", "success")
        return redirect(url_for("invoice.details_view", id=outcome.invoice_id), 303)
