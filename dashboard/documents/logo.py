"""The company's logo: a picture from anywhere becomes a plain one that every invoice can carry."""

from __future__ import annotations

import io

from PIL import Image, ImageOps, UnidentifiedImageError

BIGGEST_FILE = 512 * 1024
BIGGEST_SIDE = 5_000
# Twice what the page shows, for a sharp print.
KEPT = (1_000, 500)
KINDS = ("PNG", "JPEG", "GIF", "WEBP")
# What Pillow raises for files that are broken, too large or no pictures at all.
UNREADABLE = (
    UnidentifiedImageError,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
    OSError,
    SyntaxError,
    EOFError,
)


def prepare(data: bytes) -> tuple[bytes, str]:
    """The picture to keep and its media type: image/jpeg for photographs, else image/png.

    It is drawn anew: of the file only its first picture is kept, no place, no comment, no script.
    ValueError in words where it will not do.
    """
    if len(data) > BIGGEST_FILE:
        raise ValueError("The picture is larger than 512 KB. Make it smaller and try again.")
    try:
        with Image.open(io.BytesIO(data), formats=KINDS) as picture:
            return _redrawn(picture)
    except UNREADABLE as fault:
        raise ValueError("This is not a picture that can be read. Use PNG, JPEG, GIF or WebP.") from fault


def _redrawn(picture: Image.Image) -> tuple[bytes, str]:
    if max(picture.size) > BIGGEST_SIDE:
        width, height = picture.size
        raise ValueError(
            f"The picture is {width:,} by {height:,} dots; {BIGGEST_SIDE:,} either way is the most."
        )
    photograph = picture.format == "JPEG"
    upright = ImageOps.exif_transpose(picture).convert("RGB" if photograph else "RGBA")
    upright.thumbnail(KEPT)
    drawn = Image.new(upright.mode, upright.size)
    drawn.paste(upright)
    out = io.BytesIO()
    if photograph:
        drawn.save(out, "JPEG", quality=88, optimize=True)
        return out.getvalue(), "image/jpeg"
    drawn.save(out, "PNG", optimize=True)
    return out.getvalue(), "image/png"
