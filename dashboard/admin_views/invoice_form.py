"""The invoice's form: the header, and the lines as rows of one list."""

from __future__ import annotations

import re
from collections.abc import Iterator
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


class LineList(FieldList):
    """The lines by the numbers in their names; a name that nobody's page has is no line."""

    def _extract_indices(self, prefix: str, formdata: Any) -> Iterator[int]:
        for name in formdata:
            found = re.match(r"-([0-9]{1,6})-", name[len(prefix) :]) if name.startswith(prefix) else None
            if found is not None:
                yield int(found[1])


class InvoiceForm(AdminForm):
    customer_id = fields.lookup("Customer", "customer", required=True, hint="Choose a customer")
    issue_date = fields.day("Invoice Date", required=True)
    due_date = fields.day("Due Date", help="Empty: the customer's payment terms.")
    reference = fields.text("Reference", max=80)
    notes = fields.long_text("Notes", help="Printed under the lines.")
    items = LineList(FormField(ItemForm), max_entries=MOST_LINES)

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


class IssuedForm(AdminForm):
    """What may still change once an invoice is issued."""

    due_date = fields.day("Due Date", required=True)
    reference = fields.text("Reference", max=80)
    notes = fields.long_text("Notes")


def _row(form: Form) -> dict[str, Any]:
    row = {name: field.data for name, field in form._fields.items()}
    key = str(row["id"] or "").strip()
    row["id"] = int(key) if re.fullmatch(r"[0-9]{1,18}", key) else None
    row["tax_name"] = row["tax_name"] or ""
    row["description"] = row["description"] or ""
    return row
