"""Staff accounts: who may sign in, and as what."""

from __future__ import annotations

import datetime as dt

from flask_security import RoleMixin, UserMixin
from sqlalchemy import Boolean, CheckConstraint, Integer, String, Text
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

    # Two-factor (TOTP), as Flask-Security stores it.
    tf_primary_method: Mapped[str | None] = mapped_column(String(64))
    tf_totp_secret: Mapped[str | None] = mapped_column(String(255))
    mf_recovery_codes: Mapped[str | None] = mapped_column(Text)

    failed_sign_ins: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    locked_until: Mapped[Moment | None]
    last_sign_in_at: Mapped[Moment | None]

    __mapper_args__ = {"version_id_col": version}

    @property
    def roles(self) -> list[StaffRole]:
        return [StaffRole(self.role)]

    def is_locked(self, now: dt.datetime) -> bool:
        return self.locked_until is not None and self.locked_until > now

    def __str__(self) -> str:
        return self.name
