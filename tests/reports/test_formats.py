"""A Schedule Report in each of its formats, opened again and held against the Breakout page."""

from __future__ import annotations

import datetime as dt

import pytest

from dashboard.extensions import db
from dashboard.operations import report_made
from dashboard.queries import breakout_file
from dashboard.queries.breakout import DIMENSIONS, Ask
from dashboard.rules.figures import clock
from dashboard.rules.money import format_price
from dashboard.rules.periods import period_of
from tests.support import pdf
from tests.support.reports import (
    OCTOBER,
    content,
    figures,
    leaves,
    lines,
    mails_of,
    make_schedule,
    of_csv,
    of_html,
    of_xlsx,
    put_usage,
    run_for,
)

pytestmark = pytest.mark.usefixtures("app")

GROUPINGS = [
    ("customer",),
    ("customer", "destination"),
    ("provider", "customer"),
    ("destination", "provider_destination", "day"),
    ("month", "week", "customer", "provider"),
]


def on_page(groups, **more):
    """The rows of the page, in an order of their own."""
    return sorted(str(figures(node)) for _, node in leaves(groups, **more))


def in_file(rows, groups):
    labels = {DIMENSIONS[name].label for name in groups}
    return sorted(
        str({head: text for head, text in line.items() if head not in labels}) for line in lines(rows)
    )


@pytest.mark.parametrize("groups", GROUPINGS, ids=" ".join)
@pytest.mark.parametrize(("kind", "opened"), [("csv", of_csv), ("xlsx", of_xlsx)])
def test_a_file_has_the_figures_of_the_page(kind, opened, groups):
    put_usage()
    run = run_for(make_schedule(groups=list(groups), format=kind))
    assert (run.state, run.error) == ("done", None)
    rows = opened(content(run))
    assert rows[0][: len(groups)] == [DIMENSIONS[name].label for name in groups]
    assert in_file(rows, groups) == on_page(groups)
    assert len(rows) - 1 == run.made["count"] > 0


@pytest.mark.parametrize("groups", GROUPINGS, ids=" ".join)
def test_breakouts_own_file_has_the_rows_of_its_page(groups):
    put_usage()
    rows = of_csv(b"".join(breakout_file.csv_chunks(Ask(OCTOBER.start, OCTOBER.last, groups))))
    at = rows[0].index("Billed Duration")
    assert in_file([[*row[:at], *row[at + 1 :]] for row in rows], groups) == on_page(groups)


@pytest.mark.parametrize("groups", GROUPINGS, ids=" ".join)
def test_the_mail_has_the_figures_of_the_page(groups):
    put_usage()
    run = run_for(make_schedule(groups=list(groups), format="html"))
    (mail,) = mails_of(run)
    rows = of_html(mail.html)
    wanted = leaves(groups)
    sums = [row for row in rows if "Total" in row]
    assert len(rows) == 1 + len(wanted) + len(sums)
    at = rows[0].index("Duration")
    assert sorted(row[at] for row in rows[1:] if row not in sums) == sorted(
        clock(node.figures.duration) if node.figures.duration else "–" for _, node in wanted
    )
    # Two customers' currencies, the first with costs in two.
    assert len(sums) == 3
    assert content(run).decode() == mail.html
    assert [one.filename for one in mail.attachments] == []


def test_labels_are_those_of_the_page():
    put_usage()
    groups = ("customer", "destination", "month")
    run = run_for(make_schedule(groups=list(groups), format="html"))
    shown = {tuple(row[:3]) for row in of_html(mails_of(run)[0].html)[1:] if "Total" not in row}
    assert shown == {tuple(labels) for labels, _ in leaves(groups)}


def test_a_pdf_has_the_rows_and_sums_of_the_page():
    put_usage()
    groups = ("customer", "destination")
    run = run_for(make_schedule(groups=list(groups), format="pdf", name="Grüße an alle"))
    assert (run.state, run.error) == ("done", None)
    said = pdf.said(content(run))
    for head in ("CustomerCharge", "ProfitPercent", "GrüßeanalleExample".removesuffix("Example")):
        assert head in said
    for _, node in leaves(groups):
        assert format_price(node.figures.charge, node.currency).replace("\xa0", "") in said
    assert "=Acorn<b>Example</b>" in said
    assert "Page1of1" in said


