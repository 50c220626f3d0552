from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.rules.money import add, currencies, exponent, round_money
from dashboard.rules.tax import Line, TaxMode, Totals, compute, share

MODES: list[TaxMode] = ["per_rate", "per_line"]


def line(quantity: str, price: str, percent: str, name: str = "") -> Line:
    return Line(Decimal(quantity), Decimal(price), Decimal(percent), name)


def texts(amounts: list[Decimal]) -> list[str]:
    return [str(amount) for amount in amounts]


def test_case_9_two_rates() -> None:
    totals = compute([line("10", "10", "20"), line("5", "1", "6")], "USD")
    assert texts([totals.subtotal, totals.tax, totals.total]) == ["105.00", "20.30", "125.30"]
    assert texts([row.gross for row in totals.lines]) == ["120.00", "5.30"]


def test_case_10_per_rate_and_per_line() -> None:
    lines = [line("1", "55.55", "23"), line("1", "11.11", "23")]
    per_rate = compute(lines, "EUR")
    assert str(per_rate.tax) == "15.33"
    assert texts([row.tax for row in per_rate.lines]) == ["12.78", "2.55"]
    per_line = compute(lines, "EUR", "per_line")
    assert str(per_line.tax) == "15.34"
    assert texts([row.tax for row in per_line.lines]) == ["12.78", "2.56"]


def test_case_11_prices_with_tax_in_them() -> None:
    lines = [line("1", "50", "19"), line("1", "50", "19")]
    per_rate = compute(lines, "EUR", inclusive=True)
    assert texts([per_rate.subtotal, per_rate.tax, per_rate.total]) == ["84.03", "15.97", "100.00"]
    per_line = compute(lines, "EUR", "per_line", inclusive=True)
    assert texts([per_line.subtotal, per_line.tax, per_line.total]) == ["84.04", "15.96", "100.00"]


def test_case_12_the_halves_of_an_invoice_add_up_to_it() -> None:
    lines = [line("1", "68.33", "20"), line("1", "68.33", "20")]
    whole = compute(lines, "EUR")
    assert str(whole.total) == "163.99"
    first = compute(lines[:1], "EUR")
    assert str(first.total) == "82.00"
    assert str(whole.total - first.total) == "81.99"
    assert texts([row.gross for row in whole.lines]) == ["82.00", "81.99"], "so each credit is a printed row"


def test_case_13_currencies_without_cents_and_with_three_places() -> None:
    assert str(compute([line("1", "1127", "10")], "JPY").total) == "1240"
    assert str(compute([line("1", "1234.99", "0")], "JPY").total) == "1235"
    dinar = compute([line("3", "1.1115", "10")], "BHD")
    assert texts([dinar.subtotal, dinar.tax, dinar.total]) == ["3.335", "0.334", "3.669"]


def test_case_14_a_negative_line_mirrors_a_positive_one() -> None:
    row = compute([line("-3", "10.00", "20")], "USD").lines[0]
    assert texts([row.net, row.tax]) == ["-30.00", "-6.00"]
    mirrored = compute([line("3", "10.00", "20")], "USD").lines[0]
    assert (row.net, row.tax, row.gross) == (-mirrored.net, -mirrored.tax, -mirrored.gross)

    twice = compute([line("-1", "68.33", "20"), line("-1", "68.33", "20")], "EUR")
    assert texts([row.gross for row in twice.lines]) == ["-82.00", "-81.99"], "also where a cent is left over"


def test_no_lines() -> None:
    totals = compute([], "USD")
    assert (totals.lines, totals.groups) == ([], [])
    assert texts([totals.subtotal, totals.tax, totals.total]) == ["0.00", "0.00", "0.00"]


def test_groups_are_by_name_and_rate_in_the_order_they_come() -> None:
    totals = compute(
        [
            line("1", "10", "20", "VAT"),
            line("1", "10", "0", "Exempt"),
            line("1", "10", "20.0000", "VAT"),
            line("1", "10", "20", "GST"),
        ],
        "USD",
    )
    assert [(group.name, str(group.percent), str(group.net), str(group.tax)) for group in totals.groups] == [
        ("VAT", "20", "20.00", "4.00"),
        ("Exempt", "0", "10.00", "0.00"),
        ("GST", "20", "10.00", "2.00"),
    ]


def test_leftover_cents_go_to_the_largest_remainder_then_to_the_earlier_line() -> None:
    equal = compute([line("1", "0.10", "25")] * 3, "USD")
    assert (str(equal.tax), texts([row.tax for row in equal.lines])) == ("0.08", ["0.03", "0.03", "0.02"])
    later = compute([line("1", "0.31", "10"), line("1", "0.34", "10"), line("1", "0.45", "10")], "USD")
    assert (str(later.tax), texts([row.tax for row in later.lines])) == ("0.11", ["0.03", "0.03", "0.05"])


def test_a_discount_line_takes_its_share_with_its_own_sign() -> None:
    totals = compute([line("1", "100.03", "7.7"), line("-1", "33.33", "7.7"), line("1", "0", "7.7")], "CHF")
    assert texts([row.tax for row in totals.lines]) == ["7.70", "-2.56", "0.00"]
    assert str(totals.tax) == "5.14"


