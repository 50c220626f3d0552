"""The measures of the two invoice styles. All are pixels of a page that is 1032 wide, which is what
Debian's wkhtmltopdf makes of A4 without margins (1 px = 0.58 pt); `invoice.css` uses the same."""

from __future__ import annotations

from dataclasses import dataclass

PAGE_WIDTH = 1032
PAGE_HEIGHT = 1456


@dataclass(frozen=True)
class Style:
    name: str
    margin: int
    # First page: where the sender's mark begins; later pages: where the body begins.
    top: int
    later_top: int
    # Where the body ends on every page. The foot stands below.
    bottom: int
    size: int
    lead: int
    small: int
    small_lead: int
    label: int
    # Above and below the text of a row.
    pad: int
    head: int
    # Seller's name or logo, and the heading beside it.
    mark_height: int
    mark_size: int
    party_size: int
    party_lead: int
    # The band with dates and amount due.
    band_pad: int
    band_lead: int
    due_size: int
    total_lead: int
    grand_size: int
    gap: int

    @property
    def content(self) -> int:
        return PAGE_WIDTH - 2 * self.margin


STANDARD = Style(
    name="standard",
    margin=84,
    top=80,
    later_top=136,
    bottom=1364,
    size=16,
    lead=22,
    small=14,
    small_lead=19,
    label=12,
    pad=9,
    head=36,
    mark_height=92,
    mark_size=28,
    party_size=15,
    party_lead=21,
    band_pad=16,
    band_lead=26,
    due_size=24,
    total_lead=29,
    grand_size=19,
    gap=34,
)

COMPACT = Style(
    name="compact",
    margin=64,
    top=56,
    later_top=100,
    bottom=1384,
    size=14,
    lead=18,
    small=12,
    small_lead=15,
    label=11,
    pad=4,
    head=26,
    mark_height=58,
    mark_size=22,
    party_size=13,
    party_lead=17,
    band_pad=8,
    band_lead=20,
    due_size=17,
    total_lead=22,
    grand_size=15,
    gap=18,
)

STYLES = {style.name: style for style in (STANDARD, COMPACT)}
