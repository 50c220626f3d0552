"""Billing Dashboard: the staff-side admin of a service provider."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from flask import Flask, redirect
from flask.typing import ResponseReturnValue
from werkzeug.middleware.proxy_fix import ProxyFix

from dashboard.config import Settings

MIGRATIONS = str(Path(__file__).resolve().parent.parent / "migrations")
LARGEST_REQUEST = 64 * 1024 * 1024


def create_app(settings: Settings | None = None) -> Flask:
    """The web application, bound to the settings given or to those of the environment."""
    # Here, so that the supervisor and the rules can be imported without all of it.
    from dashboard import auth, cli, errors, health, metrics, security_headers, static_files, uploads
    from dashboard.admin_views import registry
    from dashboard.extensions import csrf, db, limiter, migrate

    settings = settings or Settings.from_env()
    app = Flask(__name__, static_folder=None)
    app.request_class = uploads.UploadRequest
    app.config.update(_flask_config(settings))
    app.extensions["settings"] = settings
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]

    static_files.install(app)
    db.init_app(app)
    migrate.init_app(app, db, directory=MIGRATIONS, compare_type=True)
    csrf.init_app(app)
    limiter.init_app(app)
    auth.install(app)
    security_headers.install(app)
    errors.install(app)
    registry.install(app)
    cli.install(app)
    health.install(app)
    metrics.install(app)
    app.add_url_rule("/", "root", _root, methods=["GET"])
    return app


def _flask_config(settings: Settings) -> dict[str, object]:
    return {
        "SECRET_KEY": settings.secret_key,
        "SQLALCHEMY_DATABASE_URI": settings.database_url,
        "SQLALCHEMY_ENGINE_OPTIONS": {
            "pool_pre_ping": True,
            "connect_args": {"options": "-c timezone=UTC -c lock_timeout=10000"},
        },
        "SQLALCHEMY_ECHO": settings.sql_echo,
        "MAX_CONTENT_LENGTH": LARGEST_REQUEST,
        "MAX_FORM_MEMORY_SIZE": LARGEST_REQUEST,
        "MAX_FORM_PARTS": 50_000,
        "SESSION_COOKIE_NAME": "billing_session",
        "SESSION_COOKIE_SECURE": settings.behind_tls,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "PERMANENT_SESSION_LIFETIME": dt.timedelta(days=7),
        "WTF_CSRF_TIME_LIMIT": None,
        "RATELIMIT_STORAGE_URI": settings.redis_url.replace("unix://", "redis+unix://", 1),
        "RATELIMIT_STORAGE_OPTIONS": {"socket_connect_timeout": 2, "socket_timeout": 2},
        "RATELIMIT_IN_MEMORY_FALLBACK_ENABLED": True,
    }


def _root() -> ResponseReturnValue:
    return redirect("/admin/")
