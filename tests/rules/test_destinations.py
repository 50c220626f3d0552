import pytest

from dashboard.rules.destinations import UNKNOWN, place_of


@pytest.mark.parametrize(
    ("number", "place"),
    [
        ("34910000000", "Spain"),
        ("14155550100", "United States"),
        ("14165550100", "Canada"),
        ("18765550100", "Jamaica"),
        ("442079460000", "United Kingdom"),
        ("79161234567", "Russia"),
        ("77011234567", "Kazakhstan"),
        ("390612345678", "Italy"),
        ("8005551234", "International Freephone"),
        ("881612345678", "Global Mobile Satellite"),
        ("1", "United States"),
        ("4420", "United Kingdom"),
    ],
)
def test_the_country_of_a_number(number: str, place: str) -> None:
    assert place_of(number) == place


@pytest.mark.parametrize("number", ["", "0", "999", "000000", "abc", "-1", "٣٤٩١", "1x", "+34", "999" * 30])
def test_what_is_no_number_is_unknown_or_its_code(number: str) -> None:
    assert place_of(number) in (UNKNOWN, "United States")


@pytest.mark.parametrize("number", ["14165550100", "447911123456", "77011234567", "3906698"])
def test_the_beginning_says_the_same_as_the_whole(number: str) -> None:
    assert place_of(number[:9]) == place_of(number)
