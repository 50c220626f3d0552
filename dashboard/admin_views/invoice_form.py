"""The invoice's form: the header, and the lines as rows of one list."""

from __future__ import annotations

from typing import Any

from wtforms import FieldList, Form, FormField, HiddenField

from dashboard.admin_views import fields
from dashboard.admin_views.forms import Form as AdminForm

MOST_LINES = 1000


class ItemForm(Form):
    """One line. Every field is taken as typed and checked here; what it means is the operation's to check."""

    id = HiddenField()
    package_id = fields.lookup("Package", "package", hint="No package")
    description = fields.text("Description", max=1000)
    date_from = fields.day("From")
    date_to = fields.day("To")
    quantity = fields.decimal("Quantity", places=6, required=True)
    unit_price = fields.decimal("Unit Price", places=6, required=True)
    tax_percent = fields.decimal("Tax", places=4, min=0, max=100, required=True)
    tax_name = fields.text("Tax description", max=40)


class InvoiceForm(AdminForm):
    customer_id = fields.lookup("Customer", "customer", required=True, hint="Choose a customer")
    issue_date = fields.day("Invoice Date", required=True)
    due_date = fields.day("Due Date", help="Empty: the customer's payment terms.")
    reference = fields.text("Reference", max=80)
    notes = fields.long_text("Notes", help="Printed under the lines.")
    items = FieldList(FormField(ItemForm), max_entries=MOST_LINES)

    def __init__(self, formdata: Any = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(formdata, *args, **kwargs)
        # The field takes no more than it may hold; what was sent beyond that must not vanish unsaid.
        self.lines_sent = len({name.split("-")[1] for name in formdata or () if name.startswith("items-")})

    def validate(self, *args: Any, **kwargs: Any) -> bool:
        fine = super().validate(*args, **kwargs)
        if self.lines_sent <= MOST_LINES:
            return bool(fine)
        said = f"An invoice can have at most {MOST_LINES:,} lines; this has {self.lines_sent:,}. Split it."
        self.items.errors = [*self.items.errors, said]
        return False

    def values(self) -> dict[str, Any]:
        found = super().values()
        found["items"] = [_row(entry.form) for entry in self.items]
        return found

    def show(self, errors: Any) -> None:
        """Line errors come as `items-3-quantity`: the fourth row of the form, whatever its own number was."""
        rest = {}
        for name, said in errors.items():
            field = self._line_field(name)
            if field is None:
                rest[name] = said
            else:
                field.errors = [*field.errors, *said]
        super().show(rest)

    def _line_field(self, name: str) -> Any:
        parts = name.split("-")
        if len(parts) != 3 or parts[0] != "items" or not parts[1].isdigit():
            return None
        place = int(parts[1])
        if place >= len(self.items.entries):
            return None
        return self.items.entries[place].form._fields.get(parts[2])


class IssuedForm(AdminForm):
    """What may still change once an invoice is issued."""

    due_date = fields.day("Due Date", required=True)
    reference = fields.text("Reference", max=80)
    notes = fields.long_text("Notes")


def _row(form: Form) -> dict[str, Any]:
    row = {name: field.data for name, field in form._fields.items()}
    key = (row["id"] or "").strip() if isinstance(row["id"], str) else row["id"]
    row["id"] = int(key) if key and str(key).isdigit() and len(str(key)) < 19 else None
    row["tax_name"] = row["tax_name"] or ""
    row["description"] = row["description"] or ""
    return row
