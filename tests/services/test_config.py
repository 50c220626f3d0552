"""Settings: what is accepted, and that a message names the variable."""

from __future__ import annotations

import multiprocessing
import os
import stat

import pytest

from dashboard.config import ConfigError, Settings, running_services


def read(tmp_path, **values):
    return Settings.from_env({"DATA_DIR": str(tmp_path), **values}, services=False)


def test_what_is_not_said_has_a_default(tmp_path):
    found = read(tmp_path)
    assert (found.host, found.port, found.workers, found.seed_demo) == ("127.0.0.1", 8000, 1, True)
    assert (found.admin_email, found.admin_password) == (None, None)
    assert (found.behind_tls, found.trusted_proxies) == (False, 0)


@pytest.mark.parametrize(
    "given",
    ["postgres://u:p@db/billing", "postgresql://u:p@db/billing", "postgresql+psycopg://u:p@db/billing"],
)
def test_database_addresses_name_the_driver(tmp_path, given):
    assert read(tmp_path, DATABASE_URL=given).database_url == "postgresql+psycopg://u:p@db/billing"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("PORT", "eight", "PORT must be a whole number from 1 to 65535, not 'eight'"),
        ("PORT", "0", "PORT must"),
        ("WORKER_STOP_SECONDS", "0", "WORKER_STOP_SECONDS must be a whole number from 1 to 600"),
        ("METRICS_TOKEN", "too short", "METRICS_TOKEN must have 16 to 200"),
        ("METRICS_TOKEN", "sixteen but spaced", "METRICS_TOKEN must have 16 to 200"),
        ("PORT", "65536", "PORT must"),
        ("PORT", "-1", "PORT must"),
        ("PORT", "٨٠٠٠", "PORT must"),
        ("HOST", "not a host", "HOST must be an address or a host name"),
        ("HOST", "-bad-", "HOST must"),
        ("DATABASE_URL", "mysql://u:secret@db/x", "DATABASE_URL must name a PostgreSQL database"),
        ("DATABASE_URL", "postgresql://u:secret@db", "DATABASE_URL must end with the name"),
        ("REDIS_URL", "http://queue", "REDIS_URL must begin with"),
        ("ADMIN_EMAIL", "somebody", "ADMIN_EMAIL must be an e-mail address"),
        ("ADMIN_PASSWORD", "short", "ADMIN_PASSWORD must have at least 8"),
        ("SECRET_KEY", "short", "SECRET_KEY must have at least 16"),
        ("SEED_DEMO", "maybe", "SEED_DEMO must be 1 or 0, not 'maybe'"),
        ("WEB_CONCURRENCY", "0", "WEB_CONCURRENCY must"),
        ("WORKERS", "many", "WORKERS must"),
        ("BEHIND_TLS", "perhaps", "BEHIND_TLS must"),
        ("QUEUE_NAME", "a b", "QUEUE_NAME may hold"),
    ],
)
def test_a_wrong_value_is_refused_by_name_without_secrets(tmp_path, name, value, expected):
    with pytest.raises(ConfigError, match="^" + expected.replace("(", r"\(")) as caught:
        read(tmp_path, **{name: value})
    assert "secret@" not in str(caught.value)


def test_the_data_folder_must_not_be_a_file(tmp_path):
    file = tmp_path / "file"
    file.write_text("x")
    with pytest.raises(ConfigError, match="DATA_DIR must be a folder"):
        read(file)


@pytest.mark.parametrize(
    ("given", "expected"), [("1", True), ("yes", True), ("0", False), ("off", False), ("", False)]
)
def test_flags(tmp_path, given, expected):
    assert read(tmp_path, SEED_DEMO=given).seed_demo is expected


def test_behind_tls_trusts_one_proxy_unless_told(tmp_path):
    assert read(tmp_path, BEHIND_TLS="1").trusted_proxies == 1
    assert read(tmp_path, BEHIND_TLS="1", TRUSTED_PROXIES="2").trusted_proxies == 2


def test_a_secret_key_is_made_once_for_the_owner_only(tmp_path):
    first, second = read(tmp_path), read(tmp_path)
    assert first.secret_key == second.secret_key
    assert len(first.secret_key) >= 43
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600
    assert not list(tmp_path.glob(".secret_key*"))


def test_a_key_open_to_others_is_closed(tmp_path):
    read(tmp_path)
    (tmp_path / "secret_key").chmod(0o644)
    read(tmp_path)
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600


def _key_of(folder):
    return read(folder).secret_key


def test_processes_that_start_together_share_the_key(tmp_path):
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        assert len(set(pool.map(_key_of, [tmp_path] * 8))) == 1


def test_a_given_key_is_not_written_down(tmp_path):
    assert read(tmp_path / "new", SECRET_KEY="a key from outside").secret_key == "a key from outside"
    assert not (tmp_path / "new").exists()


def test_secrets_are_not_shown(tmp_path):
    shown = repr(
        read(
            tmp_path,
            SECRET_KEY="the-session-secret",
            DATABASE_URL="postgresql://u:db-secret@h/d",
            ADMIN_PASSWORD="the-admin-secret",
        )
    )
    assert "secret@" not in shown
    assert "-secret" not in shown


def test_a_command_says_what_is_missing_when_nothing_runs(tmp_path):
    with pytest.raises(ConfigError, match=r"DATABASE_URL is not set and nothing is running in .*make run"):
        Settings.from_env({"DATA_DIR": str(tmp_path)})


def test_a_command_finds_the_servers_that_run(tmp_path):
    (tmp_path / "run").mkdir()
    note = tmp_path / "run" / "services.json"
    note.write_text(
        f'{{"database_url": "postgresql+psycopg://x", "redis_url": "unix://y", "pid": "{os.getpid()}"}}'
    )
    found = Settings.from_env({"DATA_DIR": str(tmp_path)})
    assert (found.database_url, found.redis_url) == ("postgresql+psycopg://x", "unix://y")
    note.write_text('{"database_url": "a", "redis_url": "b", "pid": "4194305"}')
    assert running_services(tmp_path) == {}
