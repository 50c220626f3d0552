"""What a response says."""

from __future__ import annotations

import html
import re
from typing import Any


def words(response: Any) -> str:
    """What a reader sees of a page."""
    text = re.sub(r"<(script|style)[^>]*>.*?</\1>", " ", response.get_data(as_text=True), flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())
