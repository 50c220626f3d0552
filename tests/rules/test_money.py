import json
import unicodedata
from decimal import Decimal

import pytest
from babel.numbers import format_currency
from hypothesis import given
from hypothesis import strategies as st

from dashboard.rules.money import (
    add,
    currencies,
    currency_format,
    exponent,
    format_money,
    format_price,
    parse_decimal,
    plain,
    round_money,
)

amounts = st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**16), max_value=10**16)
codes = st.sampled_from([code for code, _ in currencies()])


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        ("1234.99", "JPY", "1235"),
        ("1.2345", "BHD", "1.235"),
        ("1.2344", "BHD", "1.234"),
    ],
)
def test_case_13_currencies_keep_their_own_decimals(amount: str, currency: str, expected: str) -> None:
    assert str(round_money(Decimal(amount), currency)) == expected


@pytest.mark.parametrize(
    ("amount", "expected"),
    [("0.005", "0.01"), ("-0.005", "-0.01"), ("0.0049999", "0.00"), ("-0.004", "0.00"), ("2.675", "2.68")],
)
def test_halves_go_away_from_zero_and_zero_has_no_sign(amount: str, expected: str) -> None:
    assert str(round_money(Decimal(amount), "USD")) == expected


def test_wide_amounts_stay_exact() -> None:
    wide = Decimal("12345678901234567890123456789012345.675")
    assert str(round_money(wide, "USD")) == "12345678901234567890123456789012345.68"
    assert add([wide, Decimal("0.001")]) == Decimal("12345678901234567890123456789012345.676")


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "-Infinity"])
def test_what_is_not_a_number_is_not_rounded(amount: str) -> None:
    with pytest.raises(ValueError, match="not a number"):
        round_money(Decimal(amount), "USD")


@given(amounts, codes)
def test_rounding_mirrors_and_repeats(amount: Decimal, currency: str) -> None:
    rounded = round_money(amount, currency)
    assert round_money(-amount, currency) == -rounded
    assert round_money(rounded, currency) == rounded
    assert abs(rounded - amount) * 2 <= Decimal(10) ** -exponent(currency)


def test_currencies_are_those_one_can_pay_with_today() -> None:
    labels = dict(currencies())
    assert labels["USD"] == "USD - US Dollar"
    assert {"EUR", "GBP", "JPY", "BHD", "CHF", "XCG", "ZWG"} <= labels.keys()
    assert not {"DEM", "HRK", "BGN", "ANG", "XXX", "XAU", "CLF", "CHE"} & labels.keys()
    assert [code for code, _ in currencies()] == sorted(labels)


def test_exponents() -> None:
    assert [exponent(code) for code in ("JPY", "USD", "BHD")] == [0, 2, 3]
    assert max(exponent(code) for code, _ in currencies()) <= 4, "amount columns keep four places"
    with pytest.raises(ValueError, match="no currency 'ABC'"):
        exponent("ABC")


@pytest.mark.parametrize(
    ("amount", "currency", "shown", "with_code"),
    [
        ("1234.5", "USD", "$1,234.50", "$1,234.50 USD"),
        ("-1234.5", "JPY", "-¥1,235", "-¥1,235 JPY"),
        ("1234.5", "EUR", "€1,234.50", "€1,234.50 EUR"),
        ("50", "CHF", "CHF\u00a050.00", "50.00 CHF"),
        ("-50", "CHF", "-CHF\u00a050.00", "-50.00 CHF"),
        ("1.2345", "BHD", "BHD\u00a01.235", "1.235 BHD"),
        ("50", "CAD", "CA$50.00", "CA$50.00 CAD"),
        ("-0.001", "USD", "$0.00", "$0.00 USD"),
        ("1234567890123456.78", "USD", "$1,234,567,890,123,456.78", "$1,234,567,890,123,456.78 USD"),
    ],
)
def test_money_is_shown_as_the_currency_is_written(
    amount: str, currency: str, shown: str, with_code: str
) -> None:
    assert format_money(Decimal(amount), currency) == shown
    assert format_money(Decimal(amount), currency, code=True) == with_code


@given(amounts, codes)
def test_money_is_shown_as_babel_does_but_for_rounding_and_spacing(amount: Decimal, currency: str) -> None:
    theirs = format_currency(round_money(amount, currency), currency, locale="en_US")
    ours = format_money(amount, currency)
    if unicodedata.category(currency_format(currency)["symbol"][-1]) == "Sc":
        assert ours == theirs
    else:
        assert ours.replace("\u00a0", "") == theirs.replace("\u00a0", "")
        assert "\u00a0" in ours


