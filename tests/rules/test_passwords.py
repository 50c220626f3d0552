import pytest

from dashboard.config import ConfigError, Settings
from dashboard.rules import passwords

ENVIRONMENT = {
    "DATABASE_URL": "postgresql://localhost/billing",
    "REDIS_URL": "redis://localhost",
    "SECRET_KEY": "k" * 32,
}


@pytest.mark.parametrize(
    "password", ["eight888", "correct horse battery staple", "пароль из слов", "x" * 256]
)
def test_what_will_do(password):
    assert passwords.check(password, email="ada@example.com") == passwords.normalise(password)


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("", "at least 8"),
        ("seven77", "at least 8"),
        ("x" * 257, "at most 256"),
        ("with\0a nothing", "control character"),
        ("half a pair \ud800", "control character"),
        ("Ada@Example.com", "e-mail address"),
    ],
)
def test_what_will_not(password, said):
    with pytest.raises(ValueError, match=said):
        passwords.check(password, email="ada@example.com")


def test_however_the_keyboard_composes_it():
    assert passwords.check("caf\u00e9 cr\u00e8me") == passwords.check("cafe\u0301 cre\u0300me")


def test_the_environment_asks_for_the_same_length():
    short, enough = "p" * (passwords.MINIMUM - 1), "p" * passwords.MINIMUM
    with pytest.raises(ConfigError, match=f"ADMIN_PASSWORD must have at least {passwords.MINIMUM}"):
        Settings.from_env({**ENVIRONMENT, "ADMIN_PASSWORD": short})
    assert Settings.from_env({**ENVIRONMENT, "ADMIN_PASSWORD": enough}).admin_password == enough
