"""`Run now`, on a customer's page and on a schedule's."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from dashboard.operations import schedules
from dashboard.operations.base import Actor
from dashboard.operations.errors import Duplicate


def run_now(actor: Actor, schedule_id: int) -> ResponseReturnValue:
    """Start it, once for a form, and go to the page of the run."""
    try:
        key = str(schedules.run_now(actor, schedule_id, request.form.get("form_key")).id)
    except Duplicate as error:
        flash("This was asked for already; here is what came of it.", "info")
        key = (error.result or "").removeprefix("schedule_run:")
    return redirect(url_for("schedule_run.details_view", id=key), 303)
