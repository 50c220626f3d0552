from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.documents.text_fit import cjk_font, clean, direction, fenced, runs, width, wrap


@given(st.text(max_size=200), st.integers(60, 400))
def test_every_line_has_room_and_no_letter_is_lost(text, room):
    lines = wrap(text, room, 16)
    assert all(width(line, 16) <= room for line in lines)
    assert "".join("".join(lines).split()) == "".join(clean(text).split())


def test_lines_break_at_blanks():
    assert wrap("one two three", width("one two", 16), 16) == ("one two", "three")


def test_a_word_without_room_is_cut():
    assert len(wrap("A" * 100, 100, 16)) > 5


def test_ideographs_break_anywhere_but_not_before_a_full_stop():
    lines = wrap("月額基本料金と通話料。月額基本料金と通話料。", 160, 16)
    assert len(lines) > 1
    assert not any(line.startswith("。") for line in lines)


def test_typed_line_breaks_stay_and_blank_lines_come_one_at_a_time():
    assert wrap("\n\none\n\n\n\ntwo\r\nthree\n\n", 400, 16) == ("one", "", "two", "three")


def test_control_characters_are_left_out():
    assert clean("a\x00b\x1bc\x7f\td") == "abc    d"


def test_bold_is_wider_and_larger_is_wider():
    assert width("Total", 16) < width("Total", 16, bold=True) < width("Total", 24, bold=True)


@pytest.mark.parametrize(
    ("text", "way"),
    [
        ("abc", "ltr"),
        ("", "ltr"),
        ("12 شارع", "rtl"),
        ("(שלום) abc", "rtl"),
        ("VoIP خدمة", "ltr"),
        ("2026", "ltr"),
    ],
)
def test_direction_is_that_of_the_first_letter(text, way):
    assert direction(text) == way


def test_pieces_of_different_direction_are_kept_apart():
    assert runs("Suite 12") == ("Suite 12",)
    assert runs("شارع 12") == ("شارع", " ", "12")
    assert "".join(runs("خدمة 24/7 مع VoIP (A)")) == "خدمة 24/7 مع VoIP (A)"
    assert runs("المُدارة") == ("المُدارة",)
    assert runs("") == ()


@pytest.mark.parametrize(
    ("text", "font"), [("plain", ""), ("料金", "SC"), ("料金です", "JP"), ("요금 料", "KR")]
)
def test_shared_ideographs_take_the_shapes_of_their_language(text, font):
    assert cjk_font(text) == font


def test_a_number_keeps_its_place_after_a_word_from_right_to_left():
    assert fenced("VAT") == "VAT"
    assert fenced("ضريبة") == "ضريبة\u200e"
    assert fenced("VoIP خدمة") == "VoIP خدمة\u200e"
    assert width(fenced("ضريبة"), 16) == width("ضريبة", 16)
