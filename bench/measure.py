"""One way to time things and one table to print them in."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """`ours` and `other` in seconds (or MB); `limit` is what the budget allows, in words."""

    work: str
    ours: float
    unit: str = "ms"
    limit: str = ""
    other: float | None = None
    other_name: str = ""

    @property
    def ratio(self) -> str:
        return f"{self.ours / self.other:.2f}x" if self.other else ""


def timed(work: Callable[[], object], runs: int = 7) -> float:
    """The median milliseconds of several runs after one that is not counted."""
    work()
    found = []
    gc.disable()
    for _ in range(runs):
        start = time.perf_counter()
        work()
        found.append((time.perf_counter() - start) * 1000)
    gc.enable()
    return statistics.median(found)


def show(rows: Iterable[Row]) -> None:
    """Print the table; a ratio is ours divided by the other of the same run."""
    print(f"{'work':<48} {'ours':>12} {'beside':>12} {'ratio':>8}  limit")
    for row in rows:
        beside = f"{row.other:,.1f} {row.unit}" if row.other is not None else ""
        name = f" ({row.other_name})" if row.other_name else ""
        print(f"{row.work:<48} {row.ours:>9,.1f} {row.unit} {beside:>12} {row.ratio:>8}  {row.limit}{name}")
