"""One's own account: password, two-step sign-in, appearance."""

from __future__ import annotations

from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_login import current_user

from dashboard.admin_views.guard import GuardedView, needs
from dashboard.queries import settings
from dashboard.queries.staff import ROLES


class AccountView(GuardedView):
    """Reached from the menu under one's name."""

    icon = "user"

    def __init__(self) -> None:
        super().__init__(name="My account", endpoint="account")

    def is_visible(self) -> bool:
        return False

    @expose("/")
    @needs("account.own")
    def index_view(self) -> ResponseReturnValue:
        last = current_user.last_sign_in_at
        facts = [
            {"label": "Name", "value": current_user.name},
            {"label": "E-mail", "value": current_user.email},
            {"label": "Role", "value": ROLES.get(current_user.role, current_user.role)},
            {"label": "Signed in since", "value": f"{settings.local(last):%Y-%m-%d %H:%M}" if last else ""},
        ]
        return self.render(
            "admin/account.html",
            facts=facts,
            second_factor=current_user.has_second_factor,
            codes=len(current_user.mf_recovery_codes or []),
            minutes=settings.auto_logout_minutes(),
            crumbs=[{"label": "My account", "href": ""}],
        )
