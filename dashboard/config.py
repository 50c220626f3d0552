"""Settings, read once from the environment and checked before anything starts.

Every message names the variable and says what is expected, because the reader is whoever typed `make run`.
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent

_YES = {"1", "true", "yes", "on"}
_NO = {"0", "false", "no", "off", ""}
_HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*\.?")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_REDIS_SCHEMES = ("redis", "rediss", "unix")


class ConfigError(ValueError):
    """A setting that cannot work; the text names the variable."""


@dataclass(frozen=True)
class Settings:
    """What one process needs to know. Secrets are kept out of `repr`."""

    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    secret_key: str = field(repr=False)
    data_dir: Path = ROOT / "instance"
    host: str = "127.0.0.1"
    port: int = 8000
    admin_email: str | None = None
    admin_password: str | None = field(default=None, repr=False)
    seed_demo: bool = True
    web_concurrency: int = 2
    web_threads: int = 4
    workers: int = 1
    queue_name: str = "billing"
    worker_stop_seconds: int = 10
    metrics_token: str = field(default="", repr=False)
    behind_tls: bool = False
    trusted_proxies: int = 0
    sql_echo: bool = False
    testing: bool = False

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, *, services: bool = True) -> Settings:
        """Read and check the environment.

        With `services`, a database and a queue must be known: named by DATABASE_URL and REDIS_URL, or
        started in DATA_DIR by `make run`. The supervisor, which starts them, passes False and gets empty
        addresses.
        """
        env = os.environ if environ is None else environ
        data_dir = _data_dir(env)
        running = running_services(data_dir) if services else {}
        database_url = _database_url(env) or running.get("database_url", "")
        redis_url = _redis_url(env) or running.get("redis_url", "")
        if services:
            _require("DATABASE_URL", database_url, data_dir)
            _require("REDIS_URL", redis_url, data_dir)
        behind_tls = _flag(env, "BEHIND_TLS", False)
        return cls(
            database_url=database_url,
            redis_url=redis_url,
            secret_key=_secret_key(env, data_dir),
            data_dir=data_dir,
            host=_host(env),
            port=_number(env, "PORT", 8000, 1, 65535),
            admin_email=_admin_email(env),
            admin_password=_admin_password(env),
            seed_demo=_flag(env, "SEED_DEMO", True),
            web_concurrency=_number(env, "WEB_CONCURRENCY", 2, 1, 64),
            web_threads=_number(env, "WEB_THREADS", 4, 1, 64),
            workers=_number(env, "WORKERS", 1, 0, 64),
            queue_name=_queue_name(env),
            worker_stop_seconds=_number(env, "WORKER_STOP_SECONDS", 10, 1, 600),
            metrics_token=_metrics_token(env),
            behind_tls=behind_tls,
            trusted_proxies=_number(env, "TRUSTED_PROXIES", 1 if behind_tls else 0, 0, 8),
            sql_echo=_flag(env, "SQL_ECHO", False),
            testing=_flag(env, "TESTING", False),
        )


def normalise_database_url(url: str) -> str:
    """`postgres://` and `postgresql://`, as hosting services write them, name the psycopg 3 driver here."""
    for scheme in ("postgres://", "postgresql://"):
        if url.startswith(scheme):
            return "postgresql+psycopg://" + url.removeprefix(scheme)
    return url


def libpq_url(database_url: str) -> str:
    """The same address without SQLAlchemy's driver name, for psycopg and the command line tools."""
    return database_url.replace("postgresql+psycopg://", "postgresql://", 1)


def running_services(data_dir: Path) -> dict[str, str]:
    """Addresses of the embedded servers, written by a supervisor that runs in this folder."""
    try:
        found = json.loads((data_dir / "run" / "services.json").read_text())
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict) or not Path(f"/proc/{found.get('pid')}").exists():
        return {}
    return {str(name): str(value) for name, value in found.items()}


def _require(name: str, value: str, data_dir: Path) -> None:
    if not value:
        raise ConfigError(
            f"{name} is not set and nothing is running in {data_dir}: start `make run` first, or set {name}."
        )


def _text(env: Mapping[str, str], name: str) -> str:
    return env.get(name, "").strip()


