"""`make bench`: the budget table of the design, measured here. SIZE=small|usual|full."""

from __future__ import annotations

import os
import sys
import time

from bench import billing, data, export, home, lists, usage, usage_list
from bench.measure import Row, show
from dashboard import create_app
from dashboard.config import Settings
from dashboard.extensions import db
from tests.support.servers import RunningServers, Servers
from tests.support.staff import Client, hashed_password, insert_staff, load_staff, session_cookie


def main() -> int:
    name = os.environ.get("SIZE", "usual")
    size = data.SIZES.get(name)
    if size is None:
        print(f"SIZE must be one of {', '.join(data.SIZES)}.")
        return 2
    # What a server with these books would be given.
    running = RunningServers(shared_buffers="2GB", max_wal_size="4GB")
    try:
        for row_set in measured(running.servers, size):
            show(row_set)
        show(billing.rows(running.servers, name))
        show(usage_list.rows(running.servers, name))
        show(usage.rows(running.servers, name))
    finally:
        running.stop()
    return 0


def measured(servers: Servers, size: data.Size) -> list[list[Row]]:
    url = servers.create_database("bench")
    start = time.perf_counter()
    with servers.superuser("bench") as connection:
        data.load(connection, size)
        took = time.perf_counter() - start
        print(f"{size.invoices:,} invoices of {size.customers:,} customers in {took:.1f} s")
        settings = Settings(
            database_url=url, redis_url=servers.redis_url(1), secret_key="only for the bench, never elsewhere"
        )
        app = create_app(settings)
        app.test_client_class = Client
        with app.app_context():
            insert_staff(servers, "bench", hashed_password(app))
            client = app.test_client()
            agent = client.environ_base["HTTP_USER_AGENT"]
            member = load_staff()["manager"]
            client.set_cookie("billing_session", session_cookie(app, member.id, agent))
            found = [*lists.rows(client), *export.rows(client, connection)]
            found += [*home.rows(client, connection), *pdf_rows()]
            db.session.remove()
            db.engine.dispose()
        return [found]


def pdf_rows() -> list[Row]:
    from bench import pdf

    return list(pdf.rows())


if __name__ == "__main__":
    sys.exit(main())
