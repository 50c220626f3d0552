"""How much a request may carry: little, except where staff who may do so upload usage."""

from __future__ import annotations

from flask import Request

from dashboard import auth
from dashboard.operations.usage_imports import MOST_BYTES

UPLOADS = "usage_import.create_view"
# The form's other fields and the lines between its parts.
AROUND = 64 * 1024


class UploadRequest(Request):
    @property
    def max_content_length(self) -> int | None:
        """Asked before the form is read, so before the view is reached."""
        if self.endpoint == UPLOADS and self.method == "POST":
            actor = auth.current_actor()
            if actor is not None and actor.may("usage.import"):
                return MOST_BYTES + AROUND
        return super().max_content_length

    @max_content_length.setter
    def max_content_length(self, value: int | None) -> None:
        Request.max_content_length.__set__(self, value)  # type: ignore[attr-defined]
