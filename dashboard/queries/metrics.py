"""The figures that machines read, counted from the books at the moment they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import text

from dashboard.extensions import db

# Upper ends of the durations that jobs are counted by, in seconds.
SECONDS = (1, 5, 15, 60, 300, 900, 3600, 21600)

JOBS = "SELECT kind, state, count(*) FROM job GROUP BY 1, 2 ORDER BY 1, 2"
# A try that was followed by another one counts, too, so that these only ever grow.
ATTEMPTS = """
SELECT j.kind, e.entry ->> 'state', count(*)
FROM job AS j CROSS JOIN LATERAL jsonb_array_elements(j.history) AS e (entry)
WHERE e.entry ->> 'state' IN ('done', 'failed', 'cancelled', 'lost', 'stopped')
GROUP BY 1, 2 ORDER BY 1, 2
"""
DURATIONS = f"""
SELECT kind, {", ".join(f"count(*) FILTER (WHERE took <= {end})" for end in SECONDS)}, count(*), sum(took)
FROM (
    SELECT kind, extract(epoch FROM finished_at - started_at) AS took FROM job
    WHERE state = 'done' AND started_at IS NOT NULL
) AS ended GROUP BY 1 ORDER BY 1
"""  # noqa: S608 - whole numbers of ours
MAILS = "SELECT state, count(*) FROM mail GROUP BY 1 ORDER BY 1"
RUNS = "SELECT state, count(*) FROM schedule_run GROUP BY 1 ORDER BY 1"
INVOICES = "SELECT origin, state, count(*) FROM invoice GROUP BY 1, 2 ORDER BY 1, 2"
LONGEST_MS = 10_000


def rows(statement: str) -> Sequence[Any]:
    """What a statement of this module finds, in ten seconds at most."""
    db.session.execute(text(f"SET LOCAL statement_timeout = {LONGEST_MS}"))
    return db.session.execute(text(statement)).all()
