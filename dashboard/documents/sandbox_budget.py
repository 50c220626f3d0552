"""What one rendering of somebody's template may use up: work, time, depth and output."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

# So many characters of text count as one unit of work.
CHARACTERS = 64


class TemplateFault(Exception):
    """Why a template can't be used, in words for whoever wrote it; `line` where it is known."""

    def __init__(self, line: int | None, reason: str) -> None:
        self.line = line
        self.reason = reason
        super().__init__(f"Line {line}: {reason}" if line else reason)


class Refusal(Exception):
    """The same while rendering, before the line is known."""


@dataclass(frozen=True)
class Limits:
    """Characters of source and of output; units of work; seconds; calls inside one another."""

    source: int = 100_000
    output: int = 4_000_000
    work: int = 1_000_000
    seconds: int = 5
    depth: int = 30


@dataclass
class Budget:
    limits: Limits
    work: int = 0
    depth: int = 0
    ends: int = field(init=False)

    def __post_init__(self) -> None:
        self.ends = time.monotonic_ns() + self.limits.seconds * 1_000_000_000

    def spend(self, units: int) -> None:
        """Before the work is done, so that nothing too large is ever made."""
        self.work += units
        if self.work > self.limits.work:
            raise Refusal("The template does too much: fewer or shorter loops and texts, please.")
        if time.monotonic_ns() > self.ends:
            raise Refusal(f"The template takes longer than {self.limits.seconds} seconds.")

    def spend_text(self, characters: int) -> None:
        if characters > self.limits.output:
            raise Refusal(f"A text of more than {self.limits.output:,} characters.")
        self.spend(characters // CHARACTERS + 1)

    @contextmanager
    def deeper(self) -> Iterator[None]:
        if self.depth >= self.limits.depth:
            raise Refusal(f"Macros call one another more than {self.limits.depth} deep.")
        self.depth += 1
        try:
            yield
        finally:
            self.depth -= 1


_current: ContextVar[Budget] = ContextVar("template_budget")


def budget() -> Budget:
    """That of the rendering under way in this thread."""
    return _current.get()


@contextmanager
def budgeted(limits: Limits) -> Iterator[Budget]:
    token = _current.set(Budget(limits))
    try:
        yield _current.get()
    finally:
        _current.reset(token)


def counted(items: Iterable[Any], units: int = 1) -> Iterator[Any]:
    """The items, each paid for as it is taken."""
    spend = budget().spend
    for item in items:
        spend(units)
        yield item
