"""Rules by which calls find their customer, the calls that found none, and saved formats of files."""

from __future__ import annotations

from typing import Any, ClassVar

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from dashboard.admin_views import fields
from dashboard.admin_views.base import AdminView
from dashboard.admin_views.forms import Form
from dashboard.admin_views.guard import GuardedView, needs
from dashboard.admin_views.in_dialog import InDialog
from dashboard.admin_views.list_page import RowAction, delete_action
from dashboard.models import UsageFormat, UsageRule
from dashboard.models.usage import RULE_KINDS
from dashboard.operations import usage_formats, usage_rules, usage_waiting
from dashboard.queries import usage_imports as import_queries
from dashboard.queries import usage_rules as rule_queries


class RuleForm(Form):
    customer_id = fields.lookup("Customer", "customer", required=True, hint="Choose a customer")
    kind = fields.choice(
        "Calls with", RULE_KINDS, help="An account code goes before a caller, a trunk comes last."
    )
    value = fields.text("Value", max=80, required=True, help="Numbers with their country code, such as 4420.")


class UsageRuleView(InDialog, AdminView):
    model = UsageRule
    operations = usage_rules
    form = RuleForm
    listing = rule_queries.LISTING
    rights: ClassVar[dict[str, str]] = {
        "read": "usage.read",
        "create": "usage.import",
        "edit": "usage.import",
        "delete": "usage.import",
    }
    title = "Usage rules"
    singular = "usage rule"
    icon = "usage"
    create_label = "Add rule"
    empty_text = "A rule says whose calls those of an account code, a caller or a trunk are."
    has_details = False
    toolbar = (("Unmatched", "usage_unmatched.index_view", "help", "usage.read"),)
    bulk_actions = (
        delete_action(
            "usage.import",
            "Remove {n} rules? Calls that they brought to customers stay there.",
            label="Remove",
            done="removed",
        ),
    )

    def is_visible(self) -> bool:
        # Reached from Usage and from customers.
        return False

    def row_href(self, row: Any) -> str:
        return url_for("customer.details_view", id=row.customer, tab="usage_rules")

    def row_label(self, row: Any) -> str:
        return f"{RULE_KINDS[row.kind]} {row.value}"

    def row_actions(self, row: Any) -> list[RowAction]:
        return [*super().row_actions(row), RowAction("Open customer", "customer", self.row_href(row))]

    def saved_message(self, saved: Any) -> str:
        """Calls that waited for this rule are taken up with it."""
        taken = usage_waiting.taken_up(saved.taken_up)
        said = f"Calls with {str(saved)[:1].lower()}{str(saved)[1:]} now belong to {saved.customer.name}."
        return f"{said} {taken}" if taken else said

    def do_delete(self, actor: Any, keys: list[int]) -> Any:
        return usage_rules.delete_many(actor, keys)


class UsageUnmatchedView(GuardedView):
    """Calls that wait for a customer."""

    menu_right = "usage.read"
    title = "Unmatched usage"
    icon = "help"

    def __init__(self) -> None:
        super().__init__(name=self.title, endpoint="usage_unmatched")

    def is_visible(self) -> bool:
        return False

    @expose("/")
    @needs("usage.read")
    def index_view(self) -> ResponseReturnValue:
        wanted = request.args.get("by", "account_code")
        by = wanted if wanted in rule_queries.GROUPS else "account_code"
        label, _, kind = rule_queries.GROUPS[by]
        tabs = [
            {"label": f"By {text.lower()}", "href": url_for(".index_view", by=name), "active": name == by}
            for name, (text, _, _) in rule_queries.GROUPS.items()
        ]
        return self.render(  # type: ignore[no-any-return]
            "admin/usage_unmatched/index.html",
            waiting=rule_queries.unmatched(by),
            tabs=tabs,
            label=label,
            kind=kind,
            here=url_for(".index_view", by=by),
            may_import=self.may("usage.import"),
            crumbs=[
                {"label": "Usage imports", "href": url_for("usage_import.index_view")},
                {"label": self.title, "href": ""},
            ],
        )

    @expose("/take-up", methods=("POST",))
    @needs("usage.import")
    def take_up_view(self) -> ResponseReturnValue:
        said = usage_waiting.take_up(self.actor)
        flash(said or "No rule leads to a customer for any of them.", "success" if said else "info")
        return redirect(url_for(".index_view"), 303)


class FormatForm(Form):
    name = fields.text("Name", max=80, required=True)


class UsageFormatView(InDialog, AdminView):
    model = UsageFormat
    operations = usage_formats
    form = FormatForm
    listing = import_queries.FORMATS
    rights: ClassVar[dict[str, str]] = {
        "read": "usage.import",
        "edit": "usage.import",
        "delete": "usage.import",
    }
    title = "Saved formats"
    singular = "format"
    icon = "columns"
    empty_text = "When you say what the columns of a file are, you can save that here for the next file."
    has_details = False
    bulk_actions = (delete_action("usage.import", "Delete {n} formats? What was imported by them stays."),)

    def is_visible(self) -> bool:
        return False

    def do_delete(self, actor: Any, keys: list[int]) -> Any:
        return usage_formats.delete_many(actor, keys)
