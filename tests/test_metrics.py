"""`/metrics`: off unless configured, then for the bearer of the token, and what it says is in the books."""

from __future__ import annotations

import dataclasses
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from dashboard import create_app
from dashboard.config import Settings
from dashboard.extensions import db
from dashboard.operations import jobs
from tests.support.books import make_customer, make_draft, make_issued
from tests.support.processes import start_web

TOKEN = "a-token-only-for-tests"


@pytest.fixture
def metered(settings: Settings) -> Iterator[Any]:
    app = create_app(dataclasses.replace(settings, metrics_token=TOKEN))
    yield app.test_client()
    with app.app_context():
        db.engine.dispose()


def read(client: Any) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    response = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/plain")
    return parsed(response.get_data(as_text=True))


def parsed(page: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


def of(found: dict[Any, float], name: str, **labels: str) -> float | None:
    return found.get((name, frozenset(labels.items())))


def test_without_a_token_there_is_no_such_page(client: Any, client_as: Callable[[str], Any]) -> None:
    for asking in (client, client_as("admin")):
        assert asking.get("/metrics").status_code == 404
        assert asking.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404


@pytest.mark.parametrize(
    "given", ["", "Bearer", "Bearer ", "Bearer wrong", f"Basic {TOKEN}", TOKEN, "Bearer ü"]
)
def test_nobody_reads_it_without_the_token(app: Flask, metered: Any, given: str) -> None:
    response = metered.get("/metrics", headers={"Authorization": given} if given else {})
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert b"billing_" not in response.data


def test_it_counts_what_is_in_the_books(app: Flask, metered: Any, as_role: Callable[[str], Any]) -> None:
    clerk = as_role("clerk")
    customer = make_customer()
    make_issued(customer, "10")
    make_draft(customer)
    good = jobs.start(clerk, "invoice_pdfs", "Good", {})
    jobs.finish(jobs.claim(good.id), 1, [])
    db.session.execute(text("UPDATE job SET started_at = finished_at - interval '12 seconds'"))
    db.session.commit()
    bad = jobs.start(clerk, "usage_import", "Bad", {})
    jobs.fail(jobs.claim(bad.id), "It is broken.", [])
    jobs.retry(clerk, bad.id)
    found = read(metered)
    assert of(found, "billing_jobs", kind="invoice_pdfs", state="done") == 1
    assert of(found, "billing_jobs", kind="usage_import", state="queued") == 1
    # A failure that was tried again is still counted.
    assert of(found, "billing_job_attempts_total", kind="usage_import", result="failed") == 1
    assert of(found, "billing_job_attempts_total", kind="invoice_pdfs", result="done") == 1
    name = "billing_job_duration_seconds"
    for end, count in (("5.0", 0), ("15.0", 1), ("+Inf", 1)):
        assert of(found, f"{name}_bucket", kind="invoice_pdfs", le=end) == count
    assert of(found, f"{name}_sum", kind="invoice_pdfs") == 12
    assert of(found, "billing_invoices", origin="manual", state="issued") == 1
    assert of(found, "billing_invoices", origin="manual", state="draft") == 1
    assert of(found, "billing_database_up") == of(found, "billing_queue_up") == 1
    assert of(found, "billing_queue_length", queue=metered.application.extensions["settings"].queue_name) == 2
    assert of(found, "billing_processes", kind="worker", state="idle") == 0


def test_the_latency_of_views_is_counted_by_their_names(
    app: Flask, metered: Any, staff: dict[str, Any]
) -> None:
    metered.get("/login")
    metered.get("/admin/customer/details/?id=4711")
    metered.open("/login", method="BREW")
    found = read(metered)
    count = "billing_request_duration_seconds_count"
    assert of(found, count, method="GET", view="security.login", status="2xx") == 1
    assert of(found, count, method="GET", view="customer.details_view", status="3xx") == 1
    assert not any("4711" in value for (_, labels) in found for _, value in labels)
    assert not any(value == "BREW" for (_, labels) in found for _, value in labels)


def test_it_says_so_when_the_database_or_the_queue_is_away(app: Flask, settings: Settings) -> None:
    away = dataclasses.replace(
        settings,
        metrics_token=TOKEN,
        database_url="postgresql+psycopg://nobody@/nothing?host=/nowhere",
        redis_url="unix:///nowhere/valkey.sock",
    )
    found = read(create_app(away).test_client())
    assert of(found, "billing_database_up") == of(found, "billing_queue_up") == 0


def test_processes_of_one_server_add_up(
    app: Flask, settings: Settings, staff: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two gunicorn processes answer; either of them tells of both."""
    monkeypatch.setenv("METRICS_TOKEN", TOKEN)
    server = start_web(settings, tmp_path, processes=2)
    try:
        for _ in range(60):
            urllib.request.urlopen(f"{server.url}/login").read()
        asked = urllib.request.Request(f"{server.url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
        pages = {parse_count(urllib.request.urlopen(asked).read().decode()) for _ in range(6)}
        assert pages == {60.0}
    finally:
        server.stop()


def parse_count(page: str) -> float | None:
    name = "billing_request_duration_seconds_count"
    return of(parsed(page), name, method="GET", view="security.login", status="2xx")
