"""Pages that everybody can use: no serious fault by axe, nothing wider than the screen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
# What fades in has its own colours when it has; what turns for ever, or stands still, is not waited for.
STILL = """async () => {
  const fading = document.getAnimations().filter((one) => one.effect.getComputedTiming().endTime < 60000);
  const faded = Promise.allSettled(fading.map((one) => one.finished));
  await Promise.race([faded, new Promise((done) => setTimeout(done, 2000))]);
}"""
SERIOUS = "(await axe.run()).violations.filter((one) => ['serious', 'critical'].includes(one.impact))"


def expect_axe(page_watch: Any) -> None:
    """axe measures with a style element of its own, without a source, which the policy rightly refuses."""
    page_watch.allow("style-src-elem refused inline at :", "Applying inline style violates")


def check(page: Page) -> None:
    """axe comes by the debugger's way, which the content policy of the page does not bind."""
    expect(page.locator("html[data-ready]")).to_be_attached()
    page.evaluate(STILL)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    faults = page.evaluate(f"(async () => {SERIOUS})()")
    said = [(one["id"], [node["target"] for node in one["nodes"]]) for one in faults]
    assert said == [], f"{page.url}: {said}"
    over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert over <= 0, f"{page.url} is {over} px wider than the screen"
