"""Who is there to do the work: workers and ticks, by the signs of life they write into the database.

Every web machine sees the same, whatever machine they run on.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Interval, func, select, type_coerce

from dashboard.extensions import db
from dashboard.models import Heartbeat

# Without a sign of life for so long, a process counts as gone.
SILENT = dt.timedelta(minutes=2)
# A tick whose round takes longer hangs in a task.
LONGEST_ROUND = dt.timedelta(minutes=10)

NO_WORKER = (
    "No worker has been heard for two minutes: imports, billing runs, many PDFs and mail wait until one runs."
)
NO_TICK = (
    "No schedule tick has been heard for two minutes: schedules do not run and lost work is not taken up"
    " until one runs."
)


@dataclass(frozen=True)
class Warning:
    """Something that does not run, in a clerk's words. `kind` is "worker" or "tick"."""

    kind: str
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Pulse:
    """One process and when it was last heard, by the database's clock."""

    name: str
    kind: str
    machine: str
    pid: int
    state: str
    job_id: int | None
    doing: str
    at: dt.datetime
    since: dt.datetime | None
    started_at: dt.datetime | None
    round_at: dt.datetime | None
    silence: dt.timedelta

    @property
    def heard(self) -> bool:
        """It is there, as far as anybody knows."""
        return self.state != "stopped" and self.silence < SILENT

    @property
    def shown(self) -> str:
        """Its state for the reader: a silent one is not called idle."""
        return self.state if self.state == "stopped" or self.heard else "silent"

    @property
    def seconds(self) -> int:
        return max(0, int(self.silence.total_seconds()))


def workers() -> Sequence[Pulse]:
    """Every worker that was heard lately, those that are there first."""
    return _of("worker")


def ticks() -> Sequence[Pulse]:
    return _of("tick")


def warnings() -> list[Warning]:
    """What staff should know: nothing is carried out, or nothing comes by itself."""
    found = []
    # One that was stopped a moment ago may be coming back.
    if not any(one.silence < SILENT for one in workers()):
        found.append(Warning("worker", NO_WORKER))
    here = [one for one in ticks() if one.silence < SILENT]
    if not here:
        found.append(Warning("tick", NO_TICK))
    elif all(hangs(one) for one in here):
        stuck = here[0]
        found.append(
            Warning(
                "tick",
                f"The schedule tick on {stuck.machine or 'its machine'} has been at one task"
                f" ({stuck.doing.replace('_', ' ')}) for more than ten minutes: what comes after it waits.",
            )
        )
    return found


def hangs(one: Pulse) -> bool:
    """A tick that lives but has been at one task for too long."""
    if one.state != "busy" or one.since is None:
        return False
    return one.at + one.silence - one.since > LONGEST_ROUND


def _of(kind: str) -> Sequence[Pulse]:
    rows = db.session.execute(
        select(Heartbeat, type_coerce(func.now() - Heartbeat.at, Interval).label("silence"))
        .where(Heartbeat.kind == kind)
        .order_by(Heartbeat.machine, Heartbeat.started_at, Heartbeat.name)
        .execution_options(populate_existing=True)
    ).all()
    found = [
        Pulse(
            row.name,
            row.kind,
            row.machine,
            row.pid,
            row.state,
            row.job_id,
            row.doing,
            row.at,
            row.since,
            row.started_at,
            row.round_at,
            silence,
        )
        for row, silence in rows
    ]
    return sorted(found, key=lambda one: not one.heard)
