"""What mails say."""

from __future__ import annotations

import pytest

from dashboard.models.mail import MAIL_KINDS
from dashboard.operations import mail_texts


@pytest.mark.parametrize("kind", list(MAIL_KINDS))
def test_every_kind_has_a_stock_text_that_its_sample_fills(app, kind):
    subject, body = mail_texts.render(kind, mail_texts.SAMPLES[kind])
    assert subject and "{" not in subject + body and "\n" not in subject
    assert body.endswith("\n") and "\n\n\n" not in body, body
