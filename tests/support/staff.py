"""The staff of the tests, one a role, and their sessions."""

from __future__ import annotations

import contextvars
import hashlib
import secrets
from typing import Any, cast

from flask import Flask, session
from flask.testing import FlaskClient
from flask_security import hash_password, login_user
from itsdangerous import URLSafeTimedSerializer
from werkzeug.test import TestResponse

from dashboard.extensions import db
from dashboard.models import Staff
from dashboard.operations.base import Actor
from tests.support.servers import Servers

ROLES = ("viewer", "clerk", "manager", "admin")
PASSWORD = "correct horse battery staple"
NAMES = {
    "viewer": "Vera Viewer",
    "clerk": "Clark Clerk",
    "manager": "Mona Manager",
    "admin": "Ada Admin",
}


def email_of(role: str) -> str:
    return f"{role}@example.com"


def insert_staff(servers: Servers, database: str, password_hash: str) -> None:
    """One account a role, put in from outside so that the audit log of the test begins empty."""
    with servers.superuser(database) as connection:
        connection.execute("SET session_replication_role = replica")
        for role in ROLES:
            connection.execute(
                "INSERT INTO staff (email, name, role, password, fs_uniquifier) VALUES (%s, %s, %s, %s, %s)",
                [email_of(role), NAMES[role], role, password_hash, secrets.token_hex(16)],
            )


def hashed_password(app: Flask) -> str:
    with app.test_request_context():
        return str(hash_password(PASSWORD))


def load_staff() -> dict[str, Staff]:
    found = db.session.query(Staff).filter(Staff.email.in_([email_of(role) for role in ROLES]))
    return {member.role: member for member in found}


def actor_for(member: Staff) -> Actor:
    return Actor(id=member.id, name=member.name, role=member.role)


def session_cookie(app: Flask, member_id: int, user_agent: str) -> str:
    """The cookie of somebody who has just signed in, made by the application's own sign-in."""

    def sign_in() -> str:
        environ = {"REMOTE_ADDR": "127.0.0.1", "HTTP_USER_AGENT": user_agent}
        with app.test_request_context("/", environ_overrides=environ):
            login_user(db.session.get(Staff, member_id))
            # The signal handlers of sign-in may have written; a request would commit at its end.
            db.session.commit()
            serializer: Any = cast(Any, app.session_interface).get_signing_serializer(app)
            return str(serializer.dumps(dict(session)))

    return contextvars.Context().run(sign_in)


class Client(FlaskClient):
    """A test client whose requests run on their own: the test's database session and signed-in user are not
    theirs. Unsafe methods carry the CSRF token, unless `csrf=False`."""

    def open(self, *args: Any, csrf: bool = True, **kwargs: Any) -> TestResponse:
        if csrf and str(kwargs.get("method", "GET")).upper() not in ("GET", "HEAD", "OPTIONS"):
            headers = dict(kwargs.pop("headers", None) or {})
            headers.setdefault("X-CSRFToken", self.csrf_token())
            kwargs["headers"] = headers
        db.session.commit()  # what the test prepared is there for the request
        response = contextvars.Context().run(super().open, *args, **kwargs)
        db.session.expire_all()  # and what the request wrote is there for the test
        return response

    def csrf_token(self) -> str:
        with self.session_transaction() as stored:
            raw = stored.setdefault("csrf_token", hashlib.sha256(secrets.token_bytes(32)).hexdigest())
        signer = URLSafeTimedSerializer(str(self.application.secret_key), salt="wtf-csrf-token")
        return str(signer.dumps(raw))
