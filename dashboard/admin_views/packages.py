"""Management > Packages: what is sold; and what choosing one puts on an invoice line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from dashboard.admin_views import fields
from dashboard.admin_views.base import AdminView
from dashboard.admin_views.conflict import facts
from dashboard.admin_views.forms import Form
from dashboard.admin_views.guard import needs
from dashboard.admin_views.list_page import Action, delete_action
from dashboard.admin_views.package_run import PackageRun
from dashboard.extensions import db
from dashboard.models import Customer, Package
from dashboard.models.package import FREQUENCIES, PACKAGE_TYPES
from dashboard.operations import packages
from dashboard.operations.errors import Missing
from dashboard.queries import customers as customer_queries
from dashboard.queries import package_list, settings
from dashboard.queries.package_notices import upcoming
from dashboard.queries.packages import package_defaults
from dashboard.rules.money import currencies

WEEK_DAYS = [
    (1, "Monday"),
    (2, "Tuesday"),
    (3, "Wednesday"),
    (4, "Thursday"),
    (5, "Friday"),
    (6, "Saturday"),
    (7, "Sunday"),
]
MONTH_DAYS = [(day, str(day)) for day in range(1, 32)]
# How far ahead a package's page looks.
COMING_DAYS = 31
MOST_COMING = 10
# Which group of check-boxes holds the frequency match.
DAYS_OF = {"weekly": "week_days", "monthly": "month_days"}


class PackageForm(Form):
    name = fields.text("Name", max=120, required=True)
    description = fields.long_text("Description", max=1000, help="Put on the invoice line.")
    currency = fields.choice("Currency", currencies, search=True)
    active = fields.flag("Active", default=True, help="Only active packages are offered on invoices.")
    retail = fields.decimal("Retail", places=6, min=0, help="What the customer pays, per unit.")
    cost = fields.decimal("Cost", places=6, min=0, help="What it costs you, per unit.")
    setup_retail = fields.decimal("Setup Retail", places=6, min=0, help="Charged once.")
    setup_cost = fields.decimal("Setup Cost", places=6, min=0)
    tax_percent = fields.decimal(
        "Tax %", places=4, min=0, max=100, help="Empty: the customer's, else the account's."
    )
    tax_name = fields.text("Tax Name", max=40)
    frequency = fields.choice("Frequency", FREQUENCIES, default="monthly")
    week_days = fields.choices("Week Days", WEEK_DAYS, coerce=int, help="None: the day on which it started.")
    month_days = fields.choices(
        "Days of the Month",
        MONTH_DAYS,
        coerce=int,
        help="None: the day on which it started. 31 is the last day of a shorter month.",
    )
    minimum_days = fields.whole(
        "Minimum Days", min=0, max=3650, help="It can't be removed from a customer before."
    )
    minimum_spend = fields.flag(
        "Minimum Spend", help="Charge only what the customer's spend falls short of Retail."
    )
    type = fields.choice("Type", PACKAGE_TYPES, default="standard")
    free_minutes = fields.whole("Free Minutes", min=1, max=packages.MOST_MINUTES)
    destination_prefixes = fields.text(
        "Destination Prefixes", max=2000, help="Which calls are free, such as ^44|^91|^1."
    )

    sections = (
        ("Package", ("name", "description", "currency", "active")),
        ("Price", ("retail", "cost", "setup_retail", "setup_cost", "tax_percent", "tax_name")),
        (
            "Charging",
            ("frequency", "week_days", "month_days", "minimum_days", "minimum_spend"),
        ),
        ("Type", ("type", "free_minutes", "destination_prefixes")),
    )

    def package_values(self) -> dict[str, Any]:
        """The values as the operation takes them: the days of the frequency chosen, and no others."""
        values = self.values()
        days = {name: values.pop(name) for name in DAYS_OF.values()}
        values["frequency_match"] = days.get(DAYS_OF.get(str(values["frequency"]), ""), [])
        if values["type"] == "standard":
            # Their fields are out of sight then.
            values["free_minutes"] = values["destination_prefixes"] = None
        return values

    def show(self, errors: Mapping[str, list[str]]) -> None:
        place = DAYS_OF.get(str(self.frequency.data), "frequency")
        super().show({place if name == "frequency_match" else name: said for name, said in errors.items()})


class PackageView(PackageRun, AdminView):
    model = Package
    operations = packages
    form = PackageForm
    listing = package_list.LISTING
    rights: ClassVar[dict[str, str]] = {
        "read": "package.read",
        "create": "package.write",
        "edit": "package.write",
        "delete": "package.delete",
    }
    title = "Packages"
    singular = "package"
    icon = "package"
    create_label = "Add Package"
    empty_text = "A package is what you sell: choosing it on an invoice fills the line."
    create_template = "admin/package/form.html"
    edit_template = "admin/package/form.html"
    details_template = "admin/package/details.html"
    toolbar = (("Run Package", "package.run_view", "play", "invoice.draft"),)
    bulk_actions = (
        Action(
            "stop",
            "Stop offering",
            "package.write",
            "Stop offering {n} packages?",
            icon="stop",
            done="no longer offered",
        ),
        Action(
            "offer",
            "Offer again",
            "package.write",
            "Offer {n} packages again?",
            icon="play",
            done="offered again",
        ),
        delete_action("package.delete", "Delete {n} packages? Those that were used are left as they are."),
    )

    def defaults(self) -> dict[str, Any]:
        return {"currency": settings.current().currency, "active": True}

    def form_for(self, record: Any, formdata: Any = None) -> Form:
        if formdata is not None:
            return PackageForm(formdata)
        days = {DAYS_OF.get(record.frequency, "week_days"): record.frequency_match}
        return PackageForm(obj=record, **days)

    def store(self, form: Form, record: Any) -> Any:
        assert isinstance(form, PackageForm)
        actor, values = self.actor_of(form), form.package_values()
        if record is None:
            return packages.create(actor, values, form_key=form.form_key.data)
        return packages.update(actor, record.id, values, version=form.read_version())

    def details_context(self, record: Any) -> dict[str, Any]:
        # The days stand in the form's own fields, so the facts are read from it.
        shown = facts(self.form_for(record))
        return {
            "facts": shown,
            "holders": customer_queries.holders(record.id),
            "coming": upcoming(package_id=record.id, days=COMING_DAYS, every_day=True, limit=MOST_COMING),
            "coming_days": COMING_DAYS,
        }

    def page_actions(self, record: Any) -> list[dict[str, Any]]:
        actions = super().page_actions(record)
        if self.may("invoice.draft"):
            run = url_for(".run_view", package_id=record.id)
            actions.insert(0, {"label": "Run Package", "href": run, "icon": "play"})
        return actions

    def do_stop(self, actor: Any, keys: list[int]) -> Any:
        return packages.update_many(actor, keys, {"active": False})

    def do_offer(self, actor: Any, keys: list[int]) -> Any:
        return packages.update_many(actor, keys, {"active": True})

    def do_delete(self, actor: Any, keys: list[int]) -> Any:
        return packages.delete_many(actor, keys)

    @expose("/<id>.json")
    @needs("package.read")
    def defaults_view(self, id: str) -> ResponseReturnValue:
        """What choosing the package puts on a line of an invoice to `?customer=`; numbers as texts."""
        try:
            package = self.get_one(id)
            customer = self._customer(request.args.get("customer", ""))
        except Missing as error:
            return {"error": str(error)}, 404
        if customer is not None and customer.currency != package.currency:
            return {
                "error": f"{package.name} is in {package.currency}, and {customer.name} is billed in "
                f"{customer.currency}. Choose a package in {customer.currency}."
            }, 422
        return dict(package_defaults(package, customer))

    def _customer(self, text: str) -> Customer | None:
        if not text:
            return None
        try:
            found = db.session.get(Customer, self.key_of(text))
        except Missing:
            found = None
        if found is None:
            raise Missing("customer")
        return found