def test_a_long_pdf_has_its_head_on_every_page_and_every_row_once():
    customer, _, _ = put_usage()
    from tests.support.usage_rows import put_call

    names = [f"Destination {n:03} of a name that is rather long" for n in range(130)]
    for n, name in enumerate(names):
        put_call(customer, dt.datetime(2025, 10, 1 + n % 30, 9, tzinfo=dt.UTC), destination=name)
    db.session.commit()
    run = run_for(make_schedule(format="pdf"))
    pages = ["".join(page.split()) for page in pdf.pages(content(run))]
    assert len(pages) > 4
    assert all(
        "CustomerDestination" in page and f"Page{at}of{len(pages)}" in page
        for at, page in enumerate(pages, 1)
    )
    whole = "".join(pages)
    assert all(whole.count("".join(name.split())) == 1 for name in names)


def test_columns_stand_as_chosen_each_amount_beside_its_currency():
    put_usage()
    chosen = ["attempts", "customer", "profit"]
    run = run_for(make_schedule(groups=["day", "customer"], columns=chosen))
    rows = of_csv(content(run))
    assert rows[0] == ["Day", "Attempts", "Customer", "Profit", "Customer Currency"]
    assert all(row[0] == "2025-10-14" for row in rows[1:])


def test_rows_are_not_parted_by_what_is_not_shown():
    put_usage()
    run = run_for(make_schedule(groups=["month"], columns=["attempts", "asr"]))
    assert of_csv(content(run)) == [["Month", "Attempts", "ASR"], ["2025-10-01", "5", "80.00"]]
    run = run_for(make_schedule(groups=["month"], columns=["customer_charge", "attempts"]))
    assert [row[1:] for row in of_csv(content(run))[1:]] == [
        ["120.000000", "JPY", "1"],
        ["1236.567800", "USD", "4"],
    ]


def test_customers_and_providers_chosen_are_the_only_ones():
    acorn, birch, carrier = put_usage()
    more = {"customers": (acorn.id,), "providers": (carrier.id,)}
    schedule = make_schedule(
        groups=["customer"], customer_ids=[acorn.id, birch.id], provider_ids=[carrier.id]
    )
    rows = of_csv(content(run_for(schedule)))
    assert in_file(rows, ("customer",)) == on_page(("customer",), **more)
    assert rows[1][0] == "'=Acorn <b>Example</b>"


def test_no_text_is_a_formula_or_markup():
    put_usage()
    texts = of_csv(content(run_for(make_schedule())))
    assert all(not cell.startswith(("=", "+", "@")) for row in texts for cell in row)
    assert any("=2+2 Land" in row for row in of_xlsx(content(run_for(make_schedule(format="xlsx")))))
    html = mails_of(run_for(make_schedule(format="html", name="<script>")))[0].html
    assert "<b>" not in html
    assert "<script>" not in html
    assert "&lt;b&gt;" in html
    assert "<style" not in html


@pytest.mark.parametrize("kind", ["csv", "xlsx", "pdf", "html"])
def test_a_period_without_usage_is_sent_saying_so(kind):
    put_usage()
    july = period_of("monthly", dt.date(2025, 7, 1))
    run = run_for(make_schedule(format=kind), july)
    assert (run.state, run.made["count"]) == ("done", 0)
    (mail,) = mails_of(run)
    assert "nothing to report" in mail.body
    assert content(run)
    assert "there was no usage" in run.log[-1]


def test_a_report_too_long_for_a_mail_comes_as_csv_with_it(monkeypatch):
    put_usage()
    monkeypatch.setattr(report_made, "MOST_HTML", 2)
    run = run_for(make_schedule(format="html"))
    (mail,) = mails_of(run)
    count = len(leaves(("customer", "destination")))
    assert f"These are the first 2 of {count} rows" in mail.html
    assert len(of_csv(content(run))) == 1 + count
    (file,) = mail.attachments
    assert file.document_id == run.document_id
    assert run.made["filename"] == file.filename == "usage-by-customer-2025-10-01-to-2025-10-31.csv"


@pytest.mark.parametrize(("kind", "most"), [("pdf", "MOST_PDF"), ("xlsx", "MOST_XLSX")])
def test_a_format_that_cant_hold_it_says_so(monkeypatch, kind, most):
    put_usage()
    monkeypatch.setattr(report_made, most, 2)
    run = run_for(make_schedule(format=kind))
    assert run.state == "failed"
    assert "Choose CSV" in run.error
    assert mails_of(run) == []
    assert OCTOBER.start == run.period_start
