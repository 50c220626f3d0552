"""Two-step sign-in and the settings' own helpers, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from passlib.totp import TOTP
from playwright.sync_api import Page, expect

from dashboard.extensions import db
from dashboard.models import Staff
from dashboard.operations import settings
from dashboard.operations import sign_in as tries
from tests.browser.test_theme import check, ready
from tests.support.mail import Mailbox
from tests.support.staff import PASSWORD, email_of

pytestmark = pytest.mark.browser


def turn_on(page: Page) -> TOTP:
    """Set two-step sign-in up as the page says; the answer is the telephone."""
    page.goto("/admin/account/")
    page.get_by_role("link", name="Set up").click()
    page.get_by_label("Use an authenticator app").check()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_alt_text("Code to scan with an authenticator app")).to_be_visible()
    phone = TOTP(key=re.sub("[ -]", "", page.locator(".secret").inner_text()))
    page.get_by_label("Code", exact=True).fill(phone.generate().token)
    page.get_by_role("button", name="Turn on").click()
    page.wait_for_url("**/admin/account/")
    return phone


def next_code(phone: TOTP, member: Staff) -> str:
    """A code works once: the one after the last that was taken."""
    db.session.expire_all()
    used = tries.last_code(member.id)
    assert used is not None
    return str(phone.generate(time=(used + 1) * 30).token)


def test_two_step_sign_in_from_the_account_page(
    page_as: Callable[..., Page], page: Page, staff: dict[str, Any]
) -> None:
    own = page_as("clerk")
    phone = turn_on(own)
    expect(own.get_by_role("heading", name="Two-step sign-in")).to_contain_text("On")
    own.get_by_role("link", name="Recovery codes").click()
    own.get_by_role("button", name="Make new codes").click()
    expect(own.locator(".secret li")).to_have_count(8)

    page.goto("/login?next=/admin/account/")
    page.get_by_label("E-mail").fill(email_of("clerk"))
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Enter your code")).to_be_visible()
    page.get_by_label("Code", exact=True).fill("000000")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("This code is not right")).to_be_visible()
    page.get_by_label("Code", exact=True).fill(next_code(phone, staff["clerk"]))
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url("**/admin/account/")
    page.locator("summary.account").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/login")


def test_a_form_outlives_its_session_with_two_steps_too(
    page_as: Callable[..., Page], staff: dict[str, Any], page_watch: Any
) -> None:
    page_watch.allow("status of 401")
    page = page_as("clerk")
    phone = turn_on(page)
    page.goto("/admin/customer/new/")
    ready(page)
    page.get_by_label("Name", exact=True).fill("Kept Example Ltd")
    page.context.clear_cookies()
    page.get_by_role("button", name="Save").click()
    dialog = page.locator("dialog#sign-in")
    dialog.get_by_label("E-mail").fill(email_of("clerk"))
    dialog.get_by_label("Password").fill(PASSWORD)
    dialog.get_by_role("button", name="Sign in").click()
    dialog.get_by_label("Code", exact=True).fill(next_code(phone, staff["clerk"]))
    dialog.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Kept Example Ltd")).to_be_visible()


def test_the_test_e_mail_answers_beside_its_button(
    page_as: Callable[..., Page], smtp_server: Mailbox
) -> None:
    page = page_as("admin")
    page.goto("/admin/setting/")
    ready(page)
    expect(page.locator("#next-number")).to_contain_text("The next invoice would be INV-")
    page.get_by_label("Invoice Number").fill("EX-{seq:03}")
    expect(page.locator("#next-number")).to_have_text("The next invoice would be EX-001.")
    page.get_by_label("Company Name").fill("Example Telecom Ltd")
    page.get_by_role("button", name="Test Email").click()
    expect(page.locator("#test-result")).to_contain_text("There is no mail server yet")
    page.get_by_label("Mail Server").fill(smtp_server.host)
    page.get_by_label("Port", exact=True).fill(str(smtp_server.port))
    page.get_by_label("Security", exact=True).select_option("none")
    page.get_by_label("Sent From").fill("billing@example.com")
    page.get_by_role("button", name="Test Email").click()
    expect(page.locator("#test-result")).to_contain_text("took the test for admin@example.com")
    assert len(smtp_server.messages) == 1
    expect(page.get_by_label("Company Name")).to_have_value("Example Telecom Ltd")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The settings were saved.")).to_be_visible()
    expect(page.get_by_label("Company Name")).to_have_value("Example Telecom Ltd")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_no_serious_fault_of_access_and_nothing_too_wide(
    page_as: Callable[..., Page], actor: Any, staff: dict[str, Any], page_watch: Any, size: str, dark: bool
) -> None:
    # axe measures with a style element of its own, which the policy rightly refuses; it has no source file.
    page_watch.allow("style-src-elem refused inline at :", "Applying inline style violates")
    settings.update(actor.saying("First set-up"), {"company_name": "Example Telecom Ltd"})
    page = page_as("admin", size=size, dark=dark)
    for address in (
        "/admin/setting/",
        "/admin/staff/",
        "/admin/staff/new/",
        f"/admin/staff/details/?id={staff['clerk'].id}",
        "/admin/audit/",
        "/admin/audit/?since=x",
        "/admin/account/",
        "/change",
        "/tf-setup",
        "/mf-recovery-codes",
        "/verify",
    ):
        page.goto(address)
        ready(page)
        check(page)
