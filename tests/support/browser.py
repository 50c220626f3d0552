"""Chromium for the tests, and what counts as a fault on a page."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-dev-shm-usage",
    # No page of ours may reach out; one that tries fails by its console error.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
SIZES = {"desktop": (1440, 900), "phone": (390, 844)}
ARTIFACTS = Path(__file__).resolve().parents[2] / ".test-artifacts"

_REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) => {
  window.reportPolicyViolation(
    `${event.effectiveDirective} refused ${event.blockedURI} at ${event.sourceFile}:${event.lineNumber}`);
});
"""


def launch(playwright: Playwright) -> Browser:
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    found = next((path for name in names if (path := shutil.which(name))), None)
    return playwright.chromium.launch(executable_path=found, args=ARGUMENTS)


@dataclass
class Watch:
    """Collects what went wrong on the pages of one test. `allow` names, as patterns, what is expected."""

    faults: list[str] = field(default_factory=list)
    allowed: list[re.Pattern[str]] = field(default_factory=list)

    def allow(self, *patterns: str) -> None:
        self.allowed += [re.compile(pattern) for pattern in patterns]

    def context(self, context: BrowserContext) -> None:
        context.expose_binding(
            "reportPolicyViolation", lambda _source, text: self.faults.append(f"content policy: {text}")
        )
        context.add_init_script(_REPORT_VIOLATIONS)
        context.on("page", self.page)

    def page(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.faults.append(f"uncaught: {error}"))
        page.on("crash", lambda _page: self.faults.append("the page crashed"))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            where = message.location.get("url", "")
            self.faults.append(f"console: {message.text} ({where})")

    def unexpected(self) -> list[str]:
        return [fault for fault in self.faults if not any(each.search(fault) for each in self.allowed)]


def keep_picture(page: Page, name: str) -> None:
    """What the page looked like when the test failed."""
    ARTIFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTIFACTS / f"{re.sub(r'[^A-Za-z0-9_.-]+', '-', name)[:120]}.png", full_page=True)


def user_agent(browser: Browser) -> str:
    page = browser.new_page()
    try:
        return str(page.evaluate("navigator.userAgent"))
    finally:
        page.close()
