"""Who changed what, when and why. Rows are written by database triggers, so bulk SQL is recorded too."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import BigInteger, DateTime, Index, String, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from dashboard.models.base import Base, Key


class AuditEntry(Base):
    """`changes` maps a column to `[before, after]`. `subject` is the record whose timeline shows it."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_subject", "subject_table", "subject_id", "id"),
        Index("ix_audit_entry_row", "table_name", "row_id", "id"),
        Index("ix_audit_entry_table_name_id", "table_name", "id"),
        Index("ix_audit_entry_actor_id_id", "actor_id", "id"),
        Index("ix_audit_entry_at_id", "at", "id"),
    )

    id: Mapped[Key]
    at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    actor_id: Mapped[int | None] = mapped_column(BigInteger)
    actor_name: Mapped[str] = mapped_column(String(120))
    action: Mapped[str] = mapped_column(String(10))
    table_name: Mapped[str] = mapped_column(String(63))
    row_id: Mapped[str] = mapped_column(String(63))
    subject_table: Mapped[str] = mapped_column(String(63))
    subject_id: Mapped[str] = mapped_column(String(63))
    changes: Mapped[dict[str, Any]] = mapped_column(JSONB)
    comment: Mapped[str] = mapped_column(Text, default="", server_default="")
    transaction_id: Mapped[int] = mapped_column(BigInteger)
