"""`/healthz` and `/readyz`: what they say while each part is there, and when it is not."""

from __future__ import annotations

import dataclasses
import logging
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from dashboard import create_app
from dashboard.config import Settings
from dashboard.extensions import db
from dashboard.queries import pulse
from dashboard.services.runtime import Runtime
from dashboard.services.valkey import EmbeddedValkey
from tests.support.processes import Running, start_tick
from tests.support.waiting import wait_until


@pytest.fixture
def other_app(settings: Settings) -> Iterator[Callable[..., Any]]:
    """`other_app(redis_url=...)`: a client of an application with other settings."""
    made: list[Flask] = []

    def make(**values: Any) -> Any:
        app = create_app(dataclasses.replace(settings, **values))
        made.append(app)
        return app.test_client()

    yield make
    for app in made:
        with app.app_context():
            db.engine.dispose()


@pytest.fixture
def tick(app: Flask, settings: Settings, tmp_path: Path) -> Iterator[Running]:
    running = start_tick(settings, tmp_path)
    yield running
    if running.alive:
        running.stop()


def ready(client: Any) -> dict[str, Any]:
    """What it says now, rather than a second ago."""
    client.application.extensions["readiness"]._until = 0.0
    response = client.get("/readyz")
    assert response.headers["Cache-Control"] == "no-store"
    body: dict[str, Any] = response.get_json()
    assert (response.status_code == 200) == (body["status"] == "ready") == (body["missing"] == [])
    assert response.status_code in (200, 503)
    return body


def silence(kind: str) -> None:
    db.session.execute(
        text("UPDATE heartbeat SET at = at - interval '3 minutes' WHERE kind = :kind"), {"kind": kind}
    )
    db.session.commit()


def test_everything_is_there_and_each_part_is_missed_when_it_stops(
    app: Flask, client: Any, worker_process: Running, tick: Running
) -> None:
    wait_until(lambda: ready(client)["status"] == "ready", 30, "worker and tick are heard")
    assert ready(client)["parts"] == dict.fromkeys(("database", "queue", "worker", "tick"), "ok")
    assert pulse.warnings() == []
    (worker,) = pulse.workers()
    assert (worker.pid, worker.state, worker.heard) == (worker_process.pid, "idle", True)

    worker_process.stop()
    assert ready(client)["missing"] == ["worker"]
    assert pulse.warnings() == [], "it may be coming back"
    silence("worker")
    db.session.rollback()
    assert [one.kind for one in pulse.warnings()] == ["worker"]

    tick.kill()
    assert ready(client)["missing"] == ["worker"], "nobody can tell yet"
    silence("tick")
    assert ready(client)["missing"] == ["worker", "tick"]
    assert [one.kind for one in pulse.warnings()] == ["worker", "tick"]
    assert client.get("/healthz").get_json() == {"status": "ok"}


def test_without_a_queue(app: Flask, other_app: Callable[..., Any], tmp_path: Path) -> None:
    runtime = Runtime(tmp_path)
    runtime.acquire()
    runtime.choose_sockets()
    server = EmbeddedValkey(runtime)
    child = server.child(dict(os.environ))
    with (tmp_path / "valkey.log").open("wb") as log:
        child.start(log)
    try:
        wait_until(server.is_ready, 10, "Valkey answers")
        client = other_app(redis_url=server.url())
        assert ready(client)["parts"]["queue"] == "ok"
        child.ask_to_end()
        assert child.process is not None
        child.process.wait(5)
        begun = time.monotonic()
        assert ready(client)["missing"] == ["queue", "worker", "tick"]
        assert time.monotonic() - begun < 8
        assert client.get("/healthz").status_code == 200
    finally:
        child.kill()
        runtime.release()


def test_without_a_database(app: Flask, other_app: Callable[..., Any], settings: Settings) -> None:
    client = other_app(database_url="postgresql+psycopg://nobody:secret-word@/nothing?host=/nowhere")
    body = ready(client)
    assert body["missing"] == ["database", "worker", "tick"]
    assert body["parts"] == {"database": "missing", "queue": "ok", "worker": "unknown", "tick": "unknown"}
    said = client.get("/readyz").get_data(as_text=True)
    assert not any(word in said for word in ("secret-word", "nobody", "/nowhere"))
    assert client.get("/healthz").status_code == 200


def test_a_tick_that_hangs_in_a_task_is_told_of(app: Flask, tick: Running) -> None:
    wait_until(lambda: [one for one in pulse.ticks() if one.round_at], 20, "a round of the tick")
    tick.kill()
    db.session.execute(
        text(
            "UPDATE heartbeat SET state = 'busy', doing = 'charge_packages',"
            " since = now() - interval '11 min'"
        )
    )
    db.session.commit()
    (told,) = [one for one in pulse.warnings() if one.kind == "tick"]
    assert "charge packages" in str(told)


def test_what_was_heard_long_ago_is_forgotten(app: Flask, settings: Settings) -> None:
    from dashboard.operations.pulses import Pulse

    old, stopped, lately, now = (Pulse(settings.database_url, "worker", name) for name in "abcd")
    for one in (old, stopped, lately):
        one.stop() if one is stopped else one.say("idle")
    for name, minutes in (("a", 1441), ("b", 11), ("c", 1439)):
        db.session.execute(
            text("UPDATE heartbeat SET at = now() - make_interval(mins => :m) WHERE name = :n"),
            {"m": minutes, "n": name},
        )
    db.session.commit()
    now.say("idle")
    assert [(one.name, one.shown) for one in pulse.workers()] == [("d", "idle"), ("c", "silent")]
    for one in (old, lately, now):
        one.stop()


def test_signs_of_life_fail_in_silence_and_come_back(app: Flask, settings: Settings, caplog: Any) -> None:
    from dashboard.operations.pulses import Pulse

    one = Pulse(settings.database_url, "worker", "of a moment")
    good, one._url = one._url, "postgresql://nobody@/nothing?host=/nowhere"
    with caplog.at_level(logging.WARNING):
        one.say("idle")
        one.say()
    assert len([record for record in caplog.records if record.name == "pulse"]) == 1
    one._url = good
    one.say()
    assert [found.name for found in pulse.workers()] == ["of a moment"]
    one.stop()


def test_asking_often_costs_no_more_than_asking_once(client: Any, caplog: Any) -> None:
    readiness = client.application.extensions["readiness"]
    looks = []
    found = readiness._found
    readiness._found = lambda: looks.append(1) or found()
    readiness._until = 0.0
    try:
        with caplog.at_level(logging.WARNING):
            begun = time.monotonic()
            for _ in range(40):
                client.get("/readyz")
        assert len(looks) <= 1 + int(time.monotonic() - begun)
        assert len([record for record in caplog.records if record.name == "health"]) <= 1
    finally:
        del readiness._found


def test_an_address_that_asks_without_end_is_told_to_wait(client: Any) -> None:
    statuses = [client.get("/readyz").status_code for _ in range(310)]
    assert statuses[0] == 503
    assert statuses[-1] == 429
    assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_only_to_be_read(client: Any, path: str) -> None:
    assert client.post(path).status_code == 405
