"""Every endpoint, every role, GET and POST: who is let in, who is told no, who must sign in first.

`LEAST` is written by hand: the least powerful role that may. An endpoint that is missing in it fails, so that
nothing is reachable by oversight.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from werkzeug.routing import Rule

ROLES = ("viewer", "clerk", "manager", "admin")
# Inherited by a view that has no use for it: refused to everybody.
CLOSED = "closed"

COMMON = {
    "index_view": "viewer",
    "summary_view": "viewer",
    "details_view": "viewer",
    "ajax_lookup": "viewer",
    "export": "viewer",
    "action_view": "viewer",
    "action_form_view": "viewer",
    "create_view": "clerk",
    "edit_view": "clerk",
    "ajax_update": "clerk",
    "delete_view": "manager",
}
CLOSED_FORMS = dict.fromkeys(("create_view", "edit_view", "delete_view", "details_view"), CLOSED)
MANAGERS = dict.fromkeys(("create_view", "edit_view", "ajax_update", "delete_view"), "manager")
CLOSED_ACTIONS = dict.fromkeys(("action_view", "action_form_view"), CLOSED)

LEAST: dict[str, dict[str, str]] = {
    "account": {"index_view": "viewer"},
    "admin": dict.fromkeys(("index", "holes_view", "coming_view"), "viewer"),
    "audit": {"index_view": "manager"},
    "billing_run": {
        **COMMON,
        **CLOSED_ACTIONS,
        "create_view": "manager",
        "edit_view": CLOSED,
        "delete_view": CLOSED,
        "ajax_update": CLOSED,
        "ajax_lookup": CLOSED,
        "lines_view": "viewer",
        "results_view": "viewer",
        **dict.fromkeys(("again_view", "choose_view", "commit_view", "cancel_view"), "manager"),
    },
    "coverage": {
        "index_view": "viewer",
        "period_view": "viewer",
        "sums_view": "viewer",
        "generate_view": "clerk",
        "generate_shown_view": "clerk",
    },
    "schedule": {
        **COMMON,
        **MANAGERS,
        **dict.fromkeys(
            ("run_view", "pause_view", "resume_view", "preview_view", "preview_file_view"), "manager"
        ),
    },
    "schedule_run": {
        **COMMON,
        **CLOSED_ACTIONS,
        **CLOSED_FORMS,
        "details_view": "viewer",
        "ajax_update": CLOSED,
        "ajax_lookup": CLOSED,
        "file_view": "viewer",
        **dict.fromkeys(("cancel_view", "retry_view"), "manager"),
    },
    "assignment": {**COMMON, "delete_view": "clerk"},
    "breakout": dict.fromkeys(("index_view", "csv_view", "xlsx_view"), "viewer"),
    "contact": {**COMMON, "delete_view": "clerk"},
    "customer": {
        **COMMON,
        "run_schedule_view": "manager",
        "import_view": "clerk",
        "import_columns_view": "clerk",
        "import_preview_view": "clerk",
        "import_faults_view": "clerk",
        "import_template_view": "clerk",
        "generate_view": "clerk",
        "usage_view": "viewer",
        "usage_calls_view": "viewer",
        "usage_generate_view": "clerk",
        "usage_auto_view": "clerk",
        **dict.fromkeys(("statement_view", "statement_pdf_view", "statement_csv_view"), "viewer"),
        "statement_send_view": "clerk",
    },
    "invoice": {
        **COMMON,
        "delete_view": "clerk",
        "pdf_view": "viewer",
        "payments_view": "viewer",
        "customer_view": "clerk",
        "explain_view": "viewer",
        "explain_calls_view": "viewer",
        "explain_call_view": "viewer",
        "explain_file_view": "viewer",
        "duplicate_view": "clerk",
        "allocate_view": "clerk",
        "record_payment_view": "clerk",
        "allocate_automatically_view": "clerk",
        "remove_allocation_view": "clerk",
        "send_view": "clerk",
        "remind_view": "clerk",
        "issue_view": "manager",
        "reopen_view": "manager",
        "void_view": "manager",
    },
    "item": {**COMMON, **CLOSED_FORMS, **CLOSED_ACTIONS},
    "invoice_template": {
        "index_view": "admin",
        "create_view": "admin",
        "edit_view": "admin",
        "preview_view": "admin",
        "preview_pdf_view": "admin",
        "stock_view": "admin",
        "version_view": "admin",
        "restore_view": "admin",
        "reset_view": "admin",
        "delete_view": "admin",
    },
    "job": {
        **COMMON,
        **CLOSED_FORMS,
        **CLOSED_ACTIONS,
        "details_view": "viewer",
        "ajax_update": CLOSED,
        "ajax_lookup": CLOSED,
        "cancel_view": "viewer",
        "retry_view": "viewer",
        "download_view": "viewer",
        "drawer_view": "viewer",
        "told_view": "viewer",
        "dismiss_view": "viewer",
        "machines_view": "admin",
    },
    "mail": {
        **COMMON,
        **CLOSED_FORMS,
        "details_view": "viewer",
        "ajax_update": CLOSED,
        "html_view": "viewer",
        "file_view": "viewer",
        **dict.fromkeys(("resend_view", "cancel_view", "arrived_view", "seen_view"), "clerk"),
    },
    "mail_template": dict.fromkeys(("index_view", "edit_view", "preview_view", "reset_view"), "admin"),
    "manager": {"ajax_lookup": "viewer"},
    "package": {**COMMON, "defaults_view": "viewer", "run_view": "clerk"},
    "payment": {
        **COMMON,
        "allocate_automatically_view": "clerk",
        "remove_allocation_view": "clerk",
        "refund_view": "manager",
    },
    "provider": {**COMMON, **MANAGERS},
    "rate": {
        **COMMON,
        **CLOSED_FORMS,
        "action_view": CLOSED,
        "action_form_view": CLOSED,
        "ajax_update": CLOSED,
        "ajax_lookup": CLOSED,
    },
    "rate_card": {
        **COMMON,
        **MANAGERS,
        "test_view": "viewer",
        "rates_csv_view": "viewer",
        "rate_view": "manager",
        "withdraw_view": "manager",
        "take_back_view": "manager",
        "import_view": "manager",
        "import_columns_view": "manager",
        "import_preview_view": "manager",
        "import_faults_view": "manager",
        "import_template_view": "manager",
    },
    "setting": dict.fromkeys(
        ("index_view", "test_email_view", "number_view", "reminders_view", "logo_view"), "admin"
    ),
    "usage": {
        **COMMON,
        **CLOSED_FORMS,
        **CLOSED_ACTIONS,
        "details_view": "viewer",
        "ajax_update": CLOSED,
        "rerate_view": "manager",
        "adjust_view": "manager",
    },
    "usage_format": {
        **COMMON,
        **dict.fromkeys(("index_view", "summary_view", "ajax_lookup", "export"), "clerk"),
        **dict.fromkeys(("action_view", "action_form_view", "delete_view"), "clerk"),
        "create_view": CLOSED,
        "details_view": "clerk",
    },
    "usage_import": {
        **COMMON,
        "edit_view": CLOSED,
        "ajax_update": CLOSED,
        "ajax_lookup": CLOSED,
        **CLOSED_ACTIONS,
        "delete_view": "clerk",
        "sample_view": "viewer",
        "columns_view": "clerk",
        "preview_view": "clerk",
        "run_view": "clerk",
        "faults_view": "viewer",
    },
    "usage_rule": {**COMMON, "delete_view": "clerk"},
    "usage_unmatched": {"index_view": "viewer", "take_up_view": "clerk"},
    "staff": dict.fromkeys((*COMMON, "password_view", "reset_second_factor_view", "unlock_view"), "admin"),
}

# What belongs to nobody's rights: the sign-in pages, a person's own account, static files, machines.
OPEN = {"static", "root", "healthz", "readyz", "metrics", "session_state"}


def admin_rules(app: Flask) -> Iterator[tuple[str, str, Rule]]:
    """(view, endpoint's method, rule) of everything below /admin."""
    for rule in app.url_map.iter_rules():
        if rule.endpoint in OPEN or rule.endpoint.startswith("security."):
            continue
        view, _, method = rule.endpoint.partition(".")
        yield view, method, rule


def address(rule: Rule) -> str:
    """The rule's URL with 1 for every key."""
    path = rule.rule
    for name in rule.arguments:
        value = "csv" if name == "export_type" else "1"
        for written in (f"<{name}>", f"<int:{name}>", f"<path:{name}>"):
            path = path.replace(written, value)
    return path


def ask(client: Any, rule: Rule, verb: str) -> int:
    sent = {"id": "1", "list_form_pk": "1", "action": "none"}
    if verb == "GET":
        return int(client.get(address(rule), query_string={"id": "1"}).status_code)
    return int(client.post(address(rule), data=sent).status_code)


def test_the_table_names_every_endpoint(app: Flask) -> None:
    found = {(view, method) for view, method, _ in admin_rules(app)}
    named = {(view, method) for view, methods in LEAST.items() for method in methods}
    assert found == named


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("verb", ["GET", "POST"])
def test_a_role_is_let_in_or_told_no(
    app: Flask, client_as: Callable[[str], Any], role: str, verb: str
) -> None:
    client = client_as(role)
    wrong = []
    for view, method, rule in admin_rules(app):
        if verb not in (rule.methods or set()):
            continue
        least = LEAST[view][method]
        may = least != CLOSED and ROLES.index(role) >= ROLES.index(least)
        status = ask(client, rule, verb)
        if (status == 403) == may or status in (401, 405, 500):
            wrong.append(f"{verb} {rule.rule}: {status}, {role} {'may' if may else 'may not'}")
    assert wrong == []


@pytest.mark.parametrize("verb", ["GET", "POST"])
def test_nobody_is_asked_to_sign_in(app: Flask, client: Any, verb: str) -> None:
    for _, _, rule in admin_rules(app):
        if verb in (rule.methods or set()):
            status = ask(client, rule, verb)
            assert status == (302 if verb == "GET" else 401), rule.rule


def test_a_post_of_nobody_says_what_happened(client: Any) -> None:
    response = client.post("/admin/payment/new/", data={"amount": "1"})
    assert response.status_code == 401
    assert "sign in" in response.text.lower()


def test_every_view_answers_a_refusal_in_our_own_words(client_as: Callable[[str], Any]) -> None:
    page = client_as("viewer").post("/admin/payment/delete/", data={"id": "1"})
    assert page.status_code == 403
    assert "Forbidden" not in page.text
