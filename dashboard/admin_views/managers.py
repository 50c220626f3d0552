"""Who may be an account manager: a drop-down for everybody who sees customers, without the list of staff."""

from __future__ import annotations

from flask import request
from flask.typing import ResponseReturnValue
from flask_admin import expose

from dashboard.admin_views import lookups
from dashboard.admin_views.guard import GuardedView, needs
from dashboard.models import Staff


class ManagerView(GuardedView):
    """Has no page and no place in the menu."""

    def __init__(self) -> None:
        super().__init__(name="Account managers", endpoint="manager")
        lookups.register(
            "manager",
            lookups.by_name(Staff, name=Staff.name, conditions=lambda extra: [Staff.active.is_(True)]),
        )

    def is_visible(self) -> bool:
        return False

    @expose("/")
    @needs("customer.read")
    def ajax_lookup(self) -> ResponseReturnValue:
        found = lookups.get("manager")
        assert found is not None
        words = " ".join(request.args.get("q", "").replace("\x00", "").split())[:100]
        return {"results": found.find(words, {})}
