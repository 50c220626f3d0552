"""Usage: the calls, the ledger of days that invoices are made from, and how calls come in."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Numeric,
    PrimaryKeyConstraint,
    Sequence,
    String,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from dashboard.models.base import Base, Key, Moment, Stamped, one_of
from dashboard.models.customer import Customer
from dashboard.models.job import Job
from dashboard.models.rate import Provider

RULE_KINDS = {
    "account_code": "Account code",
    "caller": "Caller number",
    "caller_prefix": "Caller prefix",
    "trunk": "Trunk",
}
RESULTS = {
    "answered": "Answered",
    "no_answer": "No answer",
    "busy": "Busy",
    "failed": "Failed",
    "cancelled": "Cancelled",
}
# How a call got its charge: by a card, from the file, or not yet.
RATINGS = {"rated": "Rated", "given": "Came with a charge", "unrated": "Unrated"}
IMPORT_STATES = {
    "uploaded": "Uploaded",
    "running": "Running",
    "done": "Done",
    "failed": "Failed",
    "cancelled": "Cancelled",
}


class UsageRule(Base, Stamped):
    """How a call finds its customer. Account code goes before caller, longer caller prefixes before shorter,
    the trunk comes last."""

    __tablename__ = "usage_rule"
    __table_args__ = (
        CheckConstraint(one_of("kind", tuple(RULE_KINDS)), name="kind"),
        UniqueConstraint("kind", "value"),
    )

    id: Mapped[Key]
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    value: Mapped[str] = mapped_column(String(80))
    version: Mapped[int] = mapped_column(Integer, default=1, server_default="1")

    customer: Mapped[Customer] = relationship()

    # Calls that the rule brought to its customer when it was saved just now.
    taken_up = 0

    __mapper_args__ = {"version_id_col": version}

    def __str__(self) -> str:
        return f"{RULE_KINDS[self.kind]} {self.value}"


class UsageFormat(Base, Stamped):
    """A saved reading of CSV files: which column is what, the date order, the delimiter, the time zone."""

    __tablename__ = "usage_format"

    id: Mapped[Key]
    name: Mapped[str] = mapped_column(String(80), unique=True)
    mapping: Mapped[dict[str, Any]] = mapped_column(JSONB)
    version: Mapped[int] = mapped_column(Integer, default=1, server_default="1")

    __mapper_args__ = {"version_id_col": version}

    def __str__(self) -> str:
        return self.name


class UsageImport(Base, Stamped):
    """One file of usage. `source` names where its unique ids come from; `options` is how it is read."""

    __tablename__ = "usage_import"
    __table_args__ = (CheckConstraint(one_of("state", tuple(IMPORT_STATES)), name="state"),)

    id: Mapped[Key]
    filename: Mapped[str] = mapped_column(String(200))
    source: Mapped[str] = mapped_column(String(80), default="", server_default="")
    format: Mapped[str] = mapped_column(String(80), default="", server_default="")
    options: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default="{}")
    state: Mapped[str] = mapped_column(String(10), default="uploaded", server_default="uploaded")
    document_id: Mapped[int | None] = mapped_column(ForeignKey("document.id", ondelete="SET NULL"))
    job_id: Mapped[int | None] = mapped_column(ForeignKey("job.id", ondelete="SET NULL"))
    bytes: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    rows: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    loaded: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    duplicates: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    unmatched: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    unrated: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    bad: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    late: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    first_call: Mapped[Moment | None]
    last_call: Mapped[Moment | None]
    created_by: Mapped[int | None] = mapped_column(BigInteger)

    job: Mapped[Job | None] = relationship()

    def __str__(self) -> str:
        return self.filename


class UsageFault(Base):
    """A row that could not be read: its line in the file, why, and what it said."""

    __tablename__ = "usage_fault"
    __table_args__ = (Index("ix_usage_fault_import_line", "usage_import_id", "line"),)

    id: Mapped[Key]
    usage_import_id: Mapped[int] = mapped_column(ForeignKey("usage_import.id", ondelete="CASCADE"))
    line: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str] = mapped_column(String(200))
    text: Mapped[str] = mapped_column(String(2000), default="", server_default="")


class _Call:
    """What a switch says of a call. `duration` is the part that may be charged, in seconds."""

    identity: Mapped[uuid.UUID] = mapped_column(Uuid)
    started_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    usage_import_id: Mapped[int | None] = mapped_column(BigInteger)
    line: Mapped[int | None] = mapped_column(BigInteger)
    account_code: Mapped[str] = mapped_column(String(80), default="", server_default="")
    source: Mapped[str] = mapped_column(String(40), default="", server_default="")
    number: Mapped[str] = mapped_column(String(40), default="", server_default="")
    trunk: Mapped[str] = mapped_column(String(80), default="", server_default="")
    result: Mapped[str] = mapped_column(String(20), default="answered", server_default="answered")
    duration: Mapped[Decimal] = mapped_column(Numeric(12, 3), default=Decimal(0), server_default="0")


class UsageUnmatched(Base, _Call):
    """A call whose customer is not known yet; it waits for a rule. Gone once it is in `usage_record`."""

    __tablename__ = "usage_unmatched"
    __table_args__ = (
        UniqueConstraint("identity"),
        Index("ix_usage_unmatched_account_code", "account_code"),
        Index("ix_usage_unmatched_started_at", "started_at", "id"),
    )

    id: Mapped[Key]
    provider_name: Mapped[str] = mapped_column(String(120), default="", server_default="")
    destination: Mapped[str] = mapped_column(String(120), default="", server_default="")
    charge: Mapped[Decimal | None] = mapped_column(Numeric(20, 6))
    cost: Mapped[Decimal | None] = mapped_column(Numeric(20, 6))


class UsageDay(Base):
    """The ledger: what a customer's calls of one local day came to, by destination and provider.

    Open while `invoice_item_id` is empty. Calls that come after their day was invoiced open the next batch;
    unrated calls stand in rows of their own, which are never billed. `charge` is in the customer's currency,
    `cost` in the provider's. Sums are exact sums of `usage_record` rows.
    """

    __tablename__ = "usage_day"
    __table_args__ = (
        UniqueConstraint(
            "customer_id",
            "day",
            "destination",
            "provider_id",
            "provider_destination",
            "rated",
            "batch",
            postgresql_nulls_not_distinct=True,
            name="uq_usage_day",
        ),
        Index("ix_usage_day_day", "day", "customer_id"),
        # None over `invoice_item_id`: so billing a day need not touch an index.
        Index("ix_usage_day_destination", "destination", "day"),
        Index("ix_usage_day_provider_id", "provider_id", "day"),
    )

    id: Mapped[Key]
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id", ondelete="RESTRICT"))
    day: Mapped[dt.date] = mapped_column(Date)
    destination: Mapped[str] = mapped_column(String(120), default="", server_default="")
    provider_id: Mapped[int | None] = mapped_column(ForeignKey("provider.id", ondelete="RESTRICT"))
    provider_destination: Mapped[str] = mapped_column(String(120), default="", server_default="")
    rated: Mapped[bool] = mapped_column(Boolean, default=True, server_default="true")
    batch: Mapped[int] = mapped_column(Integer, default=1, server_default="1")
    attempts: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    connected: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    duration: Mapped[Decimal] = mapped_column(Numeric(16, 3), default=Decimal(0), server_default="0")
    billed_duration: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    charge: Mapped[Decimal] = mapped_column(Numeric(20, 6), default=Decimal(0), server_default="0")
    cost: Mapped[Decimal] = mapped_column(Numeric(20, 6), default=Decimal(0), server_default="0")
    # A trigger a statement sees that the line is there; one on `invoice_item` empties it when the line goes.
    invoice_item_id: Mapped[int | None] = mapped_column(BigInteger)

    customer: Mapped[Customer] = relationship()
    provider: Mapped[Provider | None] = relationship()


class UsageDayOpen(Base):
    """Where to look for open days. Triggers on `usage_day` put in every day that is open; one that was billed
    since may still be here, so readers ask the day itself, too."""

    __tablename__ = "usage_day_open"

    customer_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    rated: Mapped[bool] = mapped_column(Boolean, primary_key=True)
    day: Mapped[dt.date] = mapped_column(Date, primary_key=True)
    usage_day_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)


class UsageRecord(Base, _Call):
    """One call. Partitioned by month of `started_at` (UTC); `ensure_usage_month(date)` makes a month, and its
    other indexes (start, day, number, result, rating) are the month's own: a large load of a new month makes
    them last, by `index_usage_month`.

    No foreign keys: at this size each would cost more than the load itself. `usage_day` holds them.
    `destination` is what the rate is called, or the country of the number where it has none. `identity` is
    the same for the same call, whoever loads it, however often.
    """

    __tablename__ = "usage_record"
    __table_args__ = (
        PrimaryKeyConstraint("customer_id", "started_at", "id"),
        UniqueConstraint("identity", "started_at"),
        CheckConstraint(one_of("result", tuple(RESULTS)), name="result"),
        CheckConstraint(one_of("rating", tuple(RATINGS)), name="rating"),
        {"postgresql_partition_by": "RANGE (started_at)"},
    )

    id: Mapped[int] = mapped_column(
        BigInteger, Sequence("usage_record_id_seq"), server_default=text("nextval('usage_record_id_seq')")
    )
    customer_id: Mapped[int] = mapped_column(BigInteger)
    usage_day_id: Mapped[int] = mapped_column(BigInteger)
    destination: Mapped[str] = mapped_column(String(120), default="", server_default="")
    rating: Mapped[str] = mapped_column(String(10), default="rated", server_default="rated")
    rate_id: Mapped[int | None] = mapped_column(BigInteger)
    rate_per_minute: Mapped[Decimal | None] = mapped_column(Numeric(20, 6))
    billed_duration: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    charge: Mapped[Decimal | None] = mapped_column(Numeric(20, 6))
    provider_id: Mapped[int | None] = mapped_column(BigInteger)
    provider_rate_id: Mapped[int | None] = mapped_column(BigInteger)
    provider_destination: Mapped[str] = mapped_column(String(120), default="", server_default="")
    cost: Mapped[Decimal | None] = mapped_column(Numeric(20, 6))

    # Within a session a call is known by its id alone.
    __mapper_args__ = {"primary_key": [id]}
