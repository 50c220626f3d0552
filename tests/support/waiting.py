"""Waiting for something to become true, with a limit and words for when it does not."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(check: Callable[[], T], seconds: float = 10.0, what: str = "it happens") -> T:
    """The first true answer of `check`, asked again every 20 ms."""
    deadline = time.monotonic() + seconds
    while True:
        if answer := check():
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"Waited {seconds:g} s in vain until {what}.")
        time.sleep(0.02)
