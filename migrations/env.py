"""Alembic's environment: the models' metadata, the app's engine, one transaction a migration."""

from __future__ import annotations

import re
from typing import Any

from alembic import context
from flask import current_app

import dashboard.models  # noqa: F401 - fills the metadata

# A month of usage is a table to PostgreSQL and a part of one to us.
PARTITION = re.compile(r"usage_record_\d{4}_\d\d")

database = current_app.extensions["migrate"].db


def ours(name: str | None, kind: str, parents: Any) -> bool:
    return not (kind == "table" and name and PARTITION.fullmatch(name))


def run() -> None:
    with database.engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=database.metadata,
            transaction_per_migration=True,
            compare_type=True,
            include_name=ours,
        )
        with context.begin_transaction():
            context.run_migrations()


run()
