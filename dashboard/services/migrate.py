"""Bring the database up to date: `python -m dashboard.services.migrate`.

Several machines may start at once; an advisory lock lets one migrate while the others wait.
"""

from __future__ import annotations

import flask_migrate
import psycopg
from flask import Flask

from dashboard.config import ROOT, Settings, libpq_url

_LOCK = 0x62696C6C  # any number, as long as every version of the dashboard uses the same


def upgrade(app: Flask, database_url: str) -> None:
    with psycopg.connect(libpq_url(database_url), autocommit=True, connect_timeout=10) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        try:
            with app.app_context():
                flask_migrate.upgrade(directory=str(ROOT / "migrations"))
        finally:
            connection.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


def main() -> None:
    from dashboard import create_app

    settings = Settings.from_env()
    upgrade(create_app(settings), settings.database_url)


if __name__ == "__main__":
    main()
