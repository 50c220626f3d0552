"""What Flask-Security is asked to do, and what it says while doing it."""

from __future__ import annotations

import datetime as dt
from typing import Any

from dashboard.operations.secrets import derive
from dashboard.rules import passwords

WRONG = "Wrong e-mail address or password. Check both, or try again in 15 minutes."
WRONG_CODE = "This code is not right. Check it, or try again in 15 minutes."

_ON: dict[str, Any] = {
    "PASSWORD_HASH": "argon2",
    "PASSWORD_SCHEMES": ["argon2"],
    "PASSWORD_SINGLE_HASH": {"argon2"},
    "PASSWORD_LENGTH_MIN": passwords.MINIMUM,
    "POST_LOGIN_VIEW": "/admin/",
    "POST_LOGOUT_VIEW": "/login",
    "POST_CHANGE_VIEW": "/admin/account/",
    "LOGOUT_METHODS": ["POST"],
    "CHANGEABLE": True,
    "TWO_FACTOR": True,
    "TWO_FACTOR_ENABLED_METHODS": ["authenticator"],
    "TWO_FACTOR_ALWAYS_VALIDATE": True,
    # Seconds before and after now in which a code counts: clocks of telephones are seldom further off.
    "TWO_FACTOR_AUTHENTICATOR_VALIDITY": 30,
    "TWO_FACTOR_POST_SETUP_VIEW": "/admin/account/",
    "MULTI_FACTOR_RECOVERY_CODES": True,
    "MULTI_FACTOR_RECOVERY_CODES_N": 8,
    "TOTP_ISSUER": "Billing Dashboard",
    # How long after the password one may change how one signs in.
    "FRESHNESS": dt.timedelta(minutes=15),
    "FRESHNESS_GRACE_PERIOD": dt.timedelta(minutes=5),
    "RETURN_GENERIC_RESPONSES": True,
    "API_ENABLED_METHODS": ["session"],
}

_OFF: dict[str, Any] = {
    "SEND_PASSWORD_CHANGE_EMAIL": False,
    "TWO_FACTOR_RESCUE_EMAIL": False,
    "JOIN_USER_ROLES": False,
    "STATIC_FOLDER": None,
    "CACHE_CONTROL": None,
    "CLI_USERS_NAME": None,
    "CLI_ROLES_NAME": None,
}

_SAYS: dict[str, tuple[str, str]] = {
    "GENERIC_AUTHN_FAILED": (WRONG, "error"),
    "EMAIL_NOT_PROVIDED": ("Fill in the e-mail address.", "error"),
    "PASSWORD_NOT_PROVIDED": ("Fill in the password.", "error"),
    "INVALID_PASSWORD": ("This password is not right. Check it, or try again in 15 minutes.", "error"),
    "INVALID_CODE": (WRONG_CODE, "error"),
    "TWO_FACTOR_INVALID_TOKEN": (WRONG_CODE, "error"),
    "INVALID_RECOVERY_CODE": (WRONG_CODE, "error"),
    "NO_RECOVERY_CODES_SETUP": ("There are no recovery codes yet.", "info"),
    "RETYPE_PASSWORD_MISMATCH": ("The two passwords differ.", "error"),
    "PASSWORD_IS_THE_SAME": ("This is the password you have now. Choose another one.", "error"),
    "PASSWORD_CHANGE": ("Your password is changed. Everywhere else you are signed out.", "success"),
    "TWO_FACTOR_LOGIN_SUCCESSFUL": ("You are signed in.", "success"),
    "TWO_FACTOR_CHANGE_METHOD_SUCCESSFUL": (
        "Two-step sign-in is on. Make recovery codes now, for the day the device is not at hand.",
        "success",
    ),
    "TWO_FACTOR_DISABLED": ("Two-step sign-in is off.", "success"),
    "TWO_FACTOR_PERMISSION_DENIED": ("Please sign in again.", "error"),
    "TWO_FACTOR_SETUP_EXPIRED": ("That took longer than %(within)s. Please begin again.", "error"),
    "TWO_FACTOR_METHOD_NOT_AVAILABLE": ("Choose one from the list.", "error"),
    "REAUTHENTICATION_REQUIRED": ("Type your password once more to go on.", "info"),
    "REAUTHENTICATION_SUCCESSFUL": ("Thank you. You can go on.", "success"),
    "API_ERROR": ("This could not be read. Please try again.", "error"),
}


def of(secret_key: str, behind_tls: bool) -> dict[str, Any]:
    """The configuration; keys of the second factor come from the secret key."""
    named = {**_ON, **_OFF, **{f"MSG_{name}": said for name, said in _SAYS.items()}}
    named["TOTP_SECRETS"] = {1: derive(secret_key, "second factor")}
    named["MULTI_FACTOR_RECOVERY_CODES_KEYS"] = [derive(secret_key, "recovery codes").encode()]
    named["TWO_FACTOR_VALIDITY_COOKIE"] = {"httponly": True, "secure": behind_tls, "samesite": "Strict"}
    return {f"SECURITY_{name}": value for name, value in named.items()}
