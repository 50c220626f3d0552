"""What every test can ask for. Real servers throughout; only the clock is ever set."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from flask import Flask
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from dashboard.config import Settings
from tests.support.mail import Mailbox, start_mail_server
from tests.support.network import forbid_outside
from tests.support.servers import RunningServers, Servers

pytest_plugins = ("tests.support.browser_fixtures",)

forbid_outside()

hypothesis_settings.register_profile(
    "suite",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
hypothesis_settings.load_profile("suite")

_running = pytest.StashKey[RunningServers]()


# The run


def pytest_xdist_auto_num_workers() -> int:
    return max(2, min(os.cpu_count() or 2, 8))


def _start_servers(config: pytest.Config) -> Servers:
    if _running not in config.stash:
        config.stash[_running] = RunningServers()
    return config.stash[_running].servers


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Called for each xdist worker in the process that leads them: that one owns the servers."""
    node.workerinput["servers"] = _start_servers(node.config).as_dict()


def pytest_unconfigure(config: pytest.Config) -> None:
    if _running in config.stash:
        config.stash[_running].stop()


# Servers and the application


@pytest.fixture(scope="session")
def servers(request: pytest.FixtureRequest) -> Servers:
    """One embedded PostgreSQL and one Valkey for the whole run."""
    handed = getattr(request.config, "workerinput", {}).get("servers")
    return Servers(**handed) if handed else _start_servers(request.config)


@pytest.fixture(scope="session")
def worker_number(request: pytest.FixtureRequest) -> int:
    name = str(getattr(request.config, "workerinput", {}).get("workerid", "gw0"))
    return int(name.removeprefix("gw"))


@pytest.fixture(scope="session")
def database(servers: Servers, worker_number: int) -> str:
    """The name of this worker's own database, copied from the migrated template."""
    name = f"test_{worker_number}"
    servers.create_database(name)
    return name


@pytest.fixture(scope="session")
def settings(
    servers: Servers, database: str, worker_number: int, tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    """The settings of the application under test; its processes get the same."""
    return Settings(
        database_url=servers.database_url(database),
        redis_url=servers.redis_url(worker_number + 1),
        secret_key="only for tests, and the same in every process",
        data_dir=tmp_path_factory.mktemp("data"),
        queue_name=f"test-{worker_number}",
        testing=True,
    )


@pytest.fixture(scope="session")
def app(settings: Settings) -> Iterator[Flask]:
    from dashboard import create_app
    from dashboard.extensions import db
    from tests.support.staff import Client

    app = create_app(settings)
    app.config["TESTING"] = True
    app.test_client_class = Client
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture(scope="session")
def _cleaner(servers: Servers, database: str, settings: Settings) -> Iterator[Callable[[], None]]:
    from tests.support.database import Cleaner

    cleaner = Cleaner(servers, database)
    queue = redis.Redis.from_url(settings.redis_url)

    def clean() -> None:
        cleaner.clean()
        queue.flushdb()

    yield clean
    cleaner.close()
    queue.close()


@pytest.fixture(autouse=True)
def db_clean(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that uses the application runs in its context; database and queue are emptied after it."""
    if "app" not in request.fixturenames:
        yield
        return
    from dashboard.extensions import db

    app: Flask = request.getfixturevalue("app")
    clean: Callable[[], None] = request.getfixturevalue("_cleaner")
    with app.app_context():
        yield
        db.session.rollback()
        db.session.remove()
    clean()


@pytest.fixture
def queue_connection(app: Flask, settings: Settings) -> Iterator[redis.Redis]:
    from dashboard.work_queue import redis_connection

    with redis_connection(settings) as connection:
        yield connection


# Staff


@pytest.fixture(scope="session")
def _password_hash(app: Flask) -> str:
    from tests.support.staff import hashed_password

    return hashed_password(app)


@pytest.fixture
def staff(app: Flask, servers: Servers, database: str, _password_hash: str) -> dict[str, Any]:
    """One account a role: `staff["clerk"]`. All have the password `tests.support.staff.PASSWORD`."""
    from tests.support.staff import insert_staff, load_staff

    insert_staff(servers, database, _password_hash)
    return load_staff()


@pytest.fixture
def as_role(staff: dict[str, Any]) -> Callable[[str], Any]:
    """`as_role("clerk")` is the Actor to hand to an operation."""
    from tests.support.staff import actor_for

    return lambda role: actor_for(staff[role])


@pytest.fixture
def clerk(as_role: Callable[[str], Any]) -> Any:
    return as_role("clerk")


@pytest.fixture
def manager(as_role: Callable[[str], Any]) -> Any:
    return as_role("manager")


@pytest.fixture
def actor(as_role: Callable[[str], Any]) -> Any:
    """An Actor who may do everything."""
    return as_role("admin")


@pytest.fixture
def client(app: Flask) -> Any:
    """Nobody signed in."""
    return app.test_client()


@pytest.fixture
def client_as(app: Flask, staff: dict[str, Any]) -> Callable[[str], Any]:
    """`client_as("clerk")` is a signed-in test client; each call gives one with cookies of its own."""
    from tests.support.staff import session_cookie

    def signed_in(role: str) -> Any:
        client = app.test_client()
        agent = client.environ_base["HTTP_USER_AGENT"]
        client.set_cookie("billing_session", session_cookie(app, staff[role].id, agent))
        return client

    return signed_in


# Processes


@pytest.fixture(scope="session")
def live_server(app: Flask, settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A real gunicorn on this worker's database: `live_server.url`, `live_server.log`."""
    from tests.support.processes import start_web

    server = start_web(settings, tmp_path_factory.mktemp("web"))
    yield server
    server.stop()


@pytest.fixture
def start_worker(app: Flask, settings: Settings, tmp_path: Path) -> Iterator[Callable[[], Any]]:
    """Starts real RQ workers; those still alive at the end are stopped. `worker.kill()` is kill -9."""
    from rq import Worker

    from dashboard.work_queue import redis_connection
    from tests.support.processes import Running, start_worker
    from tests.support.waiting import wait_until

    started: list[Running] = []

    with redis_connection(settings) as connection:

        def start() -> Running:
            before = Worker.count(connection=connection)
            worker = start_worker(settings, tmp_path, f"worker-{len(started) + 1}")
            started.append(worker)

            def listening() -> bool:
                assert worker.alive, f"The worker ended:\n{worker.log}"
                return bool(Worker.count(connection=connection) > before)

            wait_until(listening, 30, "the worker listens")
            return worker

        yield start
        for worker in started:
            if worker.alive:
                worker.stop()


@pytest.fixture
def worker_process(start_worker: Callable[[], Any]) -> Any:
    """One real `python -m jobs.worker` on this worker's queue."""
    return start_worker()


# Mail


@pytest.fixture
def smtp_server() -> Iterator[Mailbox]:
    """A mail server on this machine: `smtp_server.host`, `.port`, `.messages`."""
    mailbox, controller = start_mail_server()
    yield mailbox
    controller.stop()
