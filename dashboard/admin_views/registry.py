"""The admin and its menu: which views there are and where they stand."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from flask import Flask, request, url_for
from flask_admin import Admin
from flask_admin.theme import Theme

from dashboard import auth
from dashboard.admin_views import lookup_sources
from dashboard.admin_views.account import AccountView
from dashboard.admin_views.assignments import AssignmentView
from dashboard.admin_views.audit import AuditView
from dashboard.admin_views.billing_runs import BillingRunView
from dashboard.admin_views.breakout import BreakoutView
from dashboard.admin_views.contacts import ContactView
from dashboard.admin_views.coverage import CoverageView
from dashboard.admin_views.customers import CustomerView
from dashboard.admin_views.guard import GuardedView
from dashboard.admin_views.home import HomeView
from dashboard.admin_views.invoice_templates import InvoiceTemplateView
from dashboard.admin_views.invoices import InvoiceView
from dashboard.admin_views.items import ItemView
from dashboard.admin_views.jobs import JobView
from dashboard.admin_views.mail_templates import MailTemplateView
from dashboard.admin_views.mails import MailView
from dashboard.admin_views.managers import ManagerView
from dashboard.admin_views.packages import PackageView
from dashboard.admin_views.payments import PaymentView
from dashboard.admin_views.providers import ProviderView
from dashboard.admin_views.rate_cards import RateCardView
from dashboard.admin_views.rates import RateView
from dashboard.admin_views.runs import RunView
from dashboard.admin_views.schedules import ScheduleView
from dashboard.admin_views.settings import SettingView
from dashboard.admin_views.staff import StaffView
from dashboard.admin_views.usage import UsageView
from dashboard.admin_views.usage_imports import UsageImportView
from dashboard.admin_views.usage_rules import UsageFormatView, UsageRuleView, UsageUnmatchedView
from dashboard.models import Job
from dashboard.rules.figures import clock
from dashboard.rules.money import format_money, format_price, plain


@dataclass(frozen=True)
class Group:
    """One heading of the menu."""

    label: str
    views: tuple[type[GuardedView], ...]


GROUPS = (
    Group("", (HomeView,)),
    Group(
        "Management",
        (CustomerView, PackageView, ProviderView, RateCardView, RateView, AssignmentView, ManagerView),
    ),
    Group(
        "Global",
        (
            InvoiceView,
            ItemView,
            PaymentView,
            UsageView,
            UsageImportView,
            ContactView,
            MailView,
            BillingRunView,
        ),
    ),
    Group("", (UsageRuleView, UsageUnmatchedView, UsageFormatView)),
    Group("Reports", (BreakoutView, ScheduleView, CoverageView, RunView)),
    Group(
        "Setup",
        (SettingView, InvoiceTemplateView, MailTemplateView, StaffView, AuditView, JobView, AccountView),
    ),
)


def install(app: Flask) -> None:
    """Attach the admin to the app, with our own theme: no stock template can be reached."""
    lookup_sources.install()
    home = HomeView()
    admin = Admin(app, name="Billing Dashboard", index_view=home, theme=Theme("none", "admin/master.html"))
    groups: list[tuple[str, list[GuardedView]]] = []
    for group in GROUPS:
        views = [home if view is HomeView else view() for view in group.views]
        for view in views:
            if view is not home:
                admin.add_view(view)
        groups.append((group.label, views))
    _install_context(app, groups)


def _install_context(app: Flask, groups: list[tuple[str, list[GuardedView]]]) -> None:
    def admin_menu() -> list[dict[str, Any]]:
        return [menu for label, views in groups if (menu := _menu_group(label, views))["items"]]

    @app.context_processor
    def context() -> dict[str, Any]:
        actor = auth.current_actor()
        found: dict[str, Any] = {"admin_menu": admin_menu, "actor": actor}
        if actor is not None:
            found["account_role"] = lambda: actor.role
            if "job.index_view" in app.view_functions:
                found["jobs_url"] = url_for("job.drawer_view")
            if actor.may("setting.write") and "setting.index_view" in app.view_functions:
                found["settings_url"] = url_for("setting.index_view")
        return found

    app.jinja_env.filters["money"] = format_money
    app.jinja_env.filters["price"] = format_price
    app.jinja_env.filters["number"] = plain
    app.jinja_env.filters["clock"] = clock
    app.jinja_env.filters["elapsed"] = elapsed


def elapsed(job: Job) -> str:
    """How long a running job has worked, in minutes and seconds."""
    seconds = int((dt.datetime.now(dt.UTC) - job.started_at).total_seconds()) if job.started_at else 0
    return f"{seconds // 60}:{seconds % 60:02}"


def _menu_group(label: str, views: list[GuardedView]) -> dict[str, Any]:
    here = request.blueprint
    return {
        "label": label,
        "items": [
            {
                "label": view.name,
                "href": url_for(f"{view.endpoint}.{view._default_view}"),
                "icon": view.icon,
                "active": view.endpoint == here,
            }
            for view in views
            if view.is_visible()
        ],
    }
