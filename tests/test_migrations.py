"""The migrations make the tables that the models describe, can be undone, and leave nothing unwatched."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect, text

from dashboard import create_app
from dashboard.config import Settings
from dashboard.extensions import db
from dashboard.models import Base
from tests.support.servers import Servers

# Written by machines for machines; everything else is the business of staff.
NOT_WATCHED = {"audit_entry", "document", "document_part", "form_key", "heartbeat", "job", "number_series"}
# Only ever added to, by millions: what brought them in is recorded, and they are their own history.
NOT_WATCHED |= {
    "rate",
    "usage_record",
    "usage_day",
    "usage_day_open",
    "usage_unmatched",
    "usage_fault",
    "usage_import",
}
NOT_WATCHED |= {"billing_run_row", "free_minute_use"}
# Sums of what is watched.
NOT_WATCHED |= {"book_sum"}
# Ledgers and versions: they are their own history.
NOT_WATCHED |= {"mail", "mail_attachment", "mail_attempt", "schedule_run", "invoice_template_version"}
NOT_WATCHED |= {"package_notice"}


@pytest.fixture
def empty(servers: Servers, worker_number: int, settings: Settings) -> Iterator[Flask]:
    """An application on a database without any table."""
    name = f"migrations_{worker_number}"
    url = servers.create_empty_database(name)
    app = create_app(Settings(url, settings.redis_url, settings.secret_key, data_dir=settings.data_dir))
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()
    servers.drop_database(name)


def test_models_and_migrations_agree(empty: Flask) -> None:
    upgrade()
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_every_business_table_is_watched(empty: Flask) -> None:
    upgrade()
    watched = set(
        db.session.scalars(text("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'audit'"))
    )
    assert watched == set(Base.metadata.tables) - NOT_WATCHED


def test_migrations_can_be_undone_and_done_again(empty: Flask) -> None:
    upgrade()
    downgrade(revision="base")
    assert inspect(db.engine).get_table_names() == ["alembic_version"]
    upgrade()
    assert set(inspect(db.engine).get_table_names()) == {*Base.metadata.tables, "alembic_version"}
