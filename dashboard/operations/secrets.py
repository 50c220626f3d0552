"""Keys derived from SECRET_KEY, one for each purpose, and texts kept encrypted in the database.

A new SECRET_KEY makes what was sealed unreadable: it must then be entered again.
"""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import current_app


def derive(secret_key: str, purpose: str) -> str:
    """A key for one purpose, as 32 bytes in URL-safe base64 (what Fernet takes)."""
    made = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"billing-dashboard {purpose}".encode())
    return base64.urlsafe_b64encode(made.derive(secret_key.encode())).decode()


def _fernet(purpose: str) -> Fernet:
    return Fernet(derive(current_app.config["SECRET_KEY"], purpose))


def seal(text: str, purpose: str) -> str:
    return _fernet(purpose).encrypt(text.encode()).decode()


def unseal(sealed: str, purpose: str) -> str | None:
    """The text, or None where another key sealed it."""
    try:
        return _fernet(purpose).decrypt(sealed.encode()).decode()
    except InvalidToken:
        return None
