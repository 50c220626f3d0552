"""The list behind each figure of the first page, filtered to exactly what the figure counted."""

from __future__ import annotations

import datetime as dt

from flask import current_app, url_for

from dashboard.queries.receivables import Month
from dashboard.rules.receivables import Bucket

# All that is issued, as the list's status says it.
ISSUED = "open,overdue,part_paid,paid"
AGE_LABELS: dict[Bucket, str] = {
    "not_due": "Current",
    "days_1_30": "1–30 days",
    "days_31_60": "31–60 days",
    "days_61_90": "61–90 days",
    "days_over_90": "Over 90 days",
}
# How many days late the ages begin and end.
SPANS: dict[Bucket, tuple[int | None, int | None]] = {
    "not_due": (None, 0),
    "days_1_30": (1, 30),
    "days_31_60": (31, 60),
    "days_61_90": (61, 90),
    "days_over_90": (91, None),
}
SMALLEST = "0.0001"


def has(endpoint: str) -> bool:
    """Whether there is such a page."""
    return endpoint in current_app.view_functions


def invoices(currency: str, **filters: str) -> str:
    return url_for("invoice.index_view", **{"currency.is": currency, **_dotted(filters)})


def payments(currency: str, **filters: str) -> str:
    return url_for("payment.index_view", **{"currency.is": currency, **_dotted(filters)})


def _dotted(filters: dict[str, str]) -> dict[str, str]:
    """`due_date__gte` is written `due_date.gte` in an address."""
    return {name.replace("__", "."): value for name, value in filters.items() if value}


def _days(month: Month) -> str:
    return f"{month.first}..{month.last}"


def invoiced(currency: str, month: Month) -> str:
    return invoices(currency, status__in=ISSUED, issue_date__between=_days(month))


def still_owed(currency: str, month: Month) -> str:
    """What of a month's invoices is not paid."""
    return invoices(currency, tab="open", issue_date__between=_days(month))


def collected(currency: str, month: Month) -> str:
    return payments(currency, tab="completed", amount__gte=SMALLEST, paid_on__between=_days(month))


def given_back(currency: str, month: Month) -> str:
    days = _days(month)
    return payments(
        currency, tab="completed", amount__gte=SMALLEST, paid_on__between=days, refunded__gte=SMALLEST
    )


def owed(currency: str, customer_id: int | None = None) -> str:
    customer = "" if customer_id is None else str(customer_id)
    return invoices(currency, tab="open", customer__is=customer, sort="due_date")


def overdue(currency: str) -> str:
    return invoices(currency, tab="overdue", sort="due_date")


def of_age(currency: str, age: Bucket, today: dt.date) -> str:
    """What is owed and so late; late by n days is due n days ago."""
    least, most = SPANS[age]
    first = "" if most is None else str(today - dt.timedelta(days=most))
    last = "" if least is None else str(today - dt.timedelta(days=least))
    if first and last:
        return invoices(currency, tab="open", due_date__between=f"{first}..{last}", sort="due_date")
    return invoices(currency, tab="open", due_date__gte=first, due_date__lte=last, sort="due_date")


def next_invoiced(day: dt.date) -> str:
    return url_for("customer.index_view", **{"next_invoice.is": str(day)})


def mails(tab: str) -> str:
    """Mails of a state that nobody has seen to."""
    return url_for("mail.index_view", tab=tab, **{"seen.is": "no"})
