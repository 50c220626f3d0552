from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.rules.numbering import MAX_LENGTH, MAX_WIDTH, check_pattern, format_number

DAY = date(2026, 3, 9)


@pytest.mark.parametrize(
    ("pattern", "seq", "number"),
    [
        ("INV-{year}-{seq:06}", 1, "INV-2026-000001"),
        ("INV-{year}-{seq:06}", 1_234_567, "INV-2026-1234567"),
        ("{seq}", 42, "42"),
        ("{year2}{month:02}/{seq:04}", 7, "2603/0007"),
        ("{seq:012}", 1, "000000000001"),
        ("CN #{seq:03}.A", 5, "CN #005.A"),
    ],
)
def test_numbers_follow_their_pattern(pattern: str, seq: int, number: str) -> None:
    check_pattern(pattern)
    assert format_number(pattern, seq, DAY) == number


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("", "needs the running count"),
        ("INV-{year}", "needs the running count"),
        ("{seq}{seq}", "only once"),
        ("{seq:013}", "at most 12 digits"),
        ("{seq:099}", "at most 12 digits"),
        ("{seq:0999}", r"\{seq:0999\} cannot be used"),
        ("{seq:6}", r"\{seq:6\} cannot be used"),
        ("{seq:00}", r"\{seq:00\} cannot be used"),
        ("{seq:>6}", "cannot be used"),
        ("{seq:{year}}", "cannot be used"),
        ("{seq!r}", r"\{seq!r\} cannot be used"),
        ("{seq.__class__}", "cannot be used"),
        ("{seq[0]}", "cannot be used"),
        ("{}{seq}", r"\{\} cannot be used"),
        ("{0}{seq}", "cannot be used"),
        ("{month}{seq}", r"\{month\} cannot be used"),
        ("{year:04}{seq}", "cannot be used"),
        (
            "{customer}{seq}",
            r"\{customer\} cannot be used.*Use \{year\}, \{year2\}, \{month:02\} and \{seq:06\}",
        ),
        ("{seq", "missing its partner"),
        ("seq}", "missing its partner"),
        ("{{x}}{seq}", "letters A-Z"),
        ("../{seq}\n", "begin or end with a space"),
        ('"{seq}', "letters A-Z"),
        ("<b>{seq}", "letters A-Z"),
        ("=1+{seq}", "letters A-Z"),
        (" {seq}", "begin or end with a space"),
        ("A" * 41 + "{seq}", "at most 40 characters"),
        ("A" * 30 + "{seq}", "longer than 40 characters"),
    ],
)
def test_patterns_that_cannot_number_are_refused_in_words(pattern: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        check_pattern(pattern)
    with pytest.raises(ValueError, match=words):
        format_number(pattern, 1, DAY)


@pytest.mark.parametrize("seq", [0, -1, 10**MAX_WIDTH])
def test_counts_out_of_range(seq: int) -> None:
    with pytest.raises(ValueError, match="out of range"):
        format_number("{seq}", seq, DAY)


part = st.sampled_from(["{year}", "{year2}", "{month:02}", "-", "7", "INV", "/"])
patterns = st.builds(
    lambda before, seq, after: "".join([*before, seq, *after]),
    st.lists(part, max_size=2),
    st.sampled_from(["{seq}", "{seq:04}", "{seq:06}", "{seq:012}"]),
    st.lists(part, max_size=1),
)
days = st.dates(date(1, 1, 1), date(9999, 12, 31))
counts = st.integers(1, 10**MAX_WIDTH - 1)


@given(patterns, counts, counts, days, days)
def test_two_counts_never_give_one_number(pattern: str, a: int, b: int, day: date, other: date) -> None:
    one, two = format_number(pattern, a, day), format_number(pattern, b, other)
    assert a == b or one != two
    assert len(one) <= MAX_LENGTH


@given(st.integers(1, 999_998), days)
def test_numbers_of_one_width_sort_as_they_were_given(seq: int, day: date) -> None:
    pattern = "INV-{year}-{seq:06}"
    assert format_number(pattern, seq, day) < format_number(pattern, seq + 1, day)


@given(st.text(alphabet="{}seq:0year!.[]26 -A\x00é", max_size=20))
def test_any_text_is_a_pattern_or_a_refusal(text: str) -> None:
    try:
        check_pattern(text)
    except ValueError as refusal:
        assert str(refusal)
    else:
        assert format_number(text, 1, DAY)
