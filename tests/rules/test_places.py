import pytest

from dashboard.rules.places import countries, country_code, country_name, time_zone, time_zones


def test_countries_are_countries_by_name():
    codes = [code for code, _ in countries()]
    assert {"GB", "US", "JP", "DE"} <= set(codes)
    assert not {"EU", "ZZ", "UN"} & set(codes)


@pytest.mark.parametrize("text", ["GB", "gb", " United Kingdom ", "UNITED KINGDOM"])
def test_a_country_by_code_or_name(text):
    assert country_code(text) == "GB"


@pytest.mark.parametrize("text", ["", "Atlantis", "EU", "ZZ", "GBR"])
def test_what_is_not_a_country(text):
    with pytest.raises(ValueError, match="is not a country"):
        country_code(text)


def test_names_of_countries():
    assert country_name("JP") == "Japan"
    assert country_name(None) == ""
    assert country_name("??") == "??"


def test_zones_have_no_outdated_names():
    zones = time_zones()
    assert zones[0] == "UTC"
    assert {"Europe/London", "Asia/Kolkata", "America/Argentina/Buenos_Aires"} <= set(zones)
    assert "Asia/Calcutta" not in zones


def test_a_zone_gets_its_present_name():
    assert time_zone("Asia/Calcutta") == "Asia/Kolkata"
    assert time_zone("Etc/UTC") == "UTC"
    assert time_zone(" Europe/London ") == "Europe/London"


@pytest.mark.parametrize("text", ["", "Mars/Base", "../etc/passwd", "localtime", "Factory"])
def test_what_is_not_a_zone(text):
    with pytest.raises(ValueError, match="is not a time zone"):
        time_zone(text)
