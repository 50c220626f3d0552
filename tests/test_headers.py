"""What every response carries: the content policy above all."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, url_for

PATHS = (
    "/login",
    "/admin/",
    "/admin/invoice/",
    "/admin/invoice/new/",
    "/admin/nothing/",
    "/session",
    "/healthz",
)


@pytest.mark.parametrize("path", PATHS)
def test_nothing_from_elsewhere_and_nothing_inline(client_as: Callable[[str], Any], path: str) -> None:
    headers = client_as("admin").get(path).headers
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["object-src"] == policy["base-uri"] == "'none'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("path", ["/login", "/admin/", "/admin/invoice/new/"])
def test_no_page_has_inline_code_or_style(client_as: Callable[[str], Any], path: str) -> None:
    page = client_as("admin").get(path).text
    assert not re.search(r"<script(?![^>]*(?:\bsrc=|application/json))", page)
    assert not re.search(r"\s(?:style|on[a-z]+)=", page)
    assert "<style" not in page


def test_files_are_kept_by_the_browser_and_change_their_address(app: Flask, client: Any) -> None:
    with app.test_request_context():
        address = url_for("static", filename="js/app.js")
    found = client.get(address)
    assert found.status_code == 200
    assert found.cache_control.immutable
    assert found.cache_control.max_age == 365 * 24 * 3600
    older = client.get("/static/000000000000/js/app.js")
    assert older.data == found.data
    assert not older.cache_control.immutable
    found.close()
    older.close()
    assert client.get("/static/000000000000/../config.py").status_code == 404
