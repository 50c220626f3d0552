"""`flask --app wsgi invoices import`: invoices from a file of their lines."""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import click
from flask.cli import AppGroup

from dashboard.commands.staff import refusals_in_words
from dashboard.operations.base import SYSTEM
from dashboard.operations.invoice_file import ISO_DATE, OPTIONAL, REQUIRED
from dashboard.operations.invoice_import import Options, Report, import_invoices
from dashboard.rules.money import format_money, parse_decimal

group = AppGroup("invoices", help="Invoices.")
SAY_EACH = 5.0


def _percent(context: click.Context, parameter: click.Parameter, value: str) -> Decimal:
    try:
        found = parse_decimal(value, places=4)
    except ValueError as fault:
        raise click.BadParameter(str(fault)) from fault
    if not 0 <= found <= 100:
        raise click.BadParameter("Use a percentage from 0 to 100.")
    return found


@group.command(
    "import",
    epilog=f"Fields that need a column: {', '.join(REQUIRED)}. Others: {', '.join(OPTIONAL)}.",
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path))
@click.option(
    "--columns",
    required=True,
    metavar="FIELD=HEADING,...",
    help="Which column holds what, such as number=InvoiceNo,customer=CustomerID,date=InvoiceDate,"
    "quantity=Quantity,unit_price=UnitPrice,description=Description.",
)
@click.option("--issue", is_flag=True, help="Number and issue each invoice; without it they stay drafts.")
@click.option("--dry-run", is_flag=True, help="Report what would happen, and change nothing.")
@click.option(
    "--date-format",
    default=ISO_DATE,
    show_default=True,
    help='How dates are written, such as "%m/%d/%y %H:%M".',
)
@click.option("--currency", help="The invoices' currency. By default the account's.")
@click.option(
    "--tax-percent", default="0", show_default=True, callback=_percent, help="Tax of lines without their own."
)
@click.option(
    "--customer-name",
    default="Customer {id}",
    show_default=True,
    help="What a customer is called whom the file gives no name.",
)
@click.option(
    "--namespace",
    default="file",
    show_default=True,
    help="Where the numbers come from; the same number from elsewhere is another invoice.",
)
def import_(
    *,
    file: Path,
    columns: str,
    issue: bool,
    dry_run: bool,
    date_format: str,
    currency: str | None,
    tax_percent: Decimal,
    customer_name: str,
    namespace: str,
) -> None:
    """Make invoices from FILE, a CSV with one row for each invoice line.

    Customers are found by their External Accounting ID and made where missing. An invoice with a faulty row
    is left out whole and reported by line. An invoice imported before is not touched, so that the same file
    can be imported again.
    """
    options = Options(
        columns, date_format, currency, tax_percent, customer_name, namespace, issue=issue, dry_run=dry_run
    )
    with refusals_in_words():
        report = import_invoices(SYSTEM.saying(f"Import of {file.name}"), file, options, progress=_progress())
    _tell(report, file, options)


def _progress() -> Callable[[Report], None]:
    """A sign of life on standard error while a long file is imported."""
    last = time.monotonic()

    def say(report: Report) -> None:
        nonlocal last
        if time.monotonic() - last > SAY_EACH:
            last = time.monotonic()
            click.echo(f"... {report.invoices + report.unchanged:,} invoices", err=True)

    return say


def _tell(report: Report, file: Path, options: Options) -> None:
    click.echo(f"{file.name}: {report.lines:,} lines.")
    if report.left_out:
        click.echo("Left out:")
        for row in report.left_out:
            click.echo(f"  {row}")
    done = "Would make" if options.dry_run else "Made"
    kind = "invoices" if options.issue else "drafts"
    totals = ", ".join(format_money(sum_, code, code=True) for code, sum_ in sorted(report.totals.items()))
    of = f" of {totals}" if totals else ""
    click.echo(
        f"{done} {report.invoices:,} {kind} with {report.invoice_lines:,} lines{of}, "
        f"and {len(report.new_customers):,} customers."
    )
    click.echo(f"Here already, unchanged: {report.unchanged:,}.")
