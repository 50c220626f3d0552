import itertools

import pytest

from dashboard.rules.rights import ALL, ROLES, role_has


def test_roles_come_in_order_of_power() -> None:
    assert list(ROLES) == ["viewer", "clerk", "manager", "admin"]
    for less, more in itertools.pairwise(ROLES.values()):
        assert less < more


def test_admin_holds_every_right_and_all_names_them() -> None:
    assert ROLES["admin"] == ALL
    assert len(ALL) == 17 + 9 + 13 + 4


@pytest.mark.parametrize(
    ("right", "first"),
    [
        ("invoice.read", "viewer"),
        ("export", "viewer"),
        ("invoice.draft", "clerk"),
        ("payment.allocate", "clerk"),
        ("import", "clerk"),
        ("invoice.issue", "manager"),
        ("invoice.void", "manager"),
        ("payment.refund", "manager"),
        ("audit.read", "manager"),
        ("setting.write", "admin"),
        ("staff.write", "admin"),
        ("job.read", "admin"),
        ("schedule.write", "manager"),
        ("mail.send", "clerk"),
        ("template.write", "admin"),
    ],
)
def test_a_right_begins_at_its_role(right: str, first: str) -> None:
    roles = list(ROLES)
    holders = [role for role in roles if role_has(role, right)]
    assert holders == roles[roles.index(first) :]


@pytest.mark.parametrize("role", [None, "", "owner", "Admin"])
def test_nobody_and_strangers_hold_nothing(role: str | None) -> None:
    assert not any(role_has(role, right) for right in ALL)


def test_a_misspelled_right_is_not_quietly_refused() -> None:
    with pytest.raises(ValueError, match=r"invoice\.isue"):
        role_has("admin", "invoice.isue")
