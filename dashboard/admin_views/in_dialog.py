"""A form that opens in a dialog over the page that asks for it; without scripts it is a page of its own."""

from __future__ import annotations

from typing import Any

from flask import request

from dashboard.admin_views.answers import wants_modal
from dashboard.admin_views.forms import Form
from dashboard.queries import settings


class InDialog:
    """Mixed in before AdminView."""

    def page_of(self, template: str, form: Form, record: Any) -> str:
        view: Any = self
        if not wants_modal():
            return super().page_of(template, form, record)  # type: ignore[misc,no-any-return]
        return view.render(  # type: ignore[no-any-return]
            "admin/modal.html",
            title=view.create_label if record is None else f"Edit {record}",
            form=form,
            problems=form.loose_errors,
            form_action=request.full_path.rstrip("?"),
            ask_comment=record is not None and settings.current().audit_comment,
            return_url=view.way_back(),
        )
