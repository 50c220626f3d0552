"""A package: a product or service that customers buy, usually recurring."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import Boolean, CheckConstraint, Index, Integer, String, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from dashboard.models.base import Base, Key, Percent, Price, Stamped, one_of

FREQUENCIES = {"once": "Once", "daily": "Daily", "weekly": "Weekly", "monthly": "Monthly"}
PACKAGE_TYPES = {"standard": "Standard", "free_minutes": "Free Minutes"}


class Package(Base, Stamped):
    """Prices are per unit in `currency`; `frequency_match` is week days (from 1, Monday) or month days."""

    __tablename__ = "package"
    __table_args__ = (
        CheckConstraint(one_of("frequency", tuple(FREQUENCIES)), name="frequency"),
        CheckConstraint(one_of("type", tuple(PACKAGE_TYPES)), name="type"),
        CheckConstraint("minimum_days >= 0", name="minimum_days"),
        Index("ix_package_name_id", "name", "id"),
    )

    id: Mapped[Key]
    name: Mapped[str] = mapped_column(String(120))
    description: Mapped[str | None] = mapped_column(Text)
    currency: Mapped[str] = mapped_column(String(3), index=True)
    cost: Mapped[Price] = mapped_column(default=Decimal(0), server_default="0")
    retail: Mapped[Price] = mapped_column(default=Decimal(0), server_default="0")
    setup_cost: Mapped[Price] = mapped_column(default=Decimal(0), server_default="0")
    setup_retail: Mapped[Price] = mapped_column(default=Decimal(0), server_default="0")
    tax_percent: Mapped[Percent | None]
    tax_name: Mapped[str | None] = mapped_column(String(40))
    frequency: Mapped[str] = mapped_column(String(10), default="monthly", server_default="monthly")
    frequency_match: Mapped[list[int]] = mapped_column(ARRAY(Integer), default=list, server_default="{}")
    minimum_days: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    minimum_spend: Mapped[bool] = mapped_column(Boolean, default=False, server_default="false")
    type: Mapped[str] = mapped_column(String(20), default="standard", server_default="standard")
    free_minutes: Mapped[int | None] = mapped_column(Integer)
    destination_prefixes: Mapped[str | None] = mapped_column(String(2000))
    active: Mapped[bool] = mapped_column(Boolean, default=True, server_default="true")
    version: Mapped[int] = mapped_column(Integer, default=1, server_default="1")

    __mapper_args__ = {"version_id_col": version}

    def __str__(self) -> str:
        return self.name
