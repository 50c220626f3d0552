"""Signing in as a browser does."""

from __future__ import annotations

from typing import Any

from werkzeug.test import TestResponse

from tests.support.staff import PASSWORD

WRONG = "Wrong e-mail address or password. Check both, or try again in 15 minutes."


def sign_in(
    client: Any,
    email: str = "clerk@example.com",
    password: str = PASSWORD,
    *,
    next: str | None = None,
    **kwargs: Any,
) -> TestResponse:
    query = {"next": next} if next is not None else {}
    answer: TestResponse = client.post(
        "/login", data={"email": email, "password": password}, query_string=query, **kwargs
    )
    return answer


def is_signed_in(client: Any) -> bool:
    return bool(client.get("/session").get_json()["signed_in"])
