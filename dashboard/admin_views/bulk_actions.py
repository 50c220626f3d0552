"""Bulk actions of a list: what is selected, what is asked first, what was done and what was left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from werkzeug.datastructures import MultiDict

from dashboard.admin_views.answers import wants_modal
from dashboard.admin_views.forms import WHY, Form
from dashboard.admin_views.list_page import Action
from dashboard.operations.bulk import BulkResult
from dashboard.operations.errors import Invalid, Refused
from dashboard.queries import listing, settings

# More than this in one go belongs to a background job.
MOST_AT_ONCE = 2_000


def asks_reason(action: Action) -> bool:
    """Whether the account wants to know why before this action changes anything."""
    return action.changes and settings.current().audit_comment


class BulkActions:
    """Mixed into a list, which brings its listing, rights and the actor."""

    bulk_actions: ClassVar[Sequence[Action]] = ()

    def actions_offered(self) -> list[Action]:
        """The bulk actions the reader has the right to; one that asks for more knows where its dialog is."""
        view: Any = self
        dialog = url_for(f"{view.endpoint}.action_form_view")
        return [
            replace(one, dialog_href=dialog) if one.form or asks_reason(one) else one
            for one in self.bulk_actions
            if view.may(one.right)
        ]

    @expose("/action/form/", methods=("POST",))
    def action_form_view(self) -> ResponseReturnValue:
        """The dialog of a bulk action with fields of its own; it carries the selection along."""
        action = self.asked_action()
        if not (action.form or asks_reason(action)):
            abort(400, description="This action asks for nothing more.")
        return self.ask_more(action, self.form_of(action), 200)

    def form_of(self, action: Action, formdata: Any = None) -> Form:
        """The action's own fields; one without any still carries the reason where the account asks for it."""
        form: Form = getattr(self, action.form)(formdata) if action.form else Form(formdata)
        return form

    def ask_more(self, action: Action, form: Form, status: int) -> ResponseReturnValue:
        view: Any = self
        count = len(self.selected())
        page = view.render(
            "admin/modal.html" if wants_modal() else "admin/action.html",
            title=action.label,
            text=action.confirm.replace("{n}", f"{count:,}"),
            form=form,
            ask_comment=asks_reason(action),
            form_action=url_for(f"{view.endpoint}.action_view"),
            hidden={
                "action": action.name,
                "all": request.form.get("all", ""),
                "query": request.form.get("query", ""),
                "rowid": request.form.getlist("rowid"),
                "next": view.way_back(),
            },
            submit_label=action.label,
            danger=action.danger,
            return_url=view.way_back(),
        )
        return page, status

    @expose("/action/", methods=("POST",))
    def action_view(self) -> ResponseReturnValue:
        """Run a bulk action on the selection; rows refused are named with the reason."""
        view: Any = self
        action = self.asked_action()
        form = self.form_of(action, request.form)
        if not form.validate():
            return self.ask_more(action, form, 422)
        if asks_reason(action) and not form.comment.data:
            form.comment.errors = [WHY]
            return self.ask_more(action, form, 422)
        run = getattr(self, f"do_{action.name}")
        own = (form,) if action.form else ()
        try:
            return self.show_result(action, run(view.actor_of(form), self.selected(), *own))
        except Invalid as error:
            form.show(error.errors)
            return self.ask_more(action, form, 422)

    def asked_action(self) -> Action:
        view: Any = self
        name = request.form.get("action", "")
        action = next((one for one in self.bulk_actions if one.name == name), None)
        if action is None:
            abort(400, description="There is no such action.")
        if not view.may(action.right):
            abort(403)
        return action

    def selected(self) -> list[int]:
        """The keys ticked, or all that match the list's filter, in list order."""
        view: Any = self
        if request.form.get("all") == "1":
            pairs = parse_qsl(request.form.get("query", "").lstrip("?"))
            state = self.read_state(MultiDict(pairs))
            if state.errors:
                raise Refused("The list's filter could not be read, so nothing was done.")
            keys = listing.keys(self.listing, state, MOST_AT_ONCE + 1)
        else:
            keys = list(dict.fromkeys(view.key_of(text) for text in request.form.getlist("rowid")))
        if not keys:
            raise Refused("Nothing is selected. Tick the rows first.")
        if len(keys) > MOST_AT_ONCE:
            raise Refused(f"At most {MOST_AT_ONCE:,} rows at once. Narrow the list first.")
        return keys

    def show_result(self, action: Action, result: Any) -> ResponseReturnValue:
        """Back to the list where all went well; else the rows that were left out, and why."""
        view: Any = self
        if not isinstance(result, BulkResult):
            return result  # type: ignore[no-any-return]
        count = len(result.done)
        noun = view.singular if count == 1 else view.title.lower()
        done = f"{count:,} {noun} {action.done}."
        if not result.refused:
            flash(done, "success")
            return redirect(view.way_back(), 303)
        return view.render(  # type: ignore[no-any-return]
            "admin/_result.html" if wants_modal() else "admin/result.html",
            title=action.label,
            result=result,
            return_url=view.way_back(),
            crumbs=view.crumbs(action.label),
        )
