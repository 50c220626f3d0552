"""Bring the database up to date: `python -m dashboard.services.migrate`.

Several machines may start at once; an advisory lock lets one migrate while the others wait.
"""

from __future__ import annotations

import sys

import flask_migrate
import psycopg
from flask import Flask

from dashboard.config import ROOT, ConfigError, Settings, libpq_url
from dashboard.extensions import db, migrate

_LOCK = 0x62696C6C  # any number, as long as every version of the dashboard uses the same


def migration_app(database_url: str) -> Flask:
    """Only what Alembic needs: the database must be brought up to date before the dashboard can be."""
    app = Flask("dashboard")
    app.config["SQLALCHEMY_DATABASE_URI"] = database_url
    db.init_app(app)
    migrate.init_app(app, db, directory=str(ROOT / "migrations"))
    return app


def upgrade(database_url: str) -> None:
    app = migration_app(database_url)
    with psycopg.connect(libpq_url(database_url), autocommit=True, connect_timeout=10) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        try:
            with app.app_context():
                flask_migrate.upgrade()
        finally:
            connection.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


def main() -> int:
    try:
        settings = Settings.from_env()
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    upgrade(settings.database_url)
    return 0


if __name__ == "__main__":
    sys.exit(main())
