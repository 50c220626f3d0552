"""Many PDFs from the list of invoices: the dialog, the progress, the file; cancelling; the drawer."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from dashboard.extensions import db
from dashboard.models import Job
from tests.jobs.test_invoice_pdfs import many
from tests.support.access import check, expect_axe
from tests.support.books import line, make_customer, make_draft, make_issued
from tests.support.pdf import pages
from tests.support.waiting import wait_until

pytestmark = pytest.mark.browser


@pytest.fixture
def books(staff: dict[str, Any]) -> list[Any]:
    customer = make_customer("Harbour Line Example Ltd")
    return [*(make_issued(customer, str(100 + at)) for at in range(3)), make_draft(customer, line())]


def ask_for_pdfs(page: Page, shape: str = "One ZIP with a PDF each") -> None:
    """Everything on the list, by the check-box of its head."""
    page.goto("/admin/invoice/")
    expect(page.locator("html[data-ready]")).to_be_attached()
    page.locator("[data-pick-all]").check()
    page.get_by_role("button", name="Download PDFs", exact=True).click()
    dialog = page.get_by_role("dialog", name="Download PDFs")
    expect(dialog).to_contain_text("4 invoices")
    dialog.get_by_label("Result").select_option(label=shape)
    dialog.get_by_role("button", name="Download PDFs").click()
    page.wait_for_url("**/admin/job/details/**")


def fetched(page: Page, folder: Path) -> Path:
    link = page.get_by_role("link", name=re.compile("^Download Invoices-"))
    expect(link).to_be_visible(timeout=30_000)
    with page.expect_download() as loading:
        link.click()
    path = folder / loading.value.suggested_filename
    loading.value.save_as(path)
    return path


def job() -> Job:
    db.session.rollback()
    return db.session.query(Job).one()


def test_the_rows_chosen_become_one_zip(
    page_as: Callable[..., Page], books: list[Any], worker_process: Any, tmp_path: Path
) -> None:
    page = page_as("clerk")
    ask_for_pdfs(page)
    expect(page.get_by_role("heading", name="PDFs of 4 invoices")).to_be_visible()
    path = fetched(page, tmp_path)
    assert re.fullmatch(rf"Invoices-\d{{4}}-\d\d-\d\d-{job().id}\.zip", path.name)
    expect(page.get_by_text("4 of 4 done")).to_be_visible()
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        names = [f"{paper.number}.pdf" for paper in books[:3]] + [f"Draft-{books[3].id}.pdf"]
        assert sorted(archive.namelist()) == sorted(names)
        for paper, total in zip(books[:3], ("$100.00", "$101.00", "$102.00"), strict=True):
            assert total in pages(archive.read(f"{paper.number}.pdf"))[0]


def test_or_one_pdf_with_all_of_them(
    page_as: Callable[..., Page], books: list[Any], worker_process: Any, tmp_path: Path
) -> None:
    page = page_as("clerk")
    ask_for_pdfs(page, "One PDF with all of them")
    path = fetched(page, tmp_path)
    assert path.suffix == ".pdf"
    assert len(pages(path.read_bytes())) == 4


def test_a_job_is_followed_about_and_cancelled(
    page_as: Callable[..., Page], staff: dict[str, Any], page_watch: Any
) -> None:
    """No worker is there yet, so it waits: the drawer shows it on every page, and Cancel ends it."""
    expect_axe(page_watch)
    customer = make_customer()
    for _ in range(4):
        make_draft(customer)
    page = page_as("clerk")
    ask_for_pdfs(page)
    expect(page.get_by_text("Waiting for a worker")).to_be_visible()
    check(page)
    page.goto("/admin/payment/")
    page.get_by_role("button", name="Jobs, 1 running").click()
    page.get_by_role("complementary", name="Jobs").get_by_role("link", name="PDFs of 4 invoices").click()
    page.wait_for_url("**/admin/job/details/**")
    page.locator("#job").get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("The job was cancelled. Nothing half-made was kept.")).to_be_visible()
    expect(page.locator("#job").get_by_role("button", name="Retry")).to_be_visible()
    check(page)
    page.goto("/admin/payment/")
    expect(page.get_by_role("button", name="Jobs", exact=True)).to_be_visible()
    assert job().state == "cancelled"


def test_a_running_job_shows_its_progress_and_stops(
    page_as: Callable[..., Page], staff: dict[str, Any], as_role: Any, worker_process: Any
) -> None:
    from dashboard.operations import jobs

    ids = many(400, 6)
    started = jobs.start(
        as_role("clerk"), "invoice_pdfs", "PDFs of 400 invoices", {"ids": ids, "as": "zip"}, 400
    )
    page = page_as("clerk")
    page.goto(f"/admin/job/details/?id={started.id}")
    bar = page.locator("#job").get_by_role("progressbar")
    expect(bar).to_be_visible()
    wait_until(lambda: job().done > 0, 30, "the job is under way")
    expect(page.locator("#job").get_by_text(re.compile(r"\d+ of 400"))).to_be_visible()
    page.locator("#job").get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("The job was cancelled. Nothing half-made was kept.")).to_be_visible(
        timeout=10_000
    )
    found = job()
    assert (found.state, found.result_id) == ("cancelled", None)
    assert 0 < found.done < 400
