"""The first page after signing in."""

from __future__ import annotations

from flask.typing import ResponseReturnValue
from flask_admin import expose

from dashboard.admin_views.guard import GuardedView, needs


class HomeView(GuardedView):
    icon = "dashboard"
    menu_right = "dashboard.read"

    def __init__(self) -> None:
        super().__init__(name="Dashboard", endpoint="admin", url="/admin")

    @expose("/")
    @needs("dashboard.read")
    def index(self) -> ResponseReturnValue:
        return self.render("admin/index.html")
