"""Work in the background. This row is the truth; the queue only says that there is something to do."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Boolean, CheckConstraint, ForeignKey, Index, Integer, String, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from dashboard.models.base import Base, Key, Moment, Stamped, one_of
from dashboard.models.document import Document

JOB_STATES = ("queued", "running", "done", "failed", "cancelled")


class Job(Base, Stamped):
    __tablename__ = "job"
    __table_args__ = (
        CheckConstraint(one_of("state", JOB_STATES), name="state"),
        Index("ix_job_live", "id", postgresql_where=text("state IN ('queued', 'running')")),
        Index("ix_job_created_by_id", "created_by", "id"),
        Index("ix_job_finished_at", "finished_at", postgresql_where=text("finished_at IS NOT NULL")),
    )

    id: Mapped[Key]
    kind: Mapped[str] = mapped_column(String(40))
    title: Mapped[str] = mapped_column(String(200))
    params: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default="{}")
    state: Mapped[str] = mapped_column(String(10), default="queued", server_default="queued")
    done: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    total: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    attempts: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    # Those of the attempts that don't count: the worker was told to stop, or staff asked for another try.
    excused: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    # Each attempt: {"attempt", "worker", "began", "ended", "state", "error"}. The error of a try that was
    # followed by another one stays here.
    history: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list, server_default="[]")
    cancel_requested: Mapped[bool] = mapped_column(Boolean, default=False, server_default="false")
    error: Mapped[str | None] = mapped_column(Text)
    # Things the reader should know of a finished job: rows left out and why.
    notes: Mapped[list[str]] = mapped_column(JSONB, default=list, server_default="[]")
    enqueued_at: Mapped[Moment | None]
    started_at: Mapped[Moment | None]
    heartbeat_at: Mapped[Moment | None]
    finished_at: Mapped[Moment | None]
    result_id: Mapped[int | None] = mapped_column(ForeignKey("document.id", ondelete="SET NULL"))
    result_name: Mapped[str | None] = mapped_column(String(200))
    created_by: Mapped[int | None] = mapped_column(BigInteger)
    created_by_name: Mapped[str] = mapped_column(String(120), default="", server_default="")
    # When its owner was told that it ended, and when they put it out of their drawer.
    told_at: Mapped[Moment | None]
    dismissed_at: Mapped[Moment | None]

    result: Mapped[Document | None] = relationship()

    def __str__(self) -> str:
        return self.title


HEARTBEAT_KINDS = ("worker", "tick")


class Heartbeat(Base):
    """The last sign of life of a process that runs by itself (worker, tick), written every few seconds."""

    __tablename__ = "heartbeat"

    name: Mapped[str] = mapped_column(String(120), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    at: Mapped[Moment]
    machine: Mapped[str] = mapped_column(String(120), default="", server_default="")
    pid: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    # idle, busy, stopping, stopped.
    state: Mapped[str] = mapped_column(String(10), default="idle", server_default="idle")
    # What it is busy with: a job, or a task of the tick.
    job_id: Mapped[int | None] = mapped_column(BigInteger)
    doing: Mapped[str] = mapped_column(String(120), default="", server_default="")
    # Since when it is in this state, with this job or task.
    since: Mapped[Moment | None]
    started_at: Mapped[Moment | None]
    # The last round of a tick that came to its end.
    round_at: Mapped[Moment | None]