def _flag(env: Mapping[str, str], name: str, default: bool) -> bool:
    if name not in env:
        return default
    value = _text(env, name).lower()
    if value in _YES:
        return True
    if value in _NO:
        return False
    raise ConfigError(f"{name} must be 1 or 0, not {value!r}.")


def _number(env: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    value = _text(env, name)
    if not value:
        return default
    if not re.fullmatch(r"[0-9]{1,6}", value) or not low <= int(value) <= high:
        raise ConfigError(f"{name} must be a whole number from {low} to {high}, not {value!r}.")
    return int(value)


def _host(env: Mapping[str, str]) -> str:
    value = _text(env, "HOST") or "127.0.0.1"
    bare = value.removeprefix("[").removesuffix("]")
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        pass
    if _HOST_NAME.fullmatch(value):
        return value
    raise ConfigError(f"HOST must be an address or a host name, such as 127.0.0.1 or 0.0.0.0, not {value!r}.")


def _data_dir(env: Mapping[str, str]) -> Path:
    value = _text(env, "DATA_DIR")
    path = Path(value).expanduser() if value else ROOT / "instance"
    if not path.is_absolute():
        path = ROOT / path
    if path.exists() and not path.is_dir():
        raise ConfigError(f"DATA_DIR must be a folder, but {path} is a file.")
    return path


def _database_url(env: Mapping[str, str]) -> str:
    value = _text(env, "DATABASE_URL")
    if not value:
        return ""
    url = normalise_database_url(value)
    # The value itself is not repeated: it carries a password.
    if not url.startswith("postgresql+psycopg://"):
        raise ConfigError(
            "DATABASE_URL must name a PostgreSQL database, such as postgresql://user:password@host:5432/billing."
        )
    if not urlsplit(url).path.strip("/"):
        raise ConfigError("DATABASE_URL must end with the name of the database, such as .../billing.")
    return url


def _redis_url(env: Mapping[str, str]) -> str:
    value = _text(env, "REDIS_URL")
    if value and urlsplit(value).scheme not in _REDIS_SCHEMES:
        raise ConfigError(
            "REDIS_URL must begin with redis://, rediss:// or unix://, such as redis://host:6379/0."
        )
    return value


def _queue_name(env: Mapping[str, str]) -> str:
    value = _text(env, "QUEUE_NAME") or "billing"
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", value):
        raise ConfigError(f"QUEUE_NAME may hold letters, digits, '.', '_' and '-' only, not {value!r}.")
    return value


def _metrics_token(env: Mapping[str, str]) -> str:
    value = _text(env, "METRICS_TOKEN")
    if value and not re.fullmatch(r"[!-~]{16,200}", value):
        raise ConfigError("METRICS_TOKEN must have 16 to 200 letters, digits and signs, without spaces.")
    return value


def _admin_email(env: Mapping[str, str]) -> str | None:
    value = _text(env, "ADMIN_EMAIL")
    if value and not _EMAIL.fullmatch(value):
        raise ConfigError(f"ADMIN_EMAIL must be an e-mail address, not {value!r}.")
    return value or None


def _admin_password(env: Mapping[str, str]) -> str | None:
    value = env.get("ADMIN_PASSWORD", "")
    if value and len(value) < 8:
        raise ConfigError("ADMIN_PASSWORD must have at least 8 characters.")
    return value or None


def _secret_key(env: Mapping[str, str], data_dir: Path) -> str:
    value = _text(env, "SECRET_KEY")
    if value:
        if len(value) < 16:
            raise ConfigError("SECRET_KEY must have at least 16 characters; leave it out to have one made.")
        return value
    return _stored_secret_key(data_dir / "secret_key")


def _stored_secret_key(path: Path) -> str:
    """The key kept in DATA_DIR, made on first use. It is linked into place whole, so that two processes
    which start together end with the same key."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w") as out:
                out.write(secrets.token_urlsafe(48))
            try:
                os.link(draft, path)
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
        key = path.read_text().strip()
    except OSError as error:
        raise ConfigError(
            f"SECRET_KEY could not be kept in {path} ({error.strerror}): "
            "set DATA_DIR to a folder you may write to."
        ) from error
    if len(key) < 16:
        raise ConfigError(f"{path} does not hold a key: delete it to have a new one made, or set SECRET_KEY.")
    return key
