"""The columns of the Breakout report as a Schedule Report sends it: which there are, and where they stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class ReportColumn:
    """`kind` is text, day, week, month, currency, money, percent, seconds or number; `currency` names the
    column that holds an amount's."""

    name: str
    label: str
    kind: str = "text"
    currency: str = ""

    @property
    def is_figure(self) -> bool:
        return self.kind in ("money", "percent", "seconds", "number")


def _named(*columns: ReportColumn) -> Mapping[str, ReportColumn]:
    return {column.name: column for column in columns}


# What rows are divided by. The times are chosen as groups alone.
DIMENSIONS = _named(
    ReportColumn("customer", "Customer"),
    ReportColumn("destination", "Customer Destination"),
    ReportColumn("provider", "Provider"),
    ReportColumn("provider_destination", "Provider Destination"),
)
TIMES = _named(
    ReportColumn("day", "Day", "day"),
    ReportColumn("week", "Week", "week"),
    ReportColumn("month", "Month", "month"),
)
FIGURES = _named(
    ReportColumn("customer_charge", "Customer Charge", "money", "customer_currency"),
    ReportColumn("customer_currency", "Customer Currency", "currency"),
    ReportColumn("provider_charge", "Provider Charge", "money", "provider_currency"),
    ReportColumn("provider_currency", "Provider Currency", "currency"),
    ReportColumn("asr", "ASR", "percent"),
    ReportColumn("acd", "ACD", "seconds"),
    ReportColumn("duration", "Duration", "seconds"),
    ReportColumn("attempts", "Attempts", "number"),
    ReportColumn("connected", "Connected", "number"),
    ReportColumn("profit", "Profit", "money", "customer_currency"),
    ReportColumn("profit_percent", "Profit Percent", "percent"),
)
_CHOSEN_FIRST = ("customer", "customer_charge", "customer_currency", "destination")
_CHOSEN_NEXT = ("provider", "provider_charge", "provider_currency", "provider_destination")
_KNOWN = {**DIMENSIONS, **TIMES, **FIGURES}
# What can be chosen, in the order in which it is offered.
COLUMNS: Mapping[str, str] = {
    name: _KNOWN[name].label for name in dict.fromkeys((*_CHOSEN_FIRST, *_CHOSEN_NEXT, *FIGURES))
}
# Where one of these is shown, amounts in two currencies of the provider are two rows, as on screen.
_BY_COST = ("provider_charge", "provider_currency", "profit", "profit_percent")
_BY_CHARGE = (*_BY_COST, "customer_charge", "customer_currency")


def laid_out(groups: Sequence[str], columns: Sequence[str]) -> tuple[ReportColumn, ...]:
    """The columns of a report in their order: groups that are not among those chosen stand first. None
    chosen: all. An amount always has its currency beside it."""
    chosen = list(columns) or [*groups, *FIGURES]
    names: list[str] = [name for name in groups if name not in chosen]
    for name in chosen:
        names.append(name)
        currency = _KNOWN[name].currency
        if currency and currency not in chosen and currency not in names:
            names.append(currency)
    return tuple(_KNOWN[name] for name in dict.fromkeys(names))


def ungrouped(groups: Sequence[str], columns: Sequence[str]) -> list[str]:
    """The labels of columns that no row could fill, as rows are not divided by them."""
    return [DIMENSIONS[name].label for name in columns if name in DIMENSIONS and name not in groups]


def splits(columns: Sequence[ReportColumn]) -> tuple[bool, bool]:
    """Whether rows are of one customer currency each, and of one provider currency."""
    names = {column.name for column in columns}
    return bool(names & set(_BY_CHARGE)), bool(names & set(_BY_COST))
