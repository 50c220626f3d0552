"""What the tick does each round: take up lost work, throw away files that are no longer needed, charge
accounts for packages, have mail sent that is due."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from dashboard.documents.invoice_pdf import KEY_PREFIX
from dashboard.documents.own_invoice import PREVIEW_PREFIX
from dashboard.documents.store import store
from dashboard.operations import (
    book_sums,
    jobs,
    notices,
    package_charges,
    reminders,
    report_runs,
    schedule_align,
    schedule_runs,
    usage_imports,
    usage_load,
)
from jobs import mails

RESULTS_KEPT = dt.timedelta(days=7)
# Made again when somebody asks for them.
PAGES_KEPT = dt.timedelta(days=90)
PREVIEWS_KEPT = dt.timedelta(hours=2)


def take_up_lost_jobs() -> None:
    jobs.revive()


def remove_old_files() -> None:
    store.remove_older("job-", RESULTS_KEPT)
    store.remove_older(KEY_PREFIX, PAGES_KEPT)
    store.remove_older(PREVIEW_PREFIX, PREVIEWS_KEPT)
    store.remove_older(usage_imports.KEY_PREFIX, usage_imports.KEPT_FOR)
    store.remove_older(report_runs.KEY_PREFIX, report_runs.KEPT_FOR)


def charge_packages() -> None:
    """Auto Decrement Credit: charges to the account that are due."""
    package_charges.charge_accounts()


def fold_book_sums() -> None:
    book_sums.fold()


TASKS: tuple[Callable[[], object], ...] = (
    take_up_lost_jobs,
    remove_old_files,
    charge_packages,
    reminders.send_due,
    notices.send_due,
    mails.call_for_due,
    usage_load.finish_months,
    # What is due by schedule becomes runs, and runs that wait find a worker.
    schedule_align.align_missing,
    schedule_runs.recover,
    schedule_runs.take_due,
    schedule_runs.ensure_jobs,
    fold_book_sums,
)
