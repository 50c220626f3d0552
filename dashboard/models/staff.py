"""Staff accounts: who may sign in, and as what."""

from __future__ import annotations

import datetime as dt

from flask_security import AsaList, RoleMixin, UserMixin
from sqlalchemy import BigInteger, Boolean, CheckConstraint, Integer, String
from sqlalchemy.ext.mutable import MutableList
from sqlalchemy.orm import Mapped, mapped_column

from dashboard.models.base import Base, Key, Moment, Stamped, one_of

ROLE_NAMES = ("viewer", "clerk", "manager", "admin")


class StaffRole(RoleMixin):
    """A role as Flask-Security sees it; ours are names, not rows."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.permissions: list[str] = []


class Staff(Base, Stamped, UserMixin):
    __tablename__ = "staff"
    __table_args__ = (CheckConstraint(one_of("role", ROLE_NAMES), name="role"),)

    id: Mapped[Key]
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    role: Mapped[str] = mapped_column(String(20))
    active: Mapped[bool] = mapped_column(Boolean, default=True, server_default="true")
    password: Mapped[str | None] = mapped_column(String(255))
    fs_uniquifier: Mapped[str] = mapped_column(String(64), unique=True)
    version: Mapped[int] = mapped_column(Integer, default=1, server_default="1")

    # Two-factor (TOTP), as Flask-Security stores it; the secret and the recovery codes are encrypted.
    tf_primary_method: Mapped[str | None] = mapped_column(String(64))
    tf_totp_secret: Mapped[str | None] = mapped_column(String(255))
    tf_phone_number = None
    mf_recovery_codes: Mapped[list[str] | None] = mapped_column(MutableList.as_mutable(AsaList()))
    # The time step of the last code taken, so that a code works once.
    totp_counter: Mapped[int | None] = mapped_column(BigInteger)

    failed_sign_ins: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    locked_until: Mapped[Moment | None]
    last_sign_in_at: Mapped[Moment | None]

    __mapper_args__ = {"version_id_col": version}

    @property
    def roles(self) -> list[StaffRole]:
        return [StaffRole(self.role)]

    @property
    def has_second_factor(self) -> bool:
        return bool(self.tf_primary_method and self.tf_totp_secret)

    def locked_at(self, now: dt.datetime) -> bool:
        """Whether sign-ins are refused for a while after too many wrong ones."""
        return self.locked_until is not None and self.locked_until > now

    def __str__(self) -> str:
        return self.name
