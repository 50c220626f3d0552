"""Numbers and days that nobody types by accident: words at the field or the right value, never a fault."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from dashboard.admin_views.fields import NumberField
from tests.hostile.pages import Page
from tests.hostile.targets import TARGETS, Books, Target

Client = Callable[[str], Any]

each_target = pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name.replace(" ", "_"))

# Never a number: what is said stands at the field.
NOT_NUMBERS = (
    "NaN",
    "Infinity",
    "-inf",
    "1e309",
    "1E5",
    "٣",
    "１２",
    "1,5",
    "1.2.3",
    "--1",
    "0x10",
    "1_000",
    "1 + 1",
    "½",
    "²",
    "1" + "0" * 40,
    "0." + "0" * 400 + "1",
    "9" * 5_000,
    "\x00",
    "5\x00",
)
NOT_DAYS = (
    "0000-00-00",
    "2026-02-30",
    "10000-01-01",
    "31.12.2026",
    "٢٠٢٦-٠١-٠١",
    "9" * 500,
    "2026-11-02\x00",
)
NOT_KEYS = ("", "0", "-1", "1.5", "²", "٣", "abc", "1" * 19, "9" * 40, "0" * 40 + "9" * 30, "1\x00", "1;--")


def error_of(target: Target, response: Any, name: str) -> str:
    return Page(response.text).by_id.get(target.error(name), "").strip()


# Fields


@each_target
def test_what_is_no_number_is_said_at_its_field(client_as: Client, books: Books, target: Target) -> None:
    client = client_as(target.role)
    for text in NOT_NUMBERS if target.numbers else ():
        response = target.post(client, books, **dict.fromkeys(target.numbers, text))
        assert response.status_code == 422, text
        page = Page(response.text)
        for name in target.numbers:
            assert page.by_id.get(target.error(name), "").strip(), (name, text)


@each_target
def test_what_is_no_day_is_said_at_its_field(client_as: Client, books: Books, target: Target) -> None:
    client = client_as(target.role)
    for text in NOT_DAYS if target.days else ():
        response = target.post(client, books, **dict.fromkeys(target.days, text))
        assert response.status_code == 422, text
        for name in target.days:
            assert error_of(target, response, name), (name, text)


@each_target
def test_what_is_no_key_or_choice_is_said_at_its_field(
    client_as: Client, books: Books, target: Target
) -> None:
    """Drop-downs: keys of other records, and words from fixed lists."""
    client = client_as(target.role)
    known = [*target.texts, *target.numbers, *target.days]
    chosen = [name for name, one in target.fields.items() if "Select" in type(one.widget).__name__]
    assert set(chosen).isdisjoint(known)
    for text in NOT_KEYS[2:] if chosen else ():
        response = target.post(client, books, **dict.fromkeys(chosen, text))
        assert response.status_code == 422, text
        for name in chosen:
            assert error_of(target, response, name), (name, text)


@each_target
def test_blanks_and_a_sign_before_nought(client_as: Client, books: Books, target: Target) -> None:
    """Empty means empty where that is allowed; nought is nought, whatever its sign."""
    client = client_as(target.role)
    for text in ("", "   ", "\t", "-0", "-0.00", "+1", " 1 "):
        for name in target.numbers:
            response = target.post(client, books, **{name: text})
            assert response.status_code in (303, 422)
            if response.status_code == 422:
                assert error_of(target, response, name), (name, text)
            elif text.startswith("-0") and isinstance(target.numbers[name], NumberField):
                stored = getattr(target.stored(books), target.elsewhere.get(name, name), None)
                assert not (isinstance(stored, Decimal) and stored.is_signed()), name


@pytest.mark.parametrize(
    ("typed", "kept"), [("1,234.50", "1234.5"), (" 1 234.5 ", "1234.5"), ("1\u00a0234.50", "1234.5")]
)
def test_a_number_as_people_write_it(client_as: Client, books: Books, typed: str, kept: str) -> None:
    target = next(one for one in TARGETS if one.name == "payment")
    assert target.post(client_as("clerk"), books, amount=typed).status_code == 303
    assert target.value(books, "amount") == Decimal(kept)


def test_the_largest_numbers_are_kept_or_refused_in_words(client_as: Client, books: Books) -> None:
    target = next(one for one in TARGETS if one.name == "invoice line")
    client = client_as("clerk")
    for quantity, price in (
        ("999999999999", "1"),
        ("999999999999.999999", "99999999999999"),
        ("-999999999999", "9" * 14),
    ):
        response = target.post(client, books, quantity=quantity, unit_price=price)
        assert response.status_code in (303, 422)
        if response.status_code == 422:
            assert error_of(target, response, "unit_price") or error_of(target, response, "quantity")
    lines = {
        f"items-{at}-{name}": value
        for at in range(1, 8)
        for name, value in {"quantity": "99999", "unit_price": "20000000000", "tax_percent": "0"}.items()
    }
    response = client.post(target.path(books), data={**target.sent(books), **lines})
    assert response.status_code == 422
    assert "more than the books can hold" in response.text
