"""Who carries calls, and what calls cost: providers, rate cards and their rates."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

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
    literal_column,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from dashboard.models.base import Base, Key, Moment, Price, Stamped, one_of

PROVIDER_STATUSES = {"active": "Active", "inactive": "Inactive"}
CARD_KINDS = {"sell": "For customers", "account": "For one customer", "cost": "For a provider"}
ROUNDINGS = {"up": "Up", "down": "Down", "half_up": "Half up", "half_down": "Half down"}


class Provider(Base, Stamped):
    """A carrier. `trunks` are the names under which a switch writes it into its records."""

    __tablename__ = "provider"
    __table_args__ = (CheckConstraint(one_of("status", tuple(PROVIDER_STATUSES)), name="status"),)

    id: Mapped[Key]
    name: Mapped[str] = mapped_column(String(120), unique=True)
    currency: Mapped[str] = mapped_column(String(3))
    status: Mapped[str] = mapped_column(String(20), default="active", server_default="active")
    trunks: Mapped[list[str]] = mapped_column(ARRAY(String(80)), default=list, server_default="{}")
    notes: Mapped[str | None] = mapped_column(Text)
    version: Mapped[int] = mapped_column(Integer, default=1, server_default="1")

    __mapper_args__ = {"version_id_col": version}

    def __str__(self) -> str:
        return self.name


class RateCard(Base, Stamped):
    """Rates by prefix: sold to many customers, to one, or paid to a provider.

    The minimum (MCD) and the pulse, in seconds, hold for rates that have none of their own.
    """

    __tablename__ = "rate_card"
    __table_args__ = (
        CheckConstraint(one_of("kind", tuple(CARD_KINDS)), name="kind"),
        CheckConstraint(one_of("duration_rounding", tuple(ROUNDINGS)), name="duration_rounding"),
        CheckConstraint(one_of("cost_rounding", tuple(ROUNDINGS)), name="cost_rounding"),
        CheckConstraint("cost_places BETWEEN 0 AND 6", name="cost_places"),
        CheckConstraint("minimum_seconds >= 0", name="minimum_seconds"),
        CheckConstraint("pulse_seconds >= 1", name="pulse_seconds"),
        CheckConstraint("(kind = 'account') = (customer_id IS NOT NULL)", name="customer"),
        CheckConstraint("(kind = 'cost') = (provider_id IS NOT NULL)", name="provider"),
        # A customer has one card of its own, a provider one card.
        Index("uq_rate_card_customer_id", "customer_id", unique=True),
        Index("uq_rate_card_provider_id", "provider_id", unique=True),
    )

    id: Mapped[Key]
    name: Mapped[str] = mapped_column(String(120), unique=True)
    kind: Mapped[str] = mapped_column(String(10), default="sell", server_default="sell")
    currency: Mapped[str] = mapped_column(String(3))
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id", ondelete="CASCADE"))
    provider_id: Mapped[int | None] = mapped_column(ForeignKey("provider.id", ondelete="CASCADE"))
    duration_rounding: Mapped[str] = mapped_column(String(10), default="up", server_default="up")
    cost_rounding: Mapped[str] = mapped_column(String(10), default="half_up", server_default="half_up")
    cost_places: Mapped[int] = mapped_column(Integer, default=4, server_default="4")
    minimum_seconds: Mapped[int] = mapped_column(Integer, default=1, server_default="1")
    pulse_seconds: Mapped[int] = mapped_column(Integer, default=1, server_default="1")
    notes: Mapped[str | None] = mapped_column(Text)
    version: Mapped[int] = mapped_column(Integer, default=1, server_default="1")

    provider: Mapped[Provider | None] = relationship()

    __mapper_args__ = {"version_id_col": version}

    def __str__(self) -> str:
        return self.name


class RateRevision(Base, Stamped):
    """Rates that came in together, in force from a moment on. Later ones win, prefix by prefix."""

    __tablename__ = "rate_revision"

    id: Mapped[Key]
    rate_card_id: Mapped[int] = mapped_column(ForeignKey("rate_card.id", ondelete="CASCADE"), index=True)
    valid_from: Mapped[Moment]
    source: Mapped[str] = mapped_column(String(200), default="", server_default="")
    # A whole revision withdraws every prefix that it does not name.
    whole: Mapped[bool] = mapped_column(Boolean, default=False, server_default="false")
    rates: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    created_by: Mapped[int | None] = mapped_column(BigInteger)

    rate_card: Mapped[RateCard] = relationship()

    def __str__(self) -> str:
        return f"{self.rate_card.name} from {self.valid_from:%Y-%m-%d}"


class Rate(Base):
    """One prefix of a card from `valid_from` until the next row of the same prefix. Only ever added.

    `withdrawn` ends a prefix; its price is then 0 and never used. MCD and pulse empty: the card's.
    """

    __tablename__ = "rate"
    __table_args__ = (
        UniqueConstraint("rate_card_id", "prefix", "valid_from"),
        CheckConstraint("prefix ~ '^[0-9]*$'", name="prefix"),
        CheckConstraint("rate_per_minute >= 0 AND connection_fee >= 0", name="price"),
        CheckConstraint("minimum_seconds >= 0 AND pulse_seconds >= 1", name="increments"),
        Index(
            "ix_rate_card_destination",
            "rate_card_id",
            literal_column("lower(destination)").label("found"),
            "prefix",
            postgresql_ops={"found": "text_pattern_ops"},
        ),
    )

    id: Mapped[Key]
    rate_card_id: Mapped[int] = mapped_column(ForeignKey("rate_card.id", ondelete="CASCADE"))
    revision_id: Mapped[int] = mapped_column(ForeignKey("rate_revision.id", ondelete="CASCADE"), index=True)
    prefix: Mapped[str] = mapped_column(String(20))
    destination: Mapped[str] = mapped_column(String(120))
    rate_per_minute: Mapped[Price]
    connection_fee: Mapped[Price] = mapped_column(default=Decimal(0), server_default="0")
    minimum_seconds: Mapped[int | None] = mapped_column(Integer)
    pulse_seconds: Mapped[int | None] = mapped_column(Integer)
    valid_from: Mapped[dt.datetime] = mapped_column(RateRevision.valid_from.type)
    withdrawn: Mapped[bool] = mapped_column(Boolean, default=False, server_default="false")

    rate_card: Mapped[RateCard] = relationship()
    revision: Mapped[RateRevision] = relationship()

    def __str__(self) -> str:
        return f"{self.prefix} {self.destination}".strip()
