"""Invoices and payments are found by their last digits and by reference

Revision: 0004, after 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def _prefixes(name: str, table: str, expression: str) -> None:
    op.create_index(name, table, [sa.text(f"({expression}) text_pattern_ops")])


def upgrade() -> None:
    op.drop_index("ix_invoice_reference", "invoice")
    op.drop_index("ix_payment_reference", "payment")
    _prefixes("ix_invoice_number_reversed", "invoice", "reverse(number)")
    _prefixes("ix_invoice_reference_lower", "invoice", "lower(reference)")
    _prefixes("ix_payment_reference_lower", "payment", "lower(reference)")


def downgrade() -> None:
    op.drop_index("ix_payment_reference_lower", "payment")
    op.drop_index("ix_invoice_reference_lower", "invoice")
    op.drop_index("ix_invoice_number_reversed", "invoice")
    op.create_index("ix_payment_reference", "payment", ["reference"])
    op.create_index("ix_invoice_reference", "invoice", ["reference"])
