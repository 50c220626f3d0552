"""Pages of a real Chromium, watched for faults. Mark such tests with `@pytest.mark.browser`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, sync_playwright

from tests.support import browser as chromium

_reports = pytest.StashKey[dict[str, pytest.TestReport]]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    report = yield
    item.stash.setdefault(_reports, {})[report.when] = report
    return report


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = chromium.launch(playwright)
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def _user_agent(browser: Browser) -> str:
    return chromium.user_agent(browser)


@pytest.fixture
def page_watch(request: pytest.FixtureRequest) -> Iterator[chromium.Watch]:
    """Fails the test on any policy violation, console error or uncaught error on its pages, unless
    `page_watch.allow("pattern")` expects it (for instance `"status of 409"`)."""
    watch = chromium.Watch()
    yield watch
    passed = request.node.stash.get(_reports, {}).get("call")
    if passed is not None and passed.passed and (faults := watch.unexpected()):
        pytest.fail("The page reported:\n" + "\n".join(faults))


@pytest.fixture
def new_page(
    request: pytest.FixtureRequest,
    browser: Browser,
    live_server: Any,
    page_watch: chromium.Watch,
) -> Iterator[Callable[..., Page]]:
    """`new_page(size="phone", dark=True, cookie=...)`: a page in a context of its own, nobody signed in.
    Addresses may be given without the host: `page.goto("/login")`."""
    pages: list[Page] = []

    def make(size: str = "desktop", *, dark: bool = False, cookie: str = "", **options: Any) -> Page:
        width, height = chromium.SIZES[size]
        context = browser.new_context(
            base_url=live_server.url,
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            locale="en-US",
            timezone_id="UTC",
            accept_downloads=True,
            **options,
        )
        context.set_default_timeout(15_000)
        page_watch.context(context)
        if cookie:
            context.add_cookies([{"name": "billing_session", "value": cookie, "url": live_server.url}])
        page = context.new_page()
        pages.append(page)
        return page

    yield make
    called = request.node.stash.get(_reports, {}).get("call")
    failed = called is not None and (called.failed or bool(page_watch.unexpected()))
    for number, page in enumerate(pages):
        if failed and not page.is_closed():
            chromium.keep_picture(page, f"{request.node.nodeid}-{number}")
        page.context.close()


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    """A page at 1440 x 900, nobody signed in."""
    return new_page()


@pytest.fixture
def page_as(
    app: Flask, staff: dict[str, Any], new_page: Callable[..., Page], _user_agent: str
) -> Callable[..., Page]:
    """`page_as("clerk", size="phone", dark=True)`: a page of somebody signed in."""
    from tests.support.staff import session_cookie

    def signed_in(role: str, **options: Any) -> Page:
        return new_page(cookie=session_cookie(app, staff[role].id, _user_agent), **options)

    return signed_in
