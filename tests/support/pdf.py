"""What a PDF says, page by page, read with pikepdf alone."""

from __future__ import annotations

import io
import re
import unicodedata

import pikepdf

_RANGE = r"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>\s*(\[.*?\]|<[0-9A-Fa-f]+>)"


def pages(content: bytes) -> list[str]:
    """The text of each page; pieces drawn apart stand on lines of their own."""
    with pikepdf.open(io.BytesIO(content)) as pdf:
        return [_page_text(page) for page in pdf.pages]


def text(content: bytes) -> str:
    return "\n".join(pages(content))


def said(content: bytes) -> str:
    """All of the text without blanks, to look for words that may have been drawn in pieces."""
    return re.sub(r"\s+", "", text(content))


def title(content: bytes) -> str:
    with pikepdf.open(io.BytesIO(content)) as pdf:
        return str(pdf.docinfo.get("/Title", ""))


def _page_text(page: pikepdf.Page) -> str:
    fonts = {
        name: _letters(bytes(font.ToUnicode.read_bytes()))
        for name, font in page.resources.get("/Font", {}).items()
        if "/ToUnicode" in font
    }
    found: list[str] = []
    letters: dict[int, str] = {}
    for operands, operator in pikepdf.parse_content_stream(page):
        if str(operator) == "Tf":
            letters = fonts.get(str(operands[0]), {})
        elif str(operator) == "ET":
            found.append("\n")
        elif str(operator) in ("Tj", "TJ"):
            shown = operands[0] if str(operator) == "TJ" else [operands[0]]
            strings = (bytes(piece) for piece in shown if isinstance(piece, pikepdf.String))
            found.extend(_decode(codes, letters) for codes in strings)
    # The font shares one glyph between blank and tab, and Arabic letters come in their joined forms.
    plain = unicodedata.normalize("NFKC", "".join(found).replace("\t", " "))
    return re.sub(r"\n+", "\n", plain)


def _decode(codes: bytes, letters: dict[int, str]) -> str:
    pairs = (int.from_bytes(codes[at : at + 2]) for at in range(0, len(codes), 2))
    return "".join(letters.get(code, "\ufffd") for code in pairs)


def _letters(cmap: bytes) -> dict[int, str]:
    """A font's table from glyph to text."""
    table: dict[int, str] = {}
    source = cmap.decode("latin-1")
    for block in re.findall(r"beginbfchar(.*?)endbfchar", source, re.DOTALL):
        for code, value in re.findall(r"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>", block):
            table[int(code, 16)] = _utf16(value)
    for block in re.findall(r"beginbfrange(.*?)endbfrange", source, re.DOTALL):
        for low, high, rest in re.findall(_RANGE, block, re.DOTALL):
            values = re.findall(r"<([0-9A-Fa-f]+)>", rest)
            for at, code in enumerate(range(int(low, 16), int(high, 16) + 1)):
                if rest.startswith("["):
                    table[code] = _utf16(values[at])
                else:
                    table[code] = chr(int(values[0], 16) + at)
    return table


def _utf16(digits: str) -> str:
    return bytes.fromhex(digits).decode("utf-16-be", errors="replace")
