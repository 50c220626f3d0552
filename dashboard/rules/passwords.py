"""What a password must be. Length is what counts: people may choose phrases."""

import unicodedata
from typing import Final

MINIMUM: Final = 8
# Far above any phrase, far below what would keep the hash busy.
MAXIMUM: Final = 256


def normalise(password: str) -> str:
    """The one spelling that is hashed, however the keyboard composed its signs."""
    return unicodedata.normalize("NFKD", password)


def check(password: str, *, email: str = "") -> str:
    """The password to hash. ValueError in words where it will not do."""
    written = normalise(password)
    if len(written) < MINIMUM:
        raise ValueError(f"Use at least {MINIMUM} characters.")
    if len(written) > MAXIMUM:
        raise ValueError(f"Use at most {MAXIMUM} characters.")
    if any(unicodedata.category(sign) in ("Cc", "Cs") for sign in written):
        raise ValueError("This has an invisible control character in it. Type it again without.")
    if email and written.casefold() == email.casefold():
        raise ValueError("The password can't be the e-mail address.")
    return written