def test_a_unit_price_keeps_its_decimals() -> None:
    assert format_price(Decimal("0.0125"), "USD") == "$0.0125"
    assert format_price(Decimal("50.000000"), "USD") == "$50.00"
    assert format_price(Decimal("1234.5"), "JPY", code=True) == "¥1,234.5 JPY"


@pytest.mark.parametrize(
    ("value", "places", "shown"),
    [
        ("20.0000", 0, "20"),
        ("17.5000", 0, "17.5"),
        ("100", 0, "100"),
        ("1E+3", 0, "1000"),
        ("50", 2, "50.00"),
        ("0.005000", 2, "0.005"),
        ("-0.00", 0, "0"),
        ("-0.5", 2, "-0.50"),
    ],
)
def test_plain_text_for_inputs_and_files(value: str, places: int, shown: str) -> None:
    assert plain(Decimal(value), places) == shown


def test_currency_format_is_json_and_nobody_can_spoil_it_for_others() -> None:
    form = currency_format("USD")
    assert json.loads(json.dumps(form)) == form
    form["prefix"] = "?"
    assert format_money(Decimal(1), "USD") == "$1.00"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,234.50", "1234.50"),
        (" 1 234.50 ", "1234.50"),
        ("1\u00a0234\u202f567", None),
        ("1\u202f234\u202f567.5", "1234567.5"),
        ("+5", "5"),
        ("-5.10", "-5.10"),
        ("\u22125", "-5"),
        (".5", "0.5"),
        ("5.", "5"),
        ("007", "7"),
        ("-0.00", "0.00"),
        ("12345678901234.123456", "12345678901234.123456"),
        ("\t12\r\n", "12"),
    ],
)
def test_numbers_as_people_write_them(text: str, value: str | None) -> None:
    if value is None:
        with pytest.raises(ValueError, match="Use a point for decimals"):
            parse_decimal(text)
    else:
        assert str(parse_decimal(text, max_digits=20)) == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Enter a number."),
        ("   ", "Enter a number."),
        ("NaN", '"NaN" is not a number. Write it like 1,234.50.'),
        ("Infinity", '"Infinity" is not a number. Write it like 1,234.50.'),
        ("1e5", '"1e5" is not a number. Write it like 1,234.50.'),
        ("0x10", '"0x10" is not a number. Write it like 1,234.50.'),
        ("1_000", '"1_000" is not a number. Write it like 1,234.50.'),
        ("$5", '"$5" is not a number. Write it like 1,234.50.'),
        ("٣", '"٣" is not a number. Write it like 1,234.50.'),
        (".", '"." is not a number. Write it like 1,234.50.'),
        ("-", '"-" is not a number. Write it like 1,234.50.'),
        ("--5", '"--5" is not a number. Write it like 1,234.50.'),
        ("a" * 30, '"aaaaaaaaaaaaaaaaaaaa..." is not a number. Write it like 1,234.50.'),
        ("1,5", "Use a point for decimals and commas only between thousands, such as 1,234.50."),
        ("0,234", "Use a point for decimals and commas only between thousands, such as 1,234.50."),
        ("1.234,50", "Use a point for decimals and commas only between thousands, such as 1,234.50."),
        ("1,234 567", "Use a point for decimals and commas only between thousands, such as 1,234.50."),
        ("1.2.3", "Use a point for decimals and commas only between thousands, such as 1,234.50."),
        ("9" * 61, "This is too long for a number."),
        ("9" * 10_000_000, "This is too long for a number."),
    ],
)
def test_what_is_not_a_number_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(ValueError) as refusal:
        parse_decimal(text)
    assert str(refusal.value) == words


def test_numbers_fit_their_column() -> None:
    assert str(parse_decimal("1.2300", places=2)) == "1.23"
    assert str(parse_decimal("0" * 30 + "1", places=2, max_digits=4)) == "1"
    for text, places, digits, words in [
        ("1.234", 2, 20, "Use at most 2 decimals."),
        ("1.23", 1, 20, "Use at most 1 decimal."),
        ("1.5", 0, 20, "Use a whole number."),
        ("12345", 2, 6, "This number is too big: use at most 4 digits before the point."),
        ("12345.67", None, 6, "Use at most 6 digits."),
    ]:
        with pytest.raises(ValueError) as refusal:
            parse_decimal(text, places=places, max_digits=digits)
        assert str(refusal.value) == words


@given(amounts)
def test_what_is_shown_can_be_typed_back(amount: Decimal) -> None:
    assert parse_decimal(f"{amount:,f}", max_digits=40) == amount
    assert parse_decimal(plain(amount), max_digits=40) == amount


@given(st.text(max_size=70))
def test_any_text_gives_a_number_or_a_refusal(text: str) -> None:
    try:
        value = parse_decimal(text)
    except ValueError as refusal:
        assert str(refusal)
    else:
        assert value.is_finite()
