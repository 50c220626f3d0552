import itertools
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.rules.recurrence import Recurrence, Span, said

DAYS = st.dates(date(2019, 1, 1), date(2029, 12, 31))


@st.composite
def recurrences(draw: st.DrawFn) -> Recurrence:
    frequency = draw(st.sampled_from(["once", "daily", "weekly", "monthly"]))
    last = {"weekly": 7, "monthly": 31}.get(frequency, 0)
    match = draw(st.lists(st.integers(1, last), max_size=4)) if last else []
    return Recurrence(frequency, draw(DAYS), match)


def monthly(anchor: date, *match: int) -> Recurrence:
    return Recurrence("monthly", anchor, match)


def due(recurrence: Recurrence, first: date, end: date) -> list[str]:
    return [str(day) for day in recurrence.due_days(first, end)]


def test_case_15_first_span_from_the_start_to_the_bill_day() -> None:
    first, second, *_ = monthly(date(2011, 1, 1), 15).spans(None, date(2011, 3, 1))
    assert first == Span(date(2011, 1, 1), date(2011, 1, 1), date(2011, 1, 15), 14, 31)
    assert second == Span(date(2011, 1, 15), date(2011, 1, 15), date(2011, 2, 15), 31, 31)


@pytest.mark.parametrize(("year", "february"), [(2023, "2023-02-28"), (2024, "2024-02-29")])
def test_case_16_the_last_day_of_each_month_from_the_anchor(year: int, february: str) -> None:
    found = due(monthly(date(year, 1, 31)), date(year, 1, 1), date(year, 5, 1))
    assert found == [f"{year}-01-31", february, f"{year}-03-31", f"{year}-04-30"]


def test_case_17_the_next_due_day_is_taken_from_the_anchor() -> None:
    assert monthly(date(2020, 2, 29), 31).after(date(2020, 2, 29)) == date(2020, 3, 31)
    assert monthly(date(2020, 1, 31)).after(date(2020, 1, 31)) == date(2020, 2, 29)


def test_case_20_the_15th_and_the_31st_of_each_month() -> None:
    found = due(monthly(date(2023, 1, 15), 15, 31), date(2023, 1, 1), date(2023, 5, 1))
    assert found == [
        "2023-01-15",
        "2023-01-31",
        "2023-02-15",
        "2023-02-28",
        "2023-03-15",
        "2023-03-31",
        "2023-04-15",
        "2023-04-30",
    ]


def test_two_match_days_that_fall_together_are_one() -> None:
    assert due(monthly(date(2023, 1, 1), 30, 31), date(2023, 2, 1), date(2023, 3, 1)) == ["2023-02-28"]


def test_week_days_count_from_monday() -> None:
    # 2026-11-23 is a Monday.
    found = due(Recurrence("weekly", date(2026, 11, 23), [1, 5]), date(2026, 11, 23), date(2026, 12, 5))
    assert found == ["2026-11-23", "2026-11-27", "2026-11-30", "2026-12-04"]


def test_without_days_the_own_day_of_the_start_counts() -> None:
    assert due(Recurrence("weekly", date(2026, 11, 25)), date(2026, 11, 20), date(2026, 12, 5)) == [
        "2026-11-25",
        "2026-12-02",
    ]
    assert due(monthly(date(2026, 11, 25)), date(2026, 11, 20), date(2027, 1, 1)) == [
        "2026-11-25",
        "2026-12-25",
    ]


def test_daily_and_once() -> None:
    start = date(2026, 11, 25)
    assert len(due(Recurrence("daily", start), start, date(2026, 12, 5))) == 10
    once = Recurrence("once", start)
    assert due(once, date(2026, 1, 1), date(2030, 1, 1)) == [str(start)]
    assert list(once.spans(None, date(2030, 1, 1))) == [Span(start, start, None)]
    assert list(once.spans(date(2026, 11, 30), date(2030, 1, 1))) == [Span(start, start, date(2026, 12, 1))]


def test_the_last_span_ends_with_the_last_day() -> None:
    *_, last = monthly(date(2026, 1, 1)).spans(date(2026, 3, 10), date(2026, 12, 1))
    assert (last.start, last.end, last.days, last.of_days) == (date(2026, 3, 1), date(2026, 3, 11), 10, 31)
    assert last.last == date(2026, 3, 10)
    assert not last.whole


@pytest.mark.parametrize(
    ("frequency", "match", "words"),
    [
        ("once", [], "Once, on the Start Date"),
        ("daily", [], "Every day"),
        ("weekly", [1], "Every week on Monday"),
        ("weekly", [5, 1, 7], "Every week on Monday, Friday and Sunday"),
        ("weekly", [], "Every week on Wednesday"),
        ("monthly", [15, 31], "Every month on the 15th and 31st"),
        ("monthly", [1, 2, 3, 11, 22], "Every month on the 1st, 2nd, 3rd, 11th and 22nd"),
        ("monthly", [], "Every month on the 25th"),
    ],
)
def test_in_words(frequency: str, match: list[int], words: str) -> None:
    assert said(Recurrence(frequency, date(2026, 11, 25), match)) == words


def test_an_unknown_frequency_is_refused() -> None:
    with pytest.raises(ValueError, match="frequency"):
        Recurrence("hourly", date(2026, 1, 1))


@given(recurrences(), st.integers(0, 200), st.integers(1, 400))
def test_spans_tile_the_time_without_gap_or_overlap(what: Recurrence, runs: int, ahead: int) -> None:
    last = what.anchor + timedelta(days=runs)
    found = list(what.spans(last, what.anchor + timedelta(days=ahead)))
    assert found[0].start == what.anchor
    for one, following in itertools.pairwise(found):
        assert one.end == following.start
        assert what.falls_on(following.due_on)
    for span in found:
        assert span.end is not None
        assert 1 <= span.days <= span.of_days
        assert span.end <= last + timedelta(days=1)
        assert what.frequency == "once" or span.days == (span.end - span.start).days
    # Only the first and the last may be less than whole.
    assert all(span.whole for span in found[1:-1])


@given(recurrences(), DAYS, st.one_of(st.none(), st.integers(0, 200)))
def test_each_day_lies_in_the_span_that_is_found_for_it(
    what: Recurrence, day: date, runs: int | None
) -> None:
    last = None if runs is None else what.anchor + timedelta(days=runs)
    found = what.span_of(day, last)
    listed = [span for span in what.spans(last, day + timedelta(days=1)) if day in span]
    assert [found] == (listed or [None])


@given(recurrences(), st.integers(-50, 300), st.integers(1, 400))
def test_spans_from_a_day_on_are_the_last_of_all(what: Recurrence, since: int, ahead: int) -> None:
    first, until = what.anchor + timedelta(days=since), what.anchor + timedelta(days=ahead)
    every = list(what.spans(None, until))
    assert list(what.spans(None, until, first)) == [
        one for one in every if one.end is None or one.end > first
    ]


@given(recurrences(), DAYS)
def test_after_and_latest_agree_with_the_days_one_by_one(what: Recurrence, day: date) -> None:
    following, latest = what.after(day), what.latest(day)
    assert following is None or (what.falls_on(following) and following > day)
    assert latest is None or (what.falls_on(latest) and latest <= day)
    if following and latest:
        between = (latest + timedelta(days=n) for n in range(1, (following - latest).days))
        assert not any(what.falls_on(other) for other in between)
        assert what.after(latest) == following