def test_a_rate_below_zero_or_an_unknown_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be below 0"):
        compute([line("1", "1", "-1")], "USD")
    with pytest.raises(ValueError, match="cannot be below 0"):
        compute([line("1", "1", "NaN")], "USD")
    with pytest.raises(ValueError, match="tax mode"):
        compute([], "USD", "per_invoice")  # type: ignore[arg-type]


@given(st.lists(st.integers(-1000, 1000), min_size=1), st.integers(1, 500))
def test_shares_add_up_and_stay_within_a_unit(numerators: list[int], denominator: int) -> None:
    whole = (2 * sum(numerators) + denominator) // (2 * denominator)
    parts = share(whole, numerators, denominator)
    assert sum(parts) == whole
    assert all(abs(part * denominator - n) < denominator for part, n in zip(parts, numerators, strict=True))


lines_drawn = st.lists(
    st.builds(
        Line,
        st.decimals(min_value=-(10**6), max_value=10**6, places=6),
        st.decimals(min_value=-(10**6), max_value=10**6, places=6) | st.just(Decimal("0.05")),
        st.sampled_from([Decimal(rate) for rate in ("0", "5.5", "7.7", "19", "20", "20.0000", "999.9999")]),
        st.sampled_from(["", "VAT", "GST"]),
    ),
    max_size=12,
)
everything = (
    lines_drawn,
    st.sampled_from(["USD", "JPY", "BHD"]),
    st.sampled_from(MODES),
    st.booleans(),
)


@given(*everything)
def test_printed_rows_always_add_up(lines: list[Line], currency: str, mode: TaxMode, inclusive: bool) -> None:
    totals = compute(lines, currency, mode, inclusive)
    assert len(totals.lines) == len(lines)
    assert (
        totals.subtotal == add(row.net for row in totals.lines) == add(group.net for group in totals.groups)
    )
    assert totals.tax == add(row.tax for row in totals.lines) == add(group.tax for group in totals.groups)
    assert totals.total == totals.subtotal + totals.tax == add(row.gross for row in totals.lines)
    for group in totals.groups:
        own = [
            row
            for row, line in zip(totals.lines, lines, strict=True)
            if (line.tax_name, line.tax_percent) == (group.name, group.percent)
        ]
        assert group.net == add(row.net for row in own)
        assert group.tax == add(row.tax for row in own)
        if group.percent == 0:
            assert all(row.tax == 0 for row in own)


@given(*everything)
def test_each_figure_is_the_rule_of_its_mode(
    lines: list[Line], currency: str, mode: TaxMode, inclusive: bool
) -> None:
    totals = compute(lines, currency, mode, inclusive)
    unit = Decimal(10) ** -exponent(currency)
    for row, line in zip(totals.lines, lines, strict=True):
        amount = round_money(line.quantity * line.unit_price, currency)
        assert amount == (row.gross if inclusive else row.net)
        base = 100 + line.tax_percent if inclusive else Decimal(100)
        assert abs(row.tax - amount * line.tax_percent / base) < unit
        if mode == "per_line":
            assert row.tax == one_tax(amount, line.tax_percent, currency, inclusive)
    if mode == "per_rate":
        for group in totals.groups:
            amount = group.net + group.tax if inclusive else group.net
            assert group.tax == one_tax(amount, group.percent, currency, inclusive)


def one_tax(amount: Decimal, percent: Decimal, currency: str, inclusive: bool) -> Decimal:
    if inclusive:
        return amount - round_money(amount / (1 + percent / 100), currency)
    return round_money(amount * percent / 100, currency)


@given(*everything)
def test_negated_lines_give_negated_figures(
    lines: list[Line], currency: str, mode: TaxMode, inclusive: bool
) -> None:
    totals = compute(lines, currency, mode, inclusive)
    turned = [Line(-row.quantity, row.unit_price, row.tax_percent, row.tax_name) for row in lines]
    assert figures(compute(turned, currency, mode, inclusive)) == [-amount for amount in figures(totals)]


def figures(totals: Totals) -> list[Decimal]:
    rows = [amount for row in totals.lines for amount in (row.net, row.tax, row.gross)]
    groups = [amount for group in totals.groups for amount in (group.net, group.tax)]
    return [*rows, *groups, totals.subtotal, totals.tax, totals.total]


@given(lines_drawn, st.sampled_from([code for code, _ in currencies()]))
def test_no_figure_has_more_decimals_than_its_currency_or_a_negative_zero(
    lines: list[Line], currency: str
) -> None:
    for amount in figures(compute(lines, currency)):
        assert amount.as_tuple().exponent == -exponent(currency)
        assert not (amount.is_zero() and amount.is_signed())


def test_columns_filled_to_the_brim_stay_exact() -> None:
    brim = line("987654321012.345678", "98765432109876.567891", "999.9999")
    totals = compute([brim] * 300, "BHD")
    net = Decimal("97546105789971065276555403.738")
    assert totals.lines[0].net == net
    assert totals.subtotal == add([net] * 300)
    assert totals.tax == add(row.tax for row in totals.lines)
