"""Signing in: five wrong tries lock an account for fifteen minutes, whoever makes them and from wherever.

A try is taken before the password is looked at and given back when it was right. Twenty requests at once
therefore have five guesses between them, not twenty.
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import case, or_, select
from sqlalchemy import update as update_rows

from dashboard.models import Staff
from dashboard.operations.base import SYSTEM, session, unit_of_work

TRIES = 5
LOCKED_FOR = dt.timedelta(minutes=15)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def admit(email: str) -> Staff | None:
    """The account that may be tried with a password now, one try taken.

    None where there is no such account, it is inactive or it is locked; the caller must not say which.
    """
    found = session().scalar(select(Staff).where(Staff.email == email.strip().lower()))
    return found if found is not None and take_try(found.id) else None


def take_try(key: int) -> bool:
    """Count one try; False where the account may not be tried now. The last one locks at once."""
    now = _now()
    # A count that is full belongs to a lock that is over.
    count = case((Staff.failed_sign_ins >= TRIES, 1), else_=Staff.failed_sign_ins + 1)
    with unit_of_work(SYSTEM.saying(f"{TRIES} tries to sign in")):
        taken = session().execute(
            update_rows(Staff)
            .where(
                Staff.id == key, Staff.active, or_(Staff.locked_until.is_(None), Staff.locked_until <= now)
            )
            .values(
                failed_sign_ins=count,
                locked_until=case((count >= TRIES, now + LOCKED_FOR), else_=Staff.locked_until),
                updated_at=Staff.updated_at,
            )
            .returning(Staff.id)
            .execution_options(synchronize_session=False)
        )
        return taken.scalar() is not None


def give_back(key: int) -> None:
    """The try was right, but it was only a part of signing in: the others stay counted."""
    with unit_of_work(SYSTEM.saying("The password was right")):
        session().execute(
            update_rows(Staff)
            .where(Staff.id == key, Staff.failed_sign_ins > 0)
            .values(
                failed_sign_ins=Staff.failed_sign_ins - 1,
                locked_until=case((Staff.failed_sign_ins >= TRIES, None), else_=Staff.locked_until),
                updated_at=Staff.updated_at,
            )
            .execution_options(synchronize_session=False)
        )


def succeeded(key: int) -> None:
    """Somebody signed in: nothing is counted any more."""
    with unit_of_work(SYSTEM.saying("Signed in")):
        session().execute(
            update_rows(Staff)
            .where(Staff.id == key)
            .values(failed_sign_ins=0, locked_until=None, last_sign_in_at=_now(), updated_at=Staff.updated_at)
            .execution_options(synchronize_session=False)
        )


def last_code(key: int) -> int | None:
    """The time step of the last code of the second factor that was taken."""
    return session().scalar(select(Staff.totp_counter).where(Staff.id == key))


def use_code(key: int, counter: int) -> bool:
    """Take a code by its time step; False where it, or a later one, was taken before."""
    with unit_of_work(SYSTEM):
        taken = session().execute(
            update_rows(Staff)
            .where(Staff.id == key, or_(Staff.totp_counter.is_(None), Staff.totp_counter < counter))
            .values(totp_counter=counter, updated_at=Staff.updated_at)
            .returning(Staff.id)
            .execution_options(synchronize_session=False)
        )
        return taken.scalar() is not None
