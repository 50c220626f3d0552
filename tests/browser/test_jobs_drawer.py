"""The drawer of jobs: open from page to page, progress, Cancel, Retry, the message when a job has ended."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import text

from dashboard.extensions import db
from dashboard.models import Job
from dashboard.operations import jobs
from tests.jobs.test_invoice_pdfs import many
from tests.support.access import check, expect_axe
from tests.support.books import fresh
from tests.support.waiting import wait_until

pytestmark = pytest.mark.browser


@pytest.fixture
def clerk(as_role: Callable[[str], Any]) -> Any:
    return as_role("clerk")


def begin(actor: Any, title: str = "PDFs of 40 invoices", total: int = 40, **params: Any) -> Job:
    return jobs.start(actor, "invoice_pdfs", title, params, total)


def held(job: Job, done: int = 0, seconds: int = 0) -> jobs.Claim:
    """A worker has it, since so many seconds."""
    claim = jobs.claim(job.id)
    assert claim is not None
    if seconds:
        db.session.execute(
            text(
                "UPDATE job SET started_at = now() - make_interval(secs => :s), history = jsonb_set(history,"
                " '{-1,began}', to_jsonb(now() - make_interval(secs => :s)))"
            ),
            {"s": seconds},
        )
        db.session.commit()
    jobs.progress(claim, done)
    return claim


def drawer(page: Page) -> Locator:
    return page.get_by_role("complementary", name="Jobs")


def toggle(page: Page) -> Locator:
    return page.get_by_role("banner").get_by_role("button", name=re.compile("^Jobs"))


def go(page: Page, path: str) -> None:
    page.goto(path)
    expect(page.locator("html[data-ready]")).to_be_attached()


def test_it_follows_from_page_to_page_and_tells_when_a_job_ends(
    page_as: Callable[..., Page], clerk: Any, page_watch: Any
) -> None:
    expect_axe(page_watch)
    job = begin(clerk)
    claim = held(job, done=10, seconds=30)
    page = page_as("clerk")
    go(page, "/admin/invoice/")
    expect(drawer(page)).to_be_hidden()
    expect(toggle(page)).to_have_accessible_name("Jobs, 1 running")
    expect(toggle(page)).to_have_attribute("aria-expanded", "false")
    toggle(page).click()
    expect(toggle(page)).to_have_attribute("aria-expanded", "true")
    item = drawer(page).get_by_role("listitem")
    expect(item).to_contain_text("10 of 40 · 25 %")
    expect(item).to_contain_text("about 1 min left")
    expect(item.get_by_role("progressbar", name="PDFs of 40 invoices")).to_have_attribute("value", "10")
    check(page)

    page.get_by_role("link", name="Payments", exact=True).click()
    page.wait_for_url("**/admin/payment/")
    expect(drawer(page)).to_be_visible()
    jobs.progress(claim, 20)
    expect(item).to_contain_text("20 of 40 · 50 %")
    jobs.finish(claim, 40, [])
    said = page.get_by_role("status").filter(has_text="PDFs of 40 invoices is done.")
    expect(said).to_be_visible()
    expect(said).to_have_attribute("aria-live", "polite")
    expect(toggle(page)).to_have_accessible_name("Jobs")
    expect(item).to_contain_text("Done")

    # Once: neither this page again nor another tells it again.
    go(page, "/admin/customer/")
    expect(item).to_contain_text("Done")
    expect(page.get_by_text("PDFs of 40 invoices is done.")).to_have_count(0)
    item.get_by_role("button", name="Dismiss PDFs of 40 invoices").click()
    expect(drawer(page)).to_contain_text("Nothing under way")
    expect(page.get_by_role("heading", name="Jobs", level=2)).to_be_focused()
    check(page)

    # Another tab has a drawer of its own, closed until it is opened there.
    other = page.context.new_page()
    go(other, "/admin/customer/")
    expect(drawer(other)).to_be_hidden()


def test_what_ended_meanwhile_is_told_on_the_next_page_once(page_as: Callable[..., Page], clerk: Any) -> None:
    job = begin(clerk)
    jobs.fail(held(job), "None of these invoices could be printed.", [])
    page = page_as("clerk")
    go(page, "/admin/payment/")
    said = page.get_by_role("status").filter(has_text="PDFs of 40 invoices failed: None of these")
    expect(said).to_be_visible()
    assert fresh(job).told_at is not None
    said.get_by_role("button", name="Show").click()
    page.wait_for_url(f"**/admin/job/details/?id={job.id}")
    expect(page.get_by_text("None of these invoices could be printed.").first).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="failed:")).to_have_count(0)


def test_cancel_and_retry_in_the_drawer(page_as: Callable[..., Page], clerk: Any, page_watch: Any) -> None:
    running, waiting = begin(clerk, "The first"), begin(clerk, "The second")
    claim = held(running, done=1)
    page = page_as("clerk")
    go(page, "/admin/payment/")
    toggle(page).click()
    expect(drawer(page)).to_contain_text("No worker is running")
    drawer(page).get_by_role("button", name="Cancel The second").click()
    second = drawer(page).get_by_role("listitem").filter(has_text="The second")
    expect(second).to_contain_text("Cancelled")
    expect(second).to_be_focused()
    drawer(page).get_by_role("button", name="Cancel The first").press("Enter")
    expect(drawer(page).get_by_role("listitem").filter(has_text="The first")).to_contain_text("Stopping…")
    with pytest.raises(jobs.Cancelled):
        jobs.progress(claim, 2)
    jobs.cancelled(claim)
    expect(page.get_by_role("status").filter(has_text="The first was cancelled.")).to_be_visible()
    second.get_by_role("button", name="Retry The second").click()
    expect(second).to_contain_text("Waiting for a worker")
    assert fresh(waiting).state == "queued"
    expect(toggle(page)).to_have_accessible_name("Jobs, 1 running")


def test_a_real_job_is_cancelled_from_another_page(
    page_as: Callable[..., Page], clerk: Any, worker_process: Any
) -> None:
    job = jobs.start(clerk, "invoice_pdfs", "PDFs of 400 invoices", {"ids": many(400, 6), "as": "zip"}, 400)
    page = page_as("clerk")
    go(page, "/admin/payment/")
    toggle(page).click()
    item = drawer(page).get_by_role("listitem")
    expect(item).to_contain_text(re.compile(r"[1-9]\d* of 400"), timeout=30_000)
    item.get_by_role("button", name="Cancel PDFs of 400 invoices").click()
    expect(item).to_contain_text("Cancelled", timeout=10_000)
    expect(item).to_contain_text("Nothing half-made was kept.")
    assert (fresh(job).state, fresh(job).result_id) == ("cancelled", None)


def test_by_the_keyboard(page_as: Callable[..., Page], clerk: Any) -> None:
    begin(clerk)
    page = page_as("clerk")
    go(page, "/admin/invoice/")
    toggle(page).press("Enter")
    expect(page.get_by_role("heading", name="Jobs", level=2)).to_be_focused()
    expect(drawer(page).get_by_role("listitem")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Close the jobs")).to_be_focused()
    page.keyboard.press("Tab")
    expect(drawer(page).get_by_role("link", name="PDFs of 40 invoices")).to_be_focused()
    # What is asked again keeps the focus where it is.
    with page.expect_response(lambda answer: "/job/drawer/" in answer.url):
        pass
    expect(drawer(page).get_by_role("link", name="PDFs of 40 invoices")).to_be_focused()
    # Esc belongs to what is on top.
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_hidden()
    expect(drawer(page)).to_be_visible()
    page.keyboard.press("Escape")
    expect(drawer(page)).to_be_hidden()
    expect(toggle(page)).to_be_focused()
    page.reload()
    expect(drawer(page)).to_be_hidden()


def test_it_asks_gently(page_as: Callable[..., Page], clerk: Any) -> None:
    """Again and again while a job lives, not at all when nothing runs, nor in a tab that nobody sees."""
    asked: list[str] = []
    page = page_as("clerk")
    page.on("request", lambda request: asked.append(request.url) if "/job/drawer/" in request.url else None)
    go(page, "/admin/payment/")
    toggle(page).click()
    expect(drawer(page)).to_contain_text("Nothing under way")
    page.wait_for_timeout(2500)
    assert len(asked) == 2, "when it was loaded, and when it was opened"
    job = begin(clerk)
    claim = held(job)
    page.evaluate("document.body.dispatchEvent(new Event('jobs'))")
    expect(drawer(page).get_by_role("listitem")).to_be_visible()
    page.wait_for_timeout(3500)
    assert 4 <= len(asked) <= 6
    hide = "Object.defineProperty(document, 'hidden', {value: %s, configurable: true});"
    page.evaluate(hide % "true")
    page.wait_for_timeout(1700)
    before = len(asked)
    page.wait_for_timeout(3000)
    assert len(asked) == before
    jobs.finish(claim, 40, [])
    page.evaluate(hide % "false" + "document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.get_by_role("status").filter(has_text="is done.")).to_be_visible()
    settled = len(asked)
    page.wait_for_timeout(2500)
    assert len(asked) == settled


@pytest.mark.parametrize("size", ["desktop", "phone"])
@pytest.mark.parametrize("dark", [False, True])
def test_it_fits_and_everybody_can_use_it(
    page_as: Callable[..., Page], clerk: Any, page_watch: Any, size: str, dark: bool
) -> None:
    expect_axe(page_watch)
    jobs.fail(
        held(begin(clerk, "A title so long that it has to go on in a second line, or even a third one")),
        "It is out of order.",
        [],
    )
    jobs.finish(held(begin(clerk, "Done")), 40, ["One was left out."])
    held(begin(clerk, "Running"), done=7, seconds=20)
    begin(clerk, "Waiting")
    page = page_as("clerk", size=size, dark=dark)
    go(page, "/admin/invoice/")
    toggle(page).click()
    expect(drawer(page).get_by_role("listitem")).to_have_count(4)
    check(page)
    page.get_by_role("button", name="Close the jobs").click()
    expect(drawer(page)).to_be_hidden()
    check(page)


def test_an_administrator_sees_who_does_the_work(
    page_as: Callable[..., Page], clerk: Any, page_watch: Any, worker_process: Any
) -> None:
    expect_axe(page_watch)
    job = begin(clerk, "Out of order", nothing="at all")
    wait_until(lambda: fresh(job).state == "failed", 30, "the worker gives it up")
    page = page_as("admin")
    expect_row = page.locator("#machines")
    go(page, "/admin/job/?tab=all")
    expect(expect_row.get_by_role("region", name="Workers")).to_contain_text("Idle")
    expect(expect_row.get_by_role("region", name="Ticks")).to_contain_text(
        "No schedule tick has been heard of."
    )
    expect(expect_row).to_contain_text("No schedule tick has been heard for two minutes")
    expect(page.get_by_role("region", name="Jobs, table")).to_contain_text("Failed", timeout=20_000)
    check(page)
    go(page, f"/admin/job/details/?id={job.id}")
    page.locator("#job").get_by_role("button", name="Retry").click()
    expect(page.locator("#job")).to_contain_text("Asked to try again", timeout=20_000)
    check(page)
    seen = page_as("manager")
    go(seen, "/admin/job/")
    expect(seen.locator("#machines")).to_have_count(0)
