"""What says where a company is and how it is registered: a customer's, and the owner's own."""

from __future__ import annotations

from dashboard.operations import checks

# In the order of the forms.
CHECKS: dict[str, checks.Check] = {
    "registration_number": checks.text(40),
    "vat_number": checks.text(40),
    "address1": checks.text(120),
    "address2": checks.text(120),
    "city": checks.text(80),
    "county": checks.text(80),
    "postcode": checks.text(20),
    "country": checks.country,
    "phone": checks.text(40),
}
