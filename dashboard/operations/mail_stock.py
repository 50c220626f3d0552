"""What each kind of mail says where nobody has written another text, and what its text may name.

A text names things as `{{ invoice.number }}`. Money, dates and numbers come as they are read, ready to print.
"""

from __future__ import annotations

from typing import Any

_ACCOUNT = {
    "account.name": "Your company's name",
    "account.address": "Your company's address, in lines",
    "account.email": "Your company's e-mail address",
    "account.phone": "Your company's phone number",
    "account.website": "Your company's website",
    "account.payment_details": "The payment details of Settings",
}
_COMPANY = {
    "company.name": "The customer's name",
    "company.address": "The customer's address, in lines",
    "company.currency": "The customer's currency, such as USD",
    "company.account_id": "The customer's External Accounting ID",
}
_INVOICE = {
    "invoice.number": "The invoice's number",
    "invoice.date": "Its date",
    "invoice.due_date": "The day it is due",
    "invoice.reference": "Its reference",
    "invoice.period": "What it bills, where it was made for a period",
    "invoice.currency": "Its currency, such as USD",
    "invoice.subtotal": "Its sum before tax",
    "invoice.tax": "Its tax",
    "invoice.total": "Its total",
    "invoice.paid": "What of it is paid",
    "invoice.balance": "What is left to pay",
}

# By kind: what the text may name, with what it stands for.
VARIABLES: dict[str, dict[str, str]] = {
    "invoice": _INVOICE | _COMPANY | _ACCOUNT,
    "payment": {
        "payment.amount": "The amount",
        "payment.date": "The day it was paid",
        "payment.method": "How it was paid, such as Bank transfer",
        "payment.reference": "Its reference",
        "payment.description": "Its description, without what stands after #",
        "payment.unallocated": "What of it covers no invoice yet",
        "payment.invoices": "The invoices it covers: each has number, amount and balance",
    }
    | _COMPANY
    | _ACCOUNT,
    "package_notice": {
        "charges": "The charges to come: each has package, date and amount",
        "notice.date": "The day of the first of them",
        "notice.days": "How many days away that is",
    }
    | _COMPANY
    | _ACCOUNT,
    "reminder": {
        "reminder.overdue": "True once the due date has passed",
        "reminder.days": "How many days before or after the due date",
    }
    | _INVOICE
    | _COMPANY
    | _ACCOUNT,
    "statement": {
        "statement.start": "Its first day",
        "statement.end": "Its last day",
        "statement.balances": "One for each currency: currency, opening, invoiced, paid, closing, overdue",
    }
    | _COMPANY
    | _ACCOUNT,
    "report": {
        "report.name": "The schedule's name",
        "report.start": "The first day",
        "report.end": "The last day",
        "report.groups": "What it is grouped by",
        "report.rows": "How many rows it has",
        "report.empty": "True where there is nothing to report",
    }
    | _ACCOUNT,
    "message": {
        "message.subject": "The subject as it was typed",
        "message.text": "The text as it was typed",
    }
    | _COMPANY
    | _ACCOUNT,
}

_REGARDS = """
Kind regards
{{ account.name }}
{% if account.phone %}
{{ account.phone }}
{% endif %}
{% if account.email %}
{{ account.email }}
{% endif %}
"""

_PAY = """
{% if account.payment_details %}

How to pay:
{{ account.payment_details }}
{% endif %}
"""

