"""The declarative base and the columns that every business row shares."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

from sqlalchemy import BigInteger, DateTime, Identity, Index, Numeric, func, literal_column
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from dashboard.extensions import db

if TYPE_CHECKING:

    class Base(DeclarativeBase):
        """What type checkers see of Flask-SQLAlchemy's model base."""

else:
    Base = db.Model

# Amounts keep four places so that every ISO currency fits; operations round to the currency's own.
Amount = Annotated[Decimal, mapped_column(Numeric(20, 4))]
Price = Annotated[Decimal, mapped_column(Numeric(20, 6))]
Quantity = Annotated[Decimal, mapped_column(Numeric(18, 6))]
Percent = Annotated[Decimal, mapped_column(Numeric(7, 4))]
Key = Annotated[int, mapped_column(BigInteger, Identity(), primary_key=True)]
Moment = Annotated[dt.datetime, mapped_column(DateTime(timezone=True))]


class Stamped:
    """When a row was made and last changed, in the database's clock."""

    created_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    updated_at: Mapped[dt.datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now(), onupdate=func.now()
    )


def prefix_index(name: str, expression: str) -> Index:
    """An index that serves `expression LIKE 'abc%'` under any collation."""
    return Index(
        name, literal_column(expression).label("found"), postgresql_ops={"found": "text_pattern_ops"}
    )


def one_of(column: str, values: tuple[str, ...]) -> str:
    """The SQL of a check that `column` holds one of `values`."""
    listed = ", ".join(f"'{value}'" for value in values)
    return f"{column} IN ({listed})"
