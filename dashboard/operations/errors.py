"""What an operation may answer instead of doing it. Views turn these into words and a status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class OperationError(Exception):
    """Base of every answer below; its text is fit for a clerk to read."""


class Refused(OperationError):
    """A rule says no; the message says why and what to do."""


class Invalid(OperationError):
    """Values that can't be taken, by field name. The key "" is the form as a whole."""

    def __init__(self, errors: Mapping[str, Sequence[str] | str]) -> None:
        self.errors: dict[str, list[str]] = {
            field: [said] if isinstance(said, str) else list(said) for field, said in errors.items()
        }
        super().__init__(" ".join(message for said in self.errors.values() for message in said))


class Forbidden(OperationError):
    def __init__(self, right: str) -> None:
        self.right = right
        super().__init__("Your role does not allow this.")


class Missing(OperationError):
    def __init__(self, what: str = "record") -> None:
        self.what = what
        super().__init__(f"This {what} does not exist, or no longer does.")


class Stale(OperationError):
    """Somebody saved the record since the reader opened it."""

    def __init__(self, record: Any) -> None:
        self.record = record
        super().__init__("Somebody else changed this record while you had it open.")


class Duplicate(OperationError):
    """The form was sent before; `result` names what it made then, such as `invoice:12`."""

    def __init__(self, result: str | None) -> None:
        self.result = result
        super().__init__("This form was already saved.")
