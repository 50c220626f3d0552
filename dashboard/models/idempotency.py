"""The keys of forms already carried out, so that a double click makes one record."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import BigInteger, DateTime, String, func
from sqlalchemy.orm import Mapped, mapped_column

from dashboard.models.base import Base


class FormKey(Base):
    __tablename__ = "form_key"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    actor_id: Mapped[int | None] = mapped_column(BigInteger)
    # What the first click made: "invoice:12".
    result: Mapped[str | None] = mapped_column(String(80))
    created_at: Mapped[dt.datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now(), index=True
    )
