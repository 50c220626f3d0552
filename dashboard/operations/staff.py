"""Staff accounts: who may sign in, as what, and the way back in for those who can't."""

from __future__ import annotations

import secrets
import unicodedata
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from email_validator import EmailNotValidError, validate_email
from flask_security import hash_password
from sqlalchemy import delete as delete_rows
from sqlalchemy import func, select, text

from dashboard.models import Staff
from dashboard.models.staff import ROLE_NAMES
from dashboard.operations import checks
from dashboard.operations.base import SYSTEM, Actor, check_version, fetch, once, operation, session
from dashboard.operations.errors import Invalid, Refused
from dashboard.rules import passwords

ROLES = {name: name.capitalize() for name in ROLE_NAMES}
# Nobody else takes this lock; it makes the first account once, whoever starts beside us.
_BOOTSTRAP_LOCK = 5_810_733
_ELSEWHERE = ".example.com"
_NO_ADDRESS = "This is not an e-mail address. Write it like name@example.com."


def address(value: Any) -> str | None:
    """The address somebody signs in with, in lower case; one of an inner network will do."""
    written = unicodedata.normalize("NFC", str(value)).strip() if value is not None else ""
    if not written:
        return None
    try:
        # Under another name: a top level such as .local would be refused, and nothing is sent there.
        spelt = validate_email(written + _ELSEWHERE, check_deliverability=False).normalized
    except EmailNotValidError as fault:
        raise ValueError(_NO_ADDRESS) from fault
    found = spelt.removesuffix(_ELSEWHERE).lower()
    if "." not in found.rpartition("@")[2]:
        raise ValueError(_NO_ADDRESS)
    return found


def _required(check: checks.Check) -> checks.Check:
    def checked(value: Any) -> Any:
        found = check(value)
        if found is None:
            raise ValueError(checks.REQUIRED)
        return found

    return checked


CHECKS: dict[str, checks.Check] = {
    "email": _required(address),
    "name": checks.text(120, required=True),
    "role": checks.choice(ROLES),
    "active": checks.flag,
}


@operation("staff.write")
def create(actor: Actor, values: Mapping[str, Any], *, form_key: str | None = None) -> Staff:
    """A new account. `password` is given to the person by whoever makes the account."""
    file = once(actor, form_key)
    given = dict(values)
    password = given.pop("password", None) or ""
    errors: dict[str, list[str]] = {}
    taken: dict[str, Any] = {}
    try:
        taken = checks.read({"active": True, **given}, CHECKS, required=("email", "name", "role"))
    except Invalid as invalid:
        errors.update(invalid.errors)
    try:
        password = passwords.check(password, email=taken.get("email", ""))
    except ValueError as fault:
        errors["password"] = [str(fault)]
    if errors:
        raise Invalid(errors)
    _check_email_free(taken["email"])
    made = Staff(**taken, password=hash_password(password), fs_uniquifier=uuid.uuid4().hex)
    session().add(made)
    session().flush()
    file(f"staff:{made.id}")
    return made


@operation("staff.write")
def update(actor: Actor, key: int, values: Mapping[str, Any], *, version: int | None = None) -> Staff:
    """Change the fields given. A new role counts from the person's next click; an account that is
    deactivated loses every session at once and does not get them back."""
    _lock_admins()
    found = fetch(Staff, key, "staff account", lock=True)
    check_version(found, version)
    taken = checks.read(values, CHECKS)
    changed = {name: value for name, value in taken.items() if getattr(found, name) != value}
    if "email" in changed:
        _check_email_free(changed["email"])
    if {"role", "active"} & set(changed):
        _check_may_step_down(actor, found, changed)
    for name, value in changed.items():
        setattr(found, name, value)
    if changed.get("active") is False:
        _end_sessions(found)
    session().flush()
    return found


@operation("staff.write")
def delete(actor: Actor, key: int) -> None:
    """Remove an account. What its owner did stays in the audit log under the name."""
    _lock_admins()
    found = fetch(Staff, key, "staff account", lock=True)
    if found.id == actor.id:
        raise Refused("You can't delete your own account. Another administrator can.")
    if _is_last_admin(found):
        raise Refused(f"{found.name} is the only active administrator. Make another one first.")
    session().execute(delete_rows(Staff).where(Staff.id == key))
    session().expunge(found)


