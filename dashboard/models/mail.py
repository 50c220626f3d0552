"""The ledger of e-mail: what is to be sent, what was sent, what the server said."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from dashboard.models.base import Base, Key, Moment, Stamped, one_of
from dashboard.models.customer import Customer
from dashboard.models.document import Document
from dashboard.models.invoice import Invoice

MAIL_KINDS = {
    "invoice": "Invoice",
    "payment": "Payment confirmation",
    "package_notice": "Package charge notice",
    "reminder": "Reminder",
    "statement": "Statement of account",
    "report": "Report",
    "message": "Message",
}
MAIL_STATES = {
    "queued": "Queued",
    "kept": "Kept",
    "sending": "Sending",
    "sent": "Sent",
    "parked": "Failed",
    "unsure": "Unsure",
    "cancelled": "Cancelled",
}
ATTEMPT_RESULTS = {"sent": "Sent", "failed": "Failed", "unsure": "Unsure"}


class Mail(Base, Stamped):
    """One message. Written in the transaction of the change that causes it, sent afterwards.

    queued: to be sent at `next_try_at`, also after a failure; `kept`: there is no mail server, so it is only
    read on screen; sending: a worker has it; parked: given up, `error` says why; unsure: the worker was lost
    between handing it over and writing that down, so staff decide. `once` names what must be said only once.
    """

    __tablename__ = "mail"
    __table_args__ = (
        CheckConstraint(one_of("kind", tuple(MAIL_KINDS)), name="kind"),
        CheckConstraint(one_of("state", tuple(MAIL_STATES)), name="state"),
        UniqueConstraint("once"),
        UniqueConstraint("message_id"),
        Index("ix_mail_created_at_id", "created_at", "id"),
        Index("ix_mail_state_id", "state", "id"),
        Index("ix_mail_customer_id_id", "customer_id", "id"),
        Index("ix_mail_invoice_id", "invoice_id", postgresql_where=text("invoice_id IS NOT NULL")),
        Index("ix_mail_payment_id", "payment_id", postgresql_where=text("payment_id IS NOT NULL")),
        Index("ix_mail_due", "next_try_at", "id", postgresql_where=text("state IN ('queued', 'sending')")),
    )

    id: Mapped[Key]
    kind: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(10), default="queued", server_default="queued")
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id", ondelete="SET NULL"))
    invoice_id: Mapped[int | None] = mapped_column(ForeignKey("invoice.id", ondelete="SET NULL"))
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payment.id", ondelete="SET NULL"))
    schedule_run_id: Mapped[int | None] = mapped_column(
        ForeignKey("schedule_run.id", ondelete="SET NULL"), index=True
    )
    once: Mapped[str | None] = mapped_column(String(200))
    recipients: Mapped[list[str]] = mapped_column(ARRAY(String(254)))
    subject: Mapped[str] = mapped_column(String(300))
    body: Mapped[str] = mapped_column(Text)
    html: Mapped[str | None] = mapped_column(Text)
    message_id: Mapped[str] = mapped_column(String(200))
    attempts: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    next_try_at: Mapped[Moment | None]
    claimed_at: Mapped[Moment | None]
    sent_at: Mapped[Moment | None]
    error: Mapped[str | None] = mapped_column(Text)
    created_by: Mapped[int | None] = mapped_column(BigInteger)
    created_by_name: Mapped[str] = mapped_column(String(120), default="", server_default="")
    # Staff have seen that it failed: no longer told of on the dashboard.
    seen: Mapped[bool] = mapped_column(Boolean, default=False, server_default="false")

    customer: Mapped[Customer | None] = relationship()
    invoice: Mapped[Invoice | None] = relationship()
    attachments: Mapped[list[MailAttachment]] = relationship(
        order_by="MailAttachment.position", passive_deletes=True
    )
    tries: Mapped[list[MailAttempt]] = relationship(order_by="MailAttempt.id", passive_deletes=True)

    def __str__(self) -> str:
        return self.subject


class MailAttachment(Base):
    """A file of a mail. An invoice's PDF is made when it is sent; `sha256` then says what was sent."""

    __tablename__ = "mail_attachment"

    mail_id: Mapped[int] = mapped_column(ForeignKey("mail.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    filename: Mapped[str] = mapped_column(String(200))
    media_type: Mapped[str] = mapped_column(String(80))
    invoice_id: Mapped[int | None] = mapped_column(ForeignKey("invoice.id", ondelete="SET NULL"), index=True)
    document_id: Mapped[int | None] = mapped_column(
        ForeignKey("document.id", ondelete="SET NULL"), index=True
    )
    size: Mapped[int | None] = mapped_column(BigInteger)
    sha256: Mapped[str | None] = mapped_column(String(64))

    document: Mapped[Document | None] = relationship()


class MailAttempt(Base):
    """One try to hand a mail over, and the server's words."""

    __tablename__ = "mail_attempt"
    __table_args__ = (CheckConstraint(one_of("result", tuple(ATTEMPT_RESULTS)), name="result"),)

    id: Mapped[Key]
    mail_id: Mapped[int] = mapped_column(ForeignKey("mail.id", ondelete="CASCADE"), index=True)
    at: Mapped[Moment]
    result: Mapped[str] = mapped_column(String(10))
    server: Mapped[str] = mapped_column(String(260), default="", server_default="")
    reply: Mapped[str] = mapped_column(Text, default="", server_default="")
