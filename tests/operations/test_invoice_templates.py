"""Templates of the account's own: versions, trial before saving, and who may."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from dashboard.documents.invoice_template import stock_source
from dashboard.extensions import db
from dashboard.models import AuditEntry, InvoiceTemplate
from dashboard.operations import customer_import, customers, invoice_templates, settings
from dashboard.operations.base import SYSTEM
from dashboard.operations.csv_file import read_table
from dashboard.operations.customer_columns import COLUMNS
from dashboard.operations.errors import Duplicate, Forbidden, Invalid, Missing, Refused, Stale
from dashboard.queries import invoice_templates as queries
from dashboard.queries.settings import current
from tests.support.books import at_once, fresh, make_customer, make_issued

pytestmark = pytest.mark.usefixtures("app")
HTML = "<html><body>{{ invoice.number }} {{ money(totals.due) }}</body></html>"


@pytest.fixture
def admin(as_role):
    return as_role("admin")


@pytest.fixture
def template(admin) -> InvoiceTemplate:
    return invoice_templates.create(admin, {"name": "House style", "based_on": "compact"})


def refused(act) -> str:
    with pytest.raises(Invalid) as caught:
        act()
    db.session.rollback()
    return str(caught.value)


def create(name: str, based_on: str = "standard") -> InvoiceTemplate:
    return invoice_templates.create(SYSTEM, {"name": name, "based_on": based_on})


def notes(template: InvoiceTemplate) -> list[tuple[int, str, str]]:
    return [(one.number, one.note, one.created_by_name) for one in queries.versions(template.id)]


def test_it_begins_as_a_copy_of_a_stock_one(template, admin):
    assert template.html == stock_source("compact")
    assert template.key.startswith("own-")
    assert notes(template) == [(1, "Copy of Compact", admin.name)]


def test_names_are_taken_once():
    create("House style")
    for name in ("house STYLE", "Standard", "compact"):
        said = refused(lambda name=name: create(name))
        assert said == f"There is a template named {name} already."
    assert "Fill this in" in refused(lambda: create(" "))
    assert "not a choice" in refused(lambda: create("A", "own-1"))


def test_sent_twice_it_is_one(admin):
    values = {"name": "House style", "based_on": "standard"}
    made = invoice_templates.create(admin, values, form_key="k")
    with pytest.raises(Duplicate) as caught:
        invoice_templates.create(admin, values, form_key="k")
    assert caught.value.result == f"invoice_template:{made.id}"


def test_every_change_of_html_is_a_version(template, admin):
    invoice_templates.update(admin, template.id, {"html": HTML, "note": "Shorter"})
    invoice_templates.update(admin, template.id, {"html": HTML, "note": "Nothing new"})
    invoice_templates.update(admin, template.id, {"name": "Our style"})
    assert [row[:2] for row in notes(template)] == [(2, "Shorter"), (1, "Copy of Compact")]
    assert (fresh(template).html, fresh(template).name) == (HTML, "Our style")


def test_windows_line_ends_are_no_change(template, admin):
    invoice_templates.update(admin, template.id, {"html": template.html.replace("\n", "\r\n")})
    assert len(notes(template)) == 1


def test_restore_and_reset_are_versions_too(template, admin):
    invoice_templates.update(admin, template.id, {"html": HTML})
    invoice_templates.restore(admin, template.id, 1)
    assert fresh(template).html == stock_source("compact")
    invoice_templates.restore(admin, template.id, 2)
    invoice_templates.reset(admin, template.id)
    assert fresh(template).html == stock_source("compact")
    said = [note for _, note, _ in notes(template)]
    assert said == ["Reset to Compact", "Version 2 restored", "Version 1 restored", "", "Copy of Compact"]
    with pytest.raises(Missing):
        invoice_templates.restore(admin, template.id, 99)


def test_a_version_that_would_not_print_today_is_not_restored(template, admin):
    queries.version(template.id, 1).html = "{{ 1 / 0 }}"
    invoice_templates.update(admin, template.id, {"html": HTML})
    with pytest.raises(Refused, match=r"Version 1 can't be restored. Line 1: Division by zero."):
        invoice_templates.restore(admin, template.id, 1)
    assert fresh(template).html == HTML


@pytest.mark.parametrize(
    ("html", "said"),
    [
        ("", "Write the template"),
        ("x" * 100_001, "Use at most 100,000 characters"),
        ("a\x00b", "control character"),
        ("\n\n{% if %}", "Line 3: Expected an expression"),
        ("{{ invoice.nummber }}", "Line 1: There is no “nummber” here. Did you mean “number”?"),
        (
            "\n{{ lines[0].net }}",
            "Line 2: The list has no “0”; it has 0 entries, and a loop goes through them.",
        ),
        ("<p>\n<script>1</script>", "Line 2: <script> can't be used"),
        ('<img src="http://example.com/x.png">', "Line 1: An address outside the page"),
        ("<div style='height:9000000px'></div>", "could not be made into a PDF"),
    ],
)
def test_what_does_not_print_is_refused_with_line_and_reason(template, admin, html, said):
    assert said in refused(lambda: invoice_templates.update(admin, template.id, {"html": html}))
    assert fresh(template).html == stock_source("compact")
    assert len(notes(template)) == 1


def test_without_a_renderer_it_can_still_be_written(template, admin, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    invoice_templates.update(admin, template.id, {"html": HTML})
    assert fresh(template).html == HTML


def test_two_who_edit_at_once(template, admin):
    version = template.version
    invoice_templates.update(admin, template.id, {"html": HTML}, version=version)
    with pytest.raises(Stale):
        invoice_templates.update(admin, template.id, {"html": HTML + " "}, version=version)
    assert fresh(template).html == HTML


def test_versions_at_the_same_moment_have_numbers_of_their_own(app, template):
    key = template.id
    made = at_once(
        app,
        [lambda n=n: invoice_templates.update(SYSTEM, key, {"html": f"{HTML}<p>{n}</p>"}) for n in range(4)],
    )
    assert not any(isinstance(one, Exception) for one in made)
    assert [number for number, *_ in notes(template)] == [5, 4, 3, 2, 1]


def test_one_in_use_is_not_deleted(template, admin):
    for name in ("Acorn Example", "Birch Example", "Cedar Example", "Dogwood Example"):
        make_customer(name, invoice_template=template.key)
    settings.update(admin, {"invoice_template": "House style"})
    with pytest.raises(Refused) as caught:
        invoice_templates.delete(admin, template.id)
    assert str(caught.value) == (
        "House style can't be deleted, because it is used by the account (Setup > Settings), Acorn Example,"
        " Birch Example, Cedar Example, 1 more. Choose another template there first."
    )
    assert fresh(template) is not None


def test_one_that_nobody_uses_is_deleted_with_its_versions(template, admin):
    key = template.id
    invoice_templates.delete(admin, key)
    assert db.session.get(InvoiceTemplate, key) is None
    assert queries.versions(key) == []


@pytest.mark.parametrize("role", ["viewer", "clerk", "manager"])
def test_only_admins_write_them(template, as_role, role):
    actor = as_role(role)
    for act in (
        lambda: invoice_templates.create(actor, {"name": "A", "based_on": "standard"}),
        lambda: invoice_templates.update(actor, template.id, {"html": HTML}),
        lambda: invoice_templates.restore(actor, template.id, 1),
        lambda: invoice_templates.reset(actor, template.id),
        lambda: invoice_templates.delete(actor, template.id),
    ):
        with pytest.raises(Forbidden):
            act()


@pytest.mark.parametrize("written", ["House style", "HOUSE STYLE", None])
def test_a_customer_chooses_it_by_name_or_key(template, clerk, written):
    customer = make_customer()
    customers.update(clerk, customer.id, {"invoice_template": written or template.key})
    assert fresh(customer).invoice_template == template.key
    customers.update(clerk, customer.id, {"invoice_template": ""})
    assert fresh(customer).invoice_template is None
    said = refused(lambda: customers.update(clerk, customer.id, {"invoice_template": "Nobody's"}))
    assert said == '"Nobody\'s" is not a choice here. Use one of: Standard, Compact, House style.'


def test_the_account_chooses_it(template, admin):
    settings.update(admin, {"invoice_template": template.key})
    assert current().invoice_template == template.key
    assert "Choose one" in refused(lambda: settings.update(admin, {"invoice_template": ""}))


def test_a_file_of_customers_names_it(template, clerk):
    text = b"name,currency,invoice template\nAcorn Example,USD,house style\nBirch Example,USD,Nope\n"
    table = read_table(text, most_rows=100)
    plan = customer_import.IMPORT.plan(table, COLUMNS.guess(table.header))
    assert [(fault.row, fault.field) for fault in plan.faults] == [(3, "Invoice Template")]


def test_an_issued_invoice_keeps_its_template(template):
    customer = make_customer(invoice_template=template.key)
    paper = make_issued(customer)
    assert paper.snapshot["template"] == template.key
    customers.update(SYSTEM, customer.id, {"invoice_template": "standard"})
    assert fresh(paper).snapshot["template"] == template.key


def test_the_audit_log_says_who_and_by_name(template, admin):
    entry = db.session.scalar(
        select(AuditEntry).where(AuditEntry.table_name == "invoice_template").order_by(AuditEntry.id.desc())
    )
    assert entry.actor_name == admin.name
    assert "html" not in entry.changes
    assert queries.TEMPLATE_NAMES[template.key] == "House style"
