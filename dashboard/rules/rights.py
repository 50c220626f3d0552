"""What each role may do. A right is `subject.verb`; every role holds all rights of the one before it."""

from typing import Final

_STEPS: Final[dict[str, str]] = {
    "viewer": (
        "dashboard.read customer.read contact.read package.read invoice.read payment.read item.read"
        " provider.read rate.read usage.read report.read billing.read schedule.read mail.read export job.own"
        " account.own"
    ),
    "clerk": (
        "customer.write contact.write package.write invoice.draft payment.write payment.allocate import"
        " usage.import mail.send"
    ),
    "manager": (
        "customer.delete package.delete invoice.issue invoice.void invoice.reopen"
        " payment.delete payment.refund provider.write rate.write usage.rerate billing.run schedule.write"
        " audit.read"
    ),
    "admin": "setting.write template.write staff.write job.read",
}


def _cumulate(steps: dict[str, str]) -> dict[str, frozenset[str]]:
    roles: dict[str, frozenset[str]] = {}
    held: frozenset[str] = frozenset()
    for role, added in steps.items():
        held = held | frozenset(added.split())
        roles[role] = held
    return roles


# In order of growing power.
ROLES: Final[dict[str, frozenset[str]]] = _cumulate(_STEPS)
ALL: Final[frozenset[str]] = frozenset().union(*ROLES.values())


def role_has(role: str | None, right: str) -> bool:
    """True when staff with this role hold the right; nobody and an unknown role hold none.

    A right that is not in the table is a slip in the code, so it raises instead of quietly refusing everyone.
    """
    if right not in ALL:
        raise ValueError(f"No such right: {right}")
    return role is not None and right in ROLES.get(role, frozenset())
