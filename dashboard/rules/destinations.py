"""Which country or region a number belongs to, where no rate names its destination.

The plan of numbers is that of `phonenumbers` (Google's libphonenumber), the names are CLDR's. Only countries
that share their code with others (+1, +7, +44 ...) need the number looked at; the rest follows from the code.
"""

from functools import lru_cache
from typing import Final

from babel import Locale
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, NumberParseException, parse, region_code_for_number

UNKNOWN: Final = "Unknown"
_NAMES: Final = Locale("en").territories
# Codes of no country: what ITU gave them to.
_WORLD: Final = {
    800: "International Freephone",
    808: "International Shared Cost",
    870: "Inmarsat",
    878: "Universal Personal Numbers",
    881: "Global Mobile Satellite",
    882: "International Networks",
    883: "International Networks",
    888: "Disaster Relief",
    979: "International Premium Rate",
}
# So many digits tell countries apart; what follows would only make every number a case of its own.
HEAD: Final = 9
_LENGTHS: Final = (11, 12, 10, 13)


def place_of(number: str) -> str:
    """ "Spain" for "34910000000"; "Unknown" for what begins with no country code.

    `number` is digits with the country code in front; its first nine will do.
    """
    return _place(number[:HEAD])


@lru_cache(maxsize=100_000)
def _place(number: str) -> str:
    for size in (1, 2, 3):
        code = int(number[:size]) if number[:size].isascii() and number[:size].isdigit() else 0
        regions = COUNTRY_CODE_TO_REGION_CODE.get(code, ()) if len(number) >= size else ()
        if code and regions:
            region = regions[0] if len(regions) == 1 else _region(number) or regions[0]
            return _WORLD.get(code) or _NAMES.get(region) or UNKNOWN
    return UNKNOWN


def _region(head: str) -> str | None:
    """The country among those that share a code, at the first length at which the plan knows the number."""
    for length in _LENGTHS:
        try:
            found = region_code_for_number(parse(f"+{head.ljust(length, '5')}"))
        except NumberParseException:
            continue
        if found:
            return str(found)
    return None