@operation("staff.write")
def set_password(actor: Actor, key: int, password: str) -> Staff:
    """Give an account a new password. Its sessions end, and a lock is lifted."""
    found = fetch(Staff, key, "staff account", lock=True)
    try:
        written = passwords.check(password, email=found.email)
    except ValueError as fault:
        raise Invalid({"password": str(fault)}) from fault
    found.password = hash_password(written)
    _end_sessions(found)
    _lift_lock(found)
    return found


@operation("staff.write")
def reset_second_factor(actor: Actor, key: int) -> Staff:
    """Turn two-step sign-in off for somebody whose device is lost. Their sessions end."""
    found = fetch(Staff, key, "staff account", lock=True)
    if not found.has_second_factor and not found.mf_recovery_codes:
        raise Refused(f"{found.name} does not use two-step sign-in.")
    found.tf_primary_method = found.tf_totp_secret = found.mf_recovery_codes = found.totp_counter = None
    _end_sessions(found)
    return found


@operation("staff.write")
def unlock(actor: Actor, key: int) -> Staff:
    """Let somebody try to sign in again before the fifteen minutes are over."""
    found = fetch(Staff, key, "staff account", lock=True)
    _lift_lock(found)
    return found


@dataclass(frozen=True)
class FirstAdmin:
    """The account that `bootstrap` made; `password` is known here and nowhere else."""

    email: str
    password: str


def bootstrap(email: str | None = None, password: str | None = None) -> FirstAdmin | None:
    """The first administrator of an empty installation, with a password made up where none is given.
    None where there is any account already."""
    return _bootstrap(SYSTEM.saying("First start"), email or "admin@example.com", password)


@operation("staff.write")
def _bootstrap(actor: Actor, email: str, password: str | None) -> FirstAdmin | None:
    session().execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _BOOTSTRAP_LOCK})
    if session().scalar(select(func.count()).select_from(Staff)):
        return None
    chosen = password or new_password()
    made = create(
        actor, {"email": email, "name": "Administrator", "role": "admin", "password": chosen, "active": True}
    )
    return FirstAdmin(made.email, chosen)


def new_password() -> str:
    """Four groups that can be read out over a telephone; about 95 bits."""
    signs = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(signs) for _ in range(5)) for _ in range(4))


def _check_email_free(email: str) -> None:
    holder = session().scalar(select(Staff.name).where(Staff.email == email))
    if holder is not None:
        raise Invalid({"email": f"{holder} already signs in with this address."})


def _lock_admins() -> None:
    """Two administrators who demote each other at once must not both succeed."""
    session().execute(
        select(Staff.id).where(Staff.role == "admin", Staff.active).order_by(Staff.id).with_for_update()
    )


def _is_last_admin(found: Staff) -> bool:
    if found.role != "admin" or not found.active:
        return False
    others = select(func.count()).where(Staff.role == "admin", Staff.active, Staff.id != found.id)
    return not session().scalar(others)


def _check_may_step_down(actor: Actor, found: Staff, changed: Mapping[str, Any]) -> None:
    errors: dict[str, str] = {}
    if found.id == actor.id:
        yourself = "You can't {} your own account. Another administrator can."
        if changed.get("active") is False:
            errors["active"] = yourself.format("deactivate")
        if "role" in changed:
            errors["role"] = yourself.format("change the role of")
    elif _is_last_admin(found):
        only = f"{found.name} is the only active administrator. Make another one first."
        errors = {name: only for name in ("role", "active") if name in changed}
    if errors:
        raise Invalid(errors)


def _end_sessions(found: Staff) -> None:
    """Sessions carry this name of the account; under a new one they mean nobody."""
    found.fs_uniquifier = uuid.uuid4().hex


def _lift_lock(found: Staff) -> None:
    found.failed_sign_ins = 0
    found.locked_until = None
