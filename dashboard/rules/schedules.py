"""When something that runs by itself is due: each period of a schedule has one slot, the moment it is done.

A slot is the first `hour`:00 on the clocks of the zone at which the wait after the period's end is over. It
follows from the period alone, never from the last run. Where clocks jump over that time it is the moment of
the jump; where they show it twice, the first. Where clocks jumped during the wait, so that `hour`:00 would
come before its end, it is the end of the wait: so no two periods ever share a slot.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dashboard.rules.periods import Period, bounds, period_of

_SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Rule:
    """How often, at which local hour of which zone, and how long after the period's end."""

    frequency: str
    hour: int
    zone: str
    delay_hours: int

    def slot(self, period: Period) -> datetime:
        """The moment, in UTC, at which the period is done."""
        _, end = bounds(period, self.zone)
        days = max(0, -((self.hour - self.delay_hours) // 24))
        shown = first_shown(period.end + timedelta(days=days), self.hour, ZoneInfo(self.zone))
        return max(shown, end + timedelta(hours=self.delay_hours))

    def period_of_slot(self, slot: datetime) -> Period:
        """The period that is done at the slot; for any other moment that of the last slot before it."""
        period = period_of(self.frequency, slot.astimezone(ZoneInfo(self.zone)).date())
        while not self._lasts(period) or self.slot(period) > slot:
            period = period_of(self.frequency, period.start - timedelta(days=1))
        return period

    def following(self, period: Period) -> Period:
        """The next period. A day that the zone never had, as where the date line was moved, is none."""
        found = period_of(self.frequency, period.end)
        while not self._lasts(found):
            found = period_of(self.frequency, found.end)
        return found

    def after(self, moment: datetime) -> datetime:
        """The first slot after the moment."""
        return self.slot(self.following(self.period_of_slot(moment)))

    def next_slots(self, moment: datetime, count: int) -> list[datetime]:
        """The first so many slots after the moment."""
        period, found = self.period_of_slot(moment), []
        for _ in range(count):
            period = self.following(period)
            found.append(self.slot(period))
        return found

    def last_ended(self, moment: datetime) -> Period:
        """The last period that is over, whether or not its slot has come."""
        period = period_of(self.frequency, moment.astimezone(ZoneInfo(self.zone)).date())
        while not self._lasts(period) or bounds(period, self.zone)[1] > moment:
            period = period_of(self.frequency, period.start - timedelta(days=1))
        return period

    def _lasts(self, period: Period) -> bool:
        start, end = bounds(period, self.zone)
        return start < end


def first_shown(day: date, hour: int, zone: ZoneInfo) -> datetime:
    """The first moment, in UTC, at which clocks of the zone show that hour of the day, or a later time."""
    wanted = datetime.combine(day, time(hour))
    moment = wanted.replace(tzinfo=zone).astimezone(UTC)
    if _shown(moment, zone) == wanted:
        return moment
    # Clocks jump over it: between these two moments.
    before, after = wanted.replace(tzinfo=zone, fold=1).astimezone(UTC), moment
    while after - before > _SECOND:
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if _shown(middle, zone) < wanted:
            before = middle
        else:
            after = middle
    return after


def _shown(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)


_EACH = {"daily": "day", "weekly": "week", "monthly": "month"}


def in_words(rule: Rule) -> str:
    """`Each month: 24 hours after its end, then at 06:00 on the clocks of Europe/Madrid.`"""
    zone = rule.zone.replace("_", " ")
    hours = "1 hour" if rule.delay_hours == 1 else f"{rule.delay_hours} hours"
    wait = f"{hours} after its end, then" if rule.delay_hours else "after its end,"
    return f"Each {_EACH[rule.frequency]}: {wait} at {rule.hour:02}:00 on the clocks of {zone}."


def how_far(moment: datetime, now: datetime, zone: ZoneInfo) -> str:
    """`Wednesday 2 December, in 9 days`, on the clocks of the zone."""
    there = moment.astimezone(zone)
    days = (there.date() - now.astimezone(zone).date()).days
    near = {0: "today", 1: "tomorrow", -1: "yesterday"}
    far = near.get(days) or (f"in {days} days" if days > 0 else f"{-days} days ago")
    return f"{there:%A} {there.day} {there:%B}, {far}"
