"""Package charge notices: customers are told of charges some days before they are made, once each."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from sqlalchemy.dialects.postgresql import insert

from dashboard.models import Customer, PackageNotice
from dashboard.operations import mail_texts, mails
from dashboard.operations.base import SYSTEM, session, unit_of_work
from dashboard.operations.errors import OperationError
from dashboard.queries import package_told
from dashboard.queries.package_notices import Notice
from dashboard.queries.package_plan import today_of
from dashboard.rules.money import format_money

log = logging.getLogger("mail")

PORTION = 100
ROUND_SECONDS = 10


def send_due() -> int:
    """The tick's task: one mail for each customer with charges it was not told of; how many."""
    until = time.monotonic() + ROUND_SECONDS
    filed, after = 0, 0
    while customers := package_told.customers_to_tell(PORTION, after=after):
        session().rollback()
        for customer_id in customers:
            filed += _tell(customer_id)
            if time.monotonic() > until:
                return filed
        after = customers[-1]
    session().rollback()
    return filed


def _tell(customer_id: int) -> int:
    """In a transaction of its own, so that one that fails stops no other."""
    try:
        with unit_of_work(SYSTEM):
            recipients = mails.billing_addresses(customer_id)
            coming = package_told.untold(customer_id)
            fresh = _take(coming) if recipients else []
            if not fresh:
                return 0
            mail = mails.file(SYSTEM, _draft(session().get_one(Customer, customer_id), recipients, fresh))
            assert mail is not None
            session().execute(
                insert(PackageNotice)
                .values([_key(one) | {"mail_id": mail.id} for one in fresh])
                .on_conflict_do_update(
                    index_elements=["customer_package_id", "due_on"], set_={"mail_id": mail.id}
                )
            )
            return 1
    except OperationError as error:
        log.warning("customer %s is not told of its charges: %s", customer_id, error)
    except Exception:
        log.exception("customer %s can't be told of its charges; the others go on", customer_id)
    return 0


def _take(coming: Sequence[Notice]) -> list[Notice]:
    """Those that nobody else has told of, which from now on are ours to tell."""
    if not coming:
        return []
    taken = session().execute(
        insert(PackageNotice)
        .values([_key(one) for one in coming])
        .on_conflict_do_nothing()
        .returning(PackageNotice.customer_package_id, PackageNotice.due_on)
    )
    ours = {(row.customer_package_id, row.due_on) for row in taken}
    return [one for one in coming if (one.customer_package_id, one.due_on) in ours]


def _key(one: Notice) -> dict[str, object]:
    return {"customer_package_id": one.customer_package_id, "due_on": one.due_on}


def _draft(customer: Customer, recipients: list[str], coming: Sequence[Notice]) -> mails.Draft:
    said = {
        "charges": [
            {
                "package": one.package_name,
                "date": one.due_on.isoformat(),
                "amount": format_money(one.amount, one.currency),
            }
            for one in coming
        ],
        "notice": {
            "date": coming[0].due_on.isoformat(),
            "days": (coming[0].due_on - today_of(customer)).days,
        },
        "company": mail_texts.company(customer),
    }
    subject, body = mail_texts.render("package_notice", said)
    return mails.Draft("package_notice", recipients, subject, body, customer_id=customer.id)