# By kind: subject and body. A line with nothing but a tag leaves no line behind.
STOCK: dict[str, tuple[str, str]] = {
    "invoice": (
        "Invoice {{ invoice.number }} from {{ account.name }}",
        """Dear {{ company.name }},

Please find attached invoice {{ invoice.number }} of {{ invoice.date }}.

{% if invoice.period %}
Period: {{ invoice.period }}
{% endif %}
Total: {{ invoice.total }}
{% if invoice.paid %}
Paid: {{ invoice.paid }}
To pay: {{ invoice.balance }}
{% endif %}
Due: {{ invoice.due_date }}
"""
        + _PAY
        + _REGARDS,
    ),
    "payment": (
        "Payment of {{ payment.amount }} received",
        """Dear {{ company.name }},

Thank you for your payment of {{ payment.amount }} on {{ payment.date }}.
{% if payment.description %}

{{ payment.description }}
{% endif %}
{% if payment.invoices %}

It covers:
{% for invoice in payment.invoices %}
- {{ invoice.number }}: {{ invoice.amount }}
{% endfor %}
{% endif %}
{% if payment.unallocated %}

Not used yet: {{ payment.unallocated }}
{% endif %}
"""
        + _REGARDS,
    ),
    "package_notice": (
        "Your charges on {{ notice.date }}",
        """Dear {{ company.name }},

This is what will be charged soon:

{% for charge in charges %}
- {{ charge.date }}: {{ charge.package }}, {{ charge.amount }}
{% endfor %}

Amounts are before tax. You need not do anything.
"""
        + _REGARDS,
    ),
    "reminder": (
        "{% if reminder.overdue %}Overdue: invoice {{ invoice.number }}"
        "{% else %}Invoice {{ invoice.number }} is due on {{ invoice.due_date }}{% endif %}",
        """Dear {{ company.name }},

{% if reminder.overdue %}
Invoice {{ invoice.number }} of {{ invoice.date }} was due on {{ invoice.due_date }}.
Our books show {{ invoice.balance }} still to pay.
{% else %}
Invoice {{ invoice.number }} of {{ invoice.date }} is due on {{ invoice.due_date }}.
To pay: {{ invoice.balance }}
{% endif %}
"""
        + _PAY
        + """
If you have paid in the meantime, please ignore this message.
"""
        + _REGARDS,
    ),
    "statement": (
        "Statement of account until {{ statement.end }} from {{ account.name }}",
        """Dear {{ company.name }},

Please find attached the statement of your account from {{ statement.start }} to {{ statement.end }}.

{% for balance in statement.balances %}
Balance in {{ balance.currency }}: {{ balance.closing }}
{% endfor %}
"""
        + _PAY
        + _REGARDS,
    ),
    "report": (
        "{{ report.name }}: {{ report.start }} to {{ report.end }}",
        """This is the report {{ report.name }} for {{ report.start }} to {{ report.end }}.
{% if report.empty %}

There was nothing to report.
{% endif %}

{{ account.name }}
""",
    ),
    "message": (
        "{{ message.subject }}",
        """{{ message.text }}
"""
        + _REGARDS,
    ),
}

_SAMPLE_INVOICE = {
    "number": "INV-2026-000123",
    "date": "2026-11-01",
    "due_date": "2026-12-01",
    "reference": "PO 4711",
    "period": "2026-10-01 to 2026-10-31",
    "currency": "USD",
    "subtotal": "$105.00",
    "tax": "$20.30",
    "total": "$125.30",
    "paid": "",
    "balance": "$125.30",
}
_SAMPLE_COMPANY = {
    "name": "Example Retail Ltd",
    "address": "1 Sample Street\nExampletown",
    "currency": "USD",
    "account_id": "C-1001",
}

# By kind: made-up values for the preview and for trying a text; the account is the real one.
SAMPLES: dict[str, dict[str, Any]] = {
    "invoice": {"invoice": _SAMPLE_INVOICE},
    "payment": {
        "payment": {
            "amount": "$125.30",
            "date": "2026-11-20",
            "method": "Bank transfer",
            "reference": "TX-88",
            "description": "November",
            "unallocated": "",
            "invoices": [{"number": "INV-2026-000123", "amount": "$125.30", "balance": "$0.00"}],
        }
    },
    "package_notice": {
        "charges": [{"package": "Example Line", "date": "2026-12-01", "amount": "$50.00"}],
        "notice": {"date": "2026-12-01", "days": 3},
    },
    "reminder": {"invoice": _SAMPLE_INVOICE, "reminder": {"overdue": True, "days": 7}},
    "statement": {
        "statement": {
            "start": "2026-10-01",
            "end": "2026-10-31",
            "balances": [
                {
                    "currency": "USD",
                    "opening": "$20.00",
                    "invoiced": "$125.30",
                    "paid": "$20.00",
                    "closing": "$125.30",
                    "overdue": "$0.00",
                }
            ],
        }
    },
    "report": {
        "report": {
            "name": "Example report",
            "start": "2026-11-01",
            "end": "2026-11-07",
            "groups": "Customer",
            "rows": 12,
            "empty": False,
        }
    },
    "message": {"message": {"subject": "Planned work", "text": "We work on our lines on Sunday."}},
}
for _kind, _values in SAMPLES.items():
    if "company.name" in VARIABLES[_kind]:
        _values["company"] = _SAMPLE_COMPANY
