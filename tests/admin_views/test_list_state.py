"""A list's URL: what it says is what is shown, and what it can't say is said back."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from werkzeug.datastructures import MultiDict

from dashboard.admin_views import list_state
from dashboard.queries import invoice_list
from dashboard.queries.listing import State

LISTING = invoice_list.LISTING


def read(text: str) -> State:
    return list_state.read(LISTING, MultiDict(parse_qsl(text, keep_blank_values=True)))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tab=overdue",
        "tab=paid&search=acorn+ltd&sort=-total&size=100",
        "total.gte=100&total.lte=200",
        "issue_date.between=2026-01-01..2026-01-31&currency.is=USD",
        "status.in=open,paid&reference.empty=yes",
        "columns=number,total",
        "last=1",
    ],
)
def test_the_url_comes_back_as_it_was(text: str) -> None:
    state = read(text)
    assert state.errors == ()
    assert read(list_state.query(state, last=state.last).removeprefix("?")) == state


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tab=nothing", "no tab"),
        ("total.gte=abc", "Total"),
        ("total.gte=1e5", "Total"),
        ("total.contains=1", "can't be filtered"),
        ("nothing.is=1", "can't be filtered by"),
        ("customer_name.is=x", "can't be filtered by"),
        ("issue_date.is=31.12.2026", "not a date"),
        ("issue_date.between=..", "first and a last"),
        ("customer.is=-1", "not a record"),
        ("customer.is=99999999999999999999", "not a record"),
        ("status.is=lost", "not one of its values"),
        ("reference.empty=maybe", "yes or no"),
        ("search=" + "x" * 300, "too long"),
        ("reference.is=" + "x" * 300, "too long"),
    ],
)
def test_what_cannot_be_understood_is_said(text: str, said: str) -> None:
    state = read(text)
    assert said in " ".join(state.errors)


@pytest.mark.parametrize("text", ["page=-1", "size=0", "size=-5", "size=1000000", "sort=nothing", "after=x"])
def test_places_that_cannot_be_are_the_first_page(text: str) -> None:
    state = read(text)
    assert (state.errors, state.size, state.sort, state.after) == ((), 50, "", None)


def test_a_change_goes_back_to_page_one() -> None:
    state = read("tab=open&last=1")
    assert list_state.query(state, search="acorn") == "?tab=open&search=acorn"


def test_an_unsortable_column_is_not_sorted_by() -> None:
    assert read("sort=customer").sort == ""
