"""What runs by itself: schedules of customers and of reports, and every run of them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from dashboard.models.base import Base, Key, Moment, Stamped, one_of
from dashboard.models.customer import Customer
from dashboard.models.document import Document
from dashboard.models.job import JOB_STATES, Job

FREQUENCIES = {"daily": "Daily", "weekly": "Weekly", "monthly": "Monthly"}
PRODUCES = {
    "report": "The Breakout report",
    "invoices": "Invoices of the chosen customers",
    "statements": "Statements of account of the chosen customers",
}
REPORT_FORMATS = {"csv": "CSV", "xlsx": "XLSX", "pdf": "PDF", "html": "HTML in the mail"}


class Schedule(Base, Stamped):
    """Something that is done at a local hour each day, week or month.

    A customer's own Invoice Schedule is the row that has its `customer_id`; it follows what is set on the
    customer. All others are made in Schedule Report. `next_slot` is the next moment that is due; a tick turns
    it into a run and moves it on from itself, never from the time it happens to be. Empty: nothing is due.
    """

    __tablename__ = "schedule"
    __table_args__ = (
        CheckConstraint(one_of("produces", tuple(PRODUCES)), name="produces"),
        CheckConstraint(one_of("frequency", tuple(FREQUENCIES)), name="frequency"),
        CheckConstraint(one_of("format", tuple(REPORT_FORMATS)), name="format"),
        CheckConstraint("hour BETWEEN 0 AND 23", name="hour"),
        CheckConstraint("delay_hours BETWEEN 0 AND 240", name="delay_hours"),
        Index("ix_schedule_due", "next_slot", postgresql_where=text("next_slot IS NOT NULL AND NOT paused")),
        Index("uq_schedule_customer_id", "customer_id", unique=True),
        Index("ix_schedule_name_id", "name", "id"),
    )

    id: Mapped[Key]
    name: Mapped[str] = mapped_column(String(120))
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id", ondelete="CASCADE"))
    produces: Mapped[str] = mapped_column(String(12), default="report", server_default="report")
    frequency: Mapped[str] = mapped_column(String(10), default="monthly", server_default="monthly")
    # On the clocks of `time_zone`; empty: of the account.
    hour: Mapped[int] = mapped_column(Integer, default=6, server_default="6")
    time_zone: Mapped[str | None] = mapped_column(String(64))
    # A period is done so long after its end, and then at the next `hour`.
    delay_hours: Mapped[int] = mapped_column(Integer, default=24, server_default="24")
    emails: Mapped[list[str]] = mapped_column(ARRAY(String(254)), default=list, server_default="{}")
    groups: Mapped[list[str]] = mapped_column(ARRAY(String(40)), default=list, server_default="{}")
    columns: Mapped[list[str]] = mapped_column(ARRAY(String(40)), default=list, server_default="{}")
    # None chosen: all.
    customer_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), default=list, server_default="{}")
    provider_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), default=list, server_default="{}")
    format: Mapped[str] = mapped_column(String(10), default="csv", server_default="csv")
    # For invoices: empty means as the customer or the account says.
    issue: Mapped[bool | None] = mapped_column(Boolean)
    send: Mapped[bool | None] = mapped_column(Boolean)
    paused: Mapped[bool] = mapped_column(Boolean, default=False, server_default="false")
    next_slot: Mapped[Moment | None]
    created_by: Mapped[int | None] = mapped_column(BigInteger)
    created_by_name: Mapped[str] = mapped_column(String(120), default="", server_default="")
    version: Mapped[int] = mapped_column(Integer, default=1, server_default="1")

    customer: Mapped[Customer | None] = relationship()

    __mapper_args__ = {"version_id_col": version}

    def __str__(self) -> str:
        return self.name


class ScheduleRun(Base, Stamped):
    """One slot of a schedule, done once. `slot` is when it was due; `Run now` makes a run of its own moment.

    `made` says what came out: {"invoices": [ids], "mails": [ids], "count": n}. It stays when its schedule is
    deleted, with the name as it was.
    """

    __tablename__ = "schedule_run"
    __table_args__ = (
        CheckConstraint(one_of("state", JOB_STATES), name="state"),
        UniqueConstraint("schedule_id", "slot", name="uq_schedule_run_slot"),
        Index("ix_schedule_run_slot_id", "slot", "id"),
        Index("ix_schedule_run_state_slot", "state", "slot", "id"),
        Index("ix_schedule_run_live", "slot", "id", postgresql_where=text("state IN ('queued', 'running')")),
    )

    id: Mapped[Key]
    schedule_id: Mapped[int | None] = mapped_column(ForeignKey("schedule.id", ondelete="SET NULL"))
    customer_id: Mapped[int | None] = mapped_column(
        ForeignKey("customer.id", ondelete="SET NULL"), index=True
    )
    name: Mapped[str] = mapped_column(String(200))
    produces: Mapped[str] = mapped_column(String(12))
    slot: Mapped[Moment]
    # The local days it is about, half-open.
    period_start: Mapped[dt.date | None] = mapped_column(Date)
    period_end: Mapped[dt.date | None] = mapped_column(Date)
    state: Mapped[str] = mapped_column(String(10), default="queued", server_default="queued")
    attempts: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    cancel_requested: Mapped[bool] = mapped_column(Boolean, default=False, server_default="false")
    job_id: Mapped[int | None] = mapped_column(ForeignKey("job.id", ondelete="SET NULL"), index=True)
    started_at: Mapped[Moment | None]
    heartbeat_at: Mapped[Moment | None]
    finished_at: Mapped[Moment | None]
    made: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default="{}")
    log: Mapped[list[str]] = mapped_column(JSONB, default=list, server_default="[]")
    error: Mapped[str | None] = mapped_column(Text)
    document_id: Mapped[int | None] = mapped_column(
        ForeignKey("document.id", ondelete="SET NULL"), index=True
    )
    # Who asked for it; empty where it came by itself.
    asked_by: Mapped[int | None] = mapped_column(BigInteger)
    asked_by_name: Mapped[str] = mapped_column(String(120), default="", server_default="")

    schedule: Mapped[Schedule | None] = relationship()
    customer: Mapped[Customer | None] = relationship()
    job: Mapped[Job | None] = relationship()
    document: Mapped[Document | None] = relationship()

    def __str__(self) -> str:
        return self.name
