"""Alembic's environment: the models' metadata, the app's engine, one transaction a migration."""

from __future__ import annotations

from alembic import context
from flask import current_app

import dashboard.models  # noqa: F401 - fills the metadata

database = current_app.extensions["migrate"].db


def run() -> None:
    with database.engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=database.metadata,
            transaction_per_migration=True,
            compare_type=True,
        )
        with context.begin_transaction():
            context.run_migrations()


run()
