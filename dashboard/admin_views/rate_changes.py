"""One rate of a card: added, given another price from a day on, or withdrawn. Never overwritten."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from wtforms import ValidationError

from dashboard.admin_views import fields
from dashboard.admin_views.forms import Form
from dashboard.admin_views.guard import needs
from dashboard.operations import rates as operations
from dashboard.operations.errors import Duplicate, Invalid, Refused
from dashboard.operations.rate_cards import LONGEST_INCREMENT
from dashboard.queries import rates, settings

TIME = {"type": "time"}


class DatedForm(Form):
    """What is wrong with the prefix or the time is said together with everything else."""

    def validate_prefix(self, field: Any) -> None:
        try:
            operations.prefix(field.data)
        except ValueError as fault:
            raise ValidationError(str(fault)) from None

    def validate_from_time(self, field: Any) -> None:
        try:
            operations.start_of(settings.today(), field.data or "")
        except Invalid as error:
            raise ValidationError(str(error)) from None


class WithdrawForm(DatedForm):
    prefix = fields.text("Prefix", max=40, required=True, inputmode="numeric")
    from_day = fields.day("From", required=True, help="The first day without this prefix.")
    from_time = fields.text("Time", max=5, help="Empty: midnight.", **TIME)


class RateForm(DatedForm):
    prefix = fields.text("Prefix", max=40, required=True, inputmode="numeric", placeholder="4420")
    destination = fields.text("Destination", max=120, required=True)
    rate_per_minute = fields.decimal(
        "Rate per Minute", places=6, min=0, max=operations.MOST_PRICE, required=True
    )
    connection_fee = fields.decimal("Connection Fee", places=6, min=0, max=operations.MOST_PRICE)
    minimum_seconds = fields.whole("MCD", max=LONGEST_INCREMENT, help="Seconds; empty: the card's.")
    pulse_seconds = fields.whole("Pulse", min=1, max=LONGEST_INCREMENT, help="Seconds; empty: the card's.")
    from_day = fields.day("From", required=True, help="What the prefix costs until then stays as it is.")
    from_time = fields.text("Time", max=5, help="Empty: midnight.", **TIME)


class RateChanges:
    """Mixed into RateCardView."""

    @expose("/rate/", methods=("GET", "POST"))
    @needs("rate.write")
    def rate_view(self) -> ResponseReturnValue:
        """Add a rate, or change one: the form begins with what its prefix costs today."""
        view: Any = self
        card = view.asked()
        form = RateForm(request.form) if request.method == "POST" else _begun(card.id)
        if request.method == "POST" and form.validate():
            values = {name: value for name, value in form.values().items() if not name.startswith("from_")}
            done = self._changed(
                form,
                lambda start: operations.add(
                    view.actor_of(form), card.id, values, valid_from=start, form_key=form.form_key.data
                ),
                card,
            )
            if done is not None:
                return done
        title = "Change rate" if request.args.get("prefix") else "Add rate"
        return view.ask(title, form, text=f"{card.name}, in {card.currency}.", return_url=view.href(card.id))  # type: ignore[no-any-return]

    @expose("/withdraw/", methods=("GET", "POST"))
    @needs("rate.write")
    def withdraw_view(self) -> ResponseReturnValue:
        """End a prefix from a day on."""
        view: Any = self
        card = view.asked()
        if request.method == "GET":
            form = WithdrawForm(
                data={"prefix": request.args.get("prefix", "")[:40], "from_day": settings.today()}
            )
        else:
            form = WithdrawForm(request.form)
        if request.method == "POST" and form.validate():
            done = self._changed(
                form,
                lambda start: operations.withdraw(
                    view.actor_of(form),
                    card.id,
                    form.prefix.data,
                    valid_from=start,
                    form_key=form.form_key.data,
                ),
                card,
            )
            if done is not None:
                return done
        text = f"{card.name}: calls to the prefix then go by the next shorter one, or stay unrated."
        return view.ask(  # type: ignore[no-any-return]
            "Withdraw prefix",
            form,
            text=text,
            submit_label="Withdraw",
            danger=True,
            return_url=view.href(card.id),
        )

    def _changed(self, form: Form, change: Any, card: Any) -> ResponseReturnValue | None:
        """Do it; the redirect that follows, or None where the form must show what is wrong."""
        view: Any = self
        try:
            made = change(operations.start_of(form.from_day.data, form.from_time.data or ""))
        except (Invalid, Refused) as error:
            form.show_refusal(error)
            return None
        except Duplicate:
            flash("This form was already saved.", "info")
            return redirect(view.way_back(view.href(card.id)), 303)
        start = settings.local(made.valid_from)
        flash(
            f"{made.prefix} is withdrawn from {start:%Y-%m-%d %H:%M}."
            if made.withdrawn
            else f"The rate for {made.prefix} holds from {start:%Y-%m-%d %H:%M}.",
            "success",
        )
        return redirect(view.way_back(view.href(card.id)), 303)


def _begun(card_id: int) -> RateForm:
    """A form with what the prefix of the address costs now."""
    data: dict[str, Any] = {"from_day": settings.today()}
    prefix = request.args.get("prefix", "")[:40]
    held = rates.in_force(card_id, prefix, dt.datetime.now(dt.UTC)) if prefix else None
    if held is None:
        return RateForm(data={**data, "prefix": prefix})
    names = ("prefix", "destination", "rate_per_minute", "connection_fee", "minimum_seconds", "pulse_seconds")
    return RateForm(data={**data, **{name: getattr(held, name) for name in names}})
