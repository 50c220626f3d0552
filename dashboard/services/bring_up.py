"""Checks and addresses needed before the dashboard's own processes start."""

from __future__ import annotations

import psycopg
import redis

from dashboard.config import Settings, libpq_url

_OLDEST_POSTGRES = 150000


class Failed(RuntimeError):
    """Starting cannot go on; the text says why."""


def check_external(settings: Settings) -> None:
    """A server named by the environment must answer, before anything is started that needs it."""
    if settings.database_url:
        try:
            with psycopg.connect(libpq_url(settings.database_url), connect_timeout=10) as connection:
                version = connection.info.server_version
        except psycopg.Error as error:
            raise Failed(
                f"DATABASE_URL names a database that cannot be reached: {_one_line(error)}"
            ) from error
        if version < _OLDEST_POSTGRES:
            raise Failed(f"DATABASE_URL names PostgreSQL {version // 10000}; 15 or newer is needed.")
    if settings.redis_url:
        try:
            with redis.Redis.from_url(
                settings.redis_url, socket_timeout=5, socket_connect_timeout=5
            ) as client:
                client.ping()
        except redis.RedisError as error:
            raise Failed(f"REDIS_URL names a server that cannot be reached: {_one_line(error)}") from error


def step_env(env: dict[str, str], settings: Settings, addresses: dict[str, str]) -> dict[str, str]:
    """What every process of the dashboard sees."""
    return {
        **env,
        "DATABASE_URL": addresses["database_url"],
        "REDIS_URL": addresses["redis_url"],
        "DATA_DIR": str(settings.data_dir),
        "WEB_CONCURRENCY": str(settings.web_concurrency),
        "PYTHONUNBUFFERED": "1",
    }


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
