"""The list of invoices as the browser asks for it: whole requests, templates included."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench.measure import Row, timed


def rows(client: Any) -> Iterator[Row]:
    """A row of the budget table each, measured through the WSGI application by a signed-in manager."""
    path = "/admin/invoice/"

    def get(query: str) -> None:
        response = client.get(path + query)
        assert response.status_code == 200, response.status

    cases = [
        ("list, first page of 50", "", 60),
        ("list, last page", "?last=1", 60),
        ("list, sorted by total", "?sort=-total", 60),
        ("list, status and date", "?tab=overdue&issue_date.between=2025-06-01..2026-06-30", 60),
        ("list, substring of a customer's name", "?search=pany+0042", 100),
        ("list, one number", "?search=INV-2026-0004242", 60),
    ]
    for label, query, limit in cases:
        yield Row(label, timed(lambda query=query: get(query)), limit=f"<= {limit} ms")
