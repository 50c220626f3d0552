"""How wide a text prints, and where its lines end.

The PDF renderer can't tell us where it broke a line, so we break every line ourselves and forbid it to.
Widths are those of Noto Sans or DejaVu Sans, whichever is wider, in thousandths of the font size, so a
line that fits here fits on paper with either font. Whole numbers throughout.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Literal

Direction = Literal["ltr", "rtl"]
CjkFont = Literal["", "JP", "KR", "SC"]

_BY_WIDTH = {
    280: "'ijlіїјı",
    300: "Jł",
    320: " ,.\u00a0",
    340: ":;IΙΪ",
    360: "-fίι",
    380: "/\\",
    400: "!()[]t",
    420: "r",
    460: '"',
    500: "_`–",
    520: "sѕ",
    540: "?zέεгзѓ",
    560: "*Lc|Γζνξсэє",
    580: "Fkχ",
    600: "vxyγκλςвтухьў•",
    620: "PTYaeoΡΤΥΫΰδθοτυГРТабекочяѐёќø",
    640: "$0123456789ESbdghnpqu{}ΕΞΣήβημρσЕУлрђ€£¥ßđþ",
    660: "KΚάαπЗийнпћѝџ",
    680: "ц",
    700: "ABCRVXZΑΒΔΖΛΧАБВСХЧЬЭЯд",
    720: "Къ",
    740: "Uφ",
    760: "HNΗΝΠЛНПм",
    780: "&DGψИЙЦ",
    800: "OQΘΟΩДОы",
    820: "wΦΨ",
    840: "#+<=>^~ωЪ",
    860: "Ффю",
    900: "Ыжњ",
    920: "MΜМшљ",
    960: "%щ",
    980: "m",
    1000: "@W—æ",
    1080: "ЖШЮœ",
    1100: "Щ",
}
_WIDTH = {char: width for width, chars in _BY_WIDTH.items() for char in chars}
_UNKNOWN = 740
# Letters that are joined are narrower than alone.
_RIGHT_TO_LEFT_WIDTH = 640
_WIDE = 1000
# Bold is this much wider, in percent.
_BOLD = 112
_RIGHT_TO_LEFT = ("R", "AL")


@lru_cache(maxsize=4096)
def _char_width(char: str) -> int:
    known = _WIDTH.get(char)
    if known is not None:
        return known
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    if unicodedata.east_asian_width(char) in ("W", "F"):
        return _WIDE
    if unicodedata.bidirectional(char) in _RIGHT_TO_LEFT:
        return _RIGHT_TO_LEFT_WIDTH
    base = unicodedata.normalize("NFD", char)[0]
    return _WIDTH.get(base, _UNKNOWN)


@lru_cache(maxsize=8192)
def width(text: str, size: int, bold: bool = False) -> int:
    """Pixels that the text needs on one line at a font size in pixels, rounded up."""
    thousandths = sum(map(_char_width, text)) * size
    return -(-thousandths * (_BOLD if bold else 100) // 100_000)


def clean(text: str) -> str:
    """Without control characters; every kind of line break and blank is the plain one."""
    lines = text.replace("\t", "    ").splitlines()
    kept = (
        "".join(char for char in line if unicodedata.category(char) not in ("Cc", "Cs")) for line in lines
    )
    return "\n".join(line.rstrip() for line in kept).strip("\n")


@lru_cache(maxsize=4096)
def wrap(text: str, room: int, size: int, bold: bool = False) -> tuple[str, ...]:
    """The lines of a text in `room` pixels: broken at blanks, between ideographs, and inside a word only
    where it has no room of its own. Blank lines are kept, one at a time."""
    lines: list[str] = []
    for paragraph in clean(text).split("\n"):
        if paragraph.strip():
            lines += _wrap_paragraph(paragraph.strip(), room, size, bold)
        elif lines and lines[-1]:
            lines.append("")
    return tuple(lines[:-1] if lines and not lines[-1] else lines)


def _wrap_paragraph(text: str, room: int, size: int, bold: bool) -> list[str]:
    lines: list[str] = []
    current = ""
    for piece in _pieces(text):
        if width((current + piece).rstrip(), size, bold) <= room:
            current += piece
            continue
        if current.strip():
            lines.append(current.rstrip())
        *whole, current = _cut(piece.lstrip(), room, size, bold)
        lines += whole
    if current.strip():
        lines.append(current.rstrip())
    return lines


def _pieces(text: str) -> list[str]:
    """The text cut wherever a line may end: after a blank, and on both sides of an ideograph."""
    pieces: list[str] = []
    start = 0
    for at in range(1, len(text)):
        before, here = text[at - 1], text[at]
        after_blank = before == " " and here != " "
        ideograph = _breaks(before) or _breaks(here)
        if after_blank or (
            ideograph and here != " " and unicodedata.category(here) not in ("Po", "Pe", "Pf", "Mn")
        ):
            pieces.append(text[start:at])
            start = at
    pieces.append(text[start:])
    return pieces


def _breaks(char: str) -> bool:
    """Ideographs and kana may stand at either end of a line. Hangul is written with blanks."""
    return unicodedata.east_asian_width(char) in ("W", "F") and not "\uac00" <= char <= "\ud7a3"


def _cut(word: str, room: int, size: int, bold: bool) -> list[str]:
    """A word in pieces that fit; most words are one."""
    if width(word.rstrip(), size, bold) <= room:
        return [word]
    cut: list[str] = []
    current = ""
    for char in word:
        if current and width(current + char, size, bold) > room:
            cut.append(current)
            current = ""
        current += char
    return [*cut, current]


def direction(text: str) -> Direction:
    """That of the first letter which has one, as `dir="auto"` would say."""
    for char in text:
        kind = unicodedata.bidirectional(char)
        if kind == "L":
            return "ltr"
        if kind in _RIGHT_TO_LEFT:
            return "rtl"
    return "ltr"


def runs(text: str) -> tuple[str, ...]:
    """The text cut where its direction changes; one piece where nothing in it runs from right to left.

    The renderer takes the width of such a piece for nothing when it shares a text node with another, and
    prints one over the other; apart they come out right.
    """
    kinds = [] if text.isascii() else [_run_kind(char) for char in text]
    if "rtl" not in kinds:
        return (text,) if text else ()
    cut: list[str] = []
    before = ""
    for char, kind in zip(text, kinds, strict=True):
        if cut and kind in (before, "joins"):
            cut[-1] += char
        else:
            cut.append(char)
            before = kind
    return tuple(cut)


def fenced(text: str) -> str:
    """The text so that a number after it keeps its place, also where it ends in a word from right to left."""
    return f"{text}\u200e" if len(runs(text)) > 1 or direction(text) == "rtl" else text


@lru_cache(maxsize=4096)
def _run_kind(char: str) -> str:
    kind = unicodedata.bidirectional(char)
    if kind in _RIGHT_TO_LEFT:
        return "rtl"
    if kind in ("NSM", "BN"):
        return "joins"
    return "ltr" if kind in ("L", "EN", "AN") else "between"


def cjk_font(text: str) -> CjkFont:
    """Whose shapes shared ideographs take: Japanese where there is kana, Korean where there is hangul, else
    Chinese; nothing where there is no ideograph."""
    han = False
    for char in text:
        if "\u3040" <= char <= "\u30ff":
            return "JP"
        if "\uac00" <= char <= "\ud7a3":
            return "KR"
        han = han or "\u3400" <= char <= "\u9fff"
    return "SC" if han else ""
