"""Texts that staff write: the invoice's HTML, in versions, and the mails."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from dashboard.models.base import Base, Key, Stamped, one_of
from dashboard.models.mail import MAIL_KINDS


class InvoiceTemplate(Base, Stamped):
    """An invoice's page as Jinja, kept beside the stock ones. `html` is the version in use.

    A customer or the account chooses it by `key`, which stays when the name changes.
    """

    __tablename__ = "invoice_template"
    __table_args__ = (
        UniqueConstraint("key"),
        Index("uq_invoice_template_name_lower", text("lower(name)"), unique=True),
    )

    id: Mapped[Key]
    key: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(80))
    # The stock template it began with, which `Reset` brings back.
    based_on: Mapped[str] = mapped_column(String(40), default="standard", server_default="standard")
    html: Mapped[str] = mapped_column(Text)
    # Why the last invoice that should use it was printed by the stock one, until it is mended.
    fault: Mapped[str | None] = mapped_column(Text)
    version: Mapped[int] = mapped_column(Integer, default=1, server_default="1")

    __mapper_args__ = {"version_id_col": version}

    def __str__(self) -> str:
        return self.name


class InvoiceTemplateVersion(Base, Stamped):
    """What the template said before and says now; the newest is in use."""

    __tablename__ = "invoice_template_version"
    __table_args__ = (UniqueConstraint("template_id", "number", name="uq_invoice_template_version_number"),)

    id: Mapped[Key]
    template_id: Mapped[int] = mapped_column(ForeignKey("invoice_template.id", ondelete="CASCADE"))
    number: Mapped[int] = mapped_column(Integer)
    html: Mapped[str] = mapped_column(Text)
    note: Mapped[str] = mapped_column(String(200), default="", server_default="")
    created_by: Mapped[int | None] = mapped_column(BigInteger)
    created_by_name: Mapped[str] = mapped_column(String(120), default="", server_default="")


class MailTemplate(Base, Stamped):
    """Subject and body of a kind of mail, as Jinja. Where there is no row, the stock text is used."""

    __tablename__ = "mail_template"
    __table_args__ = (
        CheckConstraint(one_of("kind", tuple(MAIL_KINDS)), name="kind"),
        UniqueConstraint("kind"),
    )

    id: Mapped[Key]
    kind: Mapped[str] = mapped_column(String(20))
    subject: Mapped[str] = mapped_column(String(300))
    body: Mapped[str] = mapped_column(Text)
    # Why the last mail that should use it got the stock text, until it is mended.
    fault: Mapped[str | None] = mapped_column(Text)
    version: Mapped[int] = mapped_column(Integer, default=1, server_default="1")

    __mapper_args__ = {"version_id_col": version}

    def __str__(self) -> str:
        return MAIL_KINDS[self.kind]
