"""The first page after signing in: what waits for somebody today."""

from __future__ import annotations

from flask import current_app, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from dashboard.admin_views.guard import GuardedView, needs
from dashboard.admin_views.invoice_page import status_of
from dashboard.queries import home, package_notices, settings


class HomeView(GuardedView):
    icon = "dashboard"
    menu_right = "dashboard.read"

    def __init__(self) -> None:
        super().__init__(name="Dashboard", endpoint="admin", url="/admin")

    @expose("/")
    @needs("dashboard.read")
    def index(self) -> ResponseReturnValue:
        return self.render(
            "admin/index.html",
            figures=home.figures(),
            overdue=home.longest_overdue(),
            invoices=home.latest_invoices(),
            today=settings.today(),
            payments=home.latest_payments(),
            coming=(coming := package_notices.upcoming(limit=6)),
            coming_count=package_notices.count_upcoming() if coming else 0,
            coming_days=settings.current().package_notification_days,
            steps=[(step, self.way_to(step.endpoint)) for step in home.first_steps()],
            status_of=status_of,
            crumbs=[{"label": "Dashboard", "href": ""}],
        )

    def way_to(self, endpoint: str) -> str:
        """The page where a step is done, or "" where the reader may not."""
        rights = {"setting": "setting.write", "customer": "customer.write", "package": "package.write"}
        if not self.may(rights.get(endpoint, "invoice.draft")):
            return ""
        page = f"{endpoint}.create_view"
        return url_for(page if page in current_app.view_functions else f"{endpoint}.index_view")
