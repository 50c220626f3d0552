"""Stored files (PDFs, archives), in the database so that every machine can serve them."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import BigInteger, DateTime, ForeignKey, Integer, LargeBinary, String, func
from sqlalchemy.orm import Mapped, mapped_column

from dashboard.models.base import Base, Key


class Document(Base):
    """`key` names the content (a hash of what it is made from), so that the same thing is made once."""

    __tablename__ = "document"

    id: Mapped[Key]
    key: Mapped[str] = mapped_column(String(100), unique=True)
    media_type: Mapped[str] = mapped_column(String(80))
    size: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[dt.datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now(), index=True
    )


class DocumentPart(Base):
    """A slice of at most one MiB, so that no reader or writer holds a whole archive."""

    __tablename__ = "document_part"

    document_id: Mapped[int] = mapped_column(ForeignKey("document.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)
