"""Run Package: what a customer would be charged for packages up to a day, and charging it."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from werkzeug.datastructures import MultiDict

from dashboard.admin_views import fields
from dashboard.admin_views.forms import Form, new_form_key
from dashboard.admin_views.guard import needs
from dashboard.extensions import db
from dashboard.models import Customer, Package
from dashboard.operations import package_charges
from dashboard.operations.errors import Duplicate, Invalid, Refused
from dashboard.operations.package_charges import Charged
from dashboard.queries import settings
from dashboard.queries.package_plan import today_of
from dashboard.queries.package_runs import Simulation, simulate
from dashboard.rules.money import add, format_money

MOST_TICKS = 2000


class RunForm(Form):
    customer_id = fields.lookup("Customer", "customer", required=True, hint="Choose a customer")
    package_id = fields.lookup("Package", "package", hint="All packages", search_with="customer_id")
    since = fields.day("Due from", help="Empty: all that was never charged.")
    on = fields.day("Up to", required=True)


class PackageRun:
    """Mixed into PackageView."""

    @expose("/run/", methods=("GET", "POST"))
    @needs("invoice.draft")
    def run_view(self) -> ResponseReturnValue:
        """GET simulates; POST charges what is ticked. The choice stands in the URL."""
        form = RunForm(self._asked())
        asked = bool(request.args.get("customer_id"))
        valid = asked and form.validate()
        customer = db.session.get(Customer, form.customer_id.data) if valid else None
        package = db.session.get(Package, form.package_id.data) if valid and form.package_id.data else None
        if valid and customer is None:
            form.customer_id.errors = ["This customer no longer exists. Choose another."]
        elif valid and form.package_id.data and package is None:
            form.package_id.errors, customer = ["This package no longer exists. Choose another."], None
        if request.method == "POST" and customer is not None:
            return self._charge(form, customer, package)
        found = (
            simulate(
                customer,
                form.on.data,
                since=form.since.data,
                package_id=package.id if package else None,
            )
            if customer
            else None
        )
        page = self._view.render(
            "admin/package/run.html",
            form=form,
            found=found,
            package=package,
            words=_in_words(found) if found else "",
            fingerprint=package_charges.fingerprint,
            form_key=new_form_key(),
            all_href=url_for(".run_view", **{**request.args.to_dict(), "since": ""}),
            crumbs=self._view.crumbs("Run Package"),
        )
        return page, 422 if customer is None and (asked or request.method == "POST") else 200

    def _charge(self, form: Any, customer: Customer, package: Package | None) -> ResponseReturnValue:
        chosen = dict(
            (tick.split(" ", 1) if " " in tick else (tick, ""))
            for tick in request.form.getlist("chosen")[:MOST_TICKS]
        )
        try:
            made = package_charges.charge(
                self._view.actor_of(None),
                customer.id,
                form.on.data,
                since=form.since.data,
                package_id=package.id if package else None,
                chosen=chosen,
                form_key=request.form.get("form_key"),
            )
        except Duplicate as error:
            flash("This was already charged; here is what it made.", "info")
            return redirect(self._made(error.result, customer), 303)
        except (Invalid, Refused) as error:
            flash(str(error), "error")
            return redirect(request.full_path, 303)
        flash(_told(made, customer), "success")
        return redirect(self._made(f"invoice:{made.invoice.id}" if made.invoice else "", customer), 303)

    def _made(self, result: str | None, customer: Customer) -> str:
        kind, _, key = (result or "").partition(":")
        if kind == "invoice" and key.isdigit():
            return url_for("invoice.details_view", id=key)
        return url_for("customer.details_view", id=customer.id, tab="payments")

    def _asked(self) -> MultiDict[str, str]:
        """The choice in the URL; without days, this month up to today where the customer is."""
        asked = MultiDict(request.args)
        if not asked.get("on"):
            key = RunForm(asked).customer_id.data
            customer = db.session.get(Customer, key) if key else None
            asked["on"] = (today_of(customer) if customer else settings.today()).isoformat()
        if "since" not in asked:
            with suppress(ValueError):
                asked["since"] = dt.date.fromisoformat(asked["on"]).replace(day=1).isoformat()
        return asked

    @property
    def _view(self) -> Any:
        return self


def _in_words(found: Simulation) -> str:
    """What charging would do, in a sentence."""
    count = len(found.rows)
    if not count:
        return ""
    many = f"{count:,} charge is due" if count == 1 else f"{count:,} charges are due"
    money = found.customer.currency
    parts = []
    if any(not row.account for row in found.rows):
        parts.append(f"{format_money(found.invoice_total, money, code=True)} on a draft invoice")
    if any(row.account for row in found.rows):
        parts.append(f"{format_money(found.account_total, money, code=True)} charged to the account")
    return f"{many} up to {found.day}: {' and '.join(parts)}, tax included."


def _told(made: Charged, customer: Customer) -> str:
    parts = []
    if made.invoice is not None:
        total = format_money(made.invoice.total, made.invoice.currency, code=True)
        parts.append(f"A draft invoice over {total} was made")
    if made.payments:
        total = format_money(-add(one.amount for one in made.payments), customer.currency, code=True)
        account = f"the account of {customer.name} was charged with {total}"
        parts.append(account if parts else account[0].upper() + account[1:])
    return " and ".join(parts) + "."
