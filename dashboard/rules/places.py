"""Countries and time zones: what a form offers, and what is taken as one. Names come from babel (CLDR)."""

from functools import cache
from typing import Final
from zoneinfo import available_timezones

from babel import Locale
from babel.core import get_global

_LOCALE: Final = Locale("en")
# Groupings, islands that ISO lists under another country, and codes for tests.
_NOT_COUNTRIES: Final = frozenset("AC CP CQ DG EA EU EZ IC QO TA UN XA XB ZZ".split())
_REGIONS: Final = frozenset(
    "Africa America Antarctica Arctic Asia Atlantic Australia Europe Indian Pacific".split()
)


@cache
def _country_names() -> dict[str, str]:
    names = {str(code): str(name) for code, name in _LOCALE.territories.items()}
    return {
        code: name
        for code, name in names.items()
        if len(code) == 2 and code.isalpha() and code not in _NOT_COUNTRIES
    }


@cache
def countries() -> tuple[tuple[str, str], ...]:
    """(ISO code, name), by name."""
    return tuple(sorted(_country_names().items(), key=lambda item: item[1].casefold()))


def country_name(code: str | None) -> str:
    """The name of a country by its ISO code; the code itself where nobody knows it."""
    return _country_names().get(code or "", code or "")


@cache
def _codes_by_name() -> dict[str, str]:
    return {name.casefold(): code for code, name in _country_names().items()}


def country_code(text: str) -> str:
    """The ISO code of a country given by code or name: "gb", "United Kingdom". ValueError in words."""
    text = text.strip()
    code = text.upper() if text.upper() in _country_names() else _codes_by_name().get(text.casefold())
    if code is None:
        raise ValueError(
            f'"{text[:40]}" is not a country. Use its two-letter code, such as GB, or its English name.'
        )
    return code


@cache
def time_zones() -> tuple[str, ...]:
    """The zones to choose from: UTC first, then by region and city; no outdated names."""
    aliases = get_global("zone_aliases")
    zones = {
        zone
        for zone in available_timezones()
        if zone.partition("/")[0] in _REGIONS and aliases.get(zone, zone) == zone
    }
    return ("UTC", *sorted(zones))


def time_zone(text: str) -> str:
    """The zone under its present name: "Asia/Calcutta" gives "Asia/Kolkata". ValueError in words."""
    text = text.strip()
    name = text if text in time_zones() else str(get_global("zone_aliases").get(text, text))
    if text in ("Etc/UTC", "GMT", "Etc/GMT"):
        name = "UTC"
    if name not in time_zones():
        raise ValueError(f'"{text[:40]}" is not a time zone. Use one such as Europe/London or UTC.')
    return name
