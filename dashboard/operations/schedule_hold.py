"""A worker's hold on a run, and how a run is written to while it is held."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, func, update

from dashboard.models import ScheduleRun
from dashboard.operations.base import session


class Overtaken(Exception):
    """The run has ended, or another worker has it now."""


class RunCancelled(Exception):
    """Staff asked for the run to stop."""


@dataclass(frozen=True)
class Held:
    """It ends when another attempt begins."""

    run_id: int
    attempt: int

    @property
    def holds(self) -> ColumnElement[bool]:
        return and_(
            ScheduleRun.id == self.run_id,
            ScheduleRun.attempts == self.attempt,
            ScheduleRun.state == "running",
        )


def write(held: Held, **values: Any) -> bool:
    """Write to a held run, in the transaction under way; whether staff asked for it to stop. Raises
    Overtaken."""
    asked: bool | None = session().scalar(
        update(ScheduleRun)
        .where(held.holds)
        .values(heartbeat_at=func.now(), **values)
        .returning(ScheduleRun.cancel_requested)
        .execution_options(synchronize_session=False)
    )
    if asked is None:
        raise Overtaken
    return asked


def end(held: Held, state: str, **values: Any) -> None:
    write(held, state=state, finished_at=func.now(), **values)
