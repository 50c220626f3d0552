"""What the tick does each round: take up lost work, and throw away files that are no longer needed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from dashboard.documents.invoice_pdf import KEY_PREFIX
from dashboard.documents.store import store
from dashboard.operations import jobs

RESULTS_KEPT = dt.timedelta(days=7)
# Made again when somebody asks for them.
PAGES_KEPT = dt.timedelta(days=90)


def take_up_lost_jobs() -> None:
    jobs.revive()


def remove_old_files() -> None:
    store.remove_older("job-", RESULTS_KEPT)
    store.remove_older(KEY_PREFIX, PAGES_KEPT)


TASKS: tuple[Callable[[], object], ...] = (take_up_lost_jobs, remove_old_files)
