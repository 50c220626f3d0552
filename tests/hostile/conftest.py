from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from dashboard.extensions import db
from tests.hostile.targets import Books


@pytest.fixture
def books(app: Flask, staff: dict[str, Any]) -> Books:
    """Records that are as they should be, for the forms to refer to."""
    made = Books.made()
    db.session.commit()
    return made
